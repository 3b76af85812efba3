//! An ordered parallel map: jobs run on a pool in any order, results are returned in the order of
//! submission.
//!
//! Its user keeps the window bounded in items and in bytes: while [`Ordered::is_full`], take a
//! result before the next job. So memory is bounded, order is kept, and the threads of the pool
//! never wait for each other.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use rayon::ThreadPool;

/// Pending results, oldest first.
#[derive(Debug)]
pub struct Ordered<T> {
    pool: Arc<ThreadPool>,
    queue: VecDeque<(usize, Receiver<T>)>,
    items_max: usize,
    bytes_max: usize,
    bytes: usize,
}

impl<T: Send + 'static> Ordered<T> {
    /// A window of at most `items_max` jobs and about `bytes_max` bytes.
    pub fn new(pool: Arc<ThreadPool>, items_max: usize, bytes_max: usize) -> Self {
        Self { pool, queue: VecDeque::new(), items_max, bytes_max, bytes: 0 }
    }

    /// Starts a job that holds about this many bytes until its result is taken.
    pub fn push(&mut self, bytes: usize, job: impl FnOnce() -> T + Send + 'static) {
        let (sender, receiver) = bounded(1);
        self.pool.spawn_fifo(move || {
            // A dropped receiver means that the whole run ended early.
            let _ = sender.send(job());
        });
        self.bytes += bytes;
        self.queue.push_back((bytes, receiver));
    }

    /// True if a result must be taken before the next job.
    pub fn is_full(&self) -> bool {
        self.queue.len() >= self.items_max
            || (self.bytes >= self.bytes_max && !self.queue.is_empty())
    }

    /// True if no results are pending.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Waits for the oldest result; `None` if none is pending.
    pub fn pop(&mut self) -> Option<T> {
        let (bytes, receiver) = self.queue.pop_front()?;
        self.bytes -= bytes;
        receiver.recv().ok()
    }

    /// The oldest result if it is ready.
    pub fn pop_ready(&mut self) -> Option<T> {
        let (_, receiver) = self.queue.front()?;
        let result = receiver.try_recv().ok()?;
        if let Some((bytes, _)) = self.queue.pop_front() {
            self.bytes -= bytes;
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_submission_within_the_window() {
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
        let mut map = Ordered::new(pool, 5, 100);
        let mut out = Vec::new();
        for n in 0..200u64 {
            while map.is_full() {
                out.extend(map.pop());
            }
            map.push(30, move || {
                std::thread::sleep(std::time::Duration::from_micros(n * 7919 % 300));
                n
            });
            assert!(map.queue.len() <= 4);
        }
        while let Some(n) = map.pop() {
            out.push(n);
        }
        assert_eq!(out, (0..200).collect::<Vec<_>>());
    }
}
