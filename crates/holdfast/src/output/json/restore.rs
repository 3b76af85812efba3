//! Messages of `restore`.

use serde::Serialize;

use super::{is_zero, name};

/// The counts so far; part of status and summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RestoreCounts {
    /// Entries to restore.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_files: u64,
    /// Entries restored.
    #[serde(skip_serializing_if = "is_zero")]
    pub files_restored: u64,
    /// Entries left unchanged, according to `--overwrite`.
    #[serde(skip_serializing_if = "is_zero")]
    pub files_skipped: u64,
    /// Entries deleted by `--delete`.
    #[serde(skip_serializing_if = "is_zero")]
    pub files_deleted: u64,
    /// Bytes to restore.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_bytes: u64,
    /// Bytes restored.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_restored: u64,
    /// Bytes of the entries left unchanged.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_skipped: u64,
}

/// The progress of a restore, about ten times a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestoreStatus {
    /// Always `status`.
    pub message_type: &'static str,
    /// Seconds since the start.
    #[serde(skip_serializing_if = "is_zero")]
    pub seconds_elapsed: u64,
    /// Seconds remaining; not in restic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_remaining: Option<u64>,
    /// Share of the bytes that are done, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent_done: Option<f64>,
    /// The counts.
    #[serde(flatten)]
    pub counts: RestoreCounts,
}

/// The last message of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// Seconds since the start.
    #[serde(skip_serializing_if = "is_zero")]
    pub seconds_elapsed: u64,
    /// The counts.
    #[serde(flatten)]
    pub counts: RestoreCounts,
}

impl RestoreSummary {
    /// The end of a restore.
    pub fn new(seconds_elapsed: u64, counts: RestoreCounts) -> RestoreSummary {
        RestoreSummary { message_type: "summary", seconds_elapsed, counts }
    }
}

/// What `--delete` will delete; printed before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deletions {
    /// Always `deletions`.
    pub message_type: &'static str,
    /// Topmost paths that will be deleted.
    pub paths: Vec<String>,
    /// Entries that will be deleted, at and below these.
    pub entries: u64,
    /// Entries that are kept although the snapshot does not have them.
    pub spared: u64,
}

impl Deletions {
    /// These will be deleted.
    pub fn new(paths: &[Vec<u8>], entries: u64, spared: u64) -> Deletions {
        let paths = paths.iter().map(|path| name(path).0).collect();
        Deletions { message_type: "deletions", paths, entries, spared }
    }
}

/// The result for one entry; with `-vv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreVerboseStatus {
    /// Always `verbose_status`.
    pub message_type: &'static str,
    /// `restored`, `updated`, `unchanged` or `deleted`.
    pub action: &'static str,
    /// The path.
    pub item: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_base64: Option<String>,
    /// Bytes of its content.
    pub size: u64,
}

impl RestoreVerboseStatus {
    /// `action` happened to the entry at `path`.
    pub fn new(action: &'static str, path: &[u8], size: u64) -> RestoreVerboseStatus {
        let (item, item_base64) = name(path);
        RestoreVerboseStatus { message_type: "verbose_status", action, item, item_base64, size }
    }
}
