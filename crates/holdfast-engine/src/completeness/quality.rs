//! How good a snapshot is as a backup: what retention considers besides its time.

use holdfast_format::record::{Captured, Snapshot};

use super::{captured, checks_passed};

/// How good a snapshot is as a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    /// Its sources.
    pub sources: Vec<SourceQuality>,
    /// Whether the checks passed; `None` if there were no checks.
    pub checks: Option<bool>,
}

/// How good the capture of one source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceQuality {
    /// Its name.
    pub name: String,
    /// How much of the source it has.
    pub grade: Grade,
    /// True if there was far less than before.
    pub is_shrunk: bool,
}

/// How much of its source a capture has, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Everything.
    Complete,
    /// Everything, but some entries changed while being read.
    Changed,
    /// Not everything.
    Holed,
}

impl Grade {
    fn of(captured: &Captured) -> Self {
        match (captured.unread, captured.lost, captured.changed) {
            (0, 0, 0) => Self::Complete,
            (0, 0, _) => Self::Changed,
            _ => Self::Holed,
        }
    }
}

impl Quality {
    /// The quality of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let sources = snapshot.sources.iter().map(|source| {
            let captured = captured(snapshot, source);
            let is_shrunk = captured.shrunk_from.is_some();
            SourceQuality { name: source.name.clone(), grade: Grade::of(&captured), is_shrunk }
        });
        Self { sources: sources.collect(), checks: checks_passed(snapshot) }
    }

    /// The quality of a faultless backup of the same sources.
    pub fn without_faults(&self) -> Self {
        let without = |it: &SourceQuality| SourceQuality {
            name: it.name.clone(),
            grade: Grade::Complete,
            is_shrunk: false,
        };
        Self {
            sources: self.sources.iter().map(without).collect(),
            checks: self.checks.map(|_| true),
        }
    }

    /// True if something is missing in it, or changed while being read.
    pub fn is_incomplete(&self) -> bool {
        self.sources.iter().any(|it| it.grade != Grade::Complete)
    }

    /// True if nothing is wrong with it.
    pub fn is_sound(&self) -> bool {
        let is_sound = |it: &SourceQuality| it.grade == Grade::Complete && !it.is_shrunk;
        self.sources.iter().all(is_sound) && self.checks != Some(false)
    }
}
