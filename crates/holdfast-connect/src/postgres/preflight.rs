//! What would make a capture fail or turn out wrong, reported before it begins.

use super::error::{ErrorKind, PostgresError, one_line};
use super::options::{DatabaseSelection, GlobalsSelection, PostgresOptions};
use super::session::{PostgresSession, literal};
use super::tool::Tools;
use super::unfound;

/// Tables of which this role would not see all rows.
const HIDDEN_ROWS: &str = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) \
    AND n.nspname !~ '^pg_' ORDER BY 1";
/// Tables that this role cannot read at all.
const UNREADABLE: &str = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^pg_' \
    AND n.nspname <> 'information_schema' \
    AND NOT (has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind \
        WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') \
        ELSE has_table_privilege(c.oid, 'SELECT') END) ORDER BY 1";
/// Connections that this role could still open.
const FREE_CONNECTIONS: &str = "SELECT current_setting('max_connections')::int \
    - CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 0 \
      ELSE current_setting('superuser_reserved_connections')::int END \
    - (SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.datid IS NOT NULL)";
/// How many tables a message names.
const NAMED_MAX: usize = 5;

/// What is known before a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresPreflight {
    /// The databases that would be captured, ascending.
    pub databases: Vec<String>,
    /// The server's version as a number, such as 150018.
    pub server_version_number: u32,
    /// Major version of `pg_dump`.
    pub dump_major: u32,
    /// True if the server is a standby.
    pub is_standby: bool,
    /// Maximum number of connections of a capture at once.
    pub connections: usize,
    /// What does not prevent the capture but should be known, one sentence each.
    pub warnings: Vec<String>,
}

/// Checks with the server and the tools whether a capture would succeed.
///
/// # Errors
/// The first thing that would prevent it, and what to do about it.
pub fn preflight(options: &PostgresOptions) -> Result<PostgresPreflight, PostgresError> {
    let tools = options.server.resolve()?;
    let (mut first, databases) = begin(&tools, &options.databases)?;
    let mut found = check_server(&tools, &mut first, options, databases.len())?;
    drop(first);
    for database in &databases {
        let mut session = PostgresSession::open(&tools, database)?;
        check_database(&mut session, database)?;
        found.warnings.extend(unfound::warnings(&mut session, database)?);
    }
    found.connections = connections(databases.len());
    found.databases = databases;
    Ok(found)
}

/// A first session, and the databases that the options name, ascending.
pub(super) fn begin(
    tools: &Tools,
    wanted: &DatabaseSelection,
) -> Result<(PostgresSession, Vec<String>), PostgresError> {
    let of_url = tools.address.database();
    let first = match wanted {
        DatabaseSelection::Named(names) => names.first().map(String::as_str).or(of_url),
        DatabaseSelection::OfUrl | DatabaseSelection::All => of_url,
    };
    let first = first.ok_or_else(|| {
        let text = "no database is given: add one to the address, as in \
                    postgres://role@host/database";
        PostgresError::new(ErrorKind::Options, text)
    })?;
    let mut session = PostgresSession::open(tools, first)?;
    let mut databases: Vec<String> = match wanted {
        DatabaseSelection::Named(names) if !names.is_empty() => names.clone(),
        DatabaseSelection::Named(_) | DatabaseSelection::OfUrl => vec![first.to_owned()],
        DatabaseSelection::All => {
            let query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate";
            session.rows(query)?.into_iter().flatten().flatten().collect()
        }
    };
    databases.sort();
    databases.dedup();
    Ok((session, databases))
}

/// Databases that cannot be captured.
const SHUT: &str = "SELECT datname FROM pg_database WHERE NOT datallowconn AND NOT datistemplate";

/// Checks that concern the whole server.
pub(super) fn check_server(
    tools: &Tools,
    session: &mut PostgresSession,
    options: &PostgresOptions,
    databases: usize,
) -> Result<PostgresPreflight, PostgresError> {
    let number = session.value("SELECT current_setting('server_version_num')")?;
    let server_version_number = number.and_then(|it| it.parse().ok()).unwrap_or_default();
    let dump_major = check_tool(tools, "pg_dump", server_version_number / 10_000)?;
    if options.globals != GlobalsSelection::None {
        check_tool(tools, "pg_dumpall", server_version_number / 10_000)?;
    }
    let mut warnings = Vec::new();
    let is_standby = session.value("SELECT pg_is_in_recovery()")?.as_deref() == Some("t");
    if is_standby {
        warnings.push("the server is a standby: its unlogged tables are empty".to_owned());
        let feedback = session.value("SELECT current_setting('hot_standby_feedback')")?;
        if feedback.as_deref() != Some("on") {
            let text = "the standby may cancel a long dump: set hot_standby_feedback = on, or \
                        raise max_standby_streaming_delay";
            warnings.push(text.to_owned());
        }
    }
    if options.databases == DatabaseSelection::All {
        let shut = session.rows(SHUT)?.into_iter().flatten().flatten();
        warnings.extend(shut.map(|name| {
            format!("database {name:?} is not captured, because it does not allow connections")
        }));
    }
    let may_read = session.value("SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')")?;
    if options.globals == GlobalsSelection::WithPasswords && may_read.as_deref() != Some("t") {
        let text = "only a superuser may read the passwords of roles: capture roles without \
                    passwords (role-passwords = false), or log in as one";
        return Err(PostgresError::new(ErrorKind::Privilege, text));
    }
    check_connections(session, connections(databases))?;
    Ok(PostgresPreflight {
        databases: Vec::new(),
        server_version_number,
        dump_major,
        is_standby,
        connections: 0,
        warnings,
    })
}

