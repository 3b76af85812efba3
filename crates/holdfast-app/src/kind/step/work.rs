//! A restore in progress, as its steps see it.

use std::path::PathBuf;

use holdfast_engine::Observer;

use super::agreed::AgreedPaths;
use super::next::{NextStep, Remark};
use super::{RestoreRequest, StepScene};
use crate::hooks::Hooks;

/// What a step may use and add to.
pub struct StepWork<'a> {
    /// What every step may know.
    pub scene: &'a StepScene<'a>,
    /// What the plan found at paths.
    pub agreed: &'a AgreedPaths,
    /// Runs commands.
    pub hooks: &'a Hooks<'a>,
    /// Receives what happens meanwhile.
    pub observer: &'a dyn Observer,
    /// Paths restored so far; everything below them was made by this restore.
    pub restored_paths: Vec<PathBuf>,
    /// Warnings.
    pub warnings: Vec<Remark>,
    /// What could not be restored because the snapshots do not have it, one sentence each.
    pub incomplete: Vec<String>,
    /// What to do next.
    pub next: Vec<NextStep>,
    /// Why the application must not be started, if so.
    pub hold: Option<Hold>,
}

/// Why the application is not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Its data is only partly restored.
    PartlyRestored,
    /// A check with `on-failure = "fail"` failed.
    CheckFailed,
    /// It could not be started.
    NotRunning,
}

/// The result of one step.
#[derive(Debug, Default)]
pub struct StepOutcome {
    /// What was done, in one sentence.
    pub message: String,
    /// What was verified.
    pub verified: Vec<Verified>,
}

/// Something that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What.
    pub name: String,
    /// True if it is correct.
    pub passed: bool,
    /// What was found, in one sentence.
    pub message: String,
}

impl<'a> StepWork<'a> {
    /// What the user requested.
    pub fn request(&self) -> &'a RestoreRequest {
        self.scene.request
    }

    /// Adds warnings, one sentence each.
    pub fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.extend(warnings.into_iter().map(Remark::from));
    }
}

impl Hold {
    /// The reason in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::PartlyRestored => "the application was not started on partly restored data",
            Self::CheckFailed => {
                "the application was not started, because a check with on-failure = \"fail\" failed"
            }
            Self::NotRunning => "the application could not be started",
        }
    }

    /// What to do about it.
    pub fn next(self) -> Option<NextStep> {
        match self {
            Self::PartlyRestored | Self::CheckFailed => Some(NextStep::StartAnyway),
            Self::NotRunning => None,
        }
    }
}

impl StepOutcome {
    /// With nothing to verify.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), verified: Vec::new() }
    }
}

impl Verified {
    /// One result.
    pub fn new(name: impl Into<String>, passed: bool, message: impl Into<String>) -> Self {
        Self { name: name.into(), passed, message: message.into() }
    }

    /// Whether a key is the one that the data needs.
    pub fn of_key(path: &str, is_same: bool) -> Self {
        let message = match is_same {
            true => "it is the key that the data needs",
            false => "it is NOT the key that the data needs",
        };
        Self::new(format!("key {path}"), is_same, message)
    }
}
