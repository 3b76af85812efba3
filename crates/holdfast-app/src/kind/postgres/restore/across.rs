//! Databases that read each other: what they show of the others is refreshed at the end.

use std::rc::Rc;

use holdfast_connect::postgres::{DatabaseRestoreOptions, Unmade};
use holdfast_connect::words::count;

use super::database::DatabaseMove;
use super::step::Peers;
use crate::kind::step::{
    Effect, Planning, RestoreError, RestoreStep, StepOutcome, StepRole, StepWork, Verified,
};

/// A database that has its rows, and is finished once all databases are restored.
pub(super) struct Unfinished<'a> {
    database: Rc<DatabaseMove<'a>>,
    options: DatabaseRestoreOptions,
    unmade: Vec<Unmade>,
}

impl<'a> Unfinished<'a> {
    pub fn new(
        database: Rc<DatabaseMove<'a>>,
        options: DatabaseRestoreOptions,
        unmade: Vec<Unmade>,
    ) -> Self {
        Self { database, options, unmade }
    }

    fn settle(&mut self, has_peers: bool, work: &mut StepWork<'_>) -> Result<(), RestoreError> {
        self.options.has_peers = has_peers;
        let unmade = std::mem::take(&mut self.unmade);
        let outcome = self.database.settle(&self.options, unmade)?;
        self.unmade = outcome.unmade;
        for warning in outcome.warnings {
            let warning = warning.into();
            if !work.warnings.contains(&warning) {
                work.warnings.push(warning);
            }
        }
        Ok(())
    }
}

/// The step that finishes databases, after the last one.
pub(super) struct AcrossStep<'a> {
    pub peers: Rc<Peers<'a>>,
}

impl RestoreStep for AcrossStep<'_> {
    fn name(&self) -> String {
        "references between databases".to_owned()
    }

    fn role(&self) -> StepRole {
        StepRole::Data
    }

    /// Only databases that are created or replaced are finished.
    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let (effect, detail) = match self.peers.fills_any() {
            true => {
                let detail =
                    "refreshes materialized views and retries objects that could not be created";
                (Effect::Make, detail)
            }
            false => (Effect::Keep, "no database is created"),
        };
        planning.push(self.name(), effect, detail);
        Ok(())
    }

    /// One database may show what another shows of a third, so there are as many rounds as
    /// databases that may show others.
    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let (mut readers, mut others) = (Vec::new(), Vec::new());
        for unfinished in self.peers.take_unfinished() {
            match unfinished.database.reads_others(&unfinished.options)? {
                true => readers.push(unfinished),
                false => others.push(unfinished),
            }
        }
        let (of_readers, all) = (readers.len(), readers.len() + others.len());
        let mut verified = Vec::new();
        for round in 1..=of_readers {
            for reader in &mut readers {
                reader.settle(round < of_readers, work)?;
            }
        }
        for other in &mut others {
            other.settle(false, work)?;
        }
        for Unfinished { database, unmade, .. } in readers.into_iter().chain(others) {
            verified.extend(self::unmade(&database, unmade));
        }
        let message = match of_readers {
            0 => "no database shows data of another".to_owned(),
            _ => format!(
                "{of_readers} of {} may show data of another",
                count(all as u64, "database", "databases")
            ),
        };
        Ok(StepOutcome { message, verified })
    }

    fn abandon(&self, work: &mut StepWork<'_>) {
        for Unfinished { database, unmade, .. } in self.peers.take_unfinished() {
            work.warn(unmade.into_iter().map(|it| {
                format!("{} in database {} was not created: {}", it.label, database.to, it.reason)
            }));
        }
    }
}

/// Objects that could not be created, as failed verifications.
pub(super) fn unmade<'d>(
    database: &'d DatabaseMove<'_>,
    unmade: Vec<Unmade>,
) -> impl Iterator<Item = Verified> + use<'d> {
    let of_object = |it: Unmade| {
        Verified::new(format!("{} in database {}", it.label, database.to), false, it.reason)
    };
    unmade.into_iter().map(of_object)
}
