//! Listing objects by walking the folders of the repository.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::folder_flags;
use crate::{BackendError, ListedObject, ObjectName};

pub(super) fn list(root: &OwnedFd, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
    let mut found = Vec::new();
    // A prefix that is not a name cannot be the start of one either.
    if prefix.is_empty() || ObjectName::new(prefix).is_ok() {
        walk(root, prefix, &mut found)?;
    }
    found.sort_unstable();
    Ok(found)
}

/// Collects the objects in `folder` and below. The depth is bounded by the length of names.
fn walk(root: &OwnedFd, folder: &str, found: &mut Vec<ListedObject>) -> Result<(), BackendError> {
    let failed = |source: Errno| BackendError::from_io("list", folder, source);
    let path = if folder.is_empty() { "." } else { folder };
    let flags = folder_flags() | OFlags::NOFOLLOW;
    let entries = match rustix::fs::openat(root, path, flags, Mode::empty()) {
        // Just removed, never there, or not a folder.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        outcome => outcome.and_then(Dir::new).map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        // Anything that cannot be an object or a folder of objects is not ours: "." and "..",
        // `tmp`, files that a network file system keeps for others, `lost+found`.
        let Some(name) = name_of(folder, &entry) else { continue };
        match look_at(root, &name, &entry)? {
            Some(ListedFile::Folder) => walk(root, name.as_str(), found)?,
            Some(ListedFile::Object { bytes }) => found.push(ListedObject { name, bytes }),
            None => {}
        }
    }
    Ok(())
}

enum ListedFile {
    Folder,
    Object { bytes: u64 },
}

fn name_of(folder: &str, entry: &DirEntry) -> Option<ObjectName> {
    let file = entry.file_name().to_str().ok()?;
    let path = match folder.is_empty() {
        true => file.to_owned(),
        false => format!("{folder}/{file}"),
    };
    ObjectName::new(path).ok()
}

/// Kind and size of an entry; `None` if it is gone, or neither an object nor a folder.
fn look_at(
    root: &OwnedFd,
    name: &ObjectName,
    entry: &DirEntry,
) -> Result<Option<ListedFile>, BackendError> {
    if entry.file_type() == FileType::Directory {
        return Ok(Some(ListedFile::Folder));
    }
    let stat = match rustix::fs::statat(root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(source) => {
            let error = BackendError::from_io("inspect", name.as_str(), source);
            // One object that the medium cannot even describe must not hide all others. Reading it
            // reports the error.
            let is_file = entry.file_type() == FileType::RegularFile;
            return match is_file && error.is_unreadable() {
                true => Ok(Some(ListedFile::Object { bytes: 0 })),
                false => Err(error),
            };
        }
        Ok(stat) => stat,
    };
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            Some(ListedFile::Object { bytes: u64::try_from(stat.st_size).unwrap_or(0) })
        }
        FileType::Directory => Some(ListedFile::Folder),
        _ => None,
    })
}
