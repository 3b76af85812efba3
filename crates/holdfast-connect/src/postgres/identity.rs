//! The identity of a server, whatever its address.

use super::error::PostgresError;
use super::options::PostgresServer;
use super::preflight::may_call;
use super::restore::administrator;
use super::session::PostgresSession;

/// The number that `initdb` gave the cluster, which its standbys and copies share; `None` if the
/// role may not query it.
///
/// # Errors
/// [`PostgresError`]: the server cannot be reached.
pub fn system_identifier(server: &PostgresServer) -> Result<Option<String>, PostgresError> {
    of_session(&mut administrator(&server.resolve()?, "")?)
}

/// The same for the server of a session.
pub(super) fn of_session(session: &mut PostgresSession) -> Result<Option<String>, PostgresError> {
    match may_call(session, "pg_control_system()")? {
        true => session.value("SELECT system_identifier FROM pg_control_system()"),
        false => Ok(None),
    }
}
