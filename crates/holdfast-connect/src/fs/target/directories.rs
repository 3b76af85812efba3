//! Directories of the target, opened once and kept while they are in use.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

use lru::LruCache;
use rustix::fs::{fgetxattr_query, fstat, syncfs};
use rustix::io::Errno;

use super::error::{astray, lock};
use super::path::{is_within, parent};
use super::resolve::Resolver;
use crate::TargetError;

/// Number of directories kept open.
const OPEN_MAX: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// How far up an open directory is searched for before the walk starts at the target itself:
/// searching all the way up would cost the square of the depth.
const ANCESTORS_MAX: usize = 64;

/// An open directory, and what new files in it inherit.
pub(super) struct TargetDirectory {
    fd: OwnedFd,
    /// Owner and group of a new file in it; `None` if that is not certain.
    pub(super) new_owner: Option<(u32, u32)>,
    /// True if new files in it get an access list.
    pub(super) gives_access_list: bool,
    device: u64,
}

impl TargetDirectory {
    /// Examines an open directory.
    ///
    /// A new file gets the effective user and group, except that a set-group-id bit or some mounts
    /// give it the directory's group, and some network file systems another user. Where the
    /// directory belongs to the effective user and group, all of these are the same.
    pub(super) fn new(fd: OwnedFd, user: (u32, u32)) -> Result<Self, Errno> {
        let stat = fstat(&fd)?;
        let new_owner = (user == (stat.st_uid, stat.st_gid)).then_some(user);
        let gives_access_list = fgetxattr_query(&fd, "system.posix_acl_default").is_ok();
        Ok(Self { fd, new_owner, gives_access_list, device: stat.st_dev })
    }
}

impl AsFd for TargetDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The directories of one target.
pub(super) struct Directories {
    root: Arc<TargetDirectory>,
    recent: Mutex<LruCache<Box<[u8]>, Arc<TargetDirectory>>>,
    resolver: Resolver,
    /// Effective user and group.
    user: (u32, u32),
    /// Something open on each file system that was written to. Later write errors are reported to
    /// those who had it open before.
    written: Mutex<HashMap<u64, OwnedFd>>,
}

impl Directories {
    /// Directories at and below `root`.
    pub(super) fn new(root: OwnedFd, resolver: Resolver, user: (u32, u32)) -> Result<Self, Errno> {
        let resolver = resolver.available(root.as_fd());
        let root = Arc::new(TargetDirectory::new(root, user)?);
        let recent = Mutex::new(LruCache::new(OPEN_MAX));
        let this = Self { root, recent, resolver, user, written: Mutex::default() };
        this.sync_later(&this.root, &this.root.fd);
        Ok(this)
    }

    /// Remembers that the file system of a directory must be synced, by a descriptor of something
    /// on it.
    pub(super) fn sync_later(&self, directory: &TargetDirectory, fd: &OwnedFd) {
        let mut written = lock(&self.written);
        if !written.contains_key(&directory.device)
            && let Ok(fd) = fd.try_clone()
        {
            written.insert(directory.device, fd);
        }
    }

    /// Flushes all file systems that were written to.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        lock(&self.written).values().try_for_each(syncfs)
    }

    /// How directories are opened.
    pub(super) fn resolver(&self) -> Resolver {
        self.resolver
    }

    /// The directory at a checked path; anything else there is [`TargetError::Escapes`].
    pub(super) fn get(&self, path: &[u8]) -> Result<Arc<TargetDirectory>, TargetError> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        if let Some(directory) = lock(&self.recent).get(path) {
            return Ok(directory.clone());
        }
        let (above, start) = self.nearest(path);
        let open = self.resolver.open(above.as_fd(), &path[start..]);
        self.keep(path, open.map_err(astray("open the directory"))?)
    }

    /// Keeps a directory that was opened at `path`.
    pub(super) fn keep(
        &self,
        path: &[u8],
        fd: OwnedFd,
    ) -> Result<Arc<TargetDirectory>, TargetError> {
        let directory =
            TargetDirectory::new(fd, self.user).map_err(astray("examine the directory"))?;
        let directory = Arc::new(directory);
        lock(&self.recent).put(path.into(), directory.clone());
        Ok(directory)
    }

    /// Forgets the directory at `path` and all below it, because they no longer exist.
    pub(super) fn forget(&self, path: &[u8]) {
        lock(&self.recent).retain(|kept, _| !is_within(kept, path));
    }

    /// Closes the directory at `path`: it is finished.
    pub(super) fn close(&self, path: &[u8]) {
        let closed = lock(&self.recent).pop(path);
        drop(closed);
    }

    /// The nearest open directory above `path`, and where the path from there begins.
    fn nearest(&self, path: &[u8]) -> (Arc<TargetDirectory>, usize) {
        let mut recent = lock(&self.recent);
        let mut above = parent(path);
        for _ in 0..ANCESTORS_MAX {
            if above.is_empty() {
                break;
            }
            if let Some(directory) = recent.get(above) {
                return (directory.clone(), above.len() + 1);
            }
            above = parent(above);
        }
        (self.root.clone(), 0)
    }
}
