//! Files in `tmp/`: half-written objects under random names.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, Stat};

use super::disk::Disk;
use super::folder_flags;
use crate::Error;
use crate::error::is_absent;
use crate::name::TEMPORARY;

/// A temporary name, removed when this is dropped.
#[derive(Debug)]
pub(super) struct Temporary<'a> {
    disk: &'a dyn Disk,
    path: String,
}

impl<'a> Temporary<'a> {
    /// Creates an empty file under a new random name, and `tmp/` with it if need be.
    pub(super) fn create(disk: &'a dyn Disk) -> io::Result<(Temporary<'a>, File)> {
        let path = random_path()?;
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
        // Best effort. What stays behind is found by `remove_stale`, and after a rename there is
        // nothing to remove.
        let _ = self.disk.unlink(&self.path);
    }
}

/// The folder need not be durable: a power cut takes only what was not acknowledged.
fn make_folder(disk: &dyn Disk) -> io::Result<()> {
    match disk.make_folder(TEMPORARY) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn random_path() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(format!("{TEMPORARY}/{:032x}", u128::from_le_bytes(random)))
}

/// Removes the files in `tmp/` last written more than `older_than` before `now`.
pub(super) fn remove_stale(
    root: &OwnedFd,
    older_than: Duration,
    now: SystemTime,
) -> Result<usize, Error> {
    let failed = |action| move |source| Error::from_io(action, TEMPORARY, io::Error::from(source));
    let folder = match rustix::fs::openat(root, TEMPORARY, folder_flags(), Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(0),
        outcome => outcome.map_err(failed("open"))?,
    };
    let mut removed = 0;
    for entry in Dir::read_from(&folder).map_err(failed("list"))? {
        let entry = entry.map_err(failed("list"))?;
        if remove_if_stale(&folder, entry.file_name(), older_than, now).map_err(failed("clean"))? {
            removed += 1;
        }
    }
    Ok(removed)
}

fn remove_if_stale(
    folder: &OwnedFd,
    file: &std::ffi::CStr,
    older_than: Duration,
    now: SystemTime,
) -> rustix::io::Result<bool> {
    let stat = match rustix::fs::statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT) => return Ok(false),
        outcome => outcome?,
    };
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // A file from the future counts as fresh: the clock of a server may be ahead of ours.
    let age = last_written(&stat).and_then(|written| now.duration_since(written).ok());
    if !is_file || age.is_none_or(|age| age <= older_than) {
        return Ok(false);
    }
    match rustix::fs::unlinkat(folder, file, AtFlags::empty()) {
        Err(rustix::io::Errno::NOENT) => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

/// `None` for a time before 1970.
fn last_written(stat: &Stat) -> Option<SystemTime> {
    let since_epoch = Duration::from_secs(u64::try_from(stat.st_mtime).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}
