//! One moment of several databases, held open.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{ErrorKind, PostgresError};
use super::identity;
use super::names;
use super::options::PostgresOptions;
use super::preflight::{begin, check_database, check_server};
use super::record::{DatabaseRecord, FORM, RestorePoint, ServerRecord};
use super::rows::TextRow;
use super::same;
use super::session::{PostgresSession, literal};
use super::tool::{RunningTool, Tools};

/// Freezes what the session sees. The first query after it takes the snapshot.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Settings that may end a session or its transaction, among those that the server knows: a
/// database or a role may have set them, and the cut must last as long as the dump. Their names
/// differ by version.
const LIMITS_OFF: &str = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN \
    ('transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')";
/// The snapshot, and what a new database needs.
const FACTS: &str = "SELECT pg_export_snapshot(), txid_current_snapshot(), \
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, \
    pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, \
    to_jsonb(d) ->> 'datlocprovider', \
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), \
    to_jsonb(d) ->> 'datcollversion', pg_database_size(d.oid), to_jsonb(d) ->> 'daticurules', \
    (SELECT spcname FROM pg_tablespace WHERE oid = d.dattablespace AND spcname <> 'pg_default') \
    FROM pg_database d WHERE d.datname = current_database()";
/// The time, and the server's version.
const SERVER: &str = "SELECT current_setting('server_version'), \
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
    floor(extract(epoch FROM clock_timestamp()))::bigint";

/// Called with one row: each column as PostgreSQL writes it, `None` for a null. An error stops the
/// query and is returned by it.
pub type OnRow<'a> = dyn FnMut(Vec<Option<String>>) -> Result<(), PostgresError> + 'a;

/// One moment of several databases: a transaction in each of them, open until the database has been
/// dumped or this is dropped.
///
/// The transactions begin right after one another, so each database is consistent in itself; the
/// WAL position of each is recorded.
pub struct Cut {
    pub(super) options: PostgresOptions,
    pub(super) tools: Tools,
    sessions: Mutex<BTreeMap<String, PostgresSession>>,
    record: ServerRecord,
    /// Seconds since 1970 by the server's clock.
    pub(super) seconds: i64,
    warnings: Vec<String>,
    /// What this role cannot see of each database, and so no dump has.
    hidden: BTreeMap<String, Vec<String>>,
    /// What tools printed although they succeeded.
    heard: Mutex<Vec<String>>,
}

impl Cut {
    /// Checks what [`super::preflight()`] checks, then begins a transaction in each database,
    /// exports its snapshot, and creates the restore point.
    ///
    /// # Errors
    /// [`PostgresError`]: the server cannot be reached, or the capture would not be correct.
    pub fn open(options: PostgresOptions) -> Result<Self, PostgresError> {
        let tools = options.server.resolve()?;
        let (mut first, names) = begin(&tools, &options.databases)?;
        let found = check_server(&tools, &mut first, &options, names.len())?;
        let system_identifier = identity::of_session(&mut first)?;
        drop(first);
        let (mut sessions, mut hidden) = (BTreeMap::new(), BTreeMap::new());
        for name in names {
            let mut session = PostgresSession::open(&tools, &name)?;
            hidden.insert(name.clone(), check_database(&mut session, &name)?);
            session.rows(LIMITS_OFF)?;
            session.allow_long(&tools)?;
            let patience = options.lock_timeout.as_millis();
            session.run(&format!("SET lock_timeout = {patience}"))?;
            sessions.insert(name, session);
        }
        let mut databases = Vec::new();
        for (name, session) in &mut sessions {
            session.run(BEGIN)?;
            databases.push(facts(name, session)?);
        }
        let any = sessions.values_mut().next();
        let any = any.ok_or_else(|| {
            PostgresError::new(ErrorKind::Options, "the server has no database to capture")
        })?;
        let server = any.rows(SERVER)?.into_iter().next().unwrap_or_default();
        let mut columns = server.into_iter().map(Option::unwrap_or_default);
        let mut next = || columns.next().unwrap_or_default();
        let (server_version, time, seconds) = (next(), next(), next());
        for (record, session) in databases.iter_mut().zip(sessions.values_mut()) {
            record.extensions = extensions(session)?;
        }
        let restore_point = restore_point(&options, &tools, &databases);
        let record = ServerRecord {
            form: FORM,
            time,
            server_version,
            server_version_number: found.server_version_number,
            dump_major: found.dump_major,
            system_identifier,
            is_standby: found.is_standby,
            restore_point,
            databases,
        };
        let seconds = seconds.parse().unwrap_or_default();
        let sessions = Mutex::new(sessions);
        let (warnings, heard) = (found.warnings, Mutex::default());
        Ok(Self { options, tools, sessions, record, seconds, warnings, hidden, heard })
    }

    /// What `postgres.json` will say.
    pub fn record(&self) -> &ServerRecord {
        &self.record
    }

    /// What does not prevent the capture but should be known.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The cut in one line, as a snapshot records it: system identifier, and WAL position and
    /// snapshot of each database.
    pub fn token(&self) -> String {
        let system = self.record.system_identifier.as_deref().unwrap_or("unknown");
        let mut token = format!("system={system}");
        for database in &self.record.databases {
            let DatabaseRecord { folder, lsn, snapshot, transactions, .. } = database;
            token.push_str(&format!(" {folder}={lsn}/{snapshot}/{transactions}"));
        }
        token
    }

