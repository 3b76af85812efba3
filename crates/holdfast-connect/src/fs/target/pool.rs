//! A limit on the number of files that are open for writing at the same time.

use std::num::NonZeroUsize;
use std::sync::{Mutex, Weak};

use lru::LruCache;

use super::error::lock;
use super::slot::PooledFile;

/// Unfinished files that are open, in the order of opening.
pub(super) struct OpenFilePool {
    open: Mutex<LruCache<u64, Weak<PooledFile>>>,
    open_max: usize,
}

impl OpenFilePool {
    /// A pool of at most this many open files.
    pub(super) fn new(open_max: NonZeroUsize) -> Self {
        Self { open: Mutex::new(LruCache::unbounded()), open_max: open_max.get() }
    }

    /// Counts a file that was just opened or is about to be, closing others to make room.
    ///
    /// Files in use at this moment are skipped: there are at most as many as threads.
    pub(super) fn admit(&self, number: u64, file: Weak<PooledFile>) {
        let mut open = lock(&self.open);
        let mut busy = Vec::new();
        while open.len() + busy.len() >= self.open_max {
            let Some((number, oldest)) = open.pop_lru() else { break };
            let is_closed = oldest.upgrade().is_none_or(|oldest| oldest.try_close());
            if !is_closed {
                busy.push((number, oldest));
            }
        }
        for (number, file) in busy {
            open.put(number, file);
        }
        open.put(number, file);
    }

    /// Forgets a file.
    pub(super) fn remove(&self, number: u64) {
        lock(&self.open).pop(&number);
    }
}
