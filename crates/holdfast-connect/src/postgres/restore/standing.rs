//! What stands where a database is to be restored.

use std::fmt;

use super::super::archive::Wanted;
use super::super::error::{ErrorKind, PostgresError};
use super::super::options::Server;
use super::super::session::{Session, literal};
use super::stored::{Stored, StoredDatabase};
use super::verify::{self, TableOutcome, TableReport};
use super::{administrator, create, objects};
use crate::words::count;

/// How many tables, other objects (views, sequences, functions, types), and large objects there
/// are. What extensions brought does not count.
const COUNTS: &str = "WITH own AS (SELECT oid FROM pg_namespace \
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'), \
    things AS ( \
        SELECT 'pg_class'::regclass AS kind, oid, relkind IN ('r', 'p') AS is_table \
            FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') \
            AND relnamespace IN (SELECT oid FROM own) \
        UNION ALL SELECT 'pg_proc'::regclass, oid, false FROM pg_proc \
            WHERE pronamespace IN (SELECT oid FROM own) \
        UNION ALL SELECT 'pg_type'::regclass, oid, false FROM pg_type \
            WHERE typtype IN ('d', 'e', 'r') AND typnamespace IN (SELECT oid FROM own)) \
    SELECT count(*) FILTER (WHERE is_table), count(*) FILTER (WHERE NOT is_table), \
        (SELECT count(*) FROM pg_largeobject_metadata) \
    FROM things WHERE NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = things.kind \
        AND d.objid = things.oid AND d.deptype = 'e')";

/// What stands where a database is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No database has the name.
    Absent,
    /// A database with nothing in it.
    Empty,
    /// A database with something in it.
    Filled(Holding),
}

/// How much a database holds of what somebody would miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Tables.
    pub tables: u64,
    /// Views, sequences, functions and types.
    pub others: u64,
    /// Large objects.
    pub large_objects: u64,
}

impl fmt::Display for Holding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&count(self.tables, "table", "tables"))?;
        match (self.tables, self.others) {
            (0, 1..) => write!(formatter, ", {} views, sequences, functions or types", self.others),
            _ => Ok(()),
        }?;
        match self.large_objects {
            0 => Ok(()),
            number => write!(formatter, ", {}", count(number, "large object", "large objects")),
        }
    }
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
    let counts = Session::open(&tools, database)?.rows(COUNTS)?;
    let mut counts = counts.into_iter().flatten().flatten();
    let mut next = || counts.next().and_then(|it| it.parse().ok()).unwrap_or(1);
    let holding = Holding { tables: next(), others: next(), large_objects: next() };
    Ok(match holding {
        Holding { tables: 0, others: 0, large_objects: 0 } => Standing::Empty,
        holding => Standing::Filled(holding),
    })
}

/// Compares a database that stands with a captured one: the tables if it has the same ones, each
/// of them holds what was captured, and so do sequences, functions, views, triggers, policies and,
/// `with_owners`, privileges; `None` from the first difference on.
///
/// # Errors
/// [`PostgresError`]: the server or the backup cannot be read.
pub fn holds(
    stored: &dyn StoredDatabase,
    server: &Server,
    database: &str,
    with_owners: bool,
) -> Result<Option<Vec<TableReport>>, PostgresError> {
    let stored = Stored::read(stored)?;
    let tools = server.resolve()?;
    let mut session = Session::open(&tools, database)?;
    let large_objects = session.value("SELECT count(*) FROM pg_largeobject_metadata")?;
    let captured_objects = stored.content.members.iter().filter(|it| it.large_object.is_some());
    let is_same_count = large_objects == Some(captured_objects.count().to_string());
    if !is_same_count
        || !objects::are_same(&tools, &stored, database, with_owners)?
        || !verify::sequences(&mut session, &stored, &Wanted::All)?.is_empty()
    {
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
