//! A file being restored by several threads at once.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use holdfast_connect::{FileSlot, Target, TargetError};
use holdfast_format::entry::{Entry, Metadata};

use crate::Action;

/// A file that must be written, at least in part.
pub(super) struct PlannedFile {
    /// Path relative to the target.
    pub path: Vec<u8>,
    pub metadata: Metadata,
    pub bytes: u64,
    pub action: Action,
    /// Ranges of the existing file that are right.
    pub kept: Vec<(u64, u64)>,
    /// Chunks still to come.
    pub missing: AtomicU32,
    /// Bytes written so far.
    pub written: AtomicU64,
    state: Mutex<State>,
}

enum State {
    Waiting,
    Open(Box<dyn FileSlot>),
    Finished,
    Failed,
}

impl PlannedFile {
    pub fn new(path: Vec<u8>, entry: Entry, bytes: u64, action: Action) -> Self {
        Self {
            path,
            metadata: entry.metadata,
            bytes,
            action,
            kept: Vec::new(),
            missing: AtomicU32::new(0),
            written: AtomicU64::new(0),
            state: Mutex::new(State::Waiting),
        }
    }

    /// Writes one chunk; with the last one the file gets its name. True if it is finished by this.
    ///
    /// # Errors
    /// The target's, once: a file that failed takes further chunks in silence.
    pub fn write(
        &self,
        target: &dyn Target,
        offset: u64,
        bytes: &[u8],
    ) -> Result<bool, TargetError> {
        let outcome = self.with_slot(target, |slot| slot.write_at(offset, bytes));
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let is_last = self.missing.fetch_sub(1, Ordering::AcqRel) == 1;
        match outcome {
            Ok(true) if is_last => self.finish(target),
            Ok(_) => Ok(false),
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    /// Gives the file its name; for a file without missing chunks. True if it was not failed
    /// before.
    ///
    /// # Errors
    /// The target's.
    pub fn finish(&self, target: &dyn Target) -> Result<bool, TargetError> {
        if !self.with_slot(target, |_| Ok(()))? {
            return Ok(false);
        }
        let state = std::mem::replace(&mut *self.lock(), State::Finished);
        match state {
            State::Open(slot) => slot.finish(&self.metadata).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Gives the file up. True if it was not given up before.
    pub fn fail(&self) -> bool {
        !matches!(std::mem::replace(&mut *self.lock(), State::Failed), State::Failed)
    }

    pub fn is_finished(&self) -> bool {
        matches!(*self.lock(), State::Finished)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses the slot, which is opened at the first use; false if the file failed already.
    fn with_slot(
        &self,
        target: &dyn Target,
        use_slot: impl FnOnce(&dyn FileSlot) -> Result<(), TargetError>,
    ) -> Result<bool, TargetError> {
        let mut state = self.lock();
        if matches!(*state, State::Waiting) {
            let slot = target.file_with(&self.path, self.bytes, &self.metadata)?;
            for (offset, bytes) in &self.kept {
                slot.keep(*offset, *bytes)?;
            }
            *state = State::Open(slot);
        }
        match &*state {
            State::Open(slot) => use_slot(&**slot).map(|()| true),
            _ => Ok(false),
        }
    }
}
