//! A file being restored by several threads at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use holdfast_connect::{FileSlot, Replace, Target, TargetError};
use holdfast_format::entry::Metadata;

use super::Deletion;
use crate::EntryAction;

/// Where files get their names.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub target: &'a dyn Target,
    pub deletion: Option<&'a Deletion<'a>>,
}

impl Site<'_> {
    /// Removes a folder in the way of an entry, if that was announced.
    pub fn make_way(&self, path: &[u8]) -> Result<(), TargetError> {
        match self.deletion {
            Some(deletion) => deletion.clear(self.target, path),
            None => Ok(()),
        }
    }
}

/// A file that must be written, at least in part.
pub(super) struct PlannedFile {
    /// Path relative to the target.
    pub path: Vec<u8>,
    pub metadata: Metadata,
    pub bytes: u64,
    pub action: EntryAction,
    /// What it replaces.
    pub replace: Replace,
    /// Ranges of the existing file that are right.
    pub kept: Vec<(u64, u64)>,
    /// Number of outstanding chunks, plus one while it is being planned.
    missing: AtomicU64,
    state: Mutex<RestoredFileState>,
}

enum RestoredFileState {
    Waiting,
    Open(Box<dyn FileSlot>),
    Finished,
    Failed,
}

impl PlannedFile {
    pub fn new(
        path: Vec<u8>,
        metadata: Metadata,
        bytes: u64,
        action: EntryAction,
        replace: Replace,
    ) -> Self {
        Self {
            path,
            metadata,
            bytes,
            action,
            replace,
            kept: Vec::new(),
            missing: AtomicU64::new(1),
            state: Mutex::new(RestoredFileState::Waiting),
        }
    }

    /// One more chunk is outstanding.
    pub fn expect_chunk(&self) {
        self.missing.fetch_add(1, Ordering::AcqRel);
    }

    /// Writes one chunk; with the last one the file gets its name. True if this finishes it.
    ///
    /// # Errors
    /// The target's, once: a failed file accepts further chunks silently.
    pub fn write(&self, site: Site<'_>, offset: u64, bytes: &[u8]) -> Result<bool, TargetError> {
        let outcome = self.with_slot(site.target, |slot| slot.write_at(offset, bytes));
        match outcome {
            Ok(true) => self.count_down(site),
            Ok(false) => Ok(false),
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    /// No further chunks will be planned. True if this finishes the file.
    ///
    /// # Errors
    /// The target's.
    pub fn planned(&self, site: Site<'_>) -> Result<bool, TargetError> {
        self.count_down(site)
    }

    fn count_down(&self, site: Site<'_>) -> Result<bool, TargetError> {
        match self.missing.fetch_sub(1, Ordering::AcqRel) {
            1 => self.finish(site),
            _ => Ok(false),
        }
    }

    /// Gives the file its name. True unless it had failed before.
    fn finish(&self, site: Site<'_>) -> Result<bool, TargetError> {
        if !self.with_slot(site.target, |_| site.make_way(&self.path))? {
            return Ok(false);
        }
        let mut state = self.lock();
        match std::mem::replace(&mut *state, RestoredFileState::Failed) {
            RestoredFileState::Open(slot) => {
                let outcome = slot.finish(&self.metadata);
                // With incomplete metadata it still has its name and its content.
                if matches!(outcome, Ok(()) | Err(TargetError::Incomplete { .. })) {
                    *state = RestoredFileState::Finished;
                }
                outcome.map(|()| true)
            }
            other => {
                *state = other;
                Ok(false)
            }
        }
    }

    /// Abandons the file. True unless it was abandoned before.
    pub fn fail(&self) -> bool {
        !matches!(
            std::mem::replace(&mut *self.lock(), RestoredFileState::Failed),
            RestoredFileState::Failed
        )
    }

    pub fn is_finished(&self) -> bool {
        matches!(*self.lock(), RestoredFileState::Finished)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RestoredFileState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses the slot, which is opened on first use; false if the file failed already. A file that
    /// cannot be opened has failed.
    fn with_slot(
        &self,
        target: &dyn Target,
        use_slot: impl FnOnce(&dyn FileSlot) -> Result<(), TargetError>,
    ) -> Result<bool, TargetError> {
        let mut state = self.lock();
        if matches!(*state, RestoredFileState::Waiting) {
            *state = RestoredFileState::Failed;
            *state = RestoredFileState::Open(self.open(target)?);
        }
        match &*state {
            RestoredFileState::Open(slot) => use_slot(&**slot).map(|()| true),
            _ => Ok(false),
        }
    }

    fn open(&self, target: &dyn Target) -> Result<Box<dyn FileSlot>, TargetError> {
        let slot = target.file_with(&self.path, self.bytes, &self.metadata, self.replace)?;
        for (offset, bytes) in &self.kept {
            slot.keep(*offset, *bytes)?;
        }
        Ok(slot)
    }
}
