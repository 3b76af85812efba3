//! One database of a snapshot, and its target.

use holdfast_connect::postgres::{
    DatabaseHolding, DatabaseLeftovers, DatabaseRestoreOptions, DatabaseState, ErrorKind,
    PostgresError, PostgresServer, RestoreSelection, TableOutcome, TableReport, Unmade, check,
    holds, leftovers, reads_others, restore, restore_script, settle, standing, tidy,
};
use holdfast_connect::words::count;

use crate::kind::step::{NextStep, Remark, RestoreError, RestoreRequest, SourceTree};

/// The script of a database in the tree of its source.
pub const SCRIPT: &[u8] = b"database.sql";

/// One database of the snapshot, and its target.
pub struct DatabaseMove<'a> {
    /// The source.
    pub source: String,
    /// Its folder in the snapshot.
    pub tree: SourceTree<'a>,
    /// The server to restore it to.
    pub server: PostgresServer,
    /// Its name in the snapshot.
    pub from: String,
    /// Its name after the restore.
    pub to: String,
    /// The part of it to restore.
    pub selection: RestoreSelection,
    /// What made the dump, and how.
    pub origin: DumpOrigin,
}

/// What made a dump, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpOrigin {
    /// holdfast.
    Own,
    /// Another program, as an archive.
    Archive,
    /// Another program, as a script, whose result cannot be compared.
    Script,
}

/// The outcome for a database.
#[derive(Default)]
pub(super) struct DatabaseOutcome {
    /// Its tables, compared.
    pub tables: Vec<TableReport>,
    /// Objects in it that could not be created.
    pub unmade: Vec<Unmade>,
    /// True if it is finished later, once its peers are restored.
    pub is_unfinished: bool,
    /// What was done instead, if it came from a script.
    pub script: Option<String>,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
}

/// What to do with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DatabaseEffect {
    /// It does not exist.
    Make,
    /// It exists and is empty.
    Fill,
    /// It matches the snapshot.
    Keep,
    /// It holds this much, and existing data is kept.
    Leave(DatabaseHolding),
    /// It holds this much, which differs from the snapshot.
    Replace(DatabaseHolding),
    /// It holds this much, and a part of a database cannot replace it.
    Refuse(DatabaseHolding),
    /// An interrupted restore was about to replace it.
    Halfway,
}

impl DatabaseEffect {
    /// True if the database is created, filled or replaced.
    pub fn fills(&self) -> bool {
        !matches!(self, Self::Keep | Self::Leave(_))
    }

    /// True if something exists that an application may be using, and that differs from the
    /// snapshot.
    pub fn is_in_use(&self) -> bool {
        !matches!(self, Self::Make | Self::Fill | Self::Keep)
    }
}

