//! Creating an object: write aside, sync, link to the final name, sync the folder.
//!
//! In exactly this order:
//! 1. create `tmp/<random>` and write all parts;
//! 2. fsync that file, so that no name ever leads to bytes that a power cut can take back;
//! 3. make the folders of the final name, syncing the folder above each;
//! 4. link the file to its final name, which fails if the name is taken: the one moment at which
//!    the object comes into being, whole;
//! 5. remove the temporary name;
//! 6. fsync the folder of the final name, so that the name itself stays. Only now it is
//!    acknowledged.
//!
//! A failed fsync is never repeated: the kernel may have dropped the pages it could not write.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;

use super::Local;
use super::disk::Disk;
use super::temporary::Temporary;
use crate::error::is_absent;
use crate::{Error, ObjectName};

pub(super) fn put(local: &Local, name: &ObjectName, parts: &[&[u8]]) -> Result<(), Error> {
    let disk = local.disk.as_ref();
    let failed = |action| move |source| Error::from_io(action, name.as_str(), source);

    let (temporary, file) = Temporary::create(disk).map_err(failed("create"))?;
    write_all(disk, &file, parts).map_err(failed("write"))?;
    disk.sync(&file).map_err(failed("sync"))?;

    let created = publish(local, name, &temporary, &file)?;
    drop(temporary);
    // Also when another caller was first: it may be anywhere between its link and its sync, and
    // "already exists" promises durability.
    local.folders.sync(disk, name.folder())?;
    match created {
        true => Ok(()),
        false => Err(Error::AlreadyExists { name: name.to_string() }),
    }
}

fn write_all(disk: &dyn Disk, file: &File, parts: &[&[u8]]) -> io::Result<()> {
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

/// Gives the synced file its final name; `false` if that is taken.
fn publish(
    local: &Local,
    name: &ObjectName,
    temporary: &Temporary<'_>,
    file: &File,
) -> Result<bool, Error> {
    let disk = local.disk.as_ref();
    local.folders.ensure(disk, name.folder())?;
    let mut outcome = link_or_rename(disk, temporary.path(), name.as_str());
    if outcome.as_ref().is_err_and(is_absent) {
        // Somebody removed an empty folder that we know. Once is enough to notice.
        local.folders.forget();
        local.folders.ensure(disk, name.folder())?;
        outcome = link_or_rename(disk, temporary.path(), name.as_str());
    }
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            won_after_all(file).map_err(|source| Error::from_io("look at", name.as_str(), source))
        }
        Err(source) => Err(Error::from_io("create", name.as_str(), source)),
    }
}

/// Whether our own link took effect although its answer was "exists": a network filesystem sends a
/// request again when the first answer is lost. Then the temporary file has two names.
fn won_after_all(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 2)
}

fn link_or_rename(disk: &dyn Disk, from: &str, to: &str) -> io::Result<()> {
    match disk.link(from, to) {
        Err(error) if lacks_links(&error) => disk.rename(from, to),
        outcome => outcome,
    }
}

/// Whether the filesystem has no hard links (exFAT, some FUSE), or no more for this file.
fn lacks_links(error: &io::Error) -> bool {
    let unsupported = [
        rustix::io::Errno::PERM,
        rustix::io::Errno::OPNOTSUPP,
        rustix::io::Errno::NOSYS,
        rustix::io::Errno::MLINK,
    ];
    rustix::io::Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}
