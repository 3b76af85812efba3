//! Reading objects: whole, in ranges, and their sizes.

use std::fs::File;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::{pread, retry_on_intr};

use super::Local;
use super::handles::Handle;
use crate::{BackendError, ObjectName};

/// Read into separate memory and not mapped: a page that the medium does not return is then an
/// error, and not a signal that ends the process.
pub(super) fn get(local: &Local, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
    let handle = open(local, name)?;
    // Checked before anything is read or allocated: a file may have any length without content.
    if handle.bytes > bytes_max {
        return Err(BackendError::too_large(name, handle.bytes, bytes_max));
    }
    let length = usize::try_from(handle.bytes).unwrap_or(usize::MAX);
    read(&handle.file, name, 0, length).map(Bytes::from)
}

pub(super) fn get_range(
    local: &Local,
    name: &ObjectName,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, BackendError> {
    let handle = local.handles.get(name, || open(local, name))?;
    // Checked before anything is allocated: a range from a damaged directory can have any length.
    let missing = offset.checked_add(length as u64).is_none_or(|end| end > handle.bytes);
    if missing {
        let got = usize::try_from(handle.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        return Err(short(name, offset, length, got));
    }
    read(&handle.file, name, offset, length)
}

pub(super) fn size(local: &Local, name: &ObjectName) -> Result<u64, BackendError> {
    let stat = rustix::fs::statat(&local.root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|source| BackendError::from_lookup("inspect", name.as_str(), source))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(u64::try_from(stat.st_size).unwrap_or(0)),
        _ => Err(BackendError::NotFound { name: name.to_string() }),
    }
}

/// Opens an object. Only a regular file is an object: not a folder or a symbolic link, which could
/// lead out of the repository, nor a pipe, on which the open would block.
fn open(local: &Local, name: &ObjectName) -> Result<Handle, BackendError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match rustix::fs::openat(&local.root, name.as_str(), flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::LOOP) => {
            return Err(BackendError::NotFound { name: name.to_string() });
        }
        Err(source) => return Err(BackendError::from_lookup("open", name.as_str(), source)),
    };
    let metadata = file
        .metadata()
        .map_err(|source| BackendError::from_io("inspect", name.as_str(), source))?;
    match metadata.is_file() {
        true => Ok(Handle { file, bytes: metadata.len() }),
        false => Err(BackendError::NotFound { name: name.to_string() }),
    }
}

/// Reads exactly `length` bytes from `offset` on, into memory that is not zeroed first.
fn read(
    file: &File,
    name: &ObjectName,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, BackendError> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let at = offset + bytes.len() as u64;
        match retry_on_intr(|| pread(file, spare_capacity(&mut bytes), at)) {
            Ok(0) => return Err(short(name, offset, length, bytes.len())),
            Ok(_) => {}
            Err(source) => return Err(BackendError::from_io("read", name.as_str(), source)),
        }
    }
    // The allocator may have given more room than requested, which is then filled too.
    bytes.truncate(length);
    Ok(bytes)
}

fn short(name: &ObjectName, offset: u64, wanted: usize, got: usize) -> BackendError {
    BackendError::ShortRead { name: name.to_string(), offset, wanted, got }
}
