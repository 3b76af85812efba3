//! What can go wrong with a backend, as cases that a caller can branch on.

use std::io;

use rustix::io::Errno;

use crate::ObjectName;

/// Errors that systems return when a medium does not return its stored data.
#[cfg(target_os = "linux")]
const OF_THE_MEDIUM: &[Errno] =
    &[Errno::IO, Errno::BADMSG, Errno::UCLEAN, Errno::NODATA, Errno::REMOTEIO, Errno::HWPOISON];
#[cfg(not(target_os = "linux"))]
const OF_THE_MEDIUM: &[Errno] = &[Errno::IO, Errno::BADMSG];

/// A failed operation of a backend.
///
/// After a failed [`put`](crate::Backend::put), [`delete`](crate::Backend::delete) or
/// [`quarantine`](crate::Backend::quarantine) the operation may still have taken effect: the
/// response can be lost in transit. Only `AlreadyExists`, `NotFound`, `TooLarge` and `ShortRead`
/// are statements about the object.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// There is no such object now. It may have been deleted, or may yet arrive.
    #[error("{name} does not exist")]
    NotFound {
        /// The object, or the folder of the repository.
        name: String,
    },

    /// An object of that name is durably stored, with the bytes that its creator gave it.
    #[error("{name} already exists")]
    AlreadyExists {
        /// The object.
        name: String,
    },

    /// The object is larger than the caller accepts; nothing of it was read.
    #[error("{name} has {bytes} bytes, the limit is {bytes_max}")]
    TooLarge {
        /// The object.
        name: String,
        /// Its length in bytes.
        bytes: u64,
        /// The maximum that the caller accepts, in bytes.
        bytes_max: u64,
    },

    /// The object ends before the requested range does.
    #[error("{name} ends early: got {got} of {wanted} bytes at offset {offset}")]
    ShortRead {
        /// The object.
        name: String,
        /// Where the range starts, in bytes.
        offset: u64,
        /// Length of the range, in bytes.
        wanted: usize,
        /// Number of bytes of the range that exist.
        got: usize,
    },

    /// The storage refuses access; trying again does not help.
    #[error("no permission to access {name}: {source}")]
    PermissionDenied {
        /// The object, or the folder of the repository.
        name: String,
        /// The error of the storage.
        source: io::Error,
    },

    /// The storage is full or a quota is used up; deleting still works.
    #[error("no space left to store {name}")]
    NoSpace {
        /// The object.
        name: String,
        /// The error of the storage.
        source: io::Error,
    },

    /// The storage cannot create a file only if it does not exist, which everything relies on.
    #[error(
        "cannot create {name}: this file system supports neither hard links nor renaming without \
         replacing, and one of them is needed so that no object is ever overwritten"
    )]
    NoExclusiveCreate {
        /// The object.
        name: String,
    },

    /// The storage failed in another way.
    #[error("cannot {action} {name}: {source}")]
    Io {
        /// The object, or the folder of the repository.
        name: String,
        /// The operation, as a verb.
        action: &'static str,
        /// The error of the storage.
        source: io::Error,
    },

    /// Only from fault injection: this process counts as dead, nothing it does has any effect.
    #[error("the process counts as crashed")]
    Crashed,
}

impl BackendError {
    /// Whether a read failed because the medium does not return the bytes of this one object, for
    /// example from a bad sector, or because a checksumming file system found them wrong: the
    /// object is damaged. A storage that is gone or refuses access reports other errors.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        let BackendError::Io { source, .. } = self else {
            return matches!(self, BackendError::ShortRead { .. });
        };
        Errno::from_io_error(source).is_some_and(|errno| OF_THE_MEDIUM.contains(&errno))
    }

    /// Maps an operating system's error for `action` on `name` to a case.
    pub(crate) fn from_io(
        action: &'static str,
        name: &str,
        source: impl Into<io::Error>,
    ) -> BackendError {
        let (name, source) = (name.to_owned(), source.into());
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                BackendError::NoSpace { name, source }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                BackendError::PermissionDenied { name, source }
            }
            _ => BackendError::Io { name, action, source },
        }
    }

    /// An object of `bytes` where the caller accepts `bytes_max`.
    pub(crate) fn too_large(name: &ObjectName, bytes: u64, bytes_max: u64) -> BackendError {
        BackendError::TooLarge { name: name.to_string(), bytes, bytes_max }
    }

    /// Like [`BackendError::from_io`], where a missing file or folder means that the object is
    /// absent.
    pub(crate) fn from_lookup(
        action: &'static str,
        name: &str,
        source: impl Into<io::Error>,
    ) -> BackendError {
        let source = source.into();
        match is_absent(&source) {
            true => BackendError::NotFound { name: name.to_owned() },
            false => BackendError::from_io(action, name, source),
        }
    }
}

/// Whether an error means that nothing is stored at a path. A file where a folder was expected also
/// means that: no object of that name can exist.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted() {
        let sorted = |errno: Errno| BackendError::from_io("write", "a", errno);
        assert!(matches!(sorted(Errno::NOSPC), BackendError::NoSpace { .. }));
        assert!(matches!(sorted(Errno::DQUOT), BackendError::NoSpace { .. }));
        assert!(matches!(sorted(Errno::ACCESS), BackendError::PermissionDenied { .. }));
        assert!(matches!(sorted(Errno::PERM), BackendError::PermissionDenied { .. }));
        assert!(matches!(sorted(Errno::ROFS), BackendError::PermissionDenied { .. }));
        assert!(matches!(sorted(Errno::IO), BackendError::Io { .. }));
        assert!(matches!(sorted(Errno::NOENT), BackendError::Io { .. }));
        let found = |errno: Errno| BackendError::from_lookup("read", "a", errno);
        assert!(matches!(found(Errno::NOENT), BackendError::NotFound { .. }));
        assert!(matches!(found(Errno::NOTDIR), BackendError::NotFound { .. }));
        assert!(matches!(found(Errno::IO), BackendError::Io { .. }));
    }

    #[test]
    fn what_the_medium_does_not_give_is_told_from_a_storage_that_refuses() {
        for errno in [Errno::IO, Errno::BADMSG] {
            assert!(BackendError::from_io("read", "a", errno).is_unreadable(), "{errno}");
        }
        for errno in [Errno::ACCESS, Errno::NOSPC, Errno::MFILE, Errno::STALE, Errno::TIMEDOUT] {
            assert!(!BackendError::from_io("read", "a", errno).is_unreadable(), "{errno}");
        }
    }
}