    /// Runs a query at the moment of the cut and returns its rows as they arrive.
    ///
    /// # Errors
    /// The database is not part of the cut, or the query fails; the transaction has then ended and
    /// the capture cannot continue.
    pub fn query(
        &self,
        database: &str,
        sql: &str,
        on_row: &mut OnRow<'_>,
    ) -> Result<(), PostgresError> {
        let mut sessions = self.sessions();
        let session = sessions.get_mut(database).ok_or_else(|| {
            let text = format!("database {database:?} is not captured, so it cannot be queried");
            PostgresError::new(ErrorKind::NoDatabase, text)
        })?;
        session.query(sql, on_row)
    }

    /// What the tools have printed since the last call, although they succeeded and nothing is
    /// missing because of it.
    pub fn said(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records what a tool printed although it succeeded.
    pub(super) fn heard(&self, said: Vec<String>) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).extend(said);
    }

    /// What this role cannot see of a database.
    pub(super) fn hidden(&self, database: &str) -> &[String] {
        self.hidden.get(database).map(Vec::as_slice).unwrap_or_default()
    }

    /// Makes sure that all transactions of the cut are still open, except those of databases that
    /// have been dumped.
    ///
    /// # Errors
    /// One is not: what was captured must not be used.
    pub fn check(&self) -> Result<(), PostgresError> {
        let mut sessions = self.sessions();
        self.record.databases.iter().try_for_each(|record| match sessions.get_mut(&record.name) {
            Some(session) => is_held(record, session),
            None => Ok(()),
        })
    }

    /// Makes sure that a tool is connected to the server that holds the cut of a database.
    pub(super) fn see(
        &self,
        database: &str,
        running: &mut RunningTool,
        application_name: &str,
    ) -> Result<(), PostgresError> {
        match self.sessions().get_mut(database) {
            Some(session) => same::wait(session, running, application_name),
            None => Ok(()),
        }
    }

    /// Ends the transaction of a database, which can then no longer be queried.
    ///
    /// # Errors
    /// It had already ended: what was captured must not be used.
    pub(super) fn release(&self, database: &str) -> Result<(), PostgresError> {
        let record = self.record.databases.iter().find(|record| record.name == database);
        let mut sessions = self.sessions();
        let Some((record, session)) = record.zip(sessions.get_mut(database)) else {
            return Ok(());
        };
        is_held(record, session)?;
        // The server ends open transactions by itself, though it complains in its log.
        let _ = session.run("ROLLBACK");
        sessions.remove(database);
        Ok(())
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<String, PostgresSession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        for session in self.sessions().values_mut() {
            // The server ends open transactions by itself, though it complains in its log.
            let _ = session.run("ROLLBACK");
        }
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cut").field("record", &self.record).finish_non_exhaustive()
    }
}

/// Makes sure that the transaction of a database is still the one that was begun.
fn is_held(record: &DatabaseRecord, session: &mut PostgresSession) -> Result<(), PostgresError> {
    let now = session.value("SELECT txid_current_snapshot()");
    if now.as_ref().is_ok_and(|now| now.as_deref() == Some(&record.transactions)) {
        return Ok(());
    }
    let why = now.err().map(|error| format!(": {error}")).unwrap_or_default();
    let text = format!(
        "the transaction that held the cut of database {:?} has ended{why}; start the backup again",
        record.name
    );
    Err(PostgresError::new(ErrorKind::CutLost, text))
}

/// The snapshot of a transaction that has just begun.
fn facts(name: &str, session: &mut PostgresSession) -> Result<DatabaseRecord, PostgresError> {
    let row: TextRow = session.rows(FACTS)?.into_iter().next().unwrap_or_default();
    let column = |place: usize| row.get(place).cloned().flatten();
    let text = |place: usize| column(place).unwrap_or_default();
    if text(0).is_empty() {
        let text = format!("the server exported no snapshot of database {name:?}");
        return Err(PostgresError::new(ErrorKind::Statement, text));
    }
    Ok(DatabaseRecord {
        name: name.to_owned(),
        folder: names::folder(name),
        snapshot: text(0),
        transactions: text(1),
        lsn: text(2),
        owner: text(3),
        encoding: text(4),
        collate: text(5),
        ctype: text(6),
        locale_provider: column(7),
        locale: column(8),
        collation_version: column(9),
        bytes: text(10).parse().unwrap_or_default(),
        icu_rules: column(11),
        tablespace: column(12),
        extensions: BTreeMap::new(),
    })
}

fn extensions(session: &mut PostgresSession) -> Result<BTreeMap<String, String>, PostgresError> {
    let rows = session.rows("SELECT extname, extversion FROM pg_extension")?;
    let pairs = rows.into_iter().filter_map(|row| {
        let mut columns = row.into_iter().flatten();
        columns.next().zip(columns.next())
    });
    Ok(pairs.collect())
}

/// Creates the restore point in a session of its own, if it is wanted. Failing to create it is no
/// reason to make no backup.
fn restore_point(
    options: &PostgresOptions,
    tools: &Tools,
    databases: &[DatabaseRecord],
) -> RestorePoint {
    let Some((name, database)) = options.restore_point.as_ref().zip(databases.first()) else {
        return RestorePoint::NotWanted;
    };
    let query = format!("SELECT pg_create_restore_point({})", literal(name));
    let made =
        PostgresSession::open(tools, &database.name).and_then(|mut session| session.value(&query));
    match made {
        Ok(lsn) => RestorePoint::Made { name: name.clone(), lsn: lsn.unwrap_or_default() },
        Err(error) => RestorePoint::Refused { reason: error.to_string() },
    }
}
