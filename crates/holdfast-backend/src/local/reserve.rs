//! Space reserved for when the disk is full: to free space, `forget` and `prune` must write records
//! first.
//!
//! It consists of several files in `tmp/`, so that each record uses no more than it needs, and of
//! blocks that are really allocated, so that removing a file really frees them.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{FOLDER_MODE, folder_flags};
use crate::BackendError;
use crate::name::TEMPORARY;

const PREFIX: &str = "reserve.";
/// Room for a record, its folder, and the overhead of a file system.
const FILE_BYTES: u64 = 64 << 10;
const FILES: u32 = 16;

fn file_name(number: u32) -> String {
    format!("{PREFIX}{number:02}")
}

/// True for the names of the files.
pub(super) fn is_of_reserve(file: &str) -> bool {
    let number = file.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
    number.is_some_and(|number: u32| number < FILES && file_name(number) == file)
}

/// Creates the files that are missing or too short.
pub(super) fn fill(root: &OwnedFd) -> Result<(), BackendError> {
    let failed = |source: Errno| BackendError::from_io("keep a reserve in", TEMPORARY, source);
    match rustix::fs::mkdirat(root, TEMPORARY, FOLDER_MODE) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(failed(error)),
    }
    let folder = open_folder(root).map_err(failed)?;
    (0..FILES).try_for_each(|number| fill_one(&folder, &file_name(number))).map_err(failed)
}

fn fill_one(folder: &OwnedFd, file: &str) -> rustix::io::Result<()> {
    match rustix::fs::statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if u64::try_from(stat.st_size) == Ok(FILE_BYTES) => return Ok(()),
        // Left by a run that was killed here.
        Ok(_) => rustix::fs::unlinkat(folder, file, AtFlags::empty())?,
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let open = match rustix::fs::openat(folder, file, flags, Mode::RUSR | Mode::WUSR) {
        // Another process is doing this.
        Err(Errno::EXIST) => return Ok(()),
        outcome => outcome?,
    };
    let filled = allocate(&open);
    if filled.is_err() {
        rustix::fs::unlinkat(folder, file, AtFlags::empty())?;
    }
    filled
}

/// Allocates the blocks. Where the file system cannot do that, they are written, with bytes that no
/// file system can compress or share.
fn allocate(file: &OwnedFd) -> rustix::io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, FILE_BYTES) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
        outcome => return outcome,
    }
    let mut bytes = vec![0; FILE_BYTES as usize];
    getrandom::fill(&mut bytes).map_err(|_| Errno::IO)?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(file, rest))?;
        rest = &rest[written..];
    }
    // Only now is it certain that there was room.
    rustix::fs::fsync(file)
}

/// Removes one of the files; false if there is none left.
pub(super) fn spend(root: &OwnedFd) -> Result<bool, BackendError> {
    let failed = |source: Errno| BackendError::from_io("free the reserve in", TEMPORARY, source);
    let folder = match open_folder(root) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(false),
        outcome => outcome.map_err(failed)?,
    };
    for number in (0..FILES).rev() {
        match rustix::fs::unlinkat(&folder, file_name(number), AtFlags::empty()) {
            Ok(()) => {
                // Blocks of a removed file are freed once the removal is written.
                let _: io::Result<()> = rustix::fs::fsync(&folder).map_err(Into::into);
                return Ok(true);
            }
            Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(false)
}

fn open_folder(root: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let flags = folder_flags() | OFlags::NOFOLLOW;
    rustix::fs::openat(root, TEMPORARY, flags, Mode::empty())
}
