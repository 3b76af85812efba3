//! Looking again: a prune that ran at the same time has recorded what it moved and deleted.

use holdfast_backend::BackendError;
use holdfast_format::name::Chain;
use holdfast_format::{BlobId, BlobType};

use crate::index::{BlobLocation, IndexReader};
use crate::names::object_name;
use crate::{RepoError, Repository};

impl Repository {
    /// Brings the index up to date if there are records newer than `generation`, the generation of
    /// the index at the last lookup, and advances it. False if there is nothing new: what was
    /// missing is missing.
    ///
    /// Nothing is deleted without a record that says so, so this costs one or two requests if there
    /// is none.
    ///
    /// # Errors
    /// Storage failures; damaged chains.
    pub fn look_again(&self, generation: &mut u64) -> Result<bool, RepoError> {
        let mut history = self.history();
        if self.index_generation() == *generation && self.has_generation(*generation)? {
            self.refresh_with(&mut history)?;
        }
        let before = std::mem::replace(generation, self.index_generation());
        Ok(before != *generation)
    }

    fn has_generation(&self, sequence: u64) -> Result<bool, RepoError> {
        let chain = Chain::Generations;
        for name in std::iter::once(chain.record(sequence)).chain(chain.second(sequence)) {
            match self.backend().size(&object_name(name)?) {
                Ok(_) => return Ok(true),
                Err(BackendError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }
}

/// An index as it was read once, for many lookups; missing blobs are looked up again.
#[derive(Debug)]
pub struct LocationLookup<'a> {
    repository: &'a Repository,
    index: IndexReader,
    generation: u64,
}

impl<'a> LocationLookup<'a> {
    /// The current index.
    pub fn new(repository: &'a Repository) -> Self {
        let generation = repository.index_generation();
        Self { repository, index: repository.index().reader(), generation }
    }

    /// The first location of a blob.
    ///
    /// # Errors
    /// As [`LocationLookup::of`].
    pub fn locate(&self, id: &BlobId) -> Result<BlobLocation, RepoError> {
        let mut places = self.index.known_locations(id)?;
        if places.is_empty() {
            places = self.look_again(id, |_| true)?;
        }
        places.into_iter().next().ok_or(RepoError::BlobMissing { id: *id })
    }

    /// All locations of a blob of this type; there is at least one.
    ///
    /// # Errors
    /// [`RepoError::BlobMissing`]; [`RepoError::Overtaken`]; storage and cache failures.
    pub fn of(&self, id: &BlobId, blob_type: BlobType) -> Result<Vec<BlobLocation>, RepoError> {
        let is_wanted = |place: &BlobLocation| place.frame.context.blob_type == blob_type;
        let mut places = self.index.known_locations(id)?;
        places.retain(is_wanted);
        if places.is_empty() { self.look_again(id, is_wanted) } else { Ok(places) }
    }

    /// Looks in the current index, then in newer objects, then in a rebuilt index.
    fn look_again(
        &self,
        id: &BlobId,
        is_wanted: impl Fn(&BlobLocation) -> bool,
    ) -> Result<Vec<BlobLocation>, RepoError> {
        let mut generation = self.generation;
        loop {
            let is_newest = !self.repository.look_again(&mut generation)?;
            let index = self.repository.index().reader();
            let mut places = match is_newest {
                true => index.locations(id)?,
                false => index.known_locations(id)?,
            };
            places.retain(&is_wanted);
            if !places.is_empty() {
                return Ok(places);
            }
            if is_newest {
                // Nothing that a snapshot needs is deleted before the snapshot is forgotten.
                return Err(match self.repository.history().has_deleted_since() {
                    true => RepoError::Overtaken,
                    false => RepoError::BlobMissing { id: *id },
                });
            }
        }
    }
}
