//! Extended attributes; access control lists are among them.
//!
//! The kernel takes a path for them, or the descriptor of an open file. Named pipes and devices
//! must not be opened, and links cannot be; so attributes are read through the open directory's
//! entry in `/proc`, which leads to the directory itself whatever its path is now.

use std::ffi::CStr;
use std::io;

use rustix::io::Errno;

/// Maximum number of bytes that Linux allows for the names of all attributes, or for one value.
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
        // One removed since it was listed no longer exists.
        if let Some(value) = grow(read)? {
            attributes.push((name.to_vec(), value));
        }
    }
    attributes.sort_unstable();
    Ok(attributes)
}

/// Calls `read` with a buffer that is large enough; `None` if there is no such attribute, or if the
/// file system does not support any.
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
