//! The plan of a restore while it is made.

use holdfast_engine::Observer;

use super::agreed::AgreedPaths;
use super::next::{NextStep, Remark};
use super::{RestoreRequest, StepScene};

/// One step of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanItem {
    /// Its name, as in `database documenso`.
    pub name: String,
    /// What happens to it.
    pub effect: Effect,
    /// The effect in a sentence.
    pub detail: String,
    /// What to do about it, if nothing can be done here.
    pub next: Option<NextStep>,
}

/// What happens to existing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing exists; it is created.
    Make,
    /// What exists is already correct and is kept.
    Keep,
    /// Parts of what exists are added or overwritten.
    Change,
    /// What exists is replaced.
    Replace,
    /// A command runs.
    Run,
    /// Something is checked.
    Check,
    /// Nothing can be done.
    Skip,
}

impl Effect {
    /// True if it changes existing data.
    pub fn touches(self) -> bool {
        matches!(self, Self::Change | Self::Replace | Self::Run)
    }
}

/// A plan being made: steps add to it what they will do.
pub struct Planning<'a> {
    /// What every step may know.
    pub scene: &'a StepScene<'a>,
    /// Receives what happens meanwhile.
    pub observer: &'a dyn Observer,
    /// What will be done, in order.
    pub items: Vec<PlanItem>,
    /// Warnings.
    pub warnings: Vec<Remark>,
    /// What prevents the restore, with what allows it.
    pub refusals: Vec<Remark>,
    /// What was found at paths.
    pub agreed: AgreedPaths,
}

impl<'a> Planning<'a> {
    /// What the user requested.
    pub fn request(&self) -> &'a RestoreRequest {
        self.scene.request
    }

    /// Adds an item.
    pub fn push(&mut self, name: String, effect: Effect, detail: impl Into<String>) {
        self.items.push(PlanItem { name, effect, detail: detail.into(), next: None });
    }

    /// Adds something that is not done, and what to do about it.
    pub fn skip(&mut self, name: String, remark: Remark) {
        let Remark { message: detail, next } = remark;
        self.items.push(PlanItem { name, effect: Effect::Skip, detail, next });
    }

    /// Adds a warning.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(message.into().into());
    }
}
