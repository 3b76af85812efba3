//! Directories that stay reachable without each keeping a file descriptor.
//!
//! An entry may be read long after it was scanned, and items of thousands of directories can be in
//! flight at once. So a directory remembers its location (its parent and its name), and only the
//! [`HANDLES_MAX`] most recently opened ones keep their descriptor. One that has lost its
//! descriptor is reopened along its path, component by component without following links, and must
//! be the same directory as before.
//! Closing descriptors with the last item of a directory would avoid this, but then the number of
//! open ones would be up to the consumer.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use holdfast_format::entry::FileTime;
use rustix::fs::{CWD, Mode, OFlags, Stat};

use super::metadata::{ctime, mtime};
use super::volatile::has_lasting_inodes;

/// Maximum number of directories kept open.
const HANDLES_MAX: usize = 128;

/// A directory found by the scan.
#[derive(Debug)]
pub(super) struct ScannedDirectory {
    parent: Option<Arc<ScannedDirectory>>,
    /// Directories above.
    depth: u64,
    name: CString,
    /// It is above what the user named: links are followed, and its entries are not listed.
    is_above_named: bool,
    /// The directory as it was when first opened. What the scan saw earlier does not count: opening
    /// a directory may mount a file system on it.
    opened: OnceLock<DirectoryStamp>,
    handle: Mutex<Option<Arc<OwnedFd>>>,
    handles: Arc<DirectoryHandles>,
}

/// How to recognize that a directory is still the same.
#[derive(Debug, Clone, Copy)]
struct DirectoryStamp {
    identity: (u64, u64),
    changes: (FileTime, FileTime),
    has_lasting_inodes: bool,
}

impl DirectoryStamp {
    fn new(file: &OwnedFd) -> io::Result<Self> {
        let status = rustix::fs::fstat(file)?;
        Ok(Self {
            identity: identity(&status),
            changes: (mtime(&status), ctime(&status)),
            has_lasting_inodes: has_lasting_inodes(file)?,
        })
    }

    /// True if the same path led to the same directory both times. Inode numbers that last only as
    /// long as the kernel remembers them prove nothing; a file system that was remounted in between
    /// has a new device number, but the directory its old times.
    fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
            || self.changes == other.changes
            || !(self.has_lasting_inodes || other.has_lasting_inodes)
    }
}

/// Which directories are open.
#[derive(Debug, Default)]
pub(super) struct DirectoryHandles {
    open: Mutex<VecDeque<Weak<ScannedDirectory>>>,
}

impl ScannedDirectory {
    /// The root of the file system, which may itself be named.
    pub(super) fn root(is_above_named: bool) -> Arc<Self> {
        Arc::new(Self {
            parent: None,
            depth: 0,
            name: c"/".to_owned(),
            is_above_named,
            opened: OnceLock::new(),
            handle: Mutex::default(),
            handles: Arc::default(),
        })
    }

    /// Directories above it.
    pub(super) fn depth(&self) -> u64 {
        self.depth
    }

    /// The directory called `name` in this one.
    pub(super) fn child(self: &Arc<Self>, name: &CStr, is_above_named: bool) -> Arc<Self> {
        Arc::new(Self {
            parent: Some(Arc::clone(self)),
            depth: self.depth + 1,
            name: name.to_owned(),
            is_above_named,
            opened: OnceLock::new(),
            handle: Mutex::default(),
            handles: Arc::clone(&self.handles),
        })
    }

    /// Appends the path of the directory, ending in a slash, to `path`.
    pub(super) fn path(&self, path: &mut Vec<u8>) {
        let mut chain = vec![];
        let mut directory = self;
        while let Some(parent) = &directory.parent {
            chain.push(&directory.name);
            directory = parent;
        }
        path.push(b'/');
        for name in chain.iter().rev() {
            path.extend_from_slice(name.to_bytes());
            path.push(b'/');
        }
    }

