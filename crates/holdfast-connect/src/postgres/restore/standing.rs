//! What exists where a database is to be restored.

use std::collections::BTreeMap;
use std::fmt;

use super::super::archive::DataSelection;
use super::super::error::{ErrorKind, PostgresError};
use super::super::options::PostgresServer;
use super::super::session::{PostgresSession, identifier, literal};
use super::stored::{ReadDatabase, StoredDatabase};
use super::verify::{self, TableOutcome, TableReport};
use super::{administrator, create, objects};
use crate::words::count;

/// The system catalogs of a database whose rows have OIDs, and whether this role may read them. The
/// server is queried, so that kinds of objects of later versions count too.
const CATALOGS: &str = "SELECT c.relname, has_table_privilege(c.oid, 'SELECT') \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a \
    ON a.attrelid = c.oid AND a.attname = 'oid' \
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' \
    AND NOT c.relisshared AND c.oid < 16384";
/// OIDs from here on belong to what was created after `initdb`; this is `FirstNormalObjectId`.
const FIRST_NUMBER: u32 = 16_384;
/// Other evidence that a database was changed: privileges and owners, settings, subscriptions.
const OF_CLUSTER: [&str; 3] = [
    "SELECT 'pg_shdepend', count(*) FROM pg_catalog.pg_shdepend WHERE dbid = (SELECT oid \
     FROM pg_catalog.pg_database WHERE datname = current_database())",
    "SELECT 'pg_db_role_setting', count(*) FROM pg_catalog.pg_db_role_setting \
     WHERE setdatabase = (SELECT oid FROM pg_catalog.pg_database \
     WHERE datname = current_database())",
    "SELECT 'pg_subscription', count(*) FROM pg_catalog.pg_subscription \
     WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
];
/// The key under which tables are counted.
const TABLES: &str = "tables";
/// The catalog of large objects.
const LARGE_OBJECTS: &str = "pg_largeobject_metadata";

/// What exists where a database is to be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseState {
    /// There is no database with the name.
    Absent,
    /// A database that contains nothing beyond a new one.
    Empty,
    /// A database that contains something.
    Filled(DatabaseHolding),
}

/// What a database contains beyond a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseHolding {
    /// Tables, including those of extensions.
    pub tables: u64,
    /// Large objects.
    pub large_objects: u64,
    /// Everything else: the number of rows in each system catalog.
    pub others: BTreeMap<String, u64>,
}

impl fmt::Display for DatabaseHolding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&count(self.tables, "table", "tables"))?;
        if self.large_objects > 0 {
            let objects = count(self.large_objects, "large object", "large objects");
            write!(formatter, ", {objects}")?;
        }
        if self.tables > 0 || self.others.is_empty() {
            return Ok(());
        }
        let catalogs: Vec<&str> = self.others.keys().map(String::as_str).collect();
        write!(formatter, ", and objects in {}", catalogs.join(", "))
    }
}

/// Checks whether the server has a database with this name, and what is in it.
///
/// A database is empty if none of its catalogs has a row that was created after `initdb`, and the
/// server has no settings, privileges or subscriptions of it. So anything doubtful, such as an
/// extension or the contents of the server's own template, counts as something.
///
/// # Errors
/// [`PostgresError`]: the server cannot be queried.
pub fn standing(server: &PostgresServer, database: &str) -> Result<DatabaseState, PostgresError> {
    let tools = server.resolve()?;
    let mut admin = administrator(&tools, database)?;
    if !create::exists(&mut admin, database)? {
        return Ok(DatabaseState::Absent);
    }
    let connects =
        format!("SELECT datallowconn FROM pg_database WHERE datname = {}", literal(database));
    if admin.value(&connects)?.as_deref() == Some("f") {
        let text = format!(
            "database {database:?} does not allow connections, so its contents cannot be examined: \
             ALTER DATABASE ... ALLOW_CONNECTIONS true, or use another name"
        );
        return Err(PostgresError::new(ErrorKind::Privilege, text));
    }
    let found = held(&mut PostgresSession::open(&tools, database)?)?;
    Ok(found.map_or(DatabaseState::Empty, DatabaseState::Filled))
}

