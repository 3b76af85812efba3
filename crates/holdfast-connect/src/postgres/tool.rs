//! PostgreSQL's own programs, run here or by a command that runs them elsewhere.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::address::PostgresAddress;
use super::error::{ErrorKind, PostgresError, one_line};
use super::tool_command::ToolCommand;

/// How much is kept of a program's messages.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// How much of them is reported: the first ones name the cause.
const TOLD_BYTES_MAX: usize = 8 << 10;
/// How lines begin that only report progress.
const PROGRESS: [&[u8]; 8] = [
    b"pg_restore: creating ",
    b"pg_restore: processing ",
    b"pg_restore: executing ",
    b"pg_restore: launching ",
    b"pg_restore: finished ",
    b"pg_restore: skipping ",
    b"pg_restore: entering ",
    b"pg_restore: connecting ",
];
/// How long to sleep while a program that closed its output ends.
const END_INTERVAL: Duration = Duration::from_millis(5);
/// How long to wait for the rest of the messages of a program that has ended.
const MESSAGES_TIMEOUT: Duration = Duration::from_secs(1);
/// Variables that would direct a tool to a different server than the one given.
const VARIABLES: [&str; 11] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGSERVICE",
    "PGOPTIONS",
    "PGTZ",
    "PGDATESTYLE",
    "PGCLIENTENCODING",
    "PGAPPNAME",
];

/// How the tools are run, and against which server.
#[derive(Clone)]
pub(super) struct Tools {
    pub address: PostgresAddress,
    pub password: Option<Zeroizing<String>>,
    pub password_file: Option<PathBuf>,
    pub exec: Vec<OsString>,
    pub folder: Option<PathBuf>,
    pub statement_timeout: Option<Duration>,
    pub stop: Arc<AtomicBool>,
}

impl Tools {
    /// A program that still needs its arguments. Its messages are in English.
    pub fn command(&self, program: &str) -> ToolCommand {
        let path = match &self.folder {
            Some(folder) => folder.join(program).into_os_string(),
            None => program.into(),
        };
        let mut command = ToolCommand::new(&self.exec, path);
        let process = command.process();
        process.env("LC_ALL", "C").process_group(0);
        for variable in VARIABLES {
            process.env_remove(variable);
        }
        if let Some(password) = &self.password {
            process.env("PGPASSWORD", password.as_str());
        }
        command
    }

    /// Starts a program. Standard error is kept; the command decides about the other streams.
    pub fn start(
        &self,
        program: &str,
        command: &mut ToolCommand,
    ) -> Result<RunningTool, PostgresError> {
        let mut child = command
            .process()
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.missing(program, &error))?;
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeping = child.stderr.take().map(|stderr| {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || keep(stderr, &kept))
        });
        let (name, stop) = (program.to_owned(), Arc::clone(&self.stop));
        Ok(RunningTool { name, child, kept, keeping, status: None, stop })
    }

    /// Runs a program that prints little, and returns its output.
    pub fn print(&self, program: &str, arguments: &[&str]) -> Result<String, PostgresError> {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = self.start(program, &mut command)?;
        let mut printed = String::new();
        if let Some(stdout) = running.child.stdout.take() {
            let read = stdout.take(1 << 20).read_to_string(&mut printed);
            read.map_err(|error| PostgresError::io(&format!("read from {program}"), &error))?;
        }
        running.succeed()?;
        Ok(printed)
    }

    /// Major version of a program.
    pub fn major(&self, program: &str) -> Result<u32, PostgresError> {
        let line = self.print(program, &["--version"])?;
        let word =
            line.split_whitespace().find(|word| word.starts_with(|it: char| it.is_ascii_digit()));
        let digits = word.unwrap_or_default().split(|it: char| !it.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
            let text =
                format!("{program} --version printed {:?}, which has no version", line.trim());
            PostgresError::new(ErrorKind::Tool, text)
        })
    }

    fn missing(&self, program: &str, error: &io::Error) -> PostgresError {
        let text = match (self.exec.first(), error.kind()) {
            (Some(first), _) => {
                format!("cannot start {first:?} to run {program}: {error}; check `exec`")
            }
            (None, io::ErrorKind::NotFound) => format!(
                "{program} is not installed: install PostgreSQL's client programs (the package \
                 postgresql-client), or name their folder, or run them elsewhere with `exec`"
            ),
            (None, _) => format!("cannot start {program}: {error}"),
        };
        PostgresError::new(ErrorKind::Tool, text)
    }
}

