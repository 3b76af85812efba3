//! The notice of a run.

use std::fmt::Write;

use jiff::Timestamp;

use super::seconds_between;
use crate::hooks::EndState;

/// The notice of a run: what the document for the webhook, the text for the monitor and the values
/// for Prometheus are made from.
#[derive(Debug, Clone, PartialEq)]
pub struct RunNotice {
    /// The application.
    pub app: String,
    /// ID of the run.
    pub run: String,
    /// Host name of its snapshots.
    pub host: String,
    /// How it ended.
    pub state: EndState,
    /// Exit code of the process.
    pub exit_code: u8,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// The snapshot of the data.
    pub snapshot: Option<String>,
    /// The snapshot of the keys.
    pub keys_snapshot: Option<String>,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
    /// Bytes of all files, objects and dumps.
    pub total_bytes: u64,
    /// Bytes that the repository grew by.
    pub added_bytes: u64,
    /// The sources.
    pub sources: Vec<SourceNotice>,
    /// The checks.
    pub checks: Vec<CheckNotice>,
    /// Hooks that failed.
    pub failed_hooks: u32,
    /// Private keys and tokens found in ordinary sources.
    pub secrets_found: u64,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
}

/// The part of a notice about a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceNotice {
    /// Its name.
    pub name: String,
    /// Its type, as written in the app file.
    pub kind: String,
    /// Result of its capture.
    pub state: EndState,
    /// Duration of its capture.
    pub duration_seconds: f64,
    /// Files, objects or members.
    pub files: u64,
    /// Their bytes.
    pub total_bytes: u64,
    /// Bytes that the repository did not have.
    pub added_bytes: u64,
    /// Entries that could not be read.
    pub errors: u64,
    /// Objects that rows refer to but the source lacks.
    pub missing_objects: u64,
}

/// The part of a notice about a check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckNotice {
    /// Its name.
    pub name: String,
    /// True if it found nothing wrong.
    pub passed: bool,
    /// What it found, in one sentence.
    pub message: String,
}

impl RunNotice {
    /// A notice with only its general fields set.
    pub fn new(app: &str, run: &str, host: &str, started: Timestamp, ended: Timestamp) -> Self {
        Self {
            app: app.to_owned(),
            run: run.to_owned(),
            host: host.to_owned(),
            state: EndState::Ok,
            exit_code: 0,
            started,
            ended,
            duration_seconds: seconds_between(started, ended),
            snapshot: None,
            keys_snapshot: None,
            error: None,
            total_bytes: 0,
            added_bytes: 0,
            sources: Vec::new(),
            checks: Vec::new(),
            failed_hooks: 0,
            secrets_found: 0,
            warnings: Vec::new(),
        }
    }

    /// The notice as text. Errors come last, so that they remain if the beginning is cut off.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_text(&mut out);
        out
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        let Self { app, run, host, duration_seconds, .. } = self;
        writeln!(out, "{app} on {host}, run {run}, {duration_seconds:.0} seconds")?;
        for (what, id) in [("snapshot", &self.snapshot), ("keys", &self.keys_snapshot)] {
            if let Some(id) = id {
                writeln!(out, "{what} {id}")?;
            }
        }
        writeln!(out, "{} bytes in total, {} added", self.total_bytes, self.added_bytes)?;
        for source in &self.sources {
            let SourceNotice { name, files, total_bytes, errors, .. } = source;
            write!(
                out,
                "source {name}: {}, {files} files, {total_bytes} bytes",
                source.state.word()
            )?;
            if *errors > 0 {
                write!(out, ", {errors} could not be read")?;
            }
            writeln!(out)?;
        }
        for CheckNotice { name, passed, message } in &self.checks {
            let passed = if *passed { "passed" } else { "FAILED" };
            writeln!(out, "check {name}: {passed}: {message}")?;
        }
        for warning in &self.warnings {
            writeln!(out, "warning: {warning}")?;
        }
        if self.failed_hooks > 0 {
            writeln!(out, "{} hooks failed", self.failed_hooks)?;
        }
        if self.secrets_found > 0 {
            writeln!(out, "{} private keys or tokens in ordinary sources", self.secrets_found)?;
        }
        if let Some(error) = &self.error {
            writeln!(out, "error: {error}")?;
        }
        writeln!(out, "{}, exit code {}", self.state.word(), self.exit_code)
    }
}
