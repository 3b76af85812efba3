//! Which part of the tree is scanned next, by which thread, and how far ahead of its use.
//!
//! The unit of work is listing a directory or examining a batch of its names. Every unit has a key
//! that gives its position in the stream, so that scanning threads always take the unit needed
//! soonest and stop [`ITEMS_AHEAD_MAX`] items ahead. The consumer takes the units in stream order
//! and does itself any that no thread has begun, so it never waits for other work.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

use super::directory::lock;
use super::work::{EntryBatch, ScanUnit, UnitOutput};

/// Maximum number of items that are ready before the consumer asks for them.
const ITEMS_AHEAD_MAX: usize = 8192;

/// Position of a unit: for each directory on its way the position of its entry, then where the
/// batch begins. A directory comes right after the start of the batch it is found in.
pub(super) type UnitPosition = Vec<u32>;

/// Work to do, and work done.
#[derive(Debug, Default)]
pub(super) struct ScanSchedule {
    state: Mutex<ScheduleState>,
    /// A unit can be started.
    startable: Condvar,
    /// A unit is done.
    finished: Condvar,
}

#[derive(Debug, Default)]
struct ScheduleState {
    waiting: BTreeMap<UnitPosition, ScanUnit>,
    done: BTreeMap<UnitPosition, EntryBatch>,
    /// Items in `done`.
    items_ahead: usize,
    /// Threads waiting for work.
    idle_threads: usize,
    is_closed: bool,
    is_broken: bool,
}

/// What the consumer gets when it asks for a batch.
pub(super) enum BatchClaim {
    /// Here it is.
    Done(EntryBatch),
    /// No thread has begun it; the caller must do it and then call [`ScanSchedule::add`].
    Yours(ScanUnit),
    /// It will never come: a scanning thread died.
    Broken,
}

impl ScanSchedule {
    /// Adds the first unit, which begins the root.
    pub(super) fn add_root(&self, unit: ScanUnit) {
        lock(&self.state).waiting.insert(vec![0], unit);
    }

    /// Adds the units that were found while `key` was processed.
    pub(super) fn add(&self, key: &UnitPosition, found: Vec<(u32, ScanUnit)>) {
        let mut state = lock(&self.state);
        state.add(key, found);
        self.wake(&state);
    }

    /// For scanning threads: waits for work; `None` at the end of the scan.
    pub(super) fn take(&self) -> Option<(UnitPosition, ScanUnit)> {
        let mut state = lock(&self.state);
        loop {
            if state.is_closed {
                return None;
            }
            if state.items_ahead < ITEMS_AHEAD_MAX
                && let Some(first) = state.waiting.pop_first()
            {
                return Some(first);
            }
            state.idle_threads += 1;
            state = self.startable.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle_threads -= 1;
        }
    }

    /// For scanning threads: hands over the result of a unit.
    pub(super) fn finish(&self, key: UnitPosition, output: UnitOutput) {
        let mut state = lock(&self.state);
        state.add(&key, output.found);
        state.items_ahead += output.batch.items.len();
        state.done.insert(key, output.batch);
        self.wake(&state);
        self.finished.notify_one();
    }

    /// For the consumer: the batch with this key.
    pub(super) fn claim(&self, key: &UnitPosition) -> BatchClaim {
        let mut state = lock(&self.state);
        loop {
            if let Some(batch) = state.done.remove(key) {
                state.items_ahead -= batch.items.len();
                // Not until there is plenty of room: waking threads costs more than a small
                // directory.
                if state.items_ahead < ITEMS_AHEAD_MAX / 2 {
                    self.wake(&state);
                }
                return BatchClaim::Done(batch);
            }
            if let Some(unit) = state.waiting.remove(key) {
                return BatchClaim::Yours(unit);
            }
            if state.is_broken {
                return BatchClaim::Broken;
            }
            state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends all scanning threads after their current unit.
    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.startable.notify_all();
    }

    /// Notifies the consumer that a scanning thread died with its unit.
    pub(super) fn break_off(&self) {
        lock(&self.state).is_broken = true;
        self.finished.notify_all();
    }

    fn wake(&self, state: &ScheduleState) {
        if state.idle_threads > 0
            && !state.waiting.is_empty()
            && state.items_ahead < ITEMS_AHEAD_MAX
        {
            self.startable.notify_one();
        }
    }
}

impl ScheduleState {
    fn add(&mut self, key: &UnitPosition, found: Vec<(u32, ScanUnit)>) {
        let Some((_, directory)) = key.split_last() else { return };
        for (index, unit) in found {
            let below: &[u32] = if unit.is_new_directory() { &[index, 0] } else { &[index] };
            self.waiting.insert([directory, below].concat(), unit);
        }
    }
}
