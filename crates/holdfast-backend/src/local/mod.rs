//! Objects as files in a folder of this machine, or of a network share.
//!
//! `packs/ab/c0ffee` is the file of that path inside the repository. Half-written files are in
//! `tmp/` until they are complete, so that a file outside `tmp/` is always a whole object.
//!
//! The promises depend on the file system: a hard link is created only if the name is free, and
//! what `fsync` acknowledged survives a power cut.

mod disk;
mod folders;
mod handles;
mod list;
mod maker;
#[cfg(test)]
mod model_test;
#[cfg(test)]
mod order_tests;
mod put;
mod read;
#[cfg(test)]
mod recorder;
mod remove;
mod reserve;
mod temporary;
#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{Mode, OFlags};

use self::disk::{DiskOperations, Filesystem};
use self::folders::CreatedFolders;
use self::handles::FolderHandles;
use self::maker::TemporaryOwner;
use crate::{Backend, BackendError, ListedObject, ObjectName, StorageLocation};

/// Only the owner may enter the folders of a repository.
const FOLDER_MODE: Mode = Mode::RWXU;

/// A repository in a folder.
///
/// It holds the folder open, so later changes of the working directory, or of what the path refers
/// to, do not matter.
#[derive(Debug)]
pub struct Local {
    root: OwnedFd,
    /// The operations whose order makes a put durable; tests put a recorder here.
    disk: Box<dyn DiskOperations>,
    folders: CreatedFolders,
    handles: FolderHandles,
    place: StorageLocation,
    /// The process that writes its half-written files.
    maker: TemporaryOwner,
}

impl Local {
    /// Creates the folder `path` with mode 0700, durably, and opens it. An existing folder is
    /// opened as it is: whether it holds a repository is visible from its objects, and an
    /// interrupted creation can be repeated.
    ///
    /// The parent folder must exist: a missing one often means that a disk is not mounted.
    ///
    /// Errors: `NotFound` if the parent folder does not exist.
    pub fn create(path: impl AsRef<Path>) -> Result<Local, BackendError> {
        let path = path.as_ref();
        let failed = |source| BackendError::from_lookup("create", &path.to_string_lossy(), source);
        match rustix::fs::mkdir(path, FOLDER_MODE) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(source) => return Err(failed(source)),
        }
        let local = Local::open(path)?;
        let above = rustix::fs::openat(&local.root, "..", folder_flags(), Mode::empty());
        above.and_then(rustix::fs::fsync).map_err(failed)?;
        Ok(local)
    }

    /// Opens the folder `path`. Writes nothing, so read-only media will do.
    ///
    /// Errors: `NotFound` if there is nothing at that path; `Io` if it is not a folder.
    pub fn open(path: impl AsRef<Path>) -> Result<Local, BackendError> {
        let path = path.as_ref();
        let failed = |source| match source {
            // For an object this means that it does not exist; here something is in the way.
            rustix::io::Errno::NOTDIR => {
                BackendError::from_io("open", &path.to_string_lossy(), source)
            }
            source => BackendError::from_lookup("open", &path.to_string_lossy(), source),
        };
        let root = rustix::fs::open(path, folder_flags(), Mode::empty()).map_err(failed)?;
        let disk =
            Filesystem::new(root.try_clone().map_err(|source| {
                BackendError::from_io("open", &path.to_string_lossy(), source)
            })?);
        let place = StorageLocation::of_folder(path, &root);
        let (disk, folders, handles) =
            (Box::new(disk), CreatedFolders::new(), FolderHandles::new());
        Ok(Local { root, disk, folders, handles, place, maker: TemporaryOwner::this() })
    }

    /// Removes half-written files of processes that ended; returns how many. Those of live
    /// processes are kept. If a process ran before the last boot, on another machine or in another
    /// container, so that its state is unknown, `is_given_up` decides by the file's name, which is
    /// never reused, and its length in bytes.
    ///
    /// A put whose file is removed nevertheless writes it again. Nothing is promised about
    /// durability: a file that reappears is removed next time.
    pub fn remove_temporaries(
        &self,
        is_given_up: &mut dyn FnMut(&str, u64) -> bool,
    ) -> Result<usize, BackendError> {
        temporary::remove_left(&self.root, &self.maker, is_given_up)
    }

    /// Reserves about a MiB of disk space for when the disk is full: in files in `tmp/`, of which
    /// missing ones are created. See [`Reserve`](crate::Reserve).
    ///
    /// Errors: `NoSpace` if there is no room for all of it; the part created so far is kept.
    pub fn fill_reserve(&self) -> Result<(), BackendError> {
        reserve::fill(&self.root)
    }

    /// Releases a part of what [`fill_reserve`](Local::fill_reserve) reserved; false if nothing is
    /// left.
    pub fn spend_reserve(&self) -> Result<bool, BackendError> {
        reserve::spend(&self.root)
    }
}

/// True if a file in the folder `tmp` of a repository is named like one of this program's.
#[must_use]
pub fn is_own_temporary(file: &str) -> bool {
    TemporaryOwner::of_file(file).is_some() || reserve::is_of_reserve(file)
}

impl Backend for Local {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        put::put(self, name, parts)
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        read::get(self, name, bytes_max)
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        read::get_range(self, name, offset, length)
    }

    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        read::size(self, name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        list::list(&self.root, prefix)
    }

    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        remove::delete(self, name)
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        remove::quarantine(self, name)
    }

    fn place(&self) -> StorageLocation {
        self.place.clone()
    }
}

/// How folders are opened, to be read or synced.
fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}
