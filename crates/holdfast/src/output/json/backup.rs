//! Messages of `backup` and `init`.

use holdfast_engine::Added;
use jiff::Timestamp;
use serde::Serialize;

use std::time::Duration;

use super::{is_zero, name};

/// The only message of `init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Initialized {
    /// Always `initialized`.
    pub message_type: &'static str,
    /// Id of the repository.
    pub id: String,
    /// Its location.
    pub repository: String,
}

impl Initialized {
    /// A repository was created.
    pub fn new(id: String, repository: String) -> Initialized {
        Initialized { message_type: "initialized", id, repository }
    }
}

/// The progress of a backup, about ten times a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BackupStatus {
    /// Always `status`.
    pub message_type: &'static str,
    /// Seconds since the start.
    #[serde(skip_serializing_if = "is_zero")]
    pub seconds_elapsed: u64,
    /// Seconds remaining; omitted while unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_remaining: Option<u64>,
    /// Share of the bytes that are done, 0 to 1; omitted if they are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent_done: Option<f64>,
    /// Files found.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_files: u64,
    /// Files done.
    #[serde(skip_serializing_if = "is_zero")]
    pub files_done: u64,
    /// Bytes found.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_bytes: u64,
    /// Bytes done, unchanged ones included.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes_done: u64,
    /// Entries that could not be read.
    #[serde(skip_serializing_if = "is_zero")]
    pub error_count: u64,
    /// Files being read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub current_files: Vec<String>,
}

/// The result for one entry; with `-vv`. Its stored size is not known, because the new data of many
/// entries is compressed together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BackupVerboseStatus {
    /// Always `verbose_status`.
    pub message_type: &'static str,
    /// `new`, `unchanged`, `modified` or `scan_finished`.
    pub action: &'static str,
    /// The path; that of a directory ends with a slash.
    pub item: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_base64: Option<String>,
    /// Seconds spent reading it, or scanning; directories are not read.
    pub duration: f64,
    /// Bytes of content that are new to the repository; with `scan_finished`, all bytes.
    pub data_size: u64,
    /// Bytes of metadata that are new to the repository.
    pub metadata_size: u64,
    /// Files found, with `scan_finished`.
    pub total_files: u64,
}

impl BackupVerboseStatus {
    /// `action` happened to the entry at `path`.
    pub fn new(
        action: &'static str,
        path: &[u8],
        is_directory: bool,
        added: Added,
    ) -> BackupVerboseStatus {
        let slash: &[u8] = if is_directory { b"/" } else { b"" };
        let (item, item_base64) = name(&[path, slash].concat());
        BackupVerboseStatus {
            message_type: "verbose_status",
            action,
            item,
            item_base64,
            duration: added.reading.as_secs_f64(),
            data_size: added.data,
            metadata_size: added.metadata,
            total_files: 0,
        }
    }

    /// The scan found this much to back up.
    pub fn scan_finished(duration: Duration, total_files: u64, bytes: u64) -> BackupVerboseStatus {
        BackupVerboseStatus {
            message_type: "verbose_status",
            action: "scan_finished",
            duration: duration.as_secs_f64(),
            data_size: bytes,
            total_files,
            ..BackupVerboseStatus::default()
        }
    }
}

/// Counts of one backup; part of its summary and of the snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BackupCounts {
    /// New files.
    pub files_new: u64,
    /// Files whose content or metadata changed.
    pub files_changed: u64,
    /// Unchanged files.
    pub files_unmodified: u64,
    /// New directories.
    pub dirs_new: u64,
    /// Changed directories.
    pub dirs_changed: u64,
    /// Unchanged directories.
    pub dirs_unmodified: u64,
    /// Data blobs added.
    pub data_blobs: u64,
    /// Tree blobs added.
    pub tree_blobs: u64,
    /// Bytes added, before compression.
    pub data_added: u64,
    /// Bytes added, as stored; omitted if zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_added_packed: Option<u64>,
    /// Files processed.
    pub total_files_processed: u64,
    /// Bytes processed.
    pub total_bytes_processed: u64,
}

/// The last message of a backup.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackupSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// True if nothing was written.
    #[serde(skip_serializing_if = "is_zero")]
    pub dry_run: bool,
    /// The counts.
    #[serde(flatten)]
    pub counts: BackupCounts,
    /// When the backup started.
    pub backup_start: Timestamp,
    /// When it ended.
    pub backup_end: Timestamp,
    /// Seconds between the two.
    pub total_duration: f64,
    /// The new snapshot; omitted if none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
}

impl BackupSummary {
    /// The end of a backup.
    pub fn new(counts: BackupCounts, start: Timestamp, end: Timestamp) -> BackupSummary {
        BackupSummary {
            message_type: "summary",
            dry_run: false,
            counts,
            backup_start: start,
            backup_end: end,
            total_duration: end.duration_since(start).as_secs_f64(),
            snapshot_id: None,
        }
    }
}
