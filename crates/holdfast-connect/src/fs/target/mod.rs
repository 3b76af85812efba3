//! Restoring to a file system.
//!
//! Nothing outside the target is ever touched, whatever stands in it and whoever changes it at the
//! same time: every call is relative to the descriptor of a directory that was reached without
//! following a link, and takes a single name. Whoever may rename directories of the target can move
//! one elsewhere while it is open; what is in it then moves along.
//!
//! Entries are made under a temporary name (see [`is_temporary_name`]) and renamed when they are
//! complete.

mod directories;
mod error;
mod implementation;
mod keep;
mod metadata;
mod owner;
mod path;
mod place;
mod pool;
mod remove;
mod resolve;
mod slot;
mod sparse;
mod special;
mod temporary;

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, mkdirat, openat, renameat, statat};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use self::directories::{Directories, Directory};
use self::error::{astray, refused};
pub use self::metadata::AttributeRule;
use self::owner::Owners;
pub use self::owner::Ownership;
use self::pool::Pool;
pub use self::resolve::Resolver;
use self::temporary::Temporaries;
pub use self::temporary::is_temporary_name;
use crate::TargetError;

/// Tries to replace what stands somewhere before whoever keeps putting it there has won.
const TRIES_MAX: u32 = 8;

/// How to restore to a file system.
#[derive(Debug, Clone)]
pub struct FsTargetOptions {
    /// Who restored entries belong to.
    pub ownership: Ownership,
    /// Makes holes of zeros that fill blocks of 4 KiB. Every range of a file must then be written
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
    shared: Arc<Shared>,
    /// True if it was made by [`FsTarget::open`].
    is_new: bool,
}

/// What unfinished files need of their target.
struct Shared {
    directories: Directories,
    owners: Owners,
    attributes: AttributeRule,
    temporaries: Temporaries,
    pool: Pool,
    sparse: bool,
}

impl FsTarget {
    /// Opens the directory `root`, making it (private to the user) and those above it if need be.
    ///
    /// The way to it may lead over links; the way from it never does.
    ///
    /// # Errors
    /// [`TargetError::Io`] if it cannot be made or opened.
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
        let shared = Shared {
            directories: Directories::new(root, options.resolver, user).map_err(refused(action))?,
            owners: Owners::new(options.ownership, user),
            attributes: options.attributes,
            temporaries: Temporaries::new().map_err(|source| TargetError::Io { action, source })?,
            pool: Pool::new(options.open_files),
            sparse: options.sparse,
        };
        Ok(Self { shared: Arc::new(shared), is_new })
    }

    /// The open directory above `path`, and the name in it.
    fn locate<'a>(&self, path: &'a [u8]) -> Result<(Arc<Directory>, &'a [u8]), TargetError> {
        let (above, name) = path::split(path, path::check_name(path)?);
        Ok((self.shared.directories.get(above)?, name))
    }

    fn stat(&self, path: &[u8]) -> Result<Stat, TargetError> {
        let look = refused("look at what stands there");
        if path.is_empty() {
            return fstat(&*self.shared.directories.get(path)?).map_err(look);
        }
        let (directory, name) = self.locate(path)?;
        statat(&*directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(look)
    }
}

impl Shared {
    /// Gives what has a temporary name its final one, replacing what stands there.
    fn rename(
        &self,
        directory: &Directory,
        temporary: &[u8],
        path: &[u8],
        name_start: usize,
    ) -> Result<(), TargetError> {
        let (_, name) = path::split(path, name_start);
        for _ in 0..TRIES_MAX {
            match renameat(directory, temporary, directory, name) {
                Ok(()) => return Ok(()),
                Err(Errno::ISDIR) => self.remove(directory, path, name)?,
                Err(errno) => return Err(refused("give it its name")(errno)),
            }
        }
        Err(refused("give it its name")(Errno::ISDIR))
    }

    fn remove(&self, above: &Directory, path: &[u8], name: &[u8]) -> Result<(), TargetError> {
        self.directories.forget(path);
        remove::remove(above.as_fd(), name).map_err(astray("remove what stands there"))
    }
}
