//! Snapshots as `snapshots`, `ls`, `forget` and `tag` print them.

use jiff::Timestamp;
use serde::Serialize;

use super::backup::Counts;
use super::is_zero;

/// A snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// When the backup began.
    pub time: Timestamp,
    /// The snapshot it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Id of the root of the tree.
    pub tree: String,
    /// The trees, if there are several; not in restic's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// What was backed up.
    pub paths: Vec<String>,
    /// The machine.
    #[serde(skip_serializing_if = "is_zero")]
    pub hostname: String,
    /// Who ran the backup.
    #[serde(skip_serializing_if = "is_zero")]
    pub username: String,
    /// The same as a number.
    #[serde(skip_serializing_if = "is_zero")]
    pub uid: u32,
    /// The group as a number.
    #[serde(skip_serializing_if = "is_zero")]
    pub gid: u32,
    /// Patterns that were left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// True if no rule may remove it; not in restic's.
    #[serde(skip_serializing_if = "is_zero")]
    pub hold: bool,
    /// True if it holds only what an unfinished backup had so far; not in restic's.
    #[serde(skip_serializing_if = "is_zero")]
    pub partial: bool,
    /// What is wrong with it as a backup; not in restic's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lack>,
    /// What made it.
    #[serde(skip_serializing_if = "is_zero")]
    pub program_version: String,
    /// Counts of the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<SnapshotSummary>,
    /// Its id.
    pub id: String,
    /// The first eight digits of its id.
    pub short_id: String,
}

/// One tree of a snapshot that has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// What `--source` calls it.
    pub name: String,
    /// Kind of connector.
    pub connector: String,
    /// Id of the root of the tree.
    pub tree: String,
}

/// One thing that is wrong with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lack {
    /// `unfinished`, `entries`, `shrunk` or `check`.
    pub kind: &'static str,
    /// True if something is not in the snapshot that was in the source.
    pub incomplete: bool,
    /// The source, if the snapshot has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Entries that are missing or changed while they were read, for `entries`.
    #[serde(skip_serializing_if = "is_zero")]
    pub entries: u64,
    /// Paths of the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// All of it in a clause.
    pub message: String,
}

/// Counts of the backup that made a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotSummary {
    /// When the backup began.
    pub backup_start: Timestamp,
    /// When it ended; left out for the part of a backup that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_end: Option<Timestamp>,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Several snapshots under one key, as `snapshots --group-by` prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotGroup {
    /// What its snapshots have in common.
    pub group_key: GroupKey,
    /// The snapshots.
    pub snapshots: Vec<Snapshot>,
}

/// What the snapshots of a group have in common; `None` for what they were not grouped by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupKey {
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
    /// What stays.
    pub keep: Vec<Snapshot>,
    /// What goes.
    pub remove: Vec<Snapshot>,
    /// Why what stays does.
    pub reasons: Vec<KeepReason>,
}

/// Why a snapshot stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeepReason {
    /// The snapshot.
    pub snapshot: Snapshot,
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
    /// Ids of what went.
    pub removed: Vec<String>,
}

/// A snapshot whose tags or hold changed. Ours keep their id.
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
    /// How many snapshots were changed.
    pub changed_snapshots: u64,
}

impl TagSummary {
    /// So many snapshots were changed.
    pub fn new(changed_snapshots: u64) -> TagSummary {
        TagSummary { message_type: "summary", changed_snapshots }
    }
}
