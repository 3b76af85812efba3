//! Restoring roles and databases of a PostgreSQL server.

use holdfast_connect::postgres::{
    DatabaseContent, DatabaseHolding, DatabaseLeftovers, DatabaseRestoreOptions, DatabaseState,
    ErrorKind, GlobalsReport, PostgresError, PostgresServer, RestoreSelection, ServerRecord,
    TableOutcome, TableReport, Unmade, check, globals, holds, leftovers, reads_others, restore,
    restore_globals, restore_script, settle, standing, tidy,
};

use holdfast_connect::words::count;

use super::agreed::Agreed;
use super::part::Part;
use super::tree::{Origin, SourceTree};
use super::{RestoreContext, RestoreError, Wishes};
use crate::config::{Databases, Postgres, SourceKind};
use crate::run;

/// One database of the snapshot, and its target.
pub(super) struct DatabaseMove<'a> {
    pub source: String,
    pub tree: SourceTree<'a>,
    pub server: PostgresServer,
    /// Its name in the snapshot.
    pub from: String,
    /// Its name after the restore.
    pub to: String,
    /// The part of it to restore.
    pub selection: RestoreSelection,
    /// What made the dump, and how.
    pub origin: Made,
}

/// What made a dump, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// holdfast.
    Here,
    /// Another program, as an archive.
    Archive,
    /// Another program, as a script, whose result cannot be compared.
    Script,
}

/// The outcome for a database.
#[derive(Default)]
pub(super) struct Outcome {
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

/// The server of a source.
fn server(
    part: &Part<'_>,
    postgres: &Postgres,
    context: &RestoreContext<'_>,
) -> Result<PostgresServer, RestoreError> {
    run::server(postgres, (context.password, context.password_file.as_deref()), &context.stop)
        .map_err(|why| RestoreError::refused(format!("source {:?}: {why}", part.name())))
}

/// The databases of a source in the snapshot, each with its target.
pub(super) fn moves<'a>(
    part: &Part<'_>,
    origin: Origin<'a>,
    context: &RestoreContext<'_>,
) -> Result<Vec<DatabaseMove<'a>>, RestoreError> {
    let Some(postgres) = part.to.kind.database() else { return Ok(Vec::new()) };
    let tree = origin.tree(part.name())?;
    if let SourceKind::Dump(_) = part.from.kind {
        return of_dump(part, tree, server(part, postgres, context)?);
    }
    let damaged = |why: String| {
        let name = part.name();
        RestoreError::refused(format!("postgres.json of source {name:?} cannot be used: {why}"))
            .or("run holdfast check, or choose another snapshot")
    };
    let json = tree.whole(b"postgres.json")?.ok_or_else(|| damaged("it is missing".into()))?;
    let record: ServerRecord =
        serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    let names: Vec<String> = record.databases.iter().map(|it| it.name.clone()).collect();
    let server = server(part, postgres, context)?;
    let one = |it: holdfast_connect::postgres::DatabaseRecord| {
        Ok(DatabaseMove {
            source: part.name().to_owned(),
            tree: tree.below(format!("databases/{}", it.folder).as_bytes())?,
            server: server.clone(),
            to: part.database(&names, &it.name)?,
            from: it.name,
            selection: RestoreSelection::default(),
            origin: Made::Here,
        })
    };
    record.databases.into_iter().map(one).collect()
}

/// The database of a dump that another program made: its name is only in the dump.
fn of_dump<'a>(
    part: &Part<'_>,
    tree: SourceTree<'a>,
    server: PostgresServer,
) -> Result<Vec<DatabaseMove<'a>>, RestoreError> {
    let mut moves = Vec::new();
    for folder in tree.folders(b"databases")? {
        let tree = tree.below(&[b"databases/", &folder[..]].concat())?;
        let Some(json) = tree.whole(b"content.json")? else { continue };
        let content: DatabaseContent = serde_json::from_slice(&json).map_err(|error| {
            let name = part.name();
            RestoreError::refused(format!("content.json of source {name:?}: {error}"))
                .or("run holdfast check, or choose another snapshot")
        })?;
        let (source, from) = (part.name().to_owned(), content.database);
        let to = part.database(std::slice::from_ref(&from), &from)?;
        let (server, selection) = (server.clone(), RestoreSelection::default());
        let origin = Made::Archive;
        moves.push(DatabaseMove { source, tree, server, from, to, selection, origin });
    }
    if tree.find(SCRIPT)?.is_some()
        && let Some(to) = only_name(part)
    {
        let (source, from) = (part.name().to_owned(), to.clone());
        let (selection, origin) = (RestoreSelection::default(), Made::Script);
        moves.push(DatabaseMove { source, tree, server, from, to, selection, origin });
    }
    Ok(moves)
}

