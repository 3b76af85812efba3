//! The records and objects of an open repository: what the verbs read, add and move, without its
//! storage and keys.

use holdfast_backend::{BackendError, ListedObject};
use holdfast_format::index::PackEntry;
use holdfast_format::record::{GenerationBody, WriterBody};
use holdfast_format::{ObjectId, WriterId, name};

use crate::chain::Appended;
use crate::history::History;
use crate::index::{read_index_object, read_pack_directory};
use crate::names::object_name;
use crate::object::{Fetched, fetch, fetch_range};
use crate::write::IndexWriter;
use crate::{RepoError, Repository};

impl Repository {
    /// Appends to the chain of generations and returns the slot of the record. `body` is called
    /// again each time another process has added to the chain first, and may abandon the attempt
    /// by returning `None`.
    ///
    /// # Errors
    /// Storage failures; damaged chains.
    pub fn append(
        &self,
        body: impl FnMut(&History) -> Option<GenerationBody>,
    ) -> Result<Option<u64>, RepoError> {
        self.history().append_generation(self.backend(), self.keys(), body)
    }

    /// Tries to append to a writer's chain. Returns the record that is in the way, after applying
    /// it to the history.
    ///
    /// # Errors
    /// Storage failures.
    pub fn append_to(
        &self,
        writer: WriterId,
        body: &WriterBody,
    ) -> Result<Appended<WriterBody>, RepoError> {
        self.history().append_writer(self.backend(), self.keys(), writer, body)
    }

    /// All chains as the repository has them now, read from their beginning.
    ///
    /// # Errors
    /// Storage failures.
    pub fn read_history(&self) -> Result<History, RepoError> {
        let mut history = History::default();
        self.catch_up(&mut history)?;
        Ok(history)
    }

    /// Reads into `history` what was added to the chains since it was read.
    ///
    /// # Errors
    /// Storage failures.
    pub fn catch_up(&self, history: &mut History) -> Result<(), RepoError> {
        history.refresh(self.backend(), self.keys())
    }

    /// The objects in a folder, or all with an empty name.
    ///
    /// # Errors
    /// Storage failures.
    pub fn list(&self, folder: &str) -> Result<Vec<ListedObject>, RepoError> {
        Ok(self.backend().list(folder)?)
    }

    /// Reads a whole object of at most `bytes_max`.
    ///
    /// # Errors
    /// Storage failures that are not about this one object.
    pub fn fetch(&self, name: &str, bytes_max: u64) -> Result<Fetched, RepoError> {
        fetch(self.backend(), name, bytes_max)
    }

    /// Reads a part of an object; the inner error says why the storage does not return it.
    ///
    /// # Errors
    /// Storage failures that are not about this one object.
    pub fn fetch_range(
        &self,
        name: &str,
        offset: u64,
        bytes: usize,
    ) -> Result<Result<Vec<u8>, String>, RepoError> {
        fetch_range(self.backend(), name, offset, bytes)
    }

    /// The size of an object; `None` if it is missing.
    ///
    /// # Errors
    /// Storage failures.
    pub fn object_bytes(&self, name: &str) -> Result<Option<u64>, RepoError> {
        match self.backend().size(&object_name(name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BackendError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The contents of an index object.
    ///
    /// # Errors
    /// [`RepoError::Damaged`] if it is missing or cannot be used; other storage failures.
    pub fn index_object(&self, id: &ObjectId) -> Result<Vec<PackEntry>, RepoError> {
        read_index_object(self.backend(), self.keys(), id)
    }

    /// The directory at the end of a pack.
    ///
    /// # Errors
    /// [`RepoError::Damaged`] names the pack; other storage failures.
    pub fn pack_directory(&self, id: &ObjectId) -> Result<PackEntry, RepoError> {
        read_pack_directory(self.backend(), self.keys(), id)
    }

    /// Writes index objects for packs that exist. They count once a record names them.
    pub fn index_writer(&self) -> IndexWriter<'_> {
        IndexWriter::new(self)
    }

    /// Stores a lost copy of an object again. The process that wrote the other copy may just have
    /// stored this one too, and a key slot may have been removed at the same time.
    ///
    /// # Errors
    /// Storage failures.
    pub fn restore_copy(&self, name: &str, object: &[u8]) -> Result<(), RepoError> {
        match self.backend().put(&object_name(name)?, &[object]) {
            Ok(()) | Err(BackendError::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        name::slot_id(name).map_or(Ok(()), |id| self.take_back_if_removed(&id))
    }

    /// Deletes an object that a record allows to be deleted; a missing one is no error.
    ///
    /// # Errors
    /// Storage failures.
    pub fn delete(&self, name: &str) -> Result<(), RepoError> {
        unless_missing(self.backend().delete(&object_name(name)?))
    }

    /// Moves a damaged or replaced object to quarantine; a missing one is no error.
    ///
    /// # Errors
    /// Storage failures.
    pub fn quarantine(&self, name: &str) -> Result<(), RepoError> {
        unless_missing(self.backend().quarantine(&object_name(name)?))
    }
}

fn unless_missing(outcome: Result<(), BackendError>) -> Result<(), RepoError> {
    match outcome {
        Ok(()) | Err(BackendError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
