//! A bounded set of open files, so that reading many ranges of a pack opens it once.

use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::{BackendError, ObjectName};

/// Small compared with the usual limit of 1024 open files, and large compared with the number of
/// packs that a restore reads at one time.
const MAX_OPEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);

/// An object that is open for reading.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) file: File,
    /// Length of the object in bytes; it never changes.
    pub(super) bytes: u64,
}

/// The most recently used handles.
#[derive(Debug)]
pub(super) struct FolderHandles {
    state: Mutex<HandleState>,
}

#[derive(Debug)]
struct HandleState {
    open: LruCache<ObjectName, Arc<Handle>>,
    /// Counts the calls of `close`.
    closed: u64,
}

impl FolderHandles {
    pub(super) fn new() -> FolderHandles {
        FolderHandles {
            state: Mutex::new(HandleState { open: LruCache::new(MAX_OPEN), closed: 0 }),
        }
    }

    /// The handle of `name`, opened by `open` if it is not in the set.
    pub(super) fn get(
        &self,
        name: &ObjectName,
        open: impl FnOnce() -> Result<Handle, BackendError>,
    ) -> Result<Arc<Handle>, BackendError> {
        let closed_before = {
            let mut state = self.state();
            if let Some(handle) = state.open.get(name) {
                return Ok(Arc::clone(handle));
            }
            state.closed
        };
        let handle = Arc::new(open()?);
        let mut state = self.state();
        // If something was closed in the meantime, it may have been this object: keeping the handle
        // would bring back a deleted object.
        if state.closed == closed_before {
            state.open.put(name.clone(), Arc::clone(&handle));
        }
        Ok(handle)
    }

    /// Drops the handle of `name`, after the object was removed. Handles in other processes remain:
    /// they still read the object's old bytes, which is why a name is never reused for other bytes.
    pub(super) fn close(&self, name: &ObjectName) {
        let mut state = self.state();
        state.closed += 1;
        state.open.pop(name);
    }

    fn state(&self) -> MutexGuard<'_, HandleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Result<Handle, BackendError> {
        Ok(Handle { file: tempfile::tempfile().unwrap(), bytes: 0 })
    }

    #[test]
    fn the_set_is_bounded_and_keeps_what_is_used() {
        let (handles, used) = (FolderHandles::new(), ObjectName::new("used").unwrap());
        let first = handles.get(&used, open).unwrap();
        for number in 0..100 {
            handles.get(&ObjectName::new(format!("n{number}")).unwrap(), open).unwrap();
            assert!(Arc::ptr_eq(&first, &handles.get(&used, || unreachable!()).unwrap()));
        }
        assert_eq!(handles.state().open.len(), MAX_OPEN.get());
    }

    #[test]
    fn a_handle_opened_during_a_removal_is_not_kept() {
        let (handles, name) = (FolderHandles::new(), ObjectName::new("a").unwrap());
        let removed_meanwhile = || {
            handles.close(&name);
            open()
        };
        handles.get(&name, removed_meanwhile).unwrap();
        assert_eq!(handles.state().open.len(), 0);
    }
}