/// The script of a database in the tree of its source.
const SCRIPT: &[u8] = b"database.sql";

/// The only database that a source names: a script does not contain its name.
fn only_name(part: &Part<'_>) -> Option<String> {
    match &part.to.kind.database()?.databases {
        Databases::Named(names) => match names.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        Databases::All => None,
    }
}

/// Why a dump that another program made is not restored, and the command that prints it.
pub(super) fn why_not(part: &Part<'_>, origin: Origin<'_>) -> Result<String, RestoreError> {
    let (tree, name) = (origin.tree(part.name())?, part.name());
    let snapshot = origin.snapshot.id.short();
    if tree.find(b"cluster.sql")?.is_some() {
        return Ok(format!(
            "pg_dumpall scripts are not restored; holdfast dump {snapshot} --source {name} \
             /cluster.sql prints it, and psql runs everything in it"
        ));
    }
    Ok(format!(
        "no target is set: add url to [source.restore]; holdfast dump -a custom {snapshot} \
         --source {name} /databases/NAME prints an archive"
    ))
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
    pub fn effect(
        &self,
        left: &DatabaseLeftovers,
        wishes: &Wishes,
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
            DatabaseState::Filled(holding) if wishes.only_missing => DatabaseEffect::Leave(holding),
            DatabaseState::Filled(holding) if self.origin == Made::Script => {
                DatabaseEffect::Replace(holding)
            }
            DatabaseState::Filled(holding) => {
                let with_owners = !wishes.no_owner;
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
        wishes: &Wishes,
        coming: &[String],
    ) -> Result<Option<String>, RestoreError> {
        if self.origin == Made::Script {
            return Ok(None);
        }
        let mut options = DatabaseRestoreOptions::new(self.server.clone(), &self.to, "");
        options.keep_owners = !wishes.no_owner;
        match check(&self.tree, &options, coming) {
            Ok(()) => Ok(None),
            Err(error) if error.kind == ErrorKind::Owners => {
                Ok(Some(format!("database {:?}: {error} (--no-owner)", self.to)))
            }
            Err(error) if matches!(error.kind, ErrorKind::Privilege | ErrorKind::Options) => {
                Ok(Some(format!("database {:?}: {error}", self.to)))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Restores it, unless it already matches the snapshot, after cleaning up what interrupted
    /// restores have left.
    ///
    /// A database that holds something else is replaced only if `may_replace`, and one that has
    /// changed since it was `agreed` is left alone.
    pub fn restore(
        &self,
        agreed: &Agreed,
        may_replace: bool,
        options: DatabaseRestoreOptions,
    ) -> Result<Outcome, RestoreError> {
        let failed = |error| self.failed(error);
        let is_unsettled = self.leftovers()?.is_unsettled;
        let mut warnings = self.tidy()?;
        let mut options = DatabaseRestoreOptions { selection: self.selection.clone(), ..options };
        let stands = standing(&self.server, &self.to).map_err(failed)?;
        let is_whole = self.selection == RestoreSelection::default();
        if let DatabaseState::Filled(_) = stands
            && is_whole
            && self.origin != Made::Script
            && let Some(tables) =
                holds(&self.tree, &self.server, &self.to, options.keep_owners).map_err(failed)?
        {
            let mut outcome = Outcome { tables, ..Outcome::default() };
            outcome.is_unfinished = is_unsettled && options.has_peers;
            if is_unsettled && !options.has_peers {
                let report = settle(&self.tree, &options, Vec::new()).map_err(failed)?;
                warnings.extend(self.about(report.warnings));
                outcome.unmade = report.unmade;
            }
            return Ok(Outcome { warnings, ..outcome });
        }
        agreed.check_database(self, &stands)?;
        options.only_empty = stands == DatabaseState::Empty;
        options.overwrite = match stands {
            DatabaseState::Absent => None,
            DatabaseState::Empty => Some(self.to.clone()),
            DatabaseState::Filled(_) => (may_replace && is_whole).then(|| self.to.clone()),
        };
        if self.origin == Made::Script {
            return self.script(&options, warnings);
        }
        let report = restore(&self.tree, &options).map_err(failed)?;
        warnings.extend(self.about(report.warnings));
        let (tables, unmade, is_unfinished) = (report.tables, report.unmade, options.has_peers);
        Ok(Outcome { tables, unmade, is_unfinished, script: None, warnings })
    }

    /// Finishes it, or only refreshes it if its peers are not finished yet.
    pub fn settle(
        &self,
        options: &DatabaseRestoreOptions,
        unmade: Vec<Unmade>,
    ) -> Result<Outcome, RestoreError> {
        let report = settle(&self.tree, options, unmade).map_err(|error| self.failed(error))?;
        let warnings = self.about(report.warnings).collect();
        Ok(Outcome {
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
    ) -> Result<Outcome, RestoreError> {
        if self.selection != RestoreSelection::default() {
            let message =
                format!("source {:?} is a script, which cannot be restored in part", self.source);
            return Err(RestoreError::refused(message).or("leave out --schema and --table"));
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
        Ok(Outcome { script: Some(sentence), warnings, ..Outcome::default() })
    }

    fn about(&self, warnings: Vec<String>) -> impl Iterator<Item = String> {
        warnings.into_iter().map(|it| format!("database {}: {it}", self.to))
    }

    fn failed(&self, error: holdfast_connect::postgres::PostgresError) -> RestoreError {
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

/// The script of a source's roles and tablespaces: in the tree of the data, or in that of the keys.
pub(super) fn globals_script(
    part: &Part<'_>,
    origins: &[Origin<'_>],
) -> Result<Option<Vec<u8>>, RestoreError> {
    for origin in origins {
        let sources = &origin.snapshot.snapshot.sources;
        let is_there = sources.iter().any(|it| it.name == part.name());
        if is_there && let Some(script) = origin.tree(part.name())?.whole(b"globals.sql")? {
            return Ok(Some(script));
        }
    }
    Ok(None)
}

/// What a restore would do with roles and tablespaces.
pub(super) fn roles(
    part: &Part<'_>,
    script: &[u8],
    (context, wishes): (&RestoreContext<'_>, &Wishes),
) -> Result<GlobalsReport, RestoreError> {
    of_server(part, context, |server| globals(server, script, !wishes.no_tablespaces))
}

/// Creates missing roles and tablespaces.
pub(super) fn restore_roles(
    part: &Part<'_>,
    script: &[u8],
    (context, wishes): (&RestoreContext<'_>, &Wishes),
) -> Result<GlobalsReport, RestoreError> {
    of_server(part, context, |server| restore_globals(server, script, !wishes.no_tablespaces))
}

fn of_server(
    part: &Part<'_>,
    context: &RestoreContext<'_>,
    act: impl FnOnce(&PostgresServer) -> Result<GlobalsReport, PostgresError>,
) -> Result<GlobalsReport, RestoreError> {
    let SourceKind::Postgres(postgres) = &part.to.kind else { return Ok(GlobalsReport::default()) };
    let server = server(part, postgres, context)?;
    let source_name = || part.name().to_owned();
    act(&server).map_err(|error| RestoreError::Postgres { source_name: source_name(), error })
}

/// What happens to roles, in one sentence.
pub(super) fn sentence_of_roles(report: &GlobalsReport) -> String {
    let missing = [&report.missing_roles[..], &report.missing_tablespaces[..]].concat();
    let there = [&report.existing_roles[..], &report.existing_tablespaces[..]].concat();
    let made = match missing.as_slice() {
        [] => "nothing to create".to_owned(),
        missing => format!("creates {}", missing.join(", ")),
    };
    match there.as_slice() {
        [] => made,
        there => {
            format!("{made}; keeps existing ones, memberships included: {}", there.join(", "))
        }
    }
}

/// Memberships that existing roles had and do not get back, one sentence each.
pub(super) fn warnings_of_roles(report: &GlobalsReport) -> impl Iterator<Item = String> {
    let of_pair = |(role, member): &(String, String)| {
        format!(
            "role {member:?} was a member of {role:?} in this snapshot but is not now; \
             memberships of existing roles are not restored (to restore it: GRANT \"{role}\" TO \
             \"{member}\")"
        )
    };
    report.other_memberships.iter().map(of_pair)
}
