//! Messages of `run`, `restore-app`, `config`, `schedule` and `retention`, which restic does not
//! have.

use jiff::Timestamp;
use serde::Serialize;

/// What the layer below tells of a run or a restore, under the name of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message<'a, T> {
    /// What it is.
    pub message_type: &'static str,
    /// The rest of it.
    #[serde(flatten)]
    pub content: &'a T,
}

/// Something about an app file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark<'a> {
    /// `mistake` or `warning`.
    pub message_type: &'static str,
    /// The app file.
    pub file: &'a str,
    /// Line, from 1; not where something is missing on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// One sentence.
    pub message: &'a str,
    /// What to write or to do instead.
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
    /// When runs begin.
    pub runs: String,
    /// What stays, in words; null if everything does.
    pub keeps: Option<String>,
    /// Warnings that were given.
    pub warnings: usize,
}

/// The document of `schedule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// What was made, or would be.
    pub files: Vec<ScheduleFile>,
    /// Commands that were run or are to be run then.
    pub commands: Vec<String>,
}

/// A unit, crontab or manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleFile {
    /// Its name or, if it was written, its path.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The document of `retention report`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionReport {
    /// The day that is asked for.
    pub day: String,
    /// When it begins.
    pub begin: Timestamp,
    /// When the next one begins.
    pub end: Timestamp,
    /// The present moment.
    pub now: Timestamp,
    /// What the answer takes for granted, one sentence each.
    pub assumptions: Vec<String>,
    /// Groups that rules are applied to.
    pub groups: Vec<RetentionGroup>,
    /// The snapshot that goes last; null if no snapshot can hold the data.
    pub last: Option<RetentionSnapshot>,
    /// The last of those that go at all.
    pub last_to_go: Option<RetentionSnapshot>,
}

/// A group of snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionGroup {
    /// Host that its snapshots are of.
    pub host: String,
    /// Their paths.
    pub paths: Vec<String>,
    /// True if runs are expected to add to it.
    pub goes_on: bool,
    /// Those that can hold the data, newest first.
    pub snapshots: Vec<RetentionSnapshot>,
}

/// A snapshot that can hold the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionSnapshot {
    /// Its id; null if a run has yet to make it.
    pub id: Option<String>,
    /// The same, shortened.
    pub short_id: Option<String>,
    /// Its time.
    pub time: Timestamp,
    /// True if it is of the day itself.
    pub of_day: bool,
    /// True if a run has yet to make it.
    pub planned: bool,
    /// True if it is held.
    pub hold: bool,
    /// True if something is missing in it.
    pub incomplete: bool,
    /// The rules that keep it now.
    pub reasons: Vec<String>,
    /// The rules that keep it longest.
    pub last_reasons: Vec<String>,
    /// `goes`, `held`, `endless-rule`, `no-rules`, `stands-still`, or `later` if it was not looked
    /// so far.
    pub ends: &'static str,
    /// The run that removes it, or with `later` the moment up to which it was looked.
    pub until: Option<Timestamp>,
}
