//! Where the cache of an index comes from: a file that only this user may write, or else memory. A
//! cache only saves time, so nothing wrong with its file ever ends a command.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_format::RepositoryId;
use holdfast_seal::Keys;

use super::cache::{Cache, CacheFile};
use crate::RepoError;

type Tell = dyn Fn(&str) + Send + Sync;

/// Called once with the reason why the cache cannot be used.
#[derive(Clone, Default)]
pub struct Notice(Option<Arc<Tell>>);

impl Notice {
    /// Calls this.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

/// How the index of a repository is kept on this machine.
#[derive(Debug, Clone, Default)]
pub struct IndexOptions {
    /// Folder of its files; `None` keeps the index in memory.
    pub folder: Option<PathBuf>,
    /// Memory that the cache may use, in bytes.
    pub bytes_max: usize,
    /// True to rebuild the index, whatever the folder contains.
    pub is_rebuilt: bool,
    /// Called with the reason why the cache cannot be used.
    pub notice: Notice,
}

/// Opens caches of one index.
#[derive(Debug)]
pub(super) struct CacheStore {
    repository: RepositoryId,
    bytes_max: usize,
    wanted: Option<CacheFile>,
    notice: Notice,
    /// The file was abandoned.
    is_without: AtomicBool,
}

impl CacheStore {
    pub fn new(options: &IndexOptions, keys: &Keys) -> Self {
        let (repository, bytes_max) = (keys.repository_id(), options.bytes_max);
        let wanted = options.folder.clone().map(|folder| CacheFile {
            key: keys.local_key(b"index"),
            folder,
            repository,
            bytes_max,
        });
        let notice = options.notice.clone();
        Self { repository, bytes_max, wanted, notice, is_without: AtomicBool::new(false) }
    }

    /// A cache: one that an earlier run left, or an empty one.
    pub fn open(&self, is_rebuilt: bool) -> Result<Cache, RepoError> {
        let wanted = self.wanted.as_ref().filter(|_| !self.is_without.load(Ordering::Relaxed));
        if let Some(wanted) = wanted {
            match Cache::open(wanted, is_rebuilt) {
                Ok(cache) => return Ok(cache),
                Err(RepoError::Cache(reason)) => self.give_up(&reason),
                Err(error) => return Err(error),
            }
        }
        Cache::in_memory(&self.repository, self.bytes_max)
    }

    /// An empty cache to replace one that failed.
    pub fn replace(&self, failed: &Cache) -> Result<Cache, RepoError> {
        if let Some(path) = failed.path() {
            let _stays = fs::remove_file(path);
        }
        self.open(true)
    }

    /// Continues without a file.
    pub fn give_up(&self, reason: &str) {
        let is_first = !self.is_without.swap(true, Ordering::Relaxed);
        if let (true, Some(wanted), Some(tell)) = (is_first, &self.wanted, &self.notice.0) {
            tell(&format!("the cache in {} cannot be used: {reason}", wanted.folder.display()));
        }
    }
}
