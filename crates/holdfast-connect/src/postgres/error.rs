//! What can go wrong with a server or with its tools.

use std::fmt;
use std::io;

/// Why a server could not be captured or restored: one sentence with what to do next. It never
/// contains a password.
#[derive(Debug)]
pub struct PostgresError {
    /// The kind of error, for callers that need to distinguish.
    pub kind: ErrorKind,
    text: String,
}

/// The kind of error, for callers that need to distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The options are invalid.
    Options,
    /// No server responds at the address.
    Unreachable,
    /// The server does not let this role log in.
    Login,
    /// The server has no such database.
    NoDatabase,
    /// The server has no free connections.
    TooManyConnections,
    /// The server requires TLS, or its certificate is not trusted.
    Tls,
    /// A program is missing or cannot be run.
    Tool,
    /// A program is older than the server.
    Version,
    /// The role lacks a privilege.
    Privilege,
    /// The server lacks roles that own stored objects or have privileges on them, or the role may
    /// not give objects to them.
    Owners,
    /// Row-level security would hide rows.
    RowSecurity,
    /// A dump is incomplete.
    Incomplete,
    /// A statement failed.
    Statement,
    /// The connection that holds the cut is lost.
    CutLost,
    /// The database already exists.
    Exists,
    /// The database is no longer what it was when the restore was planned.
    Changed,
    /// What was restored differs from the backup.
    Differs,
    /// The caller asked to stop.
    Stopped,
    /// Files or pipes failed, or stored files are damaged.
    Io,
}

impl PostgresError {
    pub(super) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The same error in a sentence that says more.
    pub(super) fn reworded(&self, text: String) -> Self {
        Self { kind: self.kind, text }
    }

    /// An input or output error during an action.
    pub(super) fn io(doing: &str, error: &io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {doing}: {error}"))
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for PostgresError {}

impl From<PostgresError> for io::Error {
    fn from(error: PostgresError) -> Self {
        Self::other(error)
    }
}

/// The server's answer when a connection or a statement failed.
pub(super) struct PostgresRefusal<'a> {
    /// Server and database, for messages.
    pub subject: &'a str,
    /// The SQLSTATE, if known.
    pub code: Option<&'a str>,
    /// The message of the server or the tool.
    pub message: &'a str,
}

impl PostgresRefusal<'_> {
    /// The reason in one sentence, with what to do.
    pub fn explain(&self) -> PostgresError {
        let (kind, advice) = self.judge();
        let Self { subject, message, .. } = self;
        let message = one_line(message);
        let message = message.trim_end_matches('.');
        let advice = if advice.is_empty() { String::new() } else { format!(": {advice}") };
        PostgresError::new(kind, format!("{subject}: {message}{advice}"))
    }

    fn judge(&self) -> (ErrorKind, &'static str) {
        let has = |text: &str| self.message.contains(text);
        let code = self.code.unwrap_or_default();
        if has("no encryption") || has("SSL off") {
            return (ErrorKind::Tls, "the server requires TLS; use sslmode=require or stricter");
        }
        if code == "28P01" || has("password authentication failed") {
            return (ErrorKind::Login, "check the role name and password");
        }
        if has("no password supplied") || has("password missing") {
            return (
                ErrorKind::Login,
                "provide a password with a file or a command; inside a container, a socket that \
                 trusts the local user needs none, otherwise pass the variable PGPASSWORD through \
                 `exec`, as docker exec -e PGPASSWORD does",
            );
        }
        if code.starts_with("28") || has("no pg_hba.conf entry") || has("authentication failed") {
            return (ErrorKind::Login, "check the role name and the server's pg_hba.conf");
        }
        if code == "3D000" || (has("database \"") && has("does not exist")) {
            return (ErrorKind::NoDatabase, "check the database name");
        }
        if code == "53300" || has("too many c") || has("remaining connection slots") {
            return (
                ErrorKind::TooManyConnections,
                "raise max_connections, or run at a quieter time",
            );
        }
        if has("server does not support TLS") || has("server does not support SSL") {
            return (
                ErrorKind::Tls,
                "turn on ssl in the server, or use sslmode=disable on a network that no one else \
                 can read",
            );
        }
        if has("certificate") {
            return (ErrorKind::Tls, "name the authority with sslrootcert=FILE");
        }
        if has("unsupported startup parameter") {
            return (
                ErrorKind::Options,
                "this is PgBouncer: use the address of the server behind it, or add options to its \
                 ignore_startup_parameters",
            );
        }
        if has("due to lock timeout") {
            return (ErrorKind::Statement, "run at a quieter time, or raise lock-timeout");
        }
        if has("due to statement timeout") {
            return (ErrorKind::Statement, "raise statement-timeout");
        }
        match code {
            "42501" => (ErrorKind::Privilege, "grant the role the missing privilege"),
            "" if has("onnect") => {
                (ErrorKind::Unreachable, "check host and port, and that the server is running")
            }
            _ => (ErrorKind::Statement, ""),
        }
    }
}

/// Messages of programs and servers, on one line.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}
