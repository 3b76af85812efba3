//! Copying ranges from the file that was there before.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, SeekFrom, copy_file_range, fstat, openat, seek};
use rustix::io::{Errno, Result, pread, retry_on_intr};

use super::slot::write_all;

/// Bytes of one read where the kernel cannot copy by itself.
const BUFFER_BYTES: usize = 128 * 1024;
/// Bytes of one copy by the kernel.
const COPY_BYTES_MAX: u64 = 1 << 30;

/// Opens the regular file called `name` for reading, without blocking if it is something else.
pub(super) fn open_old(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = openat(directory, name, flags, Mode::empty())?;
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(file),
        _ => Err(Errno::INVAL),
    }
}

/// Copies a range from one file to the same position in another; holes stay holes. Returns the end
/// of what was written.
pub(super) fn copy(old: &OwnedFd, new: &OwnedFd, offset: u64, bytes: u64) -> Result<u64> {
    let end = offset.checked_add(bytes).ok_or(Errno::INVAL)?;
    if fstat(old)?.st_size.cast_unsigned() < end {
        return Err(Errno::NODATA);
    }
    let (mut at, mut written) = (offset, 0);
    while let Some(data) = next_data(old, at).filter(|data| *data < end) {
        at = seek(old, SeekFrom::Hole(data)).unwrap_or(end).clamp(data + 1, end);
        copy_data(old, new, data, at)?;
        written = at;
    }
    Ok(written)
}

/// Where data begins at or after `at`; `None` if there are only holes.
fn next_data(old: &OwnedFd, at: u64) -> Option<u64> {
    match seek(old, SeekFrom::Data(at)) {
        Ok(data) => Some(data),
        Err(Errno::NXIO) => None,
        // A file system without support for holes.
        Err(_) => Some(at),
    }
}

fn copy_data(old: &OwnedFd, new: &OwnedFd, mut at: u64, end: u64) -> Result<()> {
    while at < end {
        let (mut from, mut to) = (at, at);
        let length = (end - at).min(COPY_BYTES_MAX) as usize;
        let copied =
            retry_on_intr(|| copy_file_range(old, Some(&mut from), new, Some(&mut to), length));
        match copied {
            // Some file systems do nothing instead of reporting that they cannot.
            Ok(0) => return copy_by_hand(old, new, at, end),
            Ok(copied) => at += copied as u64,
            Err(Errno::NOSPC | Errno::DQUOT | Errno::IO | Errno::FBIG) => {
                return copied.map(|_| ());
            }
            Err(_) => return copy_by_hand(old, new, at, end),
        }
    }
    Ok(())
}

fn copy_by_hand(old: &OwnedFd, new: &OwnedFd, mut at: u64, end: u64) -> Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    while at < end {
        let length = (end - at).min(BUFFER_BYTES as u64) as usize;
        let read = retry_on_intr(|| pread(old, &mut buffer[..length], at))?;
        if read == 0 {
            // It was truncated in the meantime.
            return Err(Errno::NODATA);
        }
        write_all(new.as_fd(), at, &buffer[..read])?;
        at += read as u64;
    }
    Ok(())
}