/// Rejects a tool that is older than the server. Returns its major version.
fn check_tool(tools: &Tools, program: &str, server_major: u32) -> Result<u32, PostgresError> {
    let major = tools.major(program)?;
    if major >= server_major {
        return Ok(major);
    }
    let text = format!(
        "{program} has version {major} but the server has version {server_major}, which an older \
         tool cannot dump: install the package postgresql-client-{server_major}, or run the tools \
         where the server runs with `exec`"
    );
    Err(PostgresError::new(ErrorKind::Version, text))
}

/// A session holds the cut of each database, and one more is for the restore point and then for the
/// tools, of which one runs at a time.
fn connections(databases: usize) -> usize {
    databases + 1
}

/// The session that checks this has ended before the others begin.
fn check_connections(session: &mut PostgresSession, needed: usize) -> Result<(), PostgresError> {
    let free = session.value(FREE_CONNECTIONS)?;
    match free.and_then(|free| free.parse::<i64>().ok()) {
        Some(free) if usize::try_from(free + 1).unwrap_or(0) < needed => {
            let text = format!(
                "the server has {} connections left, and a capture of its databases needs \
                 {needed}: raise max_connections, or run at a quieter time",
                (free + 1).max(0)
            );
            Err(PostgresError::new(ErrorKind::TooManyConnections, text))
        }
        _ => Ok(()),
    }
}

/// User mappings whose options, often a password, are not shown to this role.
const HIDDEN_MAPPINGS: &str = "SELECT format('the options of the user mapping for %s on foreign \
    server %I, which role %I may not see', CASE m.umuser WHEN 0 THEN 'PUBLIC' \
    ELSE quote_ident(m.usename) END, m.srvname, current_user) \
    FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid \
    WHERE m.umoptions IS NULL \
    AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \
    AND NOT (pg_has_role(s.srvowner, 'USAGE') AND m.umuser = 0) \
    AND NOT (m.usename = current_user AND has_server_privilege(s.oid, 'USAGE')) ORDER BY 1";

/// Checks that concern one database; returns what this role cannot see of it, and so no dump has.
pub(super) fn check_database(
    session: &mut PostgresSession,
    database: &str,
) -> Result<Vec<String>, PostgresError> {
    let role = session.value("SELECT format('%I', current_user)")?.unwrap_or_default();
    let hidden: Vec<String> = session.rows(HIDDEN_ROWS)?.into_iter().flatten().flatten().collect();
    if !hidden.is_empty() {
        let text = format!(
            "row-level security hides rows of {} in database {database:?} from role {role}: run \
             ALTER ROLE {role} BYPASSRLS; as a superuser",
            named(&hidden)
        );
        return Err(PostgresError::new(ErrorKind::RowSecurity, text));
    }
    let unreadable: Vec<String> =
        session.rows(UNREADABLE)?.into_iter().flatten().flatten().collect();
    if !unreadable.is_empty() {
        let text = format!(
            "role {role} may not read {} in database {database:?}: run GRANT pg_read_all_data TO \
             {role}; as a superuser (before PostgreSQL 14 GRANT SELECT on each)",
            named(&unreadable)
        );
        return Err(PostgresError::new(ErrorKind::Privilege, text));
    }
    Ok(session.rows(HIDDEN_MAPPINGS)?.into_iter().flatten().flatten().collect())
}

/// The first tables of a list, and how many more there are.
fn named(tables: &[String]) -> String {
    // A name may have line feeds.
    let first: Vec<String> = tables.iter().take(NAMED_MAX).map(|table| one_line(table)).collect();
    let first = first.join(", ");
    match tables.len().saturating_sub(NAMED_MAX) {
        0 => first,
        more => format!("{first} and {more} more tables"),
    }
}

/// True if the role may call a function of the server, such as `pg_control_system()`.
pub(super) fn may_call(
    session: &mut PostgresSession,
    function: &str,
) -> Result<bool, PostgresError> {
    let function = literal(function);
    let query = format!("SELECT has_function_privilege({function}::regprocedure, 'EXECUTE')");
    Ok(session.value(&query)?.as_deref() == Some("t"))
}
