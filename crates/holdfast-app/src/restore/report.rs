//! The report of a restore: what it did, what it verified, and how long each step took.

use jiff::Timestamp;

use super::{NextStep, Remark, RestoreError, Verified};
use crate::hooks::EndState;

/// What a restore did.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreAppReport {
    /// The application.
    pub app: String,
    /// ID of this restore.
    pub run: String,
    /// The snapshot of the data.
    pub snapshot: String,
    /// Its time.
    pub snapshot_time: Timestamp,
    /// The snapshot of the keys, if keys were restored.
    pub keys_snapshot: Option<String>,
    /// How it ended: `incomplete` if a verification failed or the snapshot lacks something,
    /// `failed` if it stopped early.
    pub state: EndState,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// The steps in their order, including those not done.
    pub steps: Vec<StepReport>,
    /// Why it stopped, in one sentence.
    pub error: Option<String>,
    /// What to do next, one step each.
    pub next: Vec<NextStep>,
    /// Warnings.
    pub warnings: Vec<Remark>,
    /// What could not be restored because the snapshots do not have it, one sentence each.
    pub incomplete: Vec<String>,
    /// True if the user asked to stop.
    pub interrupted: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Its name, as in `database documenso`.
    pub name: String,
    /// How it ended.
    pub state: StepState,
    /// How long it took.
    pub duration_seconds: f64,
    /// What was done, or why not, in one sentence.
    pub message: String,
    /// What to do about it, if it was not done.
    pub next: Option<NextStep>,
    /// What was verified.
    pub verified: Vec<Verified>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It was done.
    Done,
    /// It was done, but a verification failed.
    Wrong,
    /// It failed.
    Failed,
    /// It was not started.
    NotDone,
}

impl RestoreAppReport {
    /// Number of verifications, and of those that failed.
    pub fn verified(&self) -> (usize, usize) {
        let all = self.steps.iter().flat_map(|step| &step.verified);
        let wrong = all.clone().filter(|it| !it.passed).count();
        (all.count(), wrong)
    }

    /// Records why it stopped.
    pub(super) fn fail(&mut self, error: &RestoreError) {
        self.state = EndState::Failed;
        self.interrupted |= error.is_interruption();
        self.error.get_or_insert_with(|| error.to_string());
        self.next.extend(error.next());
    }
}
