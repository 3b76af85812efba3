//! Which server is meant by an address that leaves a choice: the session that holds the cut and the
//! tools must use the same one.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use super::address::PostgresAddress;
use super::error::{ErrorKind, PostgresError};
use super::session::PostgresSession;
use super::tool::Tools;

/// Whether a server is a standby, and whether its transactions can only read.
const STATE: &str = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')";

impl Tools {
    /// The tools for the one server that the address means now. Where the tools run elsewhere, only
    /// they can resolve names, so the choice is left to them.
    pub fn chosen(self) -> Result<Self, PostgresError> {
        let wanted = self.address.parameter("target_session_attrs").map(str::to_owned);
        let endpoints = self.address.endpoints()?;
        let is_one = endpoints.len() == 1 && wanted.is_none();
        if !self.exec.is_empty() || (is_one && places(&endpoints[0]).len() < 2) {
            return Ok(self);
        }
        let wanted = wanted.as_deref().unwrap_or("any");
        // All servers are tried for a standby before any other is accepted.
        let rounds: &[&str] = match wanted {
            "prefer-standby" => &["standby", "any"],
            wanted => &[wanted],
        };
        let mut last = None;
        for wanted in rounds {
            for endpoint in &endpoints {
                for place in places(endpoint) {
                    let address = self.address.at(&endpoint.0, endpoint.1, place);
                    let one = Self { address, ..self.clone() };
                    match one.fits(wanted) {
                        Ok(true) => return Ok(one),
                        Ok(false) => {}
                        Err(error) if is_elsewhere(error.kind) => last = Some(error),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| none_fits(&self.address, wanted)))
    }

    /// True if the server is of the wanted kind, in libpq's terms.
    fn fits(&self, wanted: &str) -> Result<bool, PostgresError> {
        let database = self.address.database().unwrap_or("postgres");
        let mut session = match PostgresSession::open(self, database) {
            Err(error) if error.kind == ErrorKind::NoDatabase => {
                PostgresSession::open(self, "postgres")?
            }
            opened => opened?,
        };
        let state = session.rows(STATE)?.into_iter().next().unwrap_or_default();
        let mut state = state.into_iter().map(Option::unwrap_or_default);
        let is_standby = state.next().as_deref() == Some("t");
        let reads_only = is_standby || state.next().as_deref() == Some("on");
        match wanted {
            "any" => Ok(true),
            "read-write" => Ok(!reads_only),
            "read-only" => Ok(reads_only),
            "primary" => Ok(!is_standby),
            "standby" => Ok(is_standby),
            other => {
                let text =
                    format!("the server address has an unknown target_session_attrs {other:?}");
                Err(PostgresError::new(ErrorKind::Options, text))
            }
        }
    }
}

/// The addresses of a host, if it has several: each may be a different server.
fn places((host, port): &(String, u16)) -> Vec<Option<IpAddr>> {
    if Path::new(host).is_absolute() || host == "localhost" {
        return vec![None];
    }
    let found = (host.as_str(), *port).to_socket_addrs();
    let found: Vec<_> = found.into_iter().flatten().map(|it| Some(it.ip())).collect();
    match found.len() {
        0 | 1 => vec![None],
        _ => found,
    }
}

/// True if another host may work.
fn is_elsewhere(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable | ErrorKind::TooManyConnections | ErrorKind::CutLost)
}

fn none_fits(address: &PostgresAddress, wanted: &str) -> PostgresError {
    let text = format!("{}: no server matches target_session_attrs={wanted}", address.label());
    PostgresError::new(ErrorKind::Unreachable, text)
}
