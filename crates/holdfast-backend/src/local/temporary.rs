//! Files in `tmp/`: half-written objects, under names that identify their writers.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::disk::DiskOperations;
use super::folder_flags;
use super::maker::{Fate, TemporaryOwner};
use crate::BackendError;
use crate::error::is_absent;
use crate::name::TEMPORARY;

/// A temporary name, removed when this is dropped.
#[derive(Debug)]
pub(super) struct Temporary<'a> {
    disk: &'a dyn DiskOperations,
    path: String,
}

impl<'a> Temporary<'a> {
    /// Creates an empty file of this process under a new name, and `tmp/` if necessary.
    pub(super) fn create(
        disk: &'a dyn DiskOperations,
        maker: &TemporaryOwner,
    ) -> io::Result<(Temporary<'a>, File)> {
        let path = new_path(maker)?;
        let file = match disk.create(&path) {
            Err(error) if is_absent(&error) => {
                make_folder(disk)?;
                disk.create(&path)?
            }
            outcome => outcome?,
        };
        Ok((Temporary { disk, path }, file))
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // Best effort. Leftovers are found by `remove_left`, and after a rename there is nothing to
        // remove.
        let _ = self.disk.unlink(&self.path);
    }
}

/// Creates the folder. It need not be durable: a power cut only loses what was not acknowledged.
fn make_folder(disk: &dyn DiskOperations) -> io::Result<()> {
    match disk.make_folder(TEMPORARY) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn new_path(maker: &TemporaryOwner) -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    Ok(format!("{TEMPORARY}/{}", maker.file_name(u64::from_le_bytes(random))))
}

/// Removes the half-written files of processes that ended, and those of others that the caller
/// abandons.
pub(super) fn remove_left(
    root: &OwnedFd,
    this: &TemporaryOwner,
    is_given_up: &mut dyn FnMut(&str, u64) -> bool,
) -> Result<usize, BackendError> {
    let failed =
        |action| move |source| BackendError::from_io(action, TEMPORARY, io::Error::from(source));
    let flags = folder_flags() | OFlags::NOFOLLOW;
    let folder = match rustix::fs::openat(root, TEMPORARY, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(0),
        outcome => outcome.map_err(failed("open"))?,
    };
    let mut removed = 0;
    for entry in Dir::read_from(&folder).map_err(failed("list"))? {
        let entry = entry.map_err(failed("list"))?;
        // Everything else in the folder belongs to someone.
        let Some(file) = entry.file_name().to_str().ok() else { continue };
        let Some(maker) = TemporaryOwner::of_file(file) else { continue };
        let is_left = match maker.fate(this) {
            Fate::AtWork => false,
            Fate::Gone => file_bytes(&folder, file).map_err(failed("inspect"))?.is_some(),
            Fate::Elsewhere => file_bytes(&folder, file)
                .map_err(failed("inspect"))?
                .is_some_and(|bytes| is_given_up(file, bytes)),
        };
        if is_left {
            match rustix::fs::unlinkat(&folder, file, AtFlags::empty()) {
                Err(Errno::NOENT) => {}
                outcome => outcome.map(|()| removed += 1).map_err(failed("clean"))?,
            }
        }
    }
    Ok(removed)
}

/// Length of a regular file.
fn file_bytes(folder: &OwnedFd, file: &str) -> rustix::io::Result<Option<u64>> {
    match rustix::fs::statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            Ok(Some(u64::try_from(stat.st_size).unwrap_or(0)))
        }
        Ok(_) => Ok(None),
    }
}
