//! The document of `run`: for `--json` and for the webhook.

use holdfast_app::hooks::EndState;
use holdfast_app::notify::{CheckNotice, RunNotice, SourceNotice};
use jiff::Timestamp;
use serde::Serialize;

/// Version of the document, increased when a field is removed or changes its meaning.
const VERSION: u32 = 1;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunDocument<'a> {
    /// Version of the document.
    pub version: u32,
    /// The application.
    pub app: &'a str,
    /// ID of the run.
    pub run: &'a str,
    /// Host name of its snapshots.
    pub host: &'a str,
    /// `ok`, `incomplete` or `failed`.
    pub state: &'static str,
    /// Exit code of the process.
    pub exit_code: u8,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
    /// The snapshot of the data.
    pub snapshot: Option<&'a str>,
    /// The snapshot of the keys.
    pub keys_snapshot: Option<&'a str>,
    /// Why it failed, in one sentence.
    pub error: Option<&'a str>,
    /// Bytes of all files, objects and dumps.
    pub total_bytes: u64,
    /// Bytes that the repository grew by.
    pub added_bytes: u64,
    /// The sources.
    pub sources: Vec<RunSource<'a>>,
    /// The checks.
    pub checks: Vec<RunCheck<'a>>,
    /// Hooks that failed.
    pub failed_hooks: u32,
    /// Private keys and tokens found in ordinary sources.
    pub secrets_found: u64,
    /// Warnings, one sentence each.
    pub warnings: &'a [String],
}

/// One source of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSource<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type, as written in the app file.
    pub r#type: &'a str,
    /// Result of its capture: `ok` or `incomplete`.
    pub state: &'static str,
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

/// One check of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunCheck<'a> {
    /// Its name.
    pub name: &'a str,
    /// True if it found nothing wrong.
    pub passed: bool,
    /// What it found, in one sentence.
    pub message: &'a str,
}

/// The word for how the work ended.
pub fn state(state: EndState) -> &'static str {
    match state {
        EndState::Ok => "ok",
        EndState::Incomplete => "incomplete",
        EndState::Failed => "failed",
    }
}

impl<'a> From<&'a RunNotice> for RunDocument<'a> {
    fn from(notice: &'a RunNotice) -> Self {
        Self {
            version: VERSION,
            app: &notice.app,
            run: &notice.run,
            host: &notice.host,
            state: state(notice.state),
            exit_code: notice.exit_code,
            started: notice.started,
            ended: notice.ended,
            duration_seconds: notice.duration_seconds,
            snapshot: notice.snapshot.as_deref(),
            keys_snapshot: notice.keys_snapshot.as_deref(),
            error: notice.error.as_deref(),
            total_bytes: notice.total_bytes,
            added_bytes: notice.added_bytes,
            sources: notice.sources.iter().map(RunSource::from).collect(),
            checks: notice.checks.iter().map(RunCheck::from).collect(),
            failed_hooks: notice.failed_hooks,
            secrets_found: notice.secrets_found,
            warnings: &notice.warnings,
        }
    }
}

impl<'a> From<&'a SourceNotice> for RunSource<'a> {
    fn from(source: &'a SourceNotice) -> Self {
        Self {
            name: &source.name,
            r#type: &source.kind,
            state: state(source.state),
            duration_seconds: source.duration_seconds,
            files: source.files,
            total_bytes: source.total_bytes,
            added_bytes: source.added_bytes,
            errors: source.errors,
            missing_objects: source.missing_objects,
        }
    }
}

impl<'a> From<&'a CheckNotice> for RunCheck<'a> {
    fn from(check: &'a CheckNotice) -> Self {
        Self { name: &check.name, passed: check.passed, message: &check.message }
    }
}
