//! A throwaway PostgreSQL: its own folder with a socket, no network, stopped when dropped.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::unistd::User;
use tempfile::TempDir;

/// The folders of PostgreSQL's programs, one per version to test.
pub fn installations() -> Vec<PathBuf> {
    if let Some(folders) = std::env::var_os("HOLDFAST_TEST_POSTGRES") {
        return std::env::split_paths(&folders).collect();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.map(|entry| entry.unwrap().path().join("bin"));
    let mut folders: Vec<_> = folders.filter(|folder| folder.join("initdb").exists()).collect();
    if folders.is_empty() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
        folders.extend(
            found
                .and_then(|folder| folder.join("initdb").canonicalize().ok())
                .map(|program| program.parent().expect("a program is in a folder").to_owned()),
        );
    }
    assert!(!folders.is_empty(), "PostgreSQL is missing: `./dev test` installs it");
    folders.sort();
    folders
}

/// A running server.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    /// The user it runs as, if not the one that runs the test: PostgreSQL refuses to run as root.
    user: Option<(u32, u32)>,
    /// The number of its socket, and perhaps its port on 127.0.0.1.
    port: u16,
}

impl Cluster {
    /// Creates a cluster with the programs in a folder, and starts it.
    pub fn start(programs: &Path) -> Self {
        let cluster = Self::empty(programs);
        let options = ["-U", "demo", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        cluster.server("initdb").arg("-D").arg(cluster.data()).args(options).succeed();
        cluster.launch("-c listen_addresses=''");
        cluster
    }

    /// Restarts the server with these settings on a free port of 127.0.0.1, and returns the port.
    pub fn listen(&mut self, settings: &str) -> u16 {
        self.stop("fast").succeed();
        self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.launch(&format!("-c listen_addresses=127.0.0.1 {settings}"));
        self.port
    }

    /// Restarts the server with these settings and without a network.
    pub fn restart(&self, settings: &str) {
        self.stop("fast").succeed();
        self.launch(&format!("-c listen_addresses='' {settings}"));
    }

    /// True if an extension, which has its own package, is installed.
    pub fn has_extension(&self, name: &str) -> bool {
        let sql = format!("SELECT 1 FROM pg_available_extensions WHERE name = '{name}';");
        !self.sql("postgres", &sql).is_empty()
    }

    /// Starts a standby that follows this server.
    pub fn standby(&self) -> Self {
        let standby = Self::empty(&self.programs);
        let mut copy = standby.server("pg_basebackup");
        copy.env("PGHOST", self.folder.path()).env("PGPORT", self.port.to_string());
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "-D"]);
        copy.arg(standby.data()).succeed();
        standby.launch("-c listen_addresses=''");
        standby
    }

    /// A folder for a cluster, and its owner.
    fn empty(programs: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("holdfast-pg-").tempdir().unwrap();
        let user = nix::unistd::geteuid().is_root().then(|| {
            let named = |name| User::from_name(name).unwrap();
            let user = named("postgres").or_else(|| named("nobody")).expect("an unprivileged user");
            (user.uid.as_raw(), user.gid.as_raw())
        });
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        Self { programs: programs.to_owned(), folder, user, port: 5432 }
    }

    fn launch(&self, settings: &str) {
        let socket = format!(
            "-p {} {settings} -c unix_socket_directories='{}' -c fsync=off",
            self.port,
            self.folder.path().display()
        );
        self.server("pg_ctl")
            .args(["-w", "-t", "120", "-o", &socket, "start", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(self.folder.path().join("log"))
            .succeed();
    }

    fn stop(&self, how: &str) -> Command {
        let mut stop = self.server("pg_ctl");
        stop.args(["-w", "-m", how, "stop", "-D"]).arg(self.data());
        stop
    }

    /// The folder of the server's files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Major version of the programs.
    pub fn major(&self) -> u32 {
        let line = self.client("pg_dump", ["--version"]).succeed();
        let line = String::from_utf8(line).unwrap();
        let version = line.split(' ').nth(2).unwrap();
        version.trim().split('.').next().unwrap().parse().unwrap()
    }

    /// The folder of its programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// A folder for the test's own files, which server and client can enter.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client program that connects to this server.
    pub fn client<I: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(self.programs.join(program));
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("PGHOST", self.folder.path()).env("PGPORT", self.port.to_string());
        command.env("PGUSER", "demo");
        command.env("PGDATABASE", "postgres").env("PGTZ", "UTC").args(arguments);
        command
    }

    /// Creates an empty database.
    pub fn create(&self, database: &str) {
        self.client("createdb", ["-T", "template0", database]).succeed();
    }

    /// Runs SQL and returns its output, without headers.
    pub fn sql(&self, database: &str, sql: &str) -> Vec<u8> {
        let options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database];
        self.client("psql", options).succeed_with(sql.as_bytes())
    }

    /// The output of `pg_dump` to a pipe for a database.
    pub fn dump(&self, database: &str, options: &[&str]) -> Vec<u8> {
        self.client("pg_dump", options).args(["-d", database]).succeed()
    }

    /// A program that must run as the server's user.
    pub fn server(&self, program: &str) -> Command {
        let mut command = self.client(program, [""; 0]);
        command.current_dir(self.folder.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A cluster that did not start cannot be stopped.
        let _ = self.stop("immediate").stdin(Stdio::null()).output();
    }
}

/// Runs a program to completion.
pub trait Run {
    /// Its output; it must not fail.
    fn succeed(&mut self) -> Vec<u8>;

    /// Its output with the given standard input; it must not fail.
    fn succeed_with(&mut self, input: &[u8]) -> Vec<u8>;

    /// Its result with the given standard input.
    fn run_with(&mut self, input: &[u8]) -> Output;
}

impl Run for Command {
    fn succeed(&mut self) -> Vec<u8> {
        self.succeed_with(b"")
    }

    fn succeed_with(&mut self, input: &[u8]) -> Vec<u8> {
        let output = self.run_with(input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {}: {errors}", output.status);
        output.stdout
    }

    fn run_with(&mut self, input: &[u8]) -> Output {
        self.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn().unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A program that fails does not read all of its input.
            scope.spawn(move || {
                let _ = stdin.write_all(input);
            });
            child.wait_with_output().unwrap()
        })
    }
}
