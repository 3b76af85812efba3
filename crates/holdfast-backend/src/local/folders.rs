//! The folders of a repository: created when first needed, and synced, at most once successfully.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::disk::DiskOperations;
use crate::BackendError;

/// Which folders are known to exist durably, so that a put need not check again.
#[derive(Debug)]
pub(super) struct CreatedFolders {
    durable: Mutex<HashSet<String>>,
    sync_failed: AtomicBool,
}

impl CreatedFolders {
    pub(super) fn new() -> CreatedFolders {
        CreatedFolders { durable: Mutex::new(HashSet::new()), sync_failed: AtomicBool::new(false) }
    }

    /// Makes sure that `folder` and its parents exist, durably.
    ///
    /// The parent is synced even if another process made `folder`: that process may not have synced
    /// it yet, and our object must not vanish together with its folder.
    pub(super) fn ensure(
        &self,
        disk: &dyn DiskOperations,
        folder: &str,
    ) -> Result<(), BackendError> {
        if folder.is_empty() || self.is_known(folder) {
            return Ok(());
        }
        let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
        self.ensure(disk, above)?;
        match disk.make_folder(folder) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(BackendError::from_io("create the folder", folder, source));
            }
            _ => {}
        }
        self.sync(disk, above)?;
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
        Ok(())
    }

    /// Forgets what is known, because a folder turned out to be gone.
    pub(super) fn forget(&self) {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Makes the entries of `folder` durable.
    pub(super) fn sync(&self, disk: &dyn DiskOperations, folder: &str) -> Result<(), BackendError> {
        let shown = if folder.is_empty() { "the repository folder" } else { folder };
        self.try_sync(disk, folder).map_err(|source| BackendError::from_io("sync", shown, source))
    }

    /// Like [`CreatedFolders::sync`], for a caller that expects some failures.
    ///
    /// After one failed sync every later one fails too: the kernel may have dropped what it could
    /// not write, and would then report success for a second attempt.
    pub(super) fn try_sync(&self, disk: &dyn DiskOperations, folder: &str) -> io::Result<()> {
        let open = disk.open_folder(folder)?;
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(io::Error::other("an earlier sync failed; open the repository again"));
        }
        disk.sync(&open).inspect_err(|_| self.sync_failed.store(true, Ordering::Release))
    }

    fn is_known(&self, folder: &str) -> bool {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).contains(folder)
    }
}
