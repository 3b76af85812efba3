//! What stands where a database is to be restored.

use std::collections::BTreeSet;

use super::super::archive::Wanted;
use super::super::error::{ErrorKind, PostgresError};
use super::super::options::Server;
use super::super::record::MemberKind;
use super::super::session::{Session, literal};
use super::stored::{Stored, StoredDatabase};
use super::verify::{self, TableOutcome, TableReport};
use super::{administrator, create};

/// Tables of a database that a dump of it would have.
const TABLES: &str = "SELECT n.nspname, c.relname FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
        AND d.objid = c.oid AND d.deptype = 'e')";

/// What stands where a database is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No database has the name.
    Absent,
    /// A database without a table.
    Empty,
    /// A database with so many tables.
    Tables(u64),
}

/// Looks whether the server has a database of this name, and what is in it.
///
/// # Errors
/// [`PostgresError`]: the server cannot be asked.
pub fn standing(server: &Server, database: &str) -> Result<Standing, PostgresError> {
    let tools = server.resolve()?;
    let mut admin = administrator(&tools, database)?;
    if !create::exists(&mut admin, database)? {
        return Ok(Standing::Absent);
    }
    let connects =
        format!("SELECT datallowconn FROM pg_database WHERE datname = {}", literal(database));
    if admin.value(&connects)?.as_deref() == Some("f") {
        let text = format!(
            "database {database:?} lets nobody connect, so what it holds cannot be told: ALTER \
             DATABASE ... ALLOW_CONNECTIONS true, or another name"
        );
        return Err(PostgresError::new(ErrorKind::Privilege, text));
    }
    let tables = Session::open(&tools, database)?.rows(TABLES)?;
    Ok(match tables.len() {
        0 => Standing::Empty,
        count => Standing::Tables(count as u64),
    })
}

/// Compares a database that stands with a captured one: the tables if it has the same ones, and
/// each of them holds what was captured; `None` from the first difference on.
///
/// # Errors
/// [`PostgresError`]: the server or the backup cannot be read.
pub fn holds(
    stored: &dyn StoredDatabase,
    server: &Server,
    database: &str,
) -> Result<Option<Vec<TableReport>>, PostgresError> {
    let stored = Stored::read(stored)?;
    let tools = server.resolve()?;
    let mut session = Session::open(&tools, database)?;
    let found: BTreeSet<(String, String)> = session
        .rows(TABLES)?
        .into_iter()
        .filter_map(|row| {
            let mut columns = row.into_iter().flatten();
            columns.next().zip(columns.next())
        })
        .collect();
    let captured = stored.content.members.iter().filter(|it| it.kind != MemberKind::LargeObject);
    let captured: BTreeSet<(String, String)> =
        captured.filter_map(|it| Some((it.schema.clone()?, it.name.clone()))).collect();
    if found != captured {
        return Ok(None);
    }
    let mut reports = Vec::new();
    let compared = verify::each(&mut session, &stored, &Wanted::All, &mut |report| {
        let differs = matches!(report.outcome, TableOutcome::Differs { .. });
        reports.push((!differs).then_some(report));
        !differs
    });
    match compared {
        Ok(()) => Ok(reports.into_iter().collect()),
        // Other columns, or a large object that is not there.
        Err(error) if error.kind == ErrorKind::Statement => Ok(None),
        Err(error) => Err(error),
    }
}
