//! Removing objects, and moving damaged ones aside.

use std::io;

use rustix::io::Errno;

use super::disk::DiskOperations;
use super::{Local, read};
use crate::error::is_absent;
use crate::{BackendError, ObjectName};

pub(super) fn delete(local: &Local, name: &ObjectName) -> Result<(), BackendError> {
    let disk = local.disk.as_ref();
    let removed = match disk.unlink(name.as_str()) {
        Ok(()) => true,
        Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::IsADirectory => false,
        Err(source) => return Err(BackendError::from_io("delete", name.as_str(), source)),
    };
    local.handles.close(name);
    match local.folders.try_sync(disk, name.folder()) {
        // The folder may be absent together with the object.
        Err(error) if !removed && is_absent(&error) => Ok(()),
        outcome => outcome.map_err(|source| BackendError::from_io("sync", name.folder(), source)),
    }
}

pub(super) fn quarantine(local: &Local, name: &ObjectName) -> Result<(), BackendError> {
    let disk = local.disk.as_ref();
    read::size(local, name)?;
    if name.is_quarantined() {
        return Ok(());
    }
    local.folders.ensure(disk, name.quarantined(0).folder())?;
    let target = move_to_free_name(disk, name)?;
    local.handles.close(name);
    // The new name first: a power cut between the two may leave both names, but not none.
    local.folders.sync(disk, target.folder())?;
    local.folders.sync(disk, name.folder())
}

fn move_to_free_name(
    disk: &dyn DiskOperations,
    name: &ObjectName,
) -> Result<ObjectName, BackendError> {
    let mut attempt = 0;
    loop {
        let target = name.quarantined(attempt);
        match move_without_replacing(disk, name.as_str(), target.as_str()) {
            Ok(()) => return Ok(target),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(source) => {
                return Err(BackendError::from_lookup("move aside", name.as_str(), source));
            }
        }
    }
}

/// Renames in one step if the file system can refuse to replace, else in two (NFS).
fn move_without_replacing(disk: &dyn DiskOperations, from: &str, to: &str) -> io::Result<()> {
    match disk.rename(from, to) {
        Err(error) if lacks_exclusive_rename(&error) => {
            disk.link(from, to)?;
            disk.unlink(from)
        }
        outcome => outcome,
    }
}

/// Whether the file system cannot refuse a rename onto a name that is taken.
pub(super) fn lacks_exclusive_rename(error: &io::Error) -> bool {
    let unsupported = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];
    Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}
