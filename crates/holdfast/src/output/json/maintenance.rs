//! Messages of `check`, `prune`, `stats`, `key list`, `cache` and `version`.

use holdfast_engine::look::Stats as Counted;
use holdfast_engine::prune::{PruneReport, Waiting};
use jiff::Timestamp;
use serde::Serialize;

use super::is_zero;

/// Something that `check` found; printed on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckError {
    /// Always `error`.
    pub message_type: &'static str,
    /// One sentence.
    pub message: String,
}

impl CheckError {
    /// Something is wrong.
    pub fn new(message: impl Into<String>) -> CheckError {
        CheckError { message_type: "error", message: message.into() }
    }
}

/// The last message of `check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// Errors found.
    pub num_errors: u64,
    /// Ids of damaged packs, or null.
    pub broken_packs: Option<Vec<String>>,
    /// True if `repair index` would help.
    pub suggest_repair_index: bool,
    /// True if `prune` would help.
    pub suggest_prune: bool,
}

/// The document of `prune`; restic has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PruneSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// True if nothing was changed.
    pub dry_run: bool,
    /// True if too little was unused for anything to be done.
    pub postponed: bool,
    /// Packs deleted.
    pub packs_deleted: u64,
    /// Their bytes.
    pub bytes_deleted: u64,
    /// Packs whose content was moved.
    pub packs_rewritten: u64,
    /// Bytes written to hold it.
    pub bytes_moved: u64,
    /// Bytes that stay although no snapshot needs them.
    pub bytes_unused: u64,
    /// Hosts with a backup that earlier prunes made begin again: nothing was deleted, so that it
    /// can end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gave_way_to: Vec<String>,
    /// What stays for backups that may still be under way, by host.
    pub waiting: Vec<WaitingPacks>,
}

/// Packs that no snapshot needs and that a backup may be about to refer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingPacks {
    /// The host that they were made for; empty if none is known.
    pub hostname: String,
    /// How many.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When a prune first saw them.
    pub since: Option<Timestamp>,
}

impl PruneSummary {
    /// What was done.
    pub fn of(report: &PruneReport, dry_run: bool) -> PruneSummary {
        let waiting = |waiting: &Waiting| WaitingPacks {
            hostname: waiting.host.clone(),
            packs: waiting.packs,
            bytes: waiting.bytes,
            since: waiting.since,
        };
        PruneSummary {
            message_type: "summary",
            dry_run,
            postponed: report.was_postponed,
            gave_way_to: report.gave_way_to.clone(),
            packs_deleted: report.packs_deleted,
            bytes_deleted: report.bytes_deleted,
            packs_rewritten: report.packs_repacked,
            bytes_moved: report.bytes_moved,
            bytes_unused: report.unused_bytes_left,
            waiting: report.waiting.iter().map(waiting).collect(),
        }
    }
}

/// The document of `stats`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Bytes, counted as `--mode` says.
    pub total_size: u64,
    /// Bytes before compression; with `--mode raw-data`.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_uncompressed_size: u64,
    /// The one divided by the other.
    #[serde(skip_serializing_if = "is_zero")]
    pub compression_ratio: f64,
    /// Percentage of the data that is compressed; all of ours.
    #[serde(skip_serializing_if = "is_zero")]
    pub compression_progress: f64,
    /// Percentage saved by compression.
    #[serde(skip_serializing_if = "is_zero")]
    pub compression_space_saving: f64,
    /// Files.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_file_count: u64,
    /// Blobs.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_blob_count: u64,
    /// Snapshots looked at.
    pub snapshots_count: u64,
}

impl Stats {
    /// What was counted.
    pub fn of(counted: &Counted) -> Stats {
        let is_raw_data = counted.total_uncompressed_size > 0;
        Stats {
            total_size: counted.total_size,
            total_uncompressed_size: counted.total_uncompressed_size,
            compression_ratio: counted.compression_ratio,
            compression_progress: if is_raw_data { 100.0 } else { 0.0 },
            compression_space_saving: counted.compression_space_saving,
            total_file_count: counted.total_file_count,
            total_blob_count: counted.total_blob_count,
            snapshots_count: counted.snapshots_count,
        }
    }
}

/// The local cache of a repository; `cache` prints an array of them. restic has no such document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheEntry {
    /// Id of the repository.
    pub repository: String,
    /// Its folder.
    pub path: String,
    /// When it was used last.
    pub last_used: Timestamp,
    /// True if `cache --cleanup` would remove it.
    pub old: bool,
    /// Bytes of its files.
    pub size: u64,
}

/// A key slot; `key list` prints an array of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEntry {
    /// True for the key that opened the repository.
    pub current: bool,
    /// Id of the slot.
    pub id: String,
    /// Who made it.
    pub user_name: String,
    /// Where.
    pub host_name: String,
    /// When.
    pub created: Option<Timestamp>,
    /// Label given with `--label`; not in restic's.
    #[serde(skip_serializing_if = "is_zero")]
    pub label: String,
    /// `passphrase` or `generated`; not in restic's.
    pub kind: &'static str,
}

/// The document of `version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Always `version`.
    pub message_type: &'static str,
    /// As in `0.1.0`.
    pub version: &'static str,
    /// Operating system, in Go's words as scripts expect.
    pub go_os: &'static str,
    /// Processor, in Go's words.
    pub go_arch: &'static str,
}
