//! Mapping a large object into memory: no copy, and the page cache is shared.
//!
//! This is the one file of the crate with unsafe code. A mapping is a `&[u8]` over a file, sound as
//! long as nobody changes those bytes, and usable as long as nobody cuts the file short. Both hold
//! for objects, and for them only:
//! - An object is complete and synced before it gets its name, and no code of this program opens a
//!   named object for writing or changes its length. Deleting it or moving it leaves the mapped
//!   bytes in place until the mapping ends.
//! - The files belong to the owner of the repository (mode 0600). A program of that owner that
//!   writes into them is outside of what can be defended; whoever reads the bytes verifies them
//!   with a hash or an authentication tag anyway.
//!
//! A page that cannot be read kills the process with SIGBUS when it is touched. Therefore all pages
//! are read before the mapping is handed out, with a call that reports the error instead. If memory
//! gets so short that the kernel drops a page and the disk fails when it is read again, the process
//! still dies: a crash, never wrong data.
//!
//! The file may be closed after mapping.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use bytes::Bytes;

/// Why there is no mapping.
#[derive(Debug)]
pub(super) enum MappingFailed {
    /// Mappings, or reading them ahead, are not supported here; a plain read works.
    Unsupported,
    /// The medium cannot deliver the bytes.
    Unreadable(io::Error),
}

/// Maps the first `length` bytes of an immutable object. `length` must not be zero and not exceed
/// the length of the file; a file that is shorter after all counts as unreadable.
#[cfg(target_os = "linux")]
pub(super) fn map(file: &File, length: u64) -> Result<Bytes, MappingFailed> {
    use memmap2::{Advice, MmapOptions};

    let length = usize::try_from(length).map_err(|_| MappingFailed::Unsupported)?;
    // SAFETY: objects are immutable while they have a name and keep their bytes while they are
    // mapped, as laid out at the top of this file.
    let mapping = unsafe { MmapOptions::new().len(length).map(file) };
    let mapping = mapping.map_err(|_| MappingFailed::Unsupported)?;
    mapping.advise(Advice::PopulateRead).map_err(reason)?;
    Ok(Bytes::from_owner(mapping))
}

/// Reading ahead with an error code exists on Linux only.
#[cfg(not(target_os = "linux"))]
pub(super) fn map(_file: &File, _length: u64) -> Result<Bytes, MappingFailed> {
    Err(MappingFailed::Unsupported)
}

/// `EFAULT`, `EHWPOISON` and `EIO` are about the medium. Others mean that this kernel (before
/// 5.14) or this filesystem cannot do it.
#[cfg(target_os = "linux")]
fn reason(error: io::Error) -> MappingFailed {
    use rustix::io::Errno;

    match Errno::from_io_error(&error) {
        Some(Errno::FAULT | Errno::HWPOISON | Errno::IO) => {
            MappingFailed::Unreadable(Errno::IO.into())
        }
        _ => MappingFailed::Unsupported,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_ends_early_is_an_error_and_no_signal() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4096).unwrap();
        assert!(matches!(map(&file, 1 << 20), Err(MappingFailed::Unreadable(_))));
        assert_eq!(map(&file, 4096).unwrap().len(), 4096);
    }
}
