//! Index objects: packs are collected until there are enough for one.

use holdfast_backend::Backend;
use holdfast_format::index::{self as index_object, PackEntry};
use holdfast_format::{ObjectId, name};
use holdfast_seal::{Keys, seal_index};

use crate::names::object_name;
use crate::{RepoError, Repository};

/// An index object ends with the pack with which it reaches this many blobs: readers and writers
/// hold all of it in memory, about 100 bytes for each blob. Each pack, frame and session has a
/// blob, so it also stays far below the limit of readers.
pub const BLOBS_PER_INDEX_OBJECT: usize = 50_000;

/// Packs that the next index object will list.
#[derive(Debug, Default)]
pub(super) struct IndexBatch {
    packs: Vec<PackEntry>,
    blobs: usize,
}

impl IndexBatch {
    pub fn push(&mut self, pack: PackEntry) {
        self.blobs += pack.frames.iter().map(|frame| frame.blobs.len()).sum::<usize>();
        self.packs.push(pack);
    }

    /// Number of packs.
    pub fn packs(&self) -> usize {
        self.packs.len()
    }

    /// True if no more packs should be added.
    pub fn is_full(&self) -> bool {
        self.blobs >= BLOBS_PER_INDEX_OBJECT
    }

    /// Writes an index object and starts the next; `None` if there are no packs.
    pub fn write(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
    ) -> Result<Option<(ObjectId, Vec<PackEntry>)>, RepoError> {
        let Self { packs, .. } = std::mem::take(self);
        if packs.is_empty() {
            return Ok(None);
        }
        Ok(Some((put_index_object(backend, keys, &packs)?, packs)))
    }
}

/// Writes index objects for packs that exist, a bounded number of blobs in each.
#[derive(Debug)]
pub struct IndexWriter<'a> {
    repository: &'a Repository,
    batch: IndexBatch,
    written: Vec<ObjectId>,
}

impl<'a> IndexWriter<'a> {
    pub(crate) fn new(repository: &'a Repository) -> Self {
        Self { repository, batch: IndexBatch::default(), written: Vec::new() }
    }

    /// Adds a pack to the next index object.
    ///
    /// # Errors
    /// Storage and sealing failures.
    pub fn add(&mut self, pack: PackEntry) -> Result<(), RepoError> {
        self.batch.push(pack);
        if self.batch.is_full() { self.write() } else { Ok(()) }
    }

    /// Writes what is left, and returns all index objects.
    ///
    /// # Errors
    /// Storage and sealing failures.
    pub fn finish(mut self) -> Result<Vec<ObjectId>, RepoError> {
        self.write()?;
        Ok(self.written)
    }

    fn write(&mut self) -> Result<(), RepoError> {
        let written = self.batch.write(self.repository.backend(), self.repository.keys())?;
        self.written.extend(written.map(|(id, _)| id));
        Ok(())
    }
}

/// Writes an index object; an existing one has the same contents.
///
/// # Errors
/// Storage and sealing failures.
pub(crate) fn put_index_object(
    backend: &dyn Backend,
    keys: &Keys,
    packs: &[PackEntry],
) -> Result<ObjectId, RepoError> {
    let object = seal_index(keys, &index_object::encode(packs))?;
    let id = ObjectId::of(&object);
    backend.put(&object_name(name::index(&id))?, &[&object])?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use holdfast_format::directory::FrameEntry;
    use holdfast_format::frame::{Algorithm, BlobEntry};
    use holdfast_format::pack::PackHeader;
    use holdfast_format::{BlobId, BlobType, SessionId, WriterId};

    use super::*;

    fn pack(blobs: usize) -> PackEntry {
        let blob = BlobEntry { id: BlobId::from_bytes([1; 32]), bytes: 10 };
        PackEntry {
            id: ObjectId::of(&blobs.to_le_bytes()),
            bytes: 1000,
            header: PackHeader {
                salt: [0; 16],
                writer: WriterId::from_bytes([0; 16]),
                start_slot: 0,
                sessions: vec![SessionId::from_bytes([0; 32])],
            },
            frames: vec![FrameEntry {
                blob_type: BlobType::Data,
                algorithm: Algorithm::Stored,
                session: 0,
                sealed_bytes: 100,
                blobs: vec![blob; blobs],
            }],
        }
    }

    #[test]
    fn a_batch_is_full_at_its_limit_of_blobs() {
        let mut batch = IndexBatch::default();
        for blobs in [1, BLOBS_PER_INDEX_OBJECT - 2] {
            batch.push(pack(blobs));
            assert!(!batch.is_full());
        }
        batch.push(pack(1));
        assert!(batch.is_full());
        assert_eq!(batch.packs(), 3);
    }
}
