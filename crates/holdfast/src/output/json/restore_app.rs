//! The documents of `restore-app`: its plan, its steps, and its report, which is also for the
//! webhook.

use holdfast_app::restore::{
    Effect, Era, KeyOnMachine, KeysPlan, NeededKey, PlanItem, RestoreAppReport, RestorePlan,
    StepReport, StepState, Verified,
};
use jiff::Timestamp;
use serde::Serialize;

use super::run::state;
use crate::output::next;

/// What a restore will do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDocument<'a> {
    /// The application.
    pub app: &'a str,
    /// The snapshot of the data.
    pub snapshot: &'a str,
    /// Its time.
    pub time: Timestamp,
    /// The keys; null if the data needs none.
    pub keys: Option<KeysDocument<'a>>,
    /// The steps, in order.
    pub items: Vec<PlanItemDocument<'a>>,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
    /// What prevents the restore: one sentence each, with the flag that allows it.
    pub refusals: Vec<String>,
}

/// One step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanItemDocument<'a> {
    /// Its name, as in `database documenso`.
    pub name: &'a str,
    /// `make`, `keep`, `change`, `replace`, `run`, `check` or `skip`.
    pub effect: &'static str,
    /// The effect in a sentence.
    pub detail: String,
}

/// What is known about the keys before anything is changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeysDocument<'a> {
    /// The snapshot that they come from.
    pub snapshot: Option<&'a str>,
    /// Its time.
    pub time: Option<Timestamp>,
    /// The era that the data belongs to.
    pub era: Option<EraDocument>,
    /// The keys.
    pub needed: Vec<NeededKeyDocument<'a>>,
}

/// When keys were in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EraDocument {
    /// Time of the first snapshot of the data that needs them.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// Number of the era, from 1.
    pub number: usize,
    /// Number of eras.
    pub of: usize,
}

/// One key that the data needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeededKeyDocument<'a> {
    /// Its source.
    pub source: &'a str,
    /// Its path in that source.
    pub path: &'a str,
    /// What is at its target path: `same`, `other`, `absent`, `unknown`, or why it is unreadable.
    pub on_machine: OnMachineDocument<'a>,
}

/// What this machine has of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnMachineDocument<'a> {
    /// The key that the data needs.
    Same,
    /// Another one.
    Other,
    /// None.
    Absent,
    /// It cannot be read, for this reason.
    Unreadable(&'a str),
    /// Its location is unknown.
    Unknown,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestoreDocument<'a> {
    /// The application.
    pub app: &'a str,
    /// ID of this restore.
    pub run: &'a str,
    /// The snapshot of the data.
    pub snapshot: &'a str,
    /// Its time.
    pub snapshot_time: Timestamp,
    /// The snapshot of the keys, if keys were restored.
    pub keys_snapshot: Option<&'a str>,
    /// `ok`, `incomplete` or `failed`.
    pub state: &'static str,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// The steps in their order, including those not done.
    pub steps: Vec<StepDocument<'a>>,
    /// Why it stopped, in one sentence.
    pub error: Option<&'a str>,
    /// What to do next, one step each.
    pub next: Vec<String>,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
    /// What could not be restored because the snapshots do not have it, one sentence each.
    pub incomplete: &'a [String],
    /// True if the user asked to stop.
    pub interrupted: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepDocument<'a> {
    /// Its name, as in `database documenso`.
    pub name: &'a str,
    /// `done`, `wrong`, `failed` or `not-done`.
    pub state: &'static str,
    /// How long it took.
    pub duration_seconds: f64,
    /// What was done, or why not, in one sentence.
    pub message: String,
    /// What was verified.
    pub verified: Vec<VerifiedDocument<'a>>,
}

/// Something that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedDocument<'a> {
    /// What.
    pub name: &'a str,
    /// True if it is correct.
    pub passed: bool,
    /// What was found, in one sentence.
    pub message: &'a str,
}

impl<'a> From<&'a RestorePlan> for PlanDocument<'a> {
    fn from(plan: &'a RestorePlan) -> Self {
        Self {
            app: &plan.app,
            snapshot: &plan.snapshot,
            time: plan.time,
            keys: plan.keys.as_ref().map(KeysDocument::from),
            items: plan.items.iter().map(PlanItemDocument::from).collect(),
            warnings: plan.warnings.iter().map(next::remark).collect(),
            refusals: plan.refusals.iter().map(next::remark).collect(),
        }
    }
}

impl<'a> From<&'a PlanItem> for PlanItemDocument<'a> {
    fn from(item: &'a PlanItem) -> Self {
        let effect = match item.effect {
            Effect::Make => "make",
            Effect::Keep => "keep",
            Effect::Change => "change",
            Effect::Replace => "replace",
            Effect::Run => "run",
            Effect::Check => "check",
            Effect::Skip => "skip",
        };
        let detail = next::sentence(&item.detail, item.next.as_ref());
        Self { name: &item.name, effect, detail }
    }
}

impl<'a> From<&'a KeysPlan> for KeysDocument<'a> {
    fn from(keys: &'a KeysPlan) -> Self {
        Self {
            snapshot: keys.snapshot.as_deref(),
            time: keys.time,
            era: keys.era.as_ref().map(EraDocument::from),
            needed: keys.needed.iter().map(NeededKeyDocument::from).collect(),
        }
    }
}

impl From<&Era> for EraDocument {
    fn from(era: &Era) -> Self {
        Self { first: era.first, last: era.last, number: era.number, of: era.of }
    }
}

impl<'a> From<&'a NeededKey> for NeededKeyDocument<'a> {
    fn from(key: &'a NeededKey) -> Self {
        let on_machine = match &key.on_machine {
            KeyOnMachine::Same => OnMachineDocument::Same,
            KeyOnMachine::Other => OnMachineDocument::Other,
            KeyOnMachine::Absent => OnMachineDocument::Absent,
            KeyOnMachine::Unreadable(why) => OnMachineDocument::Unreadable(why),
            KeyOnMachine::Unknown => OnMachineDocument::Unknown,
        };
        Self { source: &key.source, path: &key.path, on_machine }
    }
}

impl<'a> From<&'a RestoreAppReport> for RestoreDocument<'a> {
    fn from(report: &'a RestoreAppReport) -> Self {
        Self {
            app: &report.app,
            run: &report.run,
            snapshot: &report.snapshot,
            snapshot_time: report.snapshot_time,
            keys_snapshot: report.keys_snapshot.as_deref(),
            state: state(report.state),
            started: report.started,
            ended: report.ended,
            duration_seconds: report.duration_seconds,
            steps: report.steps.iter().map(StepDocument::from).collect(),
            error: report.error.as_deref(),
            next: report.next.iter().map(next::step).collect(),
            warnings: report.warnings.iter().map(next::remark).collect(),
            incomplete: &report.incomplete,
            interrupted: report.interrupted,
        }
    }
}

impl<'a> From<&'a StepReport> for StepDocument<'a> {
    fn from(step: &'a StepReport) -> Self {
        let state = match step.state {
            StepState::Done => "done",
            StepState::Wrong => "wrong",
            StepState::Failed => "failed",
            StepState::NotDone => "not-done",
        };
        Self {
            name: &step.name,
            state,
            duration_seconds: step.duration_seconds,
            message: next::sentence(&step.message, step.next.as_ref()),
            verified: step.verified.iter().map(VerifiedDocument::from).collect(),
        }
    }
}

impl<'a> From<&'a Verified> for VerifiedDocument<'a> {
    fn from(verified: &'a Verified) -> Self {
        Self { name: &verified.name, passed: verified.passed, message: &verified.message }
    }
}
