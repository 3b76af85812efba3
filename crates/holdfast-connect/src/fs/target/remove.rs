//! Removing trees of any depth with one open directory, following no link.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, fstat, openat, unlinkat};
use rustix::io::{Errno, Result};

use super::resolve::open_child_usable;

/// Bytes of directory entries read at a time.
const LIST_BYTES: usize = 32 * 1024;

/// Removes what is called `name`, with all below it; nothing happens if it is not there.
pub(super) fn remove(above: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    match unlinkat(above, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => remove_tree(above, name),
        Err(errno) => Err(errno),
    }
}

/// Names and kinds in an open directory (which is read from where it was left off).
pub(super) fn entries(directory: BorrowedFd<'_>) -> Result<Vec<(Vec<u8>, FileType)>> {
    let mut buffer = vec![MaybeUninit::uninit(); LIST_BYTES];
    let mut listing = RawDir::new(directory, &mut buffer);
    let mut entries = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            entries.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(entries)
}

/// A directory on the way down.
struct Level {
    /// Its name in the directory above.
    name: Vec<u8>,
    /// Device and inode of the directory above.
    above: (u64, u64),
    /// Directories in it that are still there.
    remaining: Vec<Vec<u8>>,
}

/// Goes down and up with a single descriptor, so that depth costs neither stack nor descriptors.
fn remove_tree(top: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    let mut levels = Vec::new();
    let mut here = enter(top, name, &mut levels)?;
    while let Some(level) = levels.last_mut() {
        if let Some(name) = level.remaining.pop() {
            here = enter(here.as_fd(), &name, &mut levels)?;
            continue;
        }
        let (name, above) = (std::mem::take(&mut level.name), level.above);
        levels.pop();
        here =
            if levels.is_empty() { top.try_clone_to_owned().map_err(errno)? } else { up(&here)? };
        // Somebody who moves directories about must not lead us out of the tree.
        if identity(here.as_fd())? != above {
            return Err(Errno::XDEV);
        }
        match unlinkat(&here, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Opens a directory, removes what is in it but directories, and adds its level.
fn enter(above: BorrowedFd<'_>, name: &[u8], levels: &mut Vec<Level>) -> Result<OwnedFd> {
    let here = open_child_usable(above, name)?;
    let mut level = Level { name: name.to_vec(), above: identity(above)?, remaining: Vec::new() };
    for (name, kind) in entries(here.as_fd())? {
        if kind == FileType::Directory {
            level.remaining.push(name);
            continue;
        }
        match unlinkat(&here, &name[..], AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => level.remaining.push(name),
            Err(errno) => return Err(errno),
        }
    }
    levels.push(level);
    Ok(here)
}

fn up(here: &OwnedFd) -> Result<OwnedFd> {
    openat(here, "..", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn identity(directory: BorrowedFd<'_>) -> Result<(u64, u64)> {
    let stat = fstat(directory)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
