//! Whether a target is the application's own server, under any address.
//!
//! `localhost`, `127.0.0.1`, the name of a container and a socket may all be one server, so servers
//! are compared by system identifier.

use holdfast_connect::postgres::{PostgresServer, ServerRecord, system_identifier};

use super::part::{Part, common_database};
use super::tree::Origin;
use super::{RestoreContext, RestoreError};
use crate::config::{AppFile, Postgres, Source};
use crate::run;

/// What identifies a server.
enum Identity {
    /// Its system identifier.
    Known(String),
    /// It does not reveal it.
    Untold,
    /// It does not answer.
    Silent,
}

/// Refuses parts whose target is a database of the application itself.
///
/// Servers that cannot be distinguished count as the same: one that does not reveal its identifier,
/// and one that does not answer, unless the snapshot records which server it was made from.
pub(super) fn refuse(
    parts: &[Part<'_>],
    app: &AppFile,
    origin: Origin<'_>,
    context: &RestoreContext<'_>,
) -> Result<(), RestoreError> {
    for part in parts {
        let Some(to) = part.to.kind.database() else { continue };
        for source in &app.sources {
            let Some(live) = source.kind.database() else { continue };
            let Some(what) = common_database(to, live) else { continue };
            refuse_one(part, to, source, live, &what, origin, context)?;
        }
    }
    Ok(())
}

fn refuse_one(
    part: &Part<'_>,
    to: &Postgres,
    source: &Source,
    live: &Postgres,
    what: &str,
    origin: Origin<'_>,
    context: &RestoreContext<'_>,
) -> Result<(), RestoreError> {
    let destination = match identity(to, context)? {
        Identity::Known(number) => number,
        // The restore itself will report that.
        Identity::Silent => return Ok(()),
        Identity::Untold => {
            return Err(unclear(part, what, "its server does not reveal its system identifier"));
        }
    };
    let recorded = recorded(source, origin)?;
    let is_live = match (identity(live, context)?, &recorded) {
        (Identity::Known(number), recorded) => {
            number == destination || recorded.as_ref() == Some(&destination)
        }
        (_, Some(recorded)) => *recorded == destination,
        (_, None) => {
            let why = "the system identifier of the application's own server cannot be read";
            return Err(unclear(part, what, why));
        }
    };
    match is_live {
        false => Ok(()),
        true => Err(RestoreError::refused(format!(
            "the file given with --to sends source {:?} to {what} on the application's own \
             server, under another address",
            part.name()
        ))
        .or("name another server or database in that file, or leave out --to to restore in \
             place")),
    }
}

fn unclear(part: &Part<'_>, what: &str, why: &str) -> RestoreError {
    RestoreError::refused(format!(
        "the file given with --to sends source {:?} to {what}, a name that the application uses \
         too; {why}, so it may be the same database",
        part.name()
    ))
    .or("use another database name in that file, or GRANT EXECUTE ON FUNCTION \
         pg_control_system() to the roles on both servers")
}

fn identity(postgres: &Postgres, context: &RestoreContext<'_>) -> Result<Identity, RestoreError> {
    let server: PostgresServer =
        run::server(postgres, (context.password, context.password_file.as_deref()), &context.stop)
            .map_err(RestoreError::refused)?;
    Ok(match system_identifier(&server) {
        Ok(Some(number)) => Identity::Known(number),
        Ok(None) => Identity::Untold,
        Err(_) if context.is_stopped() => return Err(RestoreError::Interrupted),
        Err(_) => Identity::Silent,
    })
}

/// The system identifier of the server that the snapshot was made from.
fn recorded(source: &Source, origin: Origin<'_>) -> Result<Option<String>, RestoreError> {
    let name = source.name.as_str();
    if !origin.snapshot.snapshot.sources.iter().any(|it| it.name == name) {
        return Ok(None);
    }
    let Some(json) = origin.tree(name)?.whole(b"postgres.json")? else { return Ok(None) };
    let record: Option<ServerRecord> = serde_json::from_slice(&json).ok();
    Ok(record.and_then(|record| record.system_identifier))
}
