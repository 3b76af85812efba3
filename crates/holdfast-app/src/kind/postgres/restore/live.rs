//! Whether a target is the application's own server, under any address.
//!
//! `localhost`, `127.0.0.1`, the name of a container and a socket may all be one server, so servers
//! are compared by system identifier.

use holdfast_connect::postgres::{ServerRecord, system_identifier};

use crate::connections::Connections;
use crate::kind::step::{NextStep, Origin, RestoreError, RestorePart};
use crate::kind::{AppSource, DatabaseNames, PostgresSettings};

/// The same database, judging by the URLs alone; [`refuse_live`] queries the servers.
pub fn overlap(to: &PostgresSettings, live: &PostgresSettings) -> Option<String> {
    let is_one = to.exec == live.exec && to.url.address().shares_server(live.url.address());
    if !is_one {
        return None;
    }
    common_database(to, live)
}

/// What both have in common, assuming one server.
fn common_database(to: &PostgresSettings, live: &PostgresSettings) -> Option<String> {
    let is_common = |name: &String| match &live.databases {
        DatabaseNames::All => true,
        DatabaseNames::Named(names) => names.contains(name),
    };
    match &to.databases {
        DatabaseNames::All => Some("all databases of the server".to_owned()),
        DatabaseNames::Named(names) => {
            names.iter().find(|name| is_common(name)).map(|name| format!("database {name}"))
        }
    }
}

/// What identifies a server.
enum Identity {
    /// Its system identifier.
    Known(String),
    /// It does not reveal it.
    Untold,
    /// It does not answer.
    Silent,
}

/// Refuses a target that is a database of the application itself.
///
/// Servers that cannot be distinguished count as the same: one that does not reveal its identifier,
/// and one that does not answer, unless the snapshot records which server it was made from.
pub fn refuse_live(
    part: &RestorePart<'_>,
    to: &PostgresSettings,
    (source, live): (&AppSource, &PostgresSettings),
    origin: Origin<'_>,
    connections: &Connections<'_>,
) -> Result<(), RestoreError> {
    let Some(what) = common_database(to, live) else { return Ok(()) };
    let destination = match identity(to, connections)? {
        Identity::Known(number) => number,
        // The restore itself will report that.
        Identity::Silent => return Ok(()),
        Identity::Untold => {
            return Err(unclear(part, &what, "its server does not reveal its system identifier"));
        }
    };
    let recorded = recorded(source, origin)?;
    let is_live = match (identity(live, connections)?, &recorded) {
        (Identity::Known(number), recorded) => {
            number == destination || recorded.as_ref() == Some(&destination)
        }
        (_, Some(recorded)) => *recorded == destination,
        (_, None) => {
            let why = "the system identifier of the application's own server cannot be read";
            return Err(unclear(part, &what, why));
        }
    };
    match is_live {
        false => Ok(()),
        true => Err(RestoreError::refused(format!(
            "the file of targets sends source {:?} to {what} on the application's own server, \
             under another address",
            part.name()
        ))
        .or(NextStep::OtherTarget("another server or database"))),
    }
}

fn unclear(part: &RestorePart<'_>, what: &str, why: &str) -> RestoreError {
    RestoreError::refused(format!(
        "the file of targets sends source {:?} to {what}, a name that the application uses \
         too; {why}, so it may be the same database",
        part.name()
    ))
    .or("use another database name in that file, or GRANT EXECUTE ON FUNCTION \
         pg_control_system() to the roles on both servers")
}

fn identity(
    postgres: &PostgresSettings,
    connections: &Connections<'_>,
) -> Result<Identity, RestoreError> {
    let server = postgres.server(connections).map_err(RestoreError::refused)?;
    Ok(match system_identifier(&server) {
        Ok(Some(number)) => Identity::Known(number),
        Ok(None) => Identity::Untold,
        Err(_) if connections.is_stopped() => return Err(RestoreError::Interrupted),
        Err(_) => Identity::Silent,
    })
}

/// The system identifier of the server that the snapshot was made from.
fn recorded(source: &AppSource, origin: Origin<'_>) -> Result<Option<String>, RestoreError> {
    let name = source.name.as_str();
    if !origin.snapshot.snapshot.sources.iter().any(|it| it.name == name) {
        return Ok(None);
    }
    let Some(json) = origin.tree(name)?.whole(b"postgres.json")? else { return Ok(None) };
    let record: Option<ServerRecord> = serde_json::from_slice(&json).ok();
    Ok(record.and_then(|record| record.system_identifier))
}