/// A program started in a process group of its own, which is killed if this is dropped before the
/// program has ended.
pub(super) struct RunningTool {
    name: String,
    pub child: Child,
    /// The beginning of its standard error, and the thread that reads it.
    kept: Arc<Mutex<Vec<u8>>>,
    keeping: Option<JoinHandle<()>>,
    /// How it ended; from then on its process id may belong to another process.
    status: Option<ExitStatus>,
    stop: Arc<AtomicBool>,
}

impl RunningTool {
    /// Waits for the end, which must be a success.
    pub fn succeed(&mut self) -> Result<(), PostgresError> {
        let status = self.wait()?;
        if status.success() {
            return Ok(());
        }
        let how = match (status.code(), status.signal()) {
            (Some(127), _) => "was not found there (exit code 127)".to_owned(),
            (Some(code), _) => format!("failed with exit code {code}"),
            (None, signal) => format!("was killed by signal {}", signal.unwrap_or_default()),
        };
        let (name, mut said) = (&self.name, self.messages());
        if said.is_empty() {
            said = "it printed nothing".to_owned();
        }
        let kind = if status.code() == Some(127) { ErrorKind::Tool } else { ErrorKind::Statement };
        Err(PostgresError::new(kind, format!("{name} {how}: {said}")))
    }

    /// True once it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.status = self.status.or_else(|| self.child.try_wait().ok().flatten());
        self.status.is_some()
    }

    /// True if the caller asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Waits for the end: whether it succeeded, and its standard error.
    pub fn end(&mut self) -> Result<(bool, String), PostgresError> {
        let status = self.wait()?;
        Ok((status.success(), self.said()))
    }

    /// How it ended, if it does so soon.
    pub fn outcome_within(&mut self, timeout: Duration) -> Option<Result<(), PostgresError>> {
        let mut left = timeout;
        while self.status.is_none() {
            self.status = self.child.try_wait().ok()?;
            if self.status.is_none() {
                left = left.checked_sub(END_INTERVAL)?;
                std::thread::sleep(END_INTERVAL);
            }
        }
        Some(self.succeed())
    }

    /// Its standard error on one line, after its end.
    pub fn messages(&self) -> String {
        let said = self.said();
        one_line(&said[..said.floor_char_boundary(TOLD_BYTES_MAX)])
    }

    fn said(&self) -> String {
        let mut left = MESSAGES_TIMEOUT;
        // A process that it left running may hold standard error open.
        while self.keeping.as_ref().is_some_and(|keeping| !keeping.is_finished()) {
            let Some(less) = left.checked_sub(END_INTERVAL) else { break };
            left = less;
            std::thread::sleep(END_INTERVAL);
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }

    fn wait(&mut self) -> Result<ExitStatus, PostgresError> {
        loop {
            if let Some(status) = self.status {
                return Ok(status);
            }
            if self.stop.load(Ordering::SeqCst) {
                return Err(stopped());
            }
            let ended = self.child.try_wait();
            self.status = ended
                .map_err(|error| PostgresError::io(&format!("wait for {}", self.name), &error))?;
            if self.status.is_none() {
                std::thread::sleep(END_INTERVAL);
            }
        }
    }
}

impl Drop for RunningTool {
    fn drop(&mut self) {
        if self.status.is_none() {
            let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            if let Some(group) = group {
                // It may have ended on its own, which is just as good.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.wait();
        }
    }
}

/// The caller asked to stop.
pub(super) fn stopped() -> PostgresError {
    PostgresError::new(ErrorKind::Stopped, "the work was interrupted")
}

/// Reads to the end, so that the program never blocks, and keeps the beginning of its messages, but
/// not its progress.
fn keep(stderr: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stderr.by_ref().take(MESSAGE_BYTES_MAX as u64).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) if PROGRESS.iter().any(|start| line.starts_with(start)) => {}
            Ok(_) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MESSAGE_BYTES_MAX - kept.len();
                kept.extend_from_slice(&line[..line.len().min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
