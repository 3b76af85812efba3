//! Restoring to a file system.
//!
//! Nothing outside the target is ever touched, whatever the target contains and even if other
//! processes change it at the same time: every call is relative to the descriptor of a directory
//! that was reached without following a link, and takes a single name. A process that can rename
//! directories of the target can move one elsewhere while it is open; its contents then move with
//! it.
//!
//! Entries are created under a temporary name (see [`is_temporary_name`]) and renamed when they are
//! complete.

mod directories;
mod error;
mod implementation;
mod journal;
mod keep;
mod leftovers;
mod listing;
mod metadata;
mod owner;
mod path;
mod place;
mod pool;
mod resolve;
mod slot;
mod sparse;
mod special;
mod temporary;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, Stat, fstat, mkdirat, openat, renameat, renameat_with,
    statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use self::directories::{Directories, TargetDirectory};
use self::error::refused;
use self::journal::Journals;
pub use self::metadata::AttributeRule;
use self::owner::OwnerSetter;
pub use self::owner::Ownership;
use self::pool::OpenFilePool;
pub use self::resolve::Resolver;
use self::temporary::Temporaries;
pub use self::temporary::is_temporary_name;
use crate::{Replace, TargetError};

/// Attempts to replace an entry before giving in to a process that keeps recreating it.
const TRIES_MAX: u32 = 8;

/// How to restore to a file system.
#[derive(Debug, Clone)]
pub struct FsTargetOptions {
    /// Who owns restored entries.
    pub ownership: Ownership,
    /// Turns zeros that fill blocks of 4 KiB into holes. Every range of a file must then be written
    /// at most once: zeros do not overwrite.
    pub sparse: bool,
    /// Which extended attributes are restored.
    pub attributes: AttributeRule,
    /// How paths are resolved.
    pub resolver: Resolver,
    /// Files kept open for writing; more may be unfinished. Each may take three descriptors.
    pub open_files: NonZeroUsize,
}

impl Default for FsTargetOptions {
    fn default() -> Self {
        Self {
            ownership: Ownership::ById,
            sparse: false,
            attributes: AttributeRule::All,
            resolver: Resolver::Kernel,
            open_files: const { NonZeroUsize::new(192).unwrap() },
        }
    }
}

/// A directory that is restored to.
pub struct FsTarget {
    shared: Arc<FolderTargetShared>,
    /// True if it was created by [`FsTarget::open`].
    is_new: bool,
}

/// What unfinished files need of their target.
struct FolderTargetShared {
    directories: Directories,
    owners: OwnerSetter,
    attributes: AttributeRule,
    temporaries: Temporaries,
    journals: Journals,
    pool: OpenFilePool,
    sparse: bool,
}

impl FsTarget {
    /// Opens the directory `root`, creating it (private to the user) and its parents if needed.
    ///
    /// Links on the way to it are followed; links below it never are.
    ///
    /// # Errors
    /// [`TargetError::Io`] if it cannot be created or opened.
    pub fn open(root: &Path, options: FsTargetOptions) -> Result<Self, TargetError> {
        let action = "open the target";
        if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
            std::fs::create_dir_all(above).map_err(|source| TargetError::Io { action, source })?;
        }
        let is_new = match mkdirat(rustix::fs::CWD, root, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(refused(action)(errno)),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(rustix::fs::CWD, root, flags, Mode::empty()).map_err(refused(action))?;
        let user = (geteuid().as_raw(), getegid().as_raw());
        let temporaries =
            Temporaries::new().map_err(|source| TargetError::Io { action, source })?;
        let journals = Journals::new(temporaries.journal());
        let shared = FolderTargetShared {
            directories: Directories::new(root, options.resolver, user).map_err(refused(action))?,
            owners: OwnerSetter::new(options.ownership, user),
            attributes: options.attributes,
            temporaries,
            journals,
            pool: OpenFilePool::new(options.open_files),
            sparse: options.sparse,
        };
        Ok(Self { shared: Arc::new(shared), is_new })
    }

    /// The open directory above `path`, and the name in it.
    fn locate<'a>(&self, path: &'a [u8]) -> Result<(Arc<TargetDirectory>, &'a [u8]), TargetError> {
        let (above, name) = path::split(path, path::check_name(path)?);
        Ok((self.shared.directories.get(above)?, name))
    }

    fn stat(&self, path: &[u8]) -> Result<Stat, TargetError> {
        let look = refused("examine the existing entry");
        if path.is_empty() {
            return fstat(&*self.shared.directories.get(path)?).map_err(look);
        }
        let (directory, name) = self.locate(path)?;
        statat(&*directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(look)
    }
}

impl FolderTargetShared {
    /// Creates something in the directory at `above` under a temporary name, after recording where
    /// it will be.
    fn create<T>(
        &self,
        above: &[u8],
        create: impl FnMut(&[u8]) -> Result<T, Errno>,
    ) -> Result<(u64, T), Errno> {
        self.journals.note(&self.directories, above);
        self.temporaries.create(create)
    }

    /// Gives an entry with a temporary name its final one, replacing what `replace` allows.
    fn rename(
        &self,
        directory: &TargetDirectory,
        temporary: &[u8],
        path: &[u8],
        name_start: usize,
        replace: Replace,
    ) -> Result<(), TargetError> {
        let (_, name) = path::split(path, name_start);
        if replace == Replace::Nothing {
            return rename_free(directory, temporary, name);
        }
        for _ in 0..TRIES_MAX {
            match renameat(directory, temporary, directory, name) {
                Ok(()) => return Ok(()),
                Err(Errno::ISDIR) => self.remove(directory, path, name)?,
                Err(errno) => return Err(refused(NAMING)(errno)),
            }
        }
        Err(refused(NAMING)(Errno::ISDIR))
    }

    /// Removes one entry.
    fn remove(&self, above: &TargetDirectory, path: &[u8], name: &[u8]) -> Result<(), TargetError> {
        match unlinkat(above, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR) => {}
            Err(errno) => return Err(refused("remove the existing entry")(errno)),
        }
        match unlinkat(above, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {
                self.directories.forget(path);
                Ok(())
            }
            Err(Errno::NOTEMPTY | Errno::EXIST) => Err(TargetError::Occupied),
            Err(errno) => Err(refused("remove the existing folder")(errno)),
        }
    }
}

const NAMING: &str = "rename it to its final name";

/// Gives an entry with a temporary name its final one, which must be free.
fn rename_free(
    directory: &TargetDirectory,
    temporary: &[u8],
    name: &[u8],
) -> Result<(), TargetError> {
    match renameat_with(directory, temporary, directory, name, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) => return Err(TargetError::Taken),
        // A file system that cannot check and rename in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        Err(errno) => return Err(refused(NAMING)(errno)),
    }
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(TargetError::Taken),
        Err(Errno::NOENT) => {
            renameat(directory, temporary, directory, name).map_err(refused(NAMING))
        }
        Err(errno) => Err(refused(NAMING)(errno)),
    }
}
