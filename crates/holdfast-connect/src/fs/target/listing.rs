//! The names in a directory of the target.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, RawDir, openat};
use rustix::io::Result;

/// Bytes of directory entries read at a time.
const LIST_BYTES: usize = 32 * 1024;

/// The names in a directory for which `wanted` is true, in no particular order.
pub(super) fn names(directory: impl AsFd, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<Vec<u8>>> {
    let directory = opened_again(directory.as_fd())?;
    let mut buffer = vec![MaybeUninit::uninit(); LIST_BYTES];
    let mut listing = RawDir::new(&directory, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && wanted(name) {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

/// The read position belongs to the descriptor, so each listing needs its own.
fn opened_again(directory: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(directory, ".", flags, Mode::empty())
}
