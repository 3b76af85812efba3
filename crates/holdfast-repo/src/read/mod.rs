//! From the index to plaintext: fetch a frame, open it, check the blob.
//!
//! A prune may move a blob to another pack, and delete the one in which it was, after the index was
//! read and before the blob is. What is not where it should be is therefore looked for again before
//! it is called missing ([`again`]).

mod again;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_format::node::Node;
use holdfast_format::{BlobId, BlobType, name};
use holdfast_seal::FrameOpener;
use lru::LruCache;

use crate::index::{FrameLocation, Location};
use crate::names::object_name;
use crate::object::lost;
use crate::{RepoError, Repository};
pub use again::Places;

/// Frames of trees kept opened, so that neighbouring nodes are not decrypted again and again.
const TREE_FRAMES_KEPT: usize = 12;

/// Reads blobs. Each thread that reads much has its own.
#[derive(Debug)]
pub struct BlobReader<'a> {
    repository: &'a Repository,
    opener: FrameOpener,
    frames: LruCache<u32, Arc<Vec<u8>>>,
    /// Generation with which the index was looked at.
    generation: u64,
}

impl<'a> BlobReader<'a> {
    /// A reader with an empty cache of frames.
    pub fn new(repository: &'a Repository) -> Self {
        let kept = NonZeroUsize::new(TREE_FRAMES_KEPT).unwrap_or(NonZeroUsize::MIN);
        let (opener, frames) = (FrameOpener::new(), LruCache::new(kept));
        Self { repository, opener, frames, generation: repository.index_generation() }
    }

    /// Fetches and opens a frame.
    ///
    /// # Errors
    /// [`RepoError::Damaged`] names the pack; storage failures.
    pub fn frame(&mut self, frame: &FrameLocation) -> Result<Vec<u8>, RepoError> {
        let pack = name::pack(&frame.pack);
        let object = object_name(pack.clone())?;
        let length = frame.sealed_bytes as usize;
        let sealed = self.repository.backend().get_range(&object, frame.offset, length);
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(error) => return Err(RepoError::damaged(pack, lost(error)?)),
        };
        self.opener
            .open(self.repository.keys(), &frame.context, sealed)
            .map_err(|error| RepoError::damaged(pack, error))
    }

    /// The bytes of a blob at one place, checked against its id.
    ///
    /// # Errors
    /// [`RepoError::Damaged`] names the pack; storage failures.
    pub fn blob_at(&mut self, id: &BlobId, location: &Location) -> Result<Vec<u8>, RepoError> {
        let plain = match self.frames.get(&location.frame.number) {
            Some(plain) => Arc::clone(plain),
            None => {
                let plain = Arc::new(self.frame(&location.frame)?);
                self.frames.put(location.frame.number, Arc::clone(&plain));
                plain
            }
        };
        let start = location.offset as usize;
        let bytes = plain.get(start..start + location.bytes as usize).ok_or_else(|| {
            RepoError::damaged(name::pack(&location.frame.pack), "a blob ends outside its frame")
        })?;
        self.repository
            .keys()
            .check_blob(location.frame.context.blob_type, id, bytes)
            .map_err(|error| RepoError::damaged(name::pack(&location.frame.pack), error))?;
        Ok(bytes.to_vec())
    }

    /// The bytes of a blob, from the first of its places that gives them.
    ///
    /// # Errors
    /// [`RepoError::BlobMissing`]; [`RepoError::Overtaken`]; the error of the last place that was
    /// tried.
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
        let places = Places::new(self.repository).of(id, blob_type)?;
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

/// A reader shared by threads that read little.
#[derive(Debug)]
pub struct SharedReader<'a>(Mutex<BlobReader<'a>>);

impl<'a> SharedReader<'a> {
    /// A reader with an empty cache of frames.
    pub fn new(repository: &'a Repository) -> Self {
        Self(Mutex::new(BlobReader::new(repository)))
    }

    /// As [`BlobReader::node`].
    ///
    /// # Errors
    /// As there.
    pub fn node(&self, id: &BlobId) -> Result<Node, RepoError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).node(id)
    }
}
