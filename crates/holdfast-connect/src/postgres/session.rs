//! A session with one database, however it is reached.

use std::time::Duration;

use super::connection::Direct;
use super::error::PostgresError;
use super::psql::Psql;
use super::rows::{OnBytes, RowSplitter, TextRow};
use super::tool::Tools;

/// Nothing waits for a lock without end.
const PATIENCE: &str = "SET lock_timeout = '30s'";
/// Limit for a query of the catalogs.
const CATALOGUE_TIMEOUT: Duration = Duration::from_secs(300);
/// Limit for other statements: those of checks, and those that create, rename or drop databases,
/// which include a checkpoint.
const OTHERS_TIMEOUT: Duration = Duration::from_secs(3600);

/// A session with one database.
pub(super) enum PostgresSession {
    /// Over a connection of this process.
    Direct(Direct),
    /// Where the tools run: through `psql`.
    Psql(Psql),
}

impl PostgresSession {
    /// Begins a session.
    pub fn open(tools: &Tools, database: &str) -> Result<Self, PostgresError> {
        let mut session = match tools.exec.is_empty() {
            true => Self::Direct(Direct::open(tools, database)?),
            false => Self::Psql(Psql::open(tools, database)?),
        };
        session.run(PATIENCE)?;
        session.limit(tools.statement_timeout.unwrap_or(CATALOGUE_TIMEOUT))?;
        Ok(session)
    }

    /// Allows the following statements to take longer than a query of the catalogs.
    pub fn allow_long(&mut self, tools: &Tools) -> Result<(), PostgresError> {
        self.limit(tools.statement_timeout.unwrap_or(OTHERS_TIMEOUT))
    }

    /// Removes the limit, for statements that read or write whole tables.
    pub fn allow_any(&mut self) -> Result<(), PostgresError> {
        self.limit(Duration::ZERO)
    }

    fn limit(&mut self, limit: Duration) -> Result<(), PostgresError> {
        self.run(&format!("SET statement_timeout = {}", limit.as_millis()))
    }

    /// Runs statements that return no rows.
    pub fn run(&mut self, sql: &str) -> Result<(), PostgresError> {
        match self {
            Self::Direct(direct) => direct.run(sql),
            Self::Psql(psql) => psql.run(sql),
        }
    }

    /// Runs `COPY ... TO STDOUT` and returns the lines as they arrive, in pieces of any size.
    pub fn copy(
        &mut self,
        statement: &str,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<(), PostgresError> {
        match self {
            Self::Direct(direct) => direct.copy(statement, on_bytes),
            Self::Psql(psql) => psql.copy(statement, on_bytes),
        }
    }

    /// Runs a query and returns its rows as they arrive.
    pub fn query(
        &mut self,
        query: &str,
        on_row: &mut dyn FnMut(TextRow) -> Result<(), PostgresError>,
    ) -> Result<(), PostgresError> {
        let query = query.trim_end().trim_end_matches(';');
        let mut rows = RowSplitter::default();
        // The line feed ends a comment on the query's last line.
        let statement = format!("COPY ({query}\n) TO STDOUT");
        self.copy(&statement, &mut |bytes| rows.update(bytes, on_row))
    }

    /// The rows of a query that returns few.
    pub fn rows(&mut self, query: &str) -> Result<Vec<TextRow>, PostgresError> {
        let mut rows = Vec::new();
        self.query(query, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first column of a query's first row.
    pub fn value(&mut self, query: &str) -> Result<Option<String>, PostgresError> {
        let first = self.rows(query)?.into_iter().next();
        Ok(first.and_then(|row| row.into_iter().next()).flatten())
    }
}

/// A name as written in SQL.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as written in SQL.
pub(super) fn literal(text: &str) -> String {
    match text.contains('\\') {
        true => format!(" E'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
