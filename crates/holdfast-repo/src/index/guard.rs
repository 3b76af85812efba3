//! Blocks that are whole one by one need not belong together: a file that was copied while it was
//! written has some from before and some from after. The database may panic on what they say.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::RepoError;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// True while a panic of this thread would only mean that a cache is of no use: nobody need hear of
/// it.
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

/// Works with a cache; a panic is a failure of the cache.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, RepoError>) -> Result<T, RepoError> {
    let before = IS_GUARDED.replace(true);
    // What the work leaves half done is the cache, which is not used again.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    outcome.unwrap_or_else(|_| Err(RepoError::Cache("its parts do not fit together".to_owned())))
}