impl DatabaseMove<'_> {
    /// What interrupted restores of it have left behind.
    pub fn leftovers(&self) -> Result<DatabaseLeftovers, RestoreError> {
        leftovers(&self.server, &self.to).map_err(|error| self.failed(error))
    }

    /// Cleans up what they left; returns what was done, one sentence each.
    pub fn tidy(&self) -> Result<Vec<String>, RestoreError> {
        let told = tidy(&self.server, &self.to).map_err(|error| self.failed(error))?;
        Ok(told.into_iter().map(|it| format!("database {it}")).collect())
    }

    /// Examines the target.
    pub(super) fn effect(
        &self,
        left: &DatabaseLeftovers,
        request: &RestoreRequest,
    ) -> Result<DatabaseEffect, RestoreError> {
        let failed = |error| self.failed(error);
        if left.is_halfway() {
            return Ok(DatabaseEffect::Halfway);
        }
        let is_part = self.selection != RestoreSelection::default();
        Ok(match standing(&self.server, &self.to).map_err(failed)? {
            DatabaseState::Absent => DatabaseEffect::Make,
            DatabaseState::Empty => DatabaseEffect::Fill,
            DatabaseState::Filled(holding) if is_part => DatabaseEffect::Refuse(holding),
            DatabaseState::Filled(holding) if request.only_missing => {
                DatabaseEffect::Leave(holding)
            }
            DatabaseState::Filled(holding) if self.origin == DumpOrigin::Script => {
                DatabaseEffect::Replace(holding)
            }
            DatabaseState::Filled(holding) => {
                let with_owners = !request.no_owner;
                match holds(&self.tree, &self.server, &self.to, with_owners).map_err(failed)? {
                    Some(_) => DatabaseEffect::Keep,
                    None => DatabaseEffect::Replace(holding),
                }
            }
        })
    }

    /// What the server lacks for it, in one sentence. Roles in `coming` are created before it.
    pub fn obstacle(
        &self,
        request: &RestoreRequest,
        coming: &[String],
    ) -> Result<Option<Remark>, RestoreError> {
        if self.origin == DumpOrigin::Script {
            return Ok(None);
        }
        let mut options = DatabaseRestoreOptions::new(self.server.clone(), &self.to, "");
        options.keep_owners = !request.no_owner;
        match check(&self.tree, &options, coming) {
            Ok(()) => Ok(None),
            Err(error) if error.kind == ErrorKind::Owners => {
                let message = format!("database {:?}: {error}", self.to);
                Ok(Some(Remark::with(message, NextStep::WithoutOwners)))
            }
            Err(error) if matches!(error.kind, ErrorKind::Privilege | ErrorKind::Options) => {
                Ok(Some(format!("database {:?}: {error}", self.to).into()))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Restores it, unless it already matches the snapshot, after cleaning up what interrupted
    /// restores have left.
    ///
    /// A database that holds something else is replaced only if `may_replace`, and one that has
    /// changed since it was `agreed` is left alone.
    pub(super) fn restore(
        &self,
        agreed: Option<&DatabaseEffect>,
        may_replace: bool,
        options: DatabaseRestoreOptions,
    ) -> Result<DatabaseOutcome, RestoreError> {
        let failed = |error| self.failed(error);
        let is_unsettled = self.leftovers()?.is_unsettled;
        let mut warnings = self.tidy()?;
        let mut options = DatabaseRestoreOptions { selection: self.selection.clone(), ..options };
        let stands = standing(&self.server, &self.to).map_err(failed)?;
        let is_whole = self.selection == RestoreSelection::default();
        if let DatabaseState::Filled(_) = stands
            && is_whole
            && self.origin != DumpOrigin::Script
            && let Some(tables) =
                holds(&self.tree, &self.server, &self.to, options.keep_owners).map_err(failed)?
        {
            let mut outcome = DatabaseOutcome { tables, ..DatabaseOutcome::default() };
            outcome.is_unfinished = is_unsettled && options.has_peers;
            if is_unsettled && !options.has_peers {
                let report = settle(&self.tree, &options, Vec::new()).map_err(failed)?;
                warnings.extend(self.about(report.warnings));
                outcome.unmade = report.unmade;
            }
            return Ok(DatabaseOutcome { warnings, ..outcome });
        }
        self.check_agreed(agreed, &stands)?;
        options.only_empty = stands == DatabaseState::Empty;
        options.overwrite = match stands {
            DatabaseState::Absent => None,
            DatabaseState::Empty => Some(self.to.clone()),
            DatabaseState::Filled(_) => (may_replace && is_whole).then(|| self.to.clone()),
        };
        if self.origin == DumpOrigin::Script {
            return self.script(&options, warnings);
        }
        let report = restore(&self.tree, &options).map_err(failed)?;
        warnings.extend(self.about(report.warnings));
        let (tables, unmade, is_unfinished) = (report.tables, report.unmade, options.has_peers);
        Ok(DatabaseOutcome { tables, unmade, is_unfinished, script: None, warnings })
    }

    /// Refuses to change a database that has changed since the plan was made.
    fn check_agreed(
        &self,
        agreed: Option<&DatabaseEffect>,
        now: &DatabaseState,
    ) -> Result<(), RestoreError> {
        let before = match (agreed, now) {
            (Some(_), DatabaseState::Absent)
            | (Some(DatabaseEffect::Fill), DatabaseState::Empty) => {
                return Ok(());
            }
            (Some(DatabaseEffect::Replace(_) | DatabaseEffect::Halfway), _) => return Ok(()),
            (Some(DatabaseEffect::Make), _) => "did not exist",
            (Some(DatabaseEffect::Fill), _) => "was empty",
            (Some(DatabaseEffect::Keep), _) => "matched the snapshot",
            (Some(DatabaseEffect::Leave(_) | DatabaseEffect::Refuse(_)), _) => "was to be kept",
            (None, _) => "was not examined",
        };
        let found = match now {
            DatabaseState::Absent => "is gone".to_owned(),
            DatabaseState::Empty => "exists and is empty".to_owned(),
            DatabaseState::Filled(holding) => format!("holds {holding}"),
        };
        Err(RestoreError::changed(format!(
            "database {:?} {before} when the plan was made and now {found}; it was left unchanged",
            self.to
        )))
    }

    /// Finishes it, or only refreshes it if its peers are not finished yet.
    pub(super) fn settle(
        &self,
        options: &DatabaseRestoreOptions,
        unmade: Vec<Unmade>,
    ) -> Result<DatabaseOutcome, RestoreError> {
        let report = settle(&self.tree, options, unmade).map_err(|error| self.failed(error))?;
        let warnings = self.about(report.warnings).collect();
        Ok(DatabaseOutcome {
            tables: report.tables,
            unmade: report.unmade,
            is_unfinished: options.has_peers,
            script: None,
            warnings,
        })
    }

    /// True if it may show data of another database.
    pub fn reads_others(&self, options: &DatabaseRestoreOptions) -> Result<bool, RestoreError> {
        reads_others(options).map_err(|error| self.failed(error))
    }

    /// Runs its script.
    fn script(
        &self,
        options: &DatabaseRestoreOptions,
        mut warnings: Vec<String>,
    ) -> Result<DatabaseOutcome, RestoreError> {
        if self.selection != RestoreSelection::default() {
            let message =
                format!("source {:?} is a script, which cannot be restored in part", self.source);
            return Err(RestoreError::refused(message).or(NextStep::WholeDatabase));
        }
        let Some((_, mut reader)) = self.tree.open(SCRIPT)? else {
            return Err(RestoreError::refused("the script is missing from the snapshot"));
        };
        let report = restore_script(&mut reader, options).map_err(|error| self.failed(error))?;
        warnings.extend(self.about(report.warnings));
        let sentence = format!(
            "ran {}; the result of a script cannot be compared",
            count(report.statements, "statement", "statements")
        );
        Ok(DatabaseOutcome { script: Some(sentence), warnings, ..DatabaseOutcome::default() })
    }

    fn about(&self, warnings: Vec<String>) -> impl Iterator<Item = String> {
        warnings.into_iter().map(|it| format!("database {}: {it}", self.to))
    }

    pub(super) fn failed(&self, error: PostgresError) -> RestoreError {
        RestoreError::Postgres { source_name: self.source.clone(), error }
    }
}

/// The tables in one sentence, with the number of those that could not be compared.
pub(super) fn sentence(tables: &[TableReport]) -> String {
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    let same = tables.iter().filter(|table| table.outcome == TableOutcome::Same).count() as u64;
    let left = tables.len() as u64 - same;
    let rest = match left {
        0 => String::new(),
        _ => format!("; {left} could not be compared"),
    };
    let (tables, rows) = (count(same, "table", "tables"), count(rows, "row", "rows"));
    let hold = if same == 1 { "matches" } else { "match" };
    format!("{tables} with {rows} {hold} the snapshot, compared by hash{rest}")
}
