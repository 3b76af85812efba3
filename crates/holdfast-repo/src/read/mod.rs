//! From the index to plaintext: fetch a frame, open it, check the blob.
//!
//! A prune may move a blob to another pack, and delete its old pack, after the index was read and
//! before the blob is. A blob that is not where it should be is therefore looked up again before it
//! is reported missing ([`again`]).

mod again;
mod ahead;
mod frames;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use holdfast_backend::Backend;
use holdfast_format::node::Node;
use holdfast_format::{BlobId, BlobType, name};
use holdfast_seal::{FrameOpener, Keys};

use crate::index::{BlobLocation, FrameLocation};
use crate::object::fetch_range;
use crate::{RepoError, Repository};
pub use again::LocationLookup;
pub use ahead::ReadAhead;
pub(crate) use frames::FrameCache;

/// Reads blobs. Each thread that reads much has its own; recently opened frames are shared by all
/// readers of the repository.
#[derive(Debug)]
pub struct BlobReader<'a> {
    repository: &'a Repository,
    opener: FrameOpener,
    /// Generation of the index at the last lookup.
    generation: u64,
}

impl<'a> BlobReader<'a> {
    /// A reader.
    pub fn new(repository: &'a Repository) -> Self {
        let generation = repository.index_generation();
        Self { repository, opener: FrameOpener::new(), generation }
    }

    /// Fetches and opens a frame, without keeping it.
    ///
    /// # Errors
    /// [`RepoError::Damaged`] names the pack; storage failures.
    pub fn frame(&mut self, frame: &FrameLocation) -> Result<Vec<u8>, RepoError> {
        open_frame(self.repository.backend(), self.repository.keys(), &mut self.opener, frame)
    }

    /// The bytes of a blob at one location, checked against its id.
    ///
    /// # Errors
    /// [`RepoError::Damaged`] names the pack; storage failures.
    pub fn blob_at(&mut self, id: &BlobId, location: &BlobLocation) -> Result<Vec<u8>, RepoError> {
        let (backend, keys) = (self.repository.backend(), self.repository.keys());
        let cache = self.repository.frames();
        let plain = open_cached(backend, keys, cache, &mut self.opener, &location.frame)?;
        let start = location.offset as usize;
        let bytes = plain.get(start..start + location.bytes as usize).ok_or_else(|| {
            RepoError::damaged(name::pack(&location.frame.pack), "a blob extends past its frame")
        })?;
        self.repository
            .keys()
            .check_blob(location.frame.context.blob_type, id, bytes)
            .map_err(|error| RepoError::damaged(name::pack(&location.frame.pack), error))?;
        Ok(bytes.to_vec())
    }

    /// The bytes of a blob, from the first location that yields them.
    ///
    /// # Errors
    /// [`RepoError::BlobMissing`]; [`RepoError::Overtaken`]; the error of the last location that
    /// was tried.
    pub fn blob(&mut self, id: &BlobId, blob_type: BlobType) -> Result<Vec<u8>, RepoError> {
        loop {
            match self.blob_as_indexed(id, blob_type) {
                Err(error) if error.may_be_outdated() => {
                    if !self.repository.look_again(&mut self.generation)? {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }

    fn blob_as_indexed(&mut self, id: &BlobId, blob_type: BlobType) -> Result<Vec<u8>, RepoError> {
        let places = LocationLookup::new(self.repository).of(id, blob_type)?;
        let mut failure = RepoError::BlobMissing { id: *id };
        for location in places {
            match self.blob_at(id, &location) {
                Ok(bytes) => return Ok(bytes),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// A tree node.
    ///
    /// # Errors
    /// As [`BlobReader::blob`], and [`RepoError::BadNode`].
    pub fn node(&mut self, id: &BlobId) -> Result<Node, RepoError> {
        let bytes = self.blob(id, BlobType::Tree)?;
        Node::decode(&bytes).map_err(|source| RepoError::BadNode { id: *id, source })
    }
}

/// Fetches and opens a frame.
fn open_frame(
    backend: &dyn Backend,
    keys: &Keys,
    opener: &mut FrameOpener,
    frame: &FrameLocation,
) -> Result<Vec<u8>, RepoError> {
    let pack = name::pack(&frame.pack);
    let sealed = fetch_range(backend, &pack, frame.offset, frame.sealed_bytes as usize)?
        .map_err(|reason| RepoError::damaged(pack.as_str(), reason))?;
    let opened = opener.open(keys, &frame.context, sealed);
    opened.map_err(|error| RepoError::damaged(pack, error))
}

/// A frame from memory, or else fetched, opened and kept.
fn open_cached(
    backend: &dyn Backend,
    keys: &Keys,
    cache: &FrameCache,
    opener: &mut FrameOpener,
    frame: &FrameLocation,
) -> Result<Arc<Vec<u8>>, RepoError> {
    if let Some(plain) = cache.get(frame) {
        return Ok(plain);
    }
    let plain = Arc::new(open_frame(backend, keys, opener, frame)?);
    cache.put(frame, &plain);
    Ok(plain)
}

/// A reader shared by threads that read little.
#[derive(Debug)]
pub struct SharedReader<'a>(Mutex<BlobReader<'a>>);

impl<'a> SharedReader<'a> {
    /// A reader.
    pub fn new(repository: &'a Repository) -> Self {
        Self(Mutex::new(BlobReader::new(repository)))
    }

    /// Like [`BlobReader::node`].
    ///
    /// # Errors
    /// Likewise.
    pub fn node(&self, id: &BlobId) -> Result<Node, RepoError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).node(id)
    }
}
