//! Snapshots, as printed by `snapshots`, `ls`, `forget` and `tag`.

use jiff::Timestamp;
use serde::Serialize;

use super::backup::BackupCounts;
use super::is_zero;

/// A snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SnapshotDocument {
    /// When the backup started.
    pub time: Timestamp,
    /// The snapshot it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Id of the root of the tree.
    pub tree: String,
    /// The trees, if there are several; not in restic's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SnapshotSource>,
    /// What was backed up.
    pub paths: Vec<String>,
    /// The machine.
    #[serde(skip_serializing_if = "is_zero")]
    pub hostname: String,
    /// The user who ran the backup.
    #[serde(skip_serializing_if = "is_zero")]
    pub username: String,
    /// The user's number.
    #[serde(skip_serializing_if = "is_zero")]
    pub uid: u32,
    /// The group's number.
    #[serde(skip_serializing_if = "is_zero")]
    pub gid: u32,
    /// Exclude patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// True if no rule may remove it; not in restic's.
    #[serde(skip_serializing_if = "is_zero")]
    pub hold: bool,
    /// True for a checkpoint of an unfinished backup; not in restic's.
    #[serde(skip_serializing_if = "is_zero")]
    pub partial: bool,
    /// Its defects as a backup; not in restic's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<LackDocument>,
    /// The program that made it.
    #[serde(skip_serializing_if = "is_zero")]
    pub program_version: String,
    /// Counts of the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<SnapshotSummaryDocument>,
    /// Its id.
    pub id: String,
    /// The first eight digits of its id.
    pub short_id: String,
}

/// One tree of a snapshot that has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotSource {
    /// Its name for `--source`.
    pub name: String,
    /// Kind of connector.
    pub connector: String,
    /// Id of the root of the tree.
    pub tree: String,
}

/// One defect of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LackDocument {
    /// `unfinished`, `entries`, `shrunk` or `check`.
    pub kind: &'static str,
    /// True if something in the source is missing from the snapshot.
    pub incomplete: bool,
    /// The source, if the snapshot has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Number of entries that are missing or changed while being read, for `entries`.
    #[serde(skip_serializing_if = "is_zero")]
    pub entries: u64,
    /// Paths of the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The defect as a clause.
    pub message: String,
}

/// Counts of the backup that made a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotSummaryDocument {
    /// When the backup started.
    pub backup_start: Timestamp,
    /// When it ended; omitted for a checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_end: Option<Timestamp>,
    /// The counts.
    #[serde(flatten)]
    pub counts: BackupCounts,
}

/// Several snapshots under one key, as `snapshots --group-by` prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotGroup {
    /// The common properties of its snapshots.
    pub group_key: GroupKeyDocument,
    /// The snapshots.
    pub snapshots: Vec<SnapshotDocument>,
}

/// The common properties of the snapshots of a group; `None` for those not used for grouping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupKeyDocument {
    /// The machine.
    pub hostname: String,
    /// What was backed up.
    pub paths: Option<Vec<String>>,
    /// Tags.
    pub tags: Option<Vec<String>>,
}

/// One group of `forget`, which prints an array of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ForgetGroup {
    /// Tags of the group, if it was grouped by them.
    pub tags: Option<Vec<String>>,
    /// Machine of the group, or empty.
    pub host: String,
    /// Paths of the group, if it was grouped by them.
    pub paths: Option<Vec<String>>,
    /// Snapshots to keep.
    pub keep: Vec<SnapshotDocument>,
    /// Snapshots to remove.
    pub remove: Vec<SnapshotDocument>,
    /// Why snapshots are kept.
    pub reasons: Vec<KeepReason>,
}

/// Why a snapshot is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeepReason {
    /// The snapshot.
    pub snapshot: SnapshotDocument,
    /// The rules that keep it, as in `hourly snapshot`.
    pub matches: Vec<String>,
}

/// The only message of `forget` with ids; not in restic's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Always `summary`.
    pub message_type: &'static str,
    /// True if nothing was changed.
    pub dry_run: bool,
    /// Ids of the removed snapshots.
    pub removed: Vec<String>,
}

/// A snapshot whose tags or hold changed. Unlike in restic, its id does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagChanged {
    /// Always `changed`.
    pub message_type: &'static str,
    /// Id before.
    pub old_snapshot_id: String,
    /// Id after.
    pub new_snapshot_id: String,
}

impl TagChanged {
    /// The snapshot `id` was changed.
    pub fn new(id: String) -> TagChanged {
        TagChanged { message_type: "changed", old_snapshot_id: id.clone(), new_snapshot_id: id }
    }
}

/// The last message of `tag`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// Number of changed snapshots.
    pub changed_snapshots: u64,
}

impl TagSummary {
    /// The number of changed snapshots.
    pub fn new(changed_snapshots: u64) -> TagSummary {
        TagSummary { message_type: "summary", changed_snapshots }
    }
}