/// What the database of a session contains; `None` if nothing.
pub(super) fn held(
    session: &mut PostgresSession,
) -> Result<Option<DatabaseHolding>, PostgresError> {
    let catalogs = session.rows(CATALOGS)?;
    let mut queries: Vec<String> = OF_CLUSTER.iter().map(|it| (*it).to_owned()).collect();
    for row in catalogs {
        let mut columns = row.into_iter().flatten();
        let (Some(name), Some(is_readable)) = (columns.next(), columns.next()) else { continue };
        queries.push(query(&name, is_readable == "t"));
    }
    let mut holding = DatabaseHolding::default();
    for row in session.rows(&queries.join(" UNION ALL "))? {
        let mut columns = row.into_iter().flatten();
        let (Some(name), Some(number)) = (columns.next(), columns.next()) else { continue };
        // Anything that cannot be read counts as something.
        match (name.as_str(), number.parse().unwrap_or(1)) {
            (_, 0) => {}
            (TABLES, number) => holding.tables = number,
            (LARGE_OBJECTS, number) => holding.large_objects = number,
            (_, number) => drop(holding.others.insert(name, number)),
        }
    }
    Ok((holding != DatabaseHolding::default()).then_some(holding))
}

/// Counts what was created in one catalog after `initdb`.
fn query(catalog: &str, is_readable: bool) -> String {
    let (name, text) = (identifier(catalog), literal(catalog));
    match catalog {
        "pg_class" => format!(
            "SELECT CASE WHEN relkind IN ('r', 'p') THEN '{TABLES}' ELSE {text} END, count(*) \
             FROM pg_catalog.pg_class WHERE oid >= {FIRST_NUMBER} GROUP BY 1"
        ),
        // The server creates them for sessions with temporary tables, and keeps them.
        "pg_namespace" => format!(
            "SELECT {text}, count(*) FROM pg_catalog.pg_namespace WHERE oid >= {FIRST_NUMBER} \
             AND nspname !~ '^pg_(toast_)?temp_[0-9]+$'"
        ),
        _ if is_readable => {
            format!("SELECT {text}, count(*) FROM pg_catalog.{name} WHERE oid >= {FIRST_NUMBER}")
        }
        // Dependent objects, such as user mappings of servers, are visible to every role.
        _ => format!(
            "SELECT {text}, count(DISTINCT objid) FROM pg_catalog.pg_depend \
             WHERE classid = 'pg_catalog.{name}'::regclass AND objid >= {FIRST_NUMBER}"
        ),
    }
}

/// Compares an existing database with a captured one: the tables if they are the same ones and each
/// of them holds what was captured, and if the same is true of sequences, functions, views,
/// triggers, policies and, `with_owners`, privileges; `None` from the first difference on.
///
/// # Errors
/// [`PostgresError`]: the server or the backup cannot be read.
pub fn holds(
    stored: &dyn StoredDatabase,
    server: &PostgresServer,
    database: &str,
    with_owners: bool,
) -> Result<Option<Vec<TableReport>>, PostgresError> {
    let stored = ReadDatabase::read(stored)?;
    let tools = server.resolve()?;
    let mut session = PostgresSession::open(&tools, database)?;
    // The queries contain names from the dump; whatever they are, nothing is changed.
    session.run("SET default_transaction_read_only = on")?;
    let large_objects = session.value("SELECT count(*) FROM pg_largeobject_metadata")?;
    let captured_objects = stored.content.members.iter().filter(|it| it.large_object.is_some());
    let is_same_count = large_objects == Some(captured_objects.count().to_string());
    if !is_same_count
        || !objects::are_same(&tools, &stored, database, with_owners)?
        || !verify::sequences(&mut session, &stored, &DataSelection::All, &|_| true)?.is_empty()
    {
        return Ok(None);
    }
    let mut reports = Vec::new();
    let compared = verify::each(&mut session, &stored, &DataSelection::All, &mut |report| {
        let differs = matches!(report.outcome, TableOutcome::Differs { .. });
        reports.push((!differs).then_some(report));
        !differs
    });
    match compared {
        Ok(()) => Ok(reports.into_iter().collect()),
        // Different columns, or a missing large object.
        Err(error) if error.kind == ErrorKind::Statement => Ok(None),
        Err(error) => Err(error),
    }
}
