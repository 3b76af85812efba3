//! A throwaway PostgreSQL: its own folder, a socket in it and no network, stopped when it is
//! dropped.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A running server with a superuser `demo`, who needs no password.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    /// User and group that it runs as, if that is not who runs the test: it refuses to be root.
    user: Option<(u32, u32)>,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Panics
    /// If PostgreSQL is missing or does not start.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("holdfast-pg-").tempdir().expect("a folder");
        let user = rustix::process::geteuid().is_root().then(powerless_user);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("a mode");
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).expect("an owner");
        }
        let postgres = Self { folder, user };
        let data = postgres.folder.path().join("data");
        let options = ["-U", "demo", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"];
        succeed(postgres.server("initdb").arg("-D").arg(&data).args(options));
        let settings = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off",
            postgres.folder.path().display()
        );
        let mut start = postgres.server("pg_ctl");
        start.args(["-w", "-t", "120", "-o", &settings, "start", "-D"]).arg(&data);
        succeed(start.arg("-l").arg(postgres.folder.path().join("log")));
        postgres
    }

    /// Folder of its socket: `PGHOST`.
    pub fn host(&self) -> &Path {
        self.folder.path()
    }

    /// Runs SQL.
    #[track_caller]
    pub fn sql(&self, database: &str, sql: &str) {
        let options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql];
        succeed(self.program("psql").args(options));
    }

    /// A program of PostgreSQL that connects to this server.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        command.env("PGHOST", self.host()).env("PGPORT", "5432").env("PGUSER", "demo");
        command
    }

    /// A program that must run as the server's user.
    fn server(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command.current_dir(self.folder.path());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.server("pg_ctl");
        stop.args(["-w", "-m", "immediate", "stop", "-D"]).arg(self.folder.path().join("data"));
        // One that did not start cannot be stopped.
        let _ = stop.stdin(Stdio::null()).output();
    }
}

/// The folder of PostgreSQL's programs, the newest if there are several.
///
/// # Panics
/// If there is none.
pub fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    if let Some(newest) = folders.filter(|folder| folder.join("initdb").exists()).max() {
        return newest;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // What is there may be a link into the folder of all programs.
    let found = std::env::split_paths(&path).find_map(|it| it.join("initdb").canonicalize().ok());
    let program = found.expect("PostgreSQL is missing: `./dev test` installs it");
    program.parent().expect("a program lies in a folder").to_owned()
}

/// User and group of `postgres`, or of `nobody`.
fn powerless_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("there are users");
    let of = |name: &str| -> Option<(u32, u32)> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    of("postgres").or_else(|| of("nobody")).expect("a user without power")
}

#[track_caller]
fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {errors}", output.status);
}