    /// An open descriptor of the directory.
    pub(super) fn open(self: &Arc<Self>) -> io::Result<Arc<OwnedFd>> {
        if let Some(handle) = lock(&self.handle).as_ref() {
            return Ok(Arc::clone(handle));
        }
        // From the nearest open directory above it, or from the root.
        let mut missing = vec![self];
        let mut base = None;
        let mut above = &self.parent;
        while let Some(parent) = above {
            base = lock(&parent.handle).clone();
            if base.is_some() {
                break;
            }
            missing.push(parent);
            above = &parent.parent;
        }
        while let Some(directory) = missing.pop() {
            base = Some(Arc::new(directory.open_in(base.as_deref())?));
        }
        let handle = base.ok_or(io::ErrorKind::NotFound)?;
        self.keep(&handle);
        Ok(handle)
    }

    /// False if entries may have other inode numbers next time. Known once the directory has been
    /// opened; until then they are assumed to last.
    pub(super) fn has_lasting_inodes(&self) -> bool {
        self.opened.get().is_none_or(|opened| opened.has_lasting_inodes)
    }

    /// Opens the directory in its parent and checks that it is the one that was scanned.
    fn open_in(&self, parent: Option<&OwnedFd>) -> io::Result<OwnedFd> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let flags = match self.is_above_named {
            // Only passed through: the user need not be allowed to list it.
            true => flags | OFlags::PATH,
            false => flags | OFlags::RDONLY | OFlags::NOFOLLOW,
        };
        let file = match parent {
            Some(parent) => open_quietly(parent, &self.name, flags)?,
            None => rustix::fs::openat(CWD, &self.name, flags, Mode::empty())?,
        };
        let found = DirectoryStamp::new(&file)?;
        if !self.opened.get_or_init(|| found).is_same(&found) {
            return Err(io::Error::other("the directory was replaced during the scan"));
        }
        Ok(file)
    }

    /// Keeps the descriptor and closes the one opened longest ago.
    fn keep(self: &Arc<Self>, handle: &Arc<OwnedFd>) {
        *lock(&self.handle) = Some(Arc::clone(handle));
        let mut open = lock(&self.handles.open);
        open.push_back(Arc::downgrade(self));
        let oldest = if open.len() > HANDLES_MAX { open.pop_front() } else { None };
        drop(open);
        if let Some(oldest) = oldest.and_then(|oldest| oldest.upgrade()) {
            lock(&oldest.handle).take();
        }
    }
}

impl Drop for ScannedDirectory {
    /// Drops the directories above one by one: recursion in a very deep tree would overflow the
    /// stack.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut directory) = parent.and_then(Arc::into_inner) {
            parent = directory.parent.take();
        }
    }
}

/// Opens a file or directory without changing its access time, if the user is allowed to.
pub(super) fn open_quietly(directory: &OwnedFd, name: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    let quiet = rustix::fs::openat(directory, name, flags | OFlags::NOATIME, Mode::empty());
    match quiet {
        // Only the owner of a file may leave its access time alone.
        Err(rustix::io::Errno::PERM) => {
            Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?)
        }
        result => Ok(result?),
    }
}

/// Device and inode, which together identify an entry.
pub(super) fn identity(status: &Stat) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

/// Locks; a thread that panicked leaves nothing half done behind the locks of the scan.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_known_by_its_inode_or_by_its_times() {
        let at = |seconds| FileTime { seconds, nanoseconds: 0 };
        let opened = |device, inode, changed, has_lasting_inodes| {
            let changes = (at(changed), at(changed));
            DirectoryStamp { identity: (device, inode), changes, has_lasting_inodes }
        };
        let first = opened(1, 2, 3, true);
        assert!(first.is_same(&opened(1, 2, 4, true)), "something was added to it");
        assert!(first.is_same(&opened(9, 2, 3, true)), "it was remounted");
        assert!(!first.is_same(&opened(1, 5, 6, true)), "another directory has its name");
        let volatile = opened(1, 2, 3, false);
        assert!(volatile.is_same(&opened(1, 5, 6, false)), "the kernel forgot its number");
        assert!(!volatile.is_same(&opened(1, 5, 6, true)), "another file system is there");
    }
}
