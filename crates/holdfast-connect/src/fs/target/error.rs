//! From the system's answers to [`TargetError`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::TargetError;

/// Makes the error of an action that the system refused.
pub(super) fn refused(action: &'static str) -> impl Fn(Errno) -> TargetError {
    move |errno| TargetError::Io { action, source: errno.into() }
}

/// Makes the error of opening a directory: what is no directory, or a link, leads astray.
pub(super) fn astray(action: &'static str) -> impl Fn(Errno) -> TargetError {
    move |errno| match errno {
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => TargetError::Escapes,
        _ => refused(action)(errno),
    }
}

/// True if the error says that something is not there.
pub(super) fn is_absent(error: &TargetError) -> bool {
    matches!(error, TargetError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// Locks; the data behind our locks is valid after every single step, so a panic of another
/// thread does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
