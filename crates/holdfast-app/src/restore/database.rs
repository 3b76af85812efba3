//! Restoring roles and databases of a PostgreSQL server.

use holdfast_connect::postgres::{
    RestoreOptions, Server, ServerRecord, Standing, TableOutcome, TableReport, holds, restore,
    restore_globals, standing,
};

use super::part::Part;
use super::tree::{Origin, SourceTree};
use super::{RestoreContext, RestoreError};
use crate::config::{Postgres, SourceKind};
use crate::run;

/// One database of the snapshot, and where it goes.
pub(super) struct DatabaseMove<'a> {
    pub source: String,
    pub tree: SourceTree<'a>,
    pub server: Server,
    /// The name that it has in the snapshot.
    pub from: String,
    /// The name that it gets.
    pub to: String,
}

/// What is to be done with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatabaseEffect {
    /// It does not exist.
    Make,
    /// It exists without a table.
    Fill,
    /// It holds what was captured.
    Keep,
    /// It exists with so many tables, and something else in them.
    Replace(u64),
}

/// The server of a source.
fn server(
    part: &Part<'_>,
    postgres: &Postgres,
    context: &RestoreContext<'_>,
) -> Result<Server, RestoreError> {
    run::server(postgres, context.password, &context.stop)
        .map_err(|why| RestoreError::refused(format!("source {:?}: {why}", part.name())))
}

/// The databases that a source has in the snapshot, each with the place where it goes.
pub(super) fn moves<'a>(
    part: &Part<'_>,
    origin: Origin<'a>,
    context: &RestoreContext<'_>,
) -> Result<Vec<DatabaseMove<'a>>, RestoreError> {
    let SourceKind::Postgres(postgres) = &part.to.kind else { return Ok(Vec::new()) };
    let tree = origin.tree(part.name())?;
    let damaged = |why: String| {
        let name = part.name();
        RestoreError::refused(format!("postgres.json of source {name:?} cannot be used: {why}"))
            .or("holdfast check, or another snapshot")
    };
    let json = tree.whole(b"postgres.json")?.ok_or_else(|| damaged("it is not there".into()))?;
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
        })
    };
    record.databases.into_iter().map(one).collect()
}

impl DatabaseMove<'_> {
    /// Looks at what stands there.
    pub fn effect(&self) -> Result<DatabaseEffect, RestoreError> {
        let failed = |error| self.failed(error);
        Ok(match standing(&self.server, &self.to).map_err(failed)? {
            Standing::Absent => DatabaseEffect::Make,
            Standing::Empty => DatabaseEffect::Fill,
            Standing::Tables(count) => {
                match holds(&self.tree, &self.server, &self.to).map_err(failed)? {
                    Some(_) => DatabaseEffect::Keep,
                    None => DatabaseEffect::Replace(count),
                }
            }
        })
    }

    /// Restores it, unless it holds what was captured; its tables, compared.
    ///
    /// A database with tables that hold something else is replaced only if `may_replace`.
    pub fn restore(
        &self,
        may_replace: bool,
        keep_owners: bool,
        run: &str,
    ) -> Result<(Vec<TableReport>, Vec<String>), RestoreError> {
        let failed = |error| self.failed(error);
        let stands = standing(&self.server, &self.to).map_err(failed)?;
        if let Standing::Tables(_) = stands
            && let Some(tables) = holds(&self.tree, &self.server, &self.to).map_err(failed)?
        {
            return Ok((tables, Vec::new()));
        }
        let mut options = RestoreOptions::new(self.server.clone(), &self.to, run);
        options.keep_owners = keep_owners;
        options.overwrite = match stands {
            Standing::Absent => None,
            Standing::Empty => Some(self.to.clone()),
            Standing::Tables(_) => may_replace.then(|| self.to.clone()),
        };
        let report = restore(&self.tree, &options).map_err(failed)?;
        Ok((report.tables, report.warnings))
    }

    fn failed(&self, error: holdfast_connect::postgres::PostgresError) -> RestoreError {
        RestoreError::Postgres { source_name: self.source.clone(), error }
    }
}

/// Tables in one sentence, and whether all that can be compared are as they were captured.
pub(super) fn sentence(tables: &[TableReport]) -> String {
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    let same = tables.iter().filter(|table| table.outcome == TableOutcome::Same).count();
    let left = tables.len() - same;
    let rest = match left {
        0 => String::new(),
        _ => format!("; {left} could not be compared"),
    };
    format!("{same} tables with {rows} rows hold what was captured, compared by hash{rest}")
}

/// Roles and tablespaces of a source: in the tree of the data, or in that of the keys.
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

/// Makes roles and tablespaces that are missing; what was done, in one sentence.
pub(super) fn restore_roles(
    part: &Part<'_>,
    script: &[u8],
    context: &RestoreContext<'_>,
) -> Result<String, RestoreError> {
    let SourceKind::Postgres(postgres) = &part.to.kind else { return Ok(String::new()) };
    let server = server(part, postgres, context)?;
    let report = restore_globals(&server, script)
        .map_err(|error| RestoreError::Postgres { source_name: part.name().to_owned(), error })?;
    Ok(match report.existing_roles.as_slice() {
        [] => "all roles were made".to_owned(),
        there => format!("roles that exist stay as they are: {}", there.join(", ")),
    })
}
