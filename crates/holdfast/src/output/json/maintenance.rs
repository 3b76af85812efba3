//! Messages of `check`, `prune`, `stats`, `key list`, `cache` and `version`.

use holdfast_engine::check::DamageFinding;
use holdfast_engine::look::Stats as Counted;
use holdfast_engine::prune::{PruneReport, Waiting};
use jiff::Timestamp;
use serde::Serialize;

use std::path::Path;

use super::is_zero;
use crate::errors::remedy;

/// A finding of `check`; printed on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckErrorMessage {
    /// Always `error`.
    pub message_type: &'static str,
    /// One sentence.
    pub message: String,
    /// Name of the damaged object; this and the following fields are not in restic's.
    pub object: String,
    /// The first affected files.
    pub files: Vec<HurtFile>,
    /// Total number of affected files, counted in each snapshot.
    pub files_count: u64,
    /// What to do next.
    pub next: &'static str,
}

/// A file affected by damage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HurtFile {
    /// Prefix of the snapshot's id.
    pub snapshot: String,
    /// Path within it; ends in a slash for a directory that is partly unreadable.
    pub path: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
}

impl CheckErrorMessage {
    /// A finding.
    pub fn of(finding: &DamageFinding) -> CheckErrorMessage {
        let file = |(snapshot, path): &(String, Vec<u8>)| {
            let (path, path_base64) = super::name(path);
            HurtFile { snapshot: snapshot.clone(), path, path_base64 }
        };
        CheckErrorMessage {
            message_type: "error",
            message: format!("{}: {}", finding.object, finding.message),
            object: finding.object.clone(),
            files: finding.files.iter().map(file).collect(),
            files_count: finding.files_count,
            next: remedy(finding.remedy),
        }
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
    /// True if too little was unused to do anything.
    pub postponed: bool,
    /// Packs deleted.
    pub packs_deleted: u64,
    /// Their bytes.
    pub bytes_deleted: u64,
    /// Packs whose contents were moved.
    pub packs_rewritten: u64,
    /// Bytes written for that.
    pub bytes_moved: u64,
    /// Bytes kept although no snapshot needs them.
    pub bytes_unused: u64,
    /// Hosts with a backup that earlier prunes made start over: nothing was deleted, so that it can
    /// finish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gave_way_to: Vec<String>,
    /// What is kept for backups that may still be running, by host.
    pub waiting: Vec<WaitingPacks>,
}

/// Packs that no snapshot needs and that a backup may be about to refer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingPacks {
    /// The host that stored them; empty if unknown.
    pub hostname: String,
    /// Number of packs.
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
pub struct StatsDocument {
    /// Bytes, counted according to `--mode`.
    pub total_size: u64,
    /// Bytes before compression; with `--mode raw-data`.
    #[serde(skip_serializing_if = "is_zero")]
    pub total_uncompressed_size: u64,
    /// Uncompressed size divided by compressed size.
    #[serde(skip_serializing_if = "is_zero")]
    pub compression_ratio: f64,
    /// Percentage of the data that is compressed; always 100.
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
    /// Snapshots examined.
    pub snapshots_count: u64,
}

impl StatsDocument {
    /// What was counted.
    pub fn of(counted: &Counted) -> StatsDocument {
        let is_raw_data = counted.total_uncompressed_size > 0;
        StatsDocument {
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

/// The result of `key add`, `remove`, `passwd` and `generate`; restic prints no JSON for these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeyChanged<'a> {
    /// `added`, `removed`, `replaced` or `generated`.
    pub message_type: &'static str,
    /// Id of the slot that was added, or of the one that was removed.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: String,
    /// Id of the slot that was replaced.
    #[serde(skip_serializing_if = "is_zero")]
    pub old_id: String,
    /// The key that was generated.
    #[serde(skip_serializing_if = "is_zero")]
    pub key: &'a str,
}

/// What was written to a file or a folder; restic prints no JSON for this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Always `summary`.
    pub message_type: &'static str,
    /// The file or folder.
    pub target: String,
    /// Entries in an archive, or pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Bytes written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Written {
    /// What was written.
    pub fn new(target: &Path, entries: Option<u64>, bytes: Option<u64>) -> Written {
        Written {
            message_type: "summary",
            target: target.to_string_lossy().into_owned(),
            entries,
            bytes,
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
    /// When it was last used.
    pub last_used: Timestamp,
    /// True if `cache --cleanup` would remove it.
    pub old: bool,
    /// Bytes of its files.
    pub size: u64,
}

/// The document of `cache --cleanup`; restic has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheCleanup {
    /// Always `summary`.
    pub message_type: &'static str,
    /// Caches removed.
    pub removed_caches: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A key slot; `key list` prints an array of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEntry {
    /// True for the key that opened the repository.
    pub current: bool,
    /// Id of the slot.
    pub id: String,
    /// The user who created it.
    pub user_name: String,
    /// The host it was created on.
    pub host_name: String,
    /// When it was created.
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
    /// Operating system, by Go's name, as scripts expect.
    pub go_os: &'static str,
    /// Processor, by Go's name.
    pub go_arch: &'static str,
}
