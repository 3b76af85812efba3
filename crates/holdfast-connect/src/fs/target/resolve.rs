//! Opening directories below a directory without ever following a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::{Errno, Result};

use super::path::{cut, cut_one};
use super::place::MetadataPlace;

/// How paths are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// The kernel walks (`openat2`, Linux 5.6); where it cannot, [`Resolver::Walk`].
    Kernel,
    /// One `openat` per component: slower, equally safe, and available everywhere.
    Walk,
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const STEP: OFlags = DIRECTORY.union(OFlags::PATH);
const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

impl Resolver {
    /// What to use below `root`: the kernel's walk needs a kernel that has it and a sandbox that
    /// allows it.
    pub(super) fn available(self, root: BorrowedFd<'_>) -> Self {
        match self {
            Self::Kernel if openat2(root, ".", STEP, Mode::empty(), BENEATH).is_ok() => self,
            _ => Self::Walk,
        }
    }

    /// Opens the directory at `path` below `top`; `path` is checked and not empty.
    ///
    /// Paths of any length work: they are walked in parts that fit into a system call.
    pub(super) fn open(self, top: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
        let mut reached: Option<OwnedFd> = None;
        let mut rest = path;
        loop {
            let from = reached.as_ref().map_or(top, AsFd::as_fd);
            let part;
            (part, rest) = if self == Self::Kernel { cut(rest) } else { cut_one(rest) };
            if rest.is_empty() {
                return self.open_last(from, part);
            }
            reached = Some(self.step(from, part, STEP)?);
        }
    }

    /// Opens for reading, or only for traversal where reading is not allowed.
    fn open_last(self, from: BorrowedFd<'_>, part: &[u8]) -> Result<OwnedFd> {
        match self.step(from, part, DIRECTORY) {
            Err(Errno::ACCESS) => self.step(from, part, STEP),
            result => result,
        }
    }

    fn step(self, from: BorrowedFd<'_>, part: &[u8], flags: OFlags) -> Result<OwnedFd> {
        match self {
            Self::Kernel => openat2(from, part, flags, Mode::empty(), BENEATH),
            Self::Walk => openat(from, part, flags, Mode::empty()),
        }
    }
}

/// Opens the directory called `name` for reading.
pub(super) fn open_child(above: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    openat(above, name, DIRECTORY, Mode::empty())
}

/// Opens the directory called `name` for reading, granting its owner all rights if needed.
///
/// An existing directory may be closed even to the user who owns it; `finish_directory` sets the
/// final mode, or the directory is being removed.
pub(super) fn open_child_usable(above: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    let directory = match open_child(above, name) {
        Err(Errno::ACCESS) => {
            let pinned = openat(above, name, STEP, Mode::empty())?;
            make_usable(MetadataPlace::Pinned(pinned.as_fd()), &pinned)?;
            return open_child(above, name);
        }
        result => result?,
    };
    match make_usable(MetadataPlace::Open(directory.as_fd()), &directory) {
        // It belongs to someone else, who may have granted us rights.
        Ok(()) | Err(Errno::PERM) => Ok(directory),
        Err(errno) => Err(errno),
    }
}

fn make_usable(place: MetadataPlace<'_>, directory: &OwnedFd) -> Result<()> {
    match fstat(directory)?.st_mode & 0o7777 {
        mode if mode & 0o700 == 0o700 => Ok(()),
        mode => place.change_mode(mode | 0o700),
    }
}

/// Opens whatever is called `name` without reading it or affecting it.
pub(super) fn pin(above: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    openat(above, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}
