//! The file of a cache. Any fault in it leads to a rebuild.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use holdfast_format::RepositoryId;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase};
use zeroize::Zeroizing;

use super::Cache;
use super::blocks::Blocks;
use super::table::{
    BLOBS, COPIES, FRAMES, IDENTITY, INDEX_OBJECTS, NUMBERS, PACK_NUMBERS, PACKS, SCHEMA,
};
use crate::RepoError;
use crate::error::cached;
use crate::index::guard::guarded;
use crate::local;

/// How many processes may have a cache of the same repository at once; each needs a file of its
/// own.
const FILES_MAX: usize = 8;

/// Which cache to open.
#[derive(Debug)]
pub(in crate::index) struct CacheFile {
    /// Folder for this copy of the repository.
    pub folder: PathBuf,
    /// The repository.
    pub repository: RepositoryId,
    /// Key that authenticates the blocks of the file.
    pub key: Zeroizing<[u8; 32]>,
    /// Memory that it may use.
    pub bytes_max: usize,
}

impl Cache {
    /// A cache in memory.
    pub fn in_memory(repository: &RepositoryId, bytes_max: usize) -> Result<Self, RepoError> {
        let backend = InMemoryBackend::new();
        let database = cached(builder(bytes_max).create_with_backend(backend))?;
        Self::prepare(database, None, repository)
    }

    /// Opens the first file in the folder that no other process uses, or replaces it with an empty
    /// one if it `is_rebuilt`.
    pub fn open(wanted: &CacheFile, is_rebuilt: bool) -> Result<Self, RepoError> {
        local::create_place(&wanted.folder).map_err(refused)?;
        for number in 0..FILES_MAX {
            let path = wanted.folder.join(format!("index-{number}.redb"));
            if let Some(cache) = Self::open_file(&path, wanted, is_rebuilt)? {
                return Ok(cache);
            }
        }
        Err(RepoError::Cache(format!("{FILES_MAX} other processes are using this repository")))
    }

    /// The file that it is kept in.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// `None` if another process has the file open.
    fn open_file(
        path: &Path,
        wanted: &CacheFile,
        is_rebuilt: bool,
    ) -> Result<Option<Self>, RepoError> {
        let file = match local::open_file(path) {
            // A link, or a file that others could write: it is removed, and the target is not
            // touched.
            Err(error) => {
                fs::remove_file(path).map_err(|_| refused(error))?;
                local::open_file(path).map_err(refused)?
            }
            Ok(file) => file,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(refused(error)),
        }
        let open = || {
            let blocks = Blocks::new(file.try_clone().map_err(refused)?, wanted.key.clone());
            let database = cached(builder(wanted.bytes_max).create_with_backend(blocks))?;
            Self::prepare(database, Some(path.to_owned()), &wanted.repository)
        };
        if !is_rebuilt && let Ok(cache) = guarded(open) {
            return Ok(Some(cache));
        }
        file.set_len(0).map_err(refused)?;
        open().map(Some)
    }

    /// Creates the tables, or refuses a cache that was made for something else.
    fn prepare(
        database: Database,
        path: Option<PathBuf>,
        repository: &RepositoryId,
    ) -> Result<Self, RepoError> {
        let cache = Self { database, path };
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
            _ => Err(RepoError::Cache("it belongs to another repository or version".to_owned())),
        }
    }
}

fn refused(error: io::Error) -> RepoError {
    RepoError::Cache(error.to_string())
}

fn builder(bytes_max: usize) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(bytes_max);
    builder
}
