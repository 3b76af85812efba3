//! Blocks that are intact one by one need not belong together: a file copied while it was being
//! written has some from before and some from after. The database may panic on them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::RepoError;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// True while a panic of this thread only means that a cache is unusable, so that it is not
/// reported.
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

/// Runs work on a cache; a panic is a failure of the cache.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, RepoError>) -> Result<T, RepoError> {
    let before = IS_GUARDED.replace(true);
    // The only thing the work leaves half done is the cache, which is not used again.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    outcome.unwrap_or_else(|_| Err(RepoError::Cache("its parts are inconsistent".to_owned())))
}
