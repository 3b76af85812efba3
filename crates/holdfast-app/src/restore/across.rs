//! Databases that read each other: what they show of the others is refreshed at the end.

use holdfast_connect::postgres::{DatabaseRestoreOptions, Unmade};
use holdfast_connect::words::count;

use super::database::{DatabaseMove, Made};
use super::report::Verified;
use super::step::Step;
use super::work::{Done, Work};
use super::{Prepared, RestoreError};

/// A database that has its rows, and is finished once all databases are restored.
pub(super) struct Unfinished<'p> {
    database: &'p DatabaseMove<'p>,
    options: DatabaseRestoreOptions,
    unmade: Vec<Unmade>,
}

impl<'p> Unfinished<'p> {
    pub fn new(
        database: &'p DatabaseMove<'p>,
        options: DatabaseRestoreOptions,
        unmade: Vec<Unmade>,
    ) -> Self {
        Self { database, options, unmade }
    }
}

impl Prepared<'_> {
    /// Adds the step that finishes databases, after the last one, if there are several.
    pub(super) fn finish_across(&mut self) {
        let is_database = |step: &Step<'_>| match step {
            Step::Database(database) => database.origin != Made::Script,
            _ => false,
        };
        let count = self.steps.iter().filter(|step| is_database(step)).count();
        if let Some(last) = self.steps.iter().rposition(is_database).filter(|_| count > 1) {
            self.steps.insert(last + 1, Step::Across);
        }
    }

    /// True if several databases are restored, which may read each other.
    pub(super) fn has_peers(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Across))
    }
}

impl Work<'_, '_> {
    /// Finishes the databases. One may show what another shows of a third, so there are as many
    /// rounds as databases that may show others.
    pub(super) fn across(&mut self) -> Result<Done, RestoreError> {
        let (mut readers, mut others) = (Vec::new(), Vec::new());
        for unfinished in std::mem::take(&mut self.unfinished) {
            match unfinished.database.reads_others(&unfinished.options)? {
                true => readers.push(unfinished),
                false => others.push(unfinished),
            }
        }
        let (of_readers, all) = (readers.len(), readers.len() + others.len());
        let mut verified = Vec::new();
        for round in 1..=of_readers {
            for reader in &mut readers {
                self.settle(reader, round < of_readers)?;
            }
        }
        for other in &mut others {
            self.settle(other, false)?;
        }
        for Unfinished { database, unmade, .. } in readers.into_iter().chain(others) {
            verified.extend(self::unmade(database, unmade));
        }
        let message = match of_readers {
            0 => "no database shows data of another".to_owned(),
            _ => format!(
                "{of_readers} of {} may show data of another",
                count(all as u64, "database", "databases")
            ),
        };
        Ok(Done { message, verified })
    }

    fn settle(
        &mut self,
        unfinished: &mut Unfinished<'_>,
        has_peers: bool,
    ) -> Result<(), RestoreError> {
        unfinished.options.has_peers = has_peers;
        let unmade = std::mem::take(&mut unfinished.unmade);
        let outcome = unfinished.database.settle(&unfinished.options, unmade)?;
        unfinished.unmade = outcome.unmade;
        for warning in outcome.warnings {
            if !self.report.warnings.contains(&warning) {
                self.report.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// Reports objects of databases that were not finished because the restore ended early.
    pub(super) fn tell_unfinished(&mut self) {
        for Unfinished { database, unmade, .. } in std::mem::take(&mut self.unfinished) {
            let told = unmade.into_iter().map(|it| {
                format!("{} in database {} was not created: {}", it.label, database.to, it.reason)
            });
            self.report.warnings.extend(told);
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
