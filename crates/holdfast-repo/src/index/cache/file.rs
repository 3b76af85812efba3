//! The file of a cache. Anything wrong with it means making it anew.

use std::fs;
use std::path::Path;

use holdfast_format::RepositoryId;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase};

use super::Cache;
use super::table::{
    BLOBS, COPIES, FRAMES, IDENTITY, INDEX_OBJECTS, NUMBERS, PACK_NUMBERS, PACKS, SCHEMA,
};
use crate::RepoError;
use crate::error::cached;

/// How many processes may have a cache of the same repository at once; each needs a file of its
/// own.
const FILES_MAX: usize = 8;

impl Cache {
    /// Opens the first file in `folder` that no other process uses; without a folder, a cache in
    /// memory.
    pub fn open(
        folder: Option<&Path>,
        repository: &RepositoryId,
        bytes_max: usize,
    ) -> Result<Self, RepoError> {
        let Some(folder) = folder else {
            let database = cached(builder(bytes_max).create_with_backend(InMemoryBackend::new()))?;
            return Self::prepare(database, repository);
        };
        fs::create_dir_all(folder).map_err(|error| RepoError::Cache(error.to_string()))?;
        for number in 0..FILES_MAX {
            let path = folder.join(format!("index-{number}.redb"));
            if let Some(cache) = Self::open_file(&path, repository, bytes_max)? {
                return Ok(cache);
            }
        }
        Err(RepoError::Cache(format!("{FILES_MAX} other processes use this repository")))
    }

    /// `None` if another process has the file open.
    fn open_file(
        path: &Path,
        repository: &RepositoryId,
        bytes_max: usize,
    ) -> Result<Option<Self>, RepoError> {
        let opened = match builder(bytes_max).create(path) {
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Ok(None),
            Ok(database) => Self::prepare(database, repository),
            Err(error) => Err(RepoError::Cache(error.to_string())),
        };
        if let Ok(cache) = opened {
            return Ok(Some(cache));
        }
        fs::remove_file(path).map_err(|error| RepoError::Cache(error.to_string()))?;
        Self::prepare(cached(builder(bytes_max).create(path))?, repository).map(Some)
    }

    /// Makes the tables, or refuses a cache that was made for something else.
    fn prepare(database: Database, repository: &RepositoryId) -> Result<Self, RepoError> {
        let cache = Self { database };
        if cache.belongs_to(repository)? {
            return Ok(cache);
        }
        let write = cached(cache.database.begin_write())?;
        cached(cached(write.open_table(NUMBERS))?.insert("schema", SCHEMA))?;
        cached(cached(write.open_table(IDENTITY))?.insert("repository", repository.as_bytes()))?;
        cached(write.open_table(INDEX_OBJECTS))?;
        cached(write.open_table(PACKS))?;
        cached(write.open_table(PACK_NUMBERS))?;
        cached(write.open_table(FRAMES))?;
        cached(write.open_table(BLOBS))?;
        cached(write.open_multimap_table(COPIES))?;
        cached(write.commit())?;
        Ok(cache)
    }

    /// False for a new, empty file.
    fn belongs_to(&self, repository: &RepositoryId) -> Result<bool, RepoError> {
        let read = cached(self.database.begin_read())?;
        let numbers = match read.open_table(NUMBERS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(false),
            opened => cached(opened)?,
        };
        let identity = cached(read.open_table(IDENTITY))?;
        let schema = cached(numbers.get("schema"))?.map(|value| value.value());
        let owner = cached(identity.get("repository"))?.map(|value| *value.value());
        match (schema, owner) {
            (Some(SCHEMA), Some(owner)) if owner == *repository.as_bytes() => Ok(true),
            _ => Err(RepoError::Cache("it belongs to something else".to_owned())),
        }
    }
}

fn builder(bytes_max: usize) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(bytes_max);
    builder
}
