//! Starting a backup again after a prune: one rule for every backup, of paths or of an application.

use crate::{EngineError, EngineEvent, Observer};

/// Attempts of one backup. Each leaves a pin, which makes prunes wait, so the second one normally
/// succeeds: only prunes that had read the chain before the pin, or that ignore it, can be in the
/// way of another.
pub const ATTEMPTS_MAX: u32 = 10;

/// Counts the attempts of one backup.
#[derive(Debug, Default)]
pub struct FencedAttempts {
    failed: u32,
}

impl FencedAttempts {
    /// Reports that a prune made an attempt useless, so that the caller starts the next one.
    ///
    /// # Errors
    /// `fenced`, the error of the attempt, if it was the last one. The pin stays, for the next run
    /// of the same backup. [`EngineError::Interrupted`].
    pub fn begin_again<E: From<EngineError>>(
        &mut self,
        fenced: E,
        observer: &dyn Observer,
    ) -> Result<(), E> {
        self.failed += 1;
        if self.failed >= ATTEMPTS_MAX {
            return Err(fenced);
        }
        let message = "a prune ran at the same time; starting again with what it left";
        observer.event(EngineEvent::Note { message });
        if observer.is_interrupted() { Err(EngineError::Interrupted.into()) } else { Ok(()) }
    }
}
