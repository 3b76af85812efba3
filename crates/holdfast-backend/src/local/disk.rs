//! The changes a local backend makes to its file system, one method per system call.
//!
//! Their order is what makes a put atomic and durable. This seam lets a test record the order, and
//! stop or fail at every single step.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};

use super::{FOLDER_MODE, folder_flags};

/// Objects are read and written by their owner only. Not 0400: servers that map a read-only file
/// to the read-only attribute (SMB) refuse to delete it, and it would not stop this program, which
/// never opens an object for writing.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Changes below the root folder of a repository. Paths are relative to it; `""` is the root.
pub(super) trait DiskOperations: Send + Sync + Debug {
    /// Creates a file for writing; fails if it exists.
    fn create(&self, path: &str) -> io::Result<File>;
    /// Writes a prefix of the concatenated slices and returns its length.
    fn write(&self, file: &File, slices: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Makes the content of a file, or the entries of a folder, durable.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Makes a folder; fails if it exists.
    fn make_folder(&self, path: &str) -> io::Result<()>;
    /// Opens a folder, to sync it.
    fn open_folder(&self, path: &str) -> io::Result<File>;
    /// Gives a file a second name; fails if that is taken.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;
    /// Renames a file; fails if the new name is taken.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name of a file.
    fn unlink(&self, path: &str) -> io::Result<()>;
}

/// The real one.
#[derive(Debug)]
pub(super) struct Filesystem {
    root: OwnedFd,
}

impl Filesystem {
    pub(super) fn new(root: OwnedFd) -> Filesystem {
        Filesystem { root }
    }
}

impl DiskOperations for Filesystem {
    fn create(&self, path: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.root, path, flags, FILE_MODE)?))
    }

    fn write(&self, mut file: &File, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        file.write_vectored(slices)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        // Unlike a bare fsync, this also empties the drive's cache on macOS.
        file.sync_all()
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.root, path, FOLDER_MODE)?)
    }

    fn open_folder(&self, path: &str) -> io::Result<File> {
        let path = if path.is_empty() { "." } else { path };
        Ok(File::from(rustix::fs::openat(&self.root, path, folder_flags(), Mode::empty())?))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.root, from, &self.root, to, AtFlags::empty())?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let flags = RenameFlags::NOREPLACE;
        Ok(rustix::fs::renameat_with(&self.root, from, &self.root, to, flags)?)
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.root, path, AtFlags::empty())?)
    }
}
