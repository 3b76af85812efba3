//! Extended attributes; access control lists are among them.
//!
//! The kernel takes a path for them, or a descriptor of an opened file. Named pipes and devices
//! must not be opened, links cannot be; so they are read by way of the open directory's entry in
//! `/proc`, which leads to the directory itself whatever its path is by now.

use std::ffi::CStr;
use std::io;

use rustix::io::Errno;

/// Most bytes that Linux lets the names of all attributes, or the value of one, have.
const BYTES_MAX: usize = 64 * 1024;
/// Enough for most files.
const BYTES_FIRST: usize = 1024;

/// The attributes of the entry at `path` (which ends in NUL), ascending by name.
pub(super) fn read_all(path: &[u8]) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let path = CStr::from_bytes_with_nul(path).map_err(io::Error::other)?;
    let list = |buffer: &mut [u8]| rustix::fs::llistxattr(path, buffer);
    let Some(names) = grow(list)? else { return Ok(Vec::new()) };
    let mut attributes = Vec::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let read = |buffer: &mut [u8]| rustix::fs::lgetxattr(path, name, buffer);
        // One that was removed since it was listed is none any more.
        if let Some(value) = grow(read)? {
            attributes.push((name.to_vec(), value));
        }
    }
    attributes.sort_unstable();
    Ok(attributes)
}

/// Calls `read` with a buffer that is large enough; `None` if there is no such attribute, or the
/// file system has none at all.
fn grow(mut read: impl FnMut(&mut [u8]) -> Result<usize, Errno>) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; BYTES_FIRST];
    match read(&mut first) {
        Ok(length) => return Ok(Some(first[..length].to_vec())),
        Err(Errno::RANGE) => {}
        Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    }
    let mut buffer = vec![0; BYTES_MAX];
    match read(&mut buffer) {
        Ok(length) => {
            buffer.truncate(length);
            Ok(Some(buffer))
        }
        Err(Errno::NODATA) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}
