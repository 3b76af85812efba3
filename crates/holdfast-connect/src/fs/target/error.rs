//! From the system's errors to [`TargetError`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::TargetError;

/// Makes the error for an action that the system refused.
pub(super) fn refused(action: &'static str) -> impl Fn(Errno) -> TargetError {
    move |errno| TargetError::Io { action, source: errno.into() }
}

/// Makes the error for opening a directory: a link or a non-directory would lead outside the
/// target.
pub(super) fn astray(action: &'static str) -> impl Fn(Errno) -> TargetError {
    move |errno| match errno {
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => TargetError::Escapes,
        _ => refused(action)(errno),
    }
}

/// True if the error says that something does not exist.
pub(super) fn is_absent(error: &TargetError) -> bool {
    matches!(error, TargetError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// Locks; the data behind our locks is valid after every single step, so a panic in another thread
/// does no harm.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
