//! Messages of `run`, `restore-app`, `config`, `schedule` and `retention`, which restic does not
//! have.

use jiff::Timestamp;
use serde::Serialize;

/// A document about a run or a restore, with a message type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypedMessage<T> {
    /// The message type.
    pub message_type: &'static str,
    /// The document.
    #[serde(flatten)]
    pub content: T,
}

/// A mistake in or warning about an app file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigRemark<'a> {
    /// `mistake` or `warning`.
    pub message_type: &'static str,
    /// The app file.
    pub file: &'a str,
    /// Line, from 1; absent if something is missing on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// One sentence.
    pub message: &'a str,
    /// How to correct it.
    pub help: &'a str,
}

/// The last message of `config check` for a file without mistakes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigSummary<'a> {
    /// Always `summary`.
    pub message_type: &'static str,
    /// The app file.
    pub file: &'a str,
    /// Name of the application.
    pub app: &'a str,
    /// Names of its sources, in the order of capture.
    pub sources: Vec<&'a str>,
    /// Number of checks.
    pub checks: usize,
    /// Number of hooks.
    pub hooks: usize,
    /// When runs start.
    pub runs: String,
    /// What is kept, in words; null if everything is.
    pub keeps: Option<String>,
    /// Number of warnings.
    pub warnings: usize,
}

/// The document of `schedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleDocument {
    /// The files that were or would be written.
    pub files: Vec<ScheduleFile>,
    /// Commands that were run or have to be run afterwards.
    pub commands: Vec<String>,
}

/// A unit, crontab or manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleFile {
    /// Its name, or its path if it was written.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The document of `retention report`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionReport {
    /// The day in question.
    pub day: String,
    /// Start of the day.
    pub begin: Timestamp,
    /// Start of the next day.
    pub end: Timestamp,
    /// The current time.
    pub now: Timestamp,
    /// The assumptions, one sentence each.
    pub assumptions: Vec<String>,
    /// Groups that rules are applied to.
    pub groups: Vec<RetentionGroup>,
    /// The snapshot that is removed last; null if no snapshot can hold the data.
    pub last: Option<RetentionSnapshot>,
    /// The last of those that are ever removed.
    pub last_to_go: Option<RetentionSnapshot>,
}

/// A group of snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionGroup {
    /// Host of its snapshots.
    pub host: String,
    /// Paths of its snapshots.
    pub paths: Vec<String>,
    /// True if runs are expected to add to it.
    pub goes_on: bool,
    /// Those that can hold the data, newest first.
    pub snapshots: Vec<RetentionSnapshot>,
}

/// A snapshot that can hold the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionSnapshot {
    /// Its id; null if the snapshot is yet to be made.
    pub id: Option<String>,
    /// The short id.
    pub short_id: Option<String>,
    /// Its time.
    pub time: Timestamp,
    /// True if it is of the day itself.
    pub of_day: bool,
    /// True if the snapshot is yet to be made.
    pub planned: bool,
    /// True if it is held.
    pub hold: bool,
    /// True if it is incomplete.
    pub incomplete: bool,
    /// The rules that keep it now.
    pub reasons: Vec<String>,
    /// The rules that keep it longest.
    pub last_reasons: Vec<String>,
    /// `goes`, `held`, `endless-rule`, `no-rules`, `stands-still`, or `later` if it outlasts the
    /// simulation.
    pub ends: &'static str,
    /// The time of the run that removes it, or with `later` the end of the simulation.
    pub until: Option<Timestamp>,
}
