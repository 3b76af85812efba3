//! Creating an object: write aside, sync, link to the final name, sync the folder.
//!
//! In exactly this order:
//! 1. create `tmp/<who>.<random>` and write all parts;
//! 2. fsync that file, so that no name ever refers to bytes that a power cut can take back;
//! 3. make the folders of the final name, syncing the parent of each;
//! 4. link the file to its final name, which fails if the name is taken: at this moment the whole
//!    object comes into existence;
//! 5. remove the temporary name;
//! 6. fsync the folder of the final name, so that the name itself is durable. Only now is the put
//!    acknowledged.
//!
//! A failed fsync is never repeated: the kernel may have dropped the pages it could not write.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;

use super::Local;
use super::disk::DiskOperations;
use super::remove::lacks_exclusive_rename;
use super::temporary::Temporary;
use crate::error::is_absent;
use crate::{BackendError, ObjectName};

/// How often a put starts again because its temporary file was removed.
const ATTEMPTS: usize = 3;

pub(super) fn put(local: &Local, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
    let mut outcome = put_once(local, name, parts)?;
    for _ in 1..ATTEMPTS {
        if !matches!(outcome, Published::Lost(_)) {
            break;
        }
        outcome = put_once(local, name, parts)?;
    }
    match outcome {
        Published::Created => Ok(()),
        Published::Taken => Err(BackendError::AlreadyExists { name: name.to_string() }),
        Published::Lost(source) => Err(BackendError::from_io("create", name.as_str(), source)),
    }
}

/// Result of publishing a name.
enum Published {
    /// It refers to our file.
    Created,
    /// It was taken already.
    Taken,
    /// There was nothing left to publish: a prune elsewhere mistook our file for one left by a dead
    /// process.
    Lost(io::Error),
}

fn put_once(local: &Local, name: &ObjectName, parts: &[&[u8]]) -> Result<Published, BackendError> {
    let disk = local.disk.as_ref();
    let failed = |action| move |source| BackendError::from_io(action, name.as_str(), source);

    let (temporary, file) = Temporary::create(disk, &local.maker).map_err(failed("create"))?;
    write_all(disk, &file, parts).map_err(failed("write"))?;
    disk.sync(&file).map_err(failed("sync"))?;

    let published = publish(local, name, &temporary, &file)?;
    drop(temporary);
    // Even if another caller was first: it may be anywhere between its link and its sync, and
    // "already exists" promises durability.
    if !matches!(published, Published::Lost(_)) {
        local.folders.sync(disk, name.folder())?;
    }
    Ok(published)
}

fn write_all(disk: &dyn DiskOperations, file: &File, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    // Drops empty parts at the front, so that what is left is not empty.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match disk.write(file, rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives the synced file its final name.
fn publish(
    local: &Local,
    name: &ObjectName,
    temporary: &Temporary<'_>,
    file: &File,
) -> Result<Published, BackendError> {
    let disk = local.disk.as_ref();
    local.folders.ensure(disk, name.folder())?;
    let mut outcome = link_or_rename(disk, temporary.path(), name.as_str());
    if outcome.as_ref().is_err_and(is_absent) {
        // Someone removed an empty folder that we know. Once is enough to notice.
        local.folders.forget();
        local.folders.ensure(disk, name.folder())?;
        outcome = link_or_rename(disk, temporary.path(), name.as_str());
    }
    match outcome {
        Ok(()) => Ok(Published::Created),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match won_after_all(file) {
            Ok(true) => Ok(Published::Created),
            Ok(false) => Ok(Published::Taken),
            Err(source) => Err(BackendError::from_io("inspect", name.as_str(), source)),
        },
        Err(error) if is_absent(&error) => Ok(Published::Lost(error)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            Err(BackendError::NoExclusiveCreate { name: name.to_string() })
        }
        Err(source) => Err(BackendError::from_io("create", name.as_str(), source)),
    }
}

/// Whether our own link took effect although the response was "exists": a network file system
/// repeats a request when the first response is lost. Then the temporary file has two names.
fn won_after_all(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 2)
}

/// Fails with `Unsupported` if the file system can do neither.
fn link_or_rename(disk: &dyn DiskOperations, from: &str, to: &str) -> io::Result<()> {
    match disk.link(from, to) {
        Err(error) if lacks_links(&error) => match disk.rename(from, to) {
            Err(error) if lacks_exclusive_rename(&error) => Err(io::ErrorKind::Unsupported.into()),
            outcome => outcome,
        },
        outcome => outcome,
    }
}

/// Whether the file system has no hard links (exFAT, some FUSE), or no more for this file.
fn lacks_links(error: &io::Error) -> bool {
    let unsupported = [
        rustix::io::Errno::PERM,
        rustix::io::Errno::OPNOTSUPP,
        rustix::io::Errno::NOSYS,
        rustix::io::Errno::MLINK,
    ];
    rustix::io::Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}
