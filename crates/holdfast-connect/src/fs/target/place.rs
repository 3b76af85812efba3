//! One entry held by a descriptor: calls that change its metadata, wherever its name now leads.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timestamps, Uid, XattrFlags};
use rustix::io::{Errno, Result};

/// Bytes that the names of all attributes of an entry may take (`XATTR_LIST_MAX`).
const LIST_BYTES_MAX: usize = 64 * 1024;

/// An entry whose metadata is to be changed.
#[derive(Clone, Copy)]
pub(super) enum MetadataPlace<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// Anything, opened with `O_PATH`. Mode and attributes are reached through `/proc/self/fd`,
    /// because there are no calls for them that take such a descriptor on older kernels.
    Pinned(BorrowedFd<'a>),
}

impl MetadataPlace<'_> {
    /// Changes the owner, the group or both.
    pub(super) fn change_owner(self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        // The id -1 would mean "leave unchanged".
        if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
            return Err(Errno::INVAL);
        }
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        match self {
            Self::Open(file) => rustix::fs::fchown(file, uid, gid),
            Self::Pinned(file) => rustix::fs::chownat(file, "", uid, gid, AtFlags::EMPTY_PATH),
        }
    }

    /// Changes the permissions (07777).
    pub(super) fn change_mode(self, mode: u32) -> Result<()> {
        let mode = Mode::from_raw_mode(mode);
        match self {
            Self::Open(file) => rustix::fs::fchmod(file, mode),
            Self::Pinned(file) => rustix::fs::chmod(proc_path(file), mode),
        }
    }

    /// Changes the times.
    pub(super) fn change_times(self, times: &Timestamps) -> Result<()> {
        match self {
            Self::Open(file) => rustix::fs::futimens(file, times),
            Self::Pinned(file) => {
                match rustix::fs::utimensat(file, "", times, AtFlags::EMPTY_PATH) {
                    // Before Linux 5.8.
                    Err(Errno::INVAL) => {
                        let path = proc_path(file);
                        rustix::fs::utimensat(rustix::fs::CWD, path, times, AtFlags::empty())
                    }
                    result => result,
                }
            }
        }
    }

    /// Gets its status.
    pub(super) fn stat(self) -> Result<Stat> {
        match self {
            Self::Open(file) | Self::Pinned(file) => rustix::fs::fstat(file),
        }
    }

    /// Sets one extended attribute.
    pub(super) fn set_attribute(self, name: &[u8], value: &[u8]) -> Result<()> {
        match self {
            Self::Open(file) => rustix::fs::fsetxattr(file, name, value, XattrFlags::empty()),
            Self::Pinned(file) => {
                rustix::fs::setxattr(proc_path(file), name, value, XattrFlags::empty())
            }
        }
    }

    /// Removes one extended attribute; does nothing if it does not exist.
    pub(super) fn remove_attribute(self, name: &[u8]) -> Result<()> {
        let result = match self {
            Self::Open(file) => rustix::fs::fremovexattr(file, name),
            Self::Pinned(file) => rustix::fs::removexattr(proc_path(file), name),
        };
        match result {
            Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
            result => result,
        }
    }

    /// Names of its extended attributes; none where there cannot be any.
    pub(super) fn attributes(self) -> Result<Vec<Vec<u8>>> {
        let mut names = vec![0; 1024];
        loop {
            let bytes = match self.list_into(&mut names) {
                Ok(bytes) => bytes,
                Err(Errno::RANGE) if names.len() < LIST_BYTES_MAX => {
                    names.resize(names.len() * 4, 0);
                    continue;
                }
                Err(Errno::NOTSUP) => 0,
                Err(errno) => return Err(errno),
            };
            let each = names[..bytes].split(|byte| *byte == 0).filter(|name| !name.is_empty());
            return Ok(each.map(<[u8]>::to_vec).collect());
        }
    }

    fn list_into(self, names: &mut [u8]) -> Result<usize> {
        match self {
            Self::Open(file) => rustix::fs::flistxattr(file, names),
            Self::Pinned(file) => rustix::fs::listxattr(proc_path(file), names),
        }
    }
}

fn proc_path(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
