//! The caller's options.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use zeroize::Zeroizing;

use super::address::PostgresAddress;
use super::error::PostgresError;
use super::tool::Tools;

/// A server and how to reach it.
#[derive(Clone)]
pub struct PostgresServer {
    /// Address as in `postgres://role@host:5432/database?sslmode=require`, seen from where the
    /// tools run. A socket's folder is given as `postgres:///database?host=/run/postgresql`.
    pub url: String,
    /// The role's password, if it is not in the URL. The tools get it in the variable `PGPASSWORD`,
    /// never as an argument.
    pub password: Option<Zeroizing<String>>,
    /// The password file of libpq, which the tools find by themselves.
    pub password_file: Option<PathBuf>,
    /// A command that runs the tools elsewhere, such as `["docker", "compose", "exec", "-T",
    /// "database"]`. The session that holds the cut then also runs there, through `psql`. The
    /// password is not passed on by itself: a socket that trusts the local user needs none, and
    /// `docker exec -e PGPASSWORD` passes it on.
    pub exec: Vec<OsString>,
    /// Folder of `pg_dump` and the other tools; without it, they are looked up like any command.
    pub tools: Option<PathBuf>,
    /// Limit for each statement; by default 5 minutes for queries of the catalogs and an hour for
    /// others. Statements that read or write whole tables, and the tools, have no limit.
    pub statement_timeout: Option<Duration>,
    /// When this becomes true, work stops with an error.
    pub stop: Arc<AtomicBool>,
}

impl PostgresServer {
    /// A server at an address, with default options.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            password_file: None,
            exec: Vec::new(),
            tools: None,
            statement_timeout: None,
            stop: Arc::default(),
        }
    }

    /// Parses the address, and chooses the one server that it means if it leaves a choice.
    ///
    /// # Errors
    /// The address is invalid, or none of several servers responds.
    pub(super) fn resolve(&self) -> Result<Tools, PostgresError> {
        let mut address = PostgresAddress::parse(&self.url)?;
        if self.exec.is_empty() {
            address.fill_in();
        }
        let password = self.password.clone().or_else(|| address.password.take());
        let tools = Tools {
            address,
            password,
            password_file: self.password_file.clone(),
            exec: self.exec.clone(),
            folder: self.tools.clone(),
            statement_timeout: self.statement_timeout,
            stop: Arc::clone(&self.stop),
        };
        tools.chosen()
    }
}

impl fmt::Debug for PostgresServer {
    /// Without the password and without the URL, which may contain one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Server");
        debug.field("exec", &self.exec).field("tools", &self.tools).finish_non_exhaustive()
    }
}

/// What is captured, and how.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The server.
    pub server: PostgresServer,
    /// Which databases.
    pub databases: DatabaseSelection,
    /// What to capture of roles and tablespaces.
    pub globals: GlobalsSelection,
    /// True if they are not part of the tree of the databases, but a source of their own
    /// ([`super::GlobalsSource`]), to be kept elsewhere.
    pub globals_apart: bool,
    /// Name of a restore point to create in the server's WAL, at most 63 bytes, so that a recovery
    /// from WAL can stop near the cut. If the server refuses, that is recorded but not an error.
    pub restore_point: Option<String>,
    /// How long `pg_dump` waits for the lock on a table before it fails.
    pub lock_timeout: Duration,
}

impl PostgresOptions {
    /// The database in the server's URL, with roles and their passwords.
    pub fn new(server: PostgresServer) -> Self {
        Self {
            server,
            databases: DatabaseSelection::OfUrl,
            globals: GlobalsSelection::WithPasswords,
            globals_apart: false,
            restore_point: None,
            lock_timeout: Duration::from_secs(30),
        }
    }
}

/// Which databases are captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseSelection {
    /// The one in the URL.
    OfUrl,
    /// These, at least one.
    Named(Vec<String>),
    /// All that allow connections and are not templates.
    All,
}

/// What to capture of roles and tablespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlobalsSelection {
    /// Nothing.
    None,
    /// Everything except passwords, which managed servers do not reveal.
    WithoutPasswords,
    /// Everything, including password verifiers.
    WithPasswords,
}
