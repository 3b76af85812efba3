//! Messages of `repair`; restic has none.

use holdfast_engine::repair::{IndexRepair, RepairedSnapshot};
use holdfast_format::ObjectId;
use serde::Serialize;

use super::name;

/// The last message of `repair index`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// Copies of config and key slots that were rewritten.
    pub copies_restored: Vec<String>,
    /// Ids of index objects written.
    pub index_written: Vec<String>,
    /// Ids of index objects that were superseded.
    pub index_replaced: Vec<String>,
    /// Ids of packs that no index object listed.
    pub packs_added: Vec<String>,
    /// Ids of missing packs.
    pub packs_missing: Vec<String>,
    /// Ids of damaged packs, which were moved to quarantine.
    pub packs_set_aside: Vec<String>,
    /// Blobs salvaged from those.
    pub blobs_saved: u64,
    /// Blobs that are lost.
    pub blobs_lost: u64,
}

impl IndexSummary {
    /// What was done.
    pub fn of(repair: &IndexRepair) -> Self {
        let ids = |ids: &[ObjectId]| ids.iter().map(ObjectId::to_hex).collect();
        Self {
            message_type: "summary",
            copies_restored: repair.copies_restored.clone(),
            index_written: ids(&repair.index_written),
            index_replaced: ids(&repair.index_replaced),
            packs_added: ids(&repair.packs_added),
            packs_missing: ids(&repair.packs_missing),
            packs_set_aside: ids(&repair.packs_quarantined),
            blobs_saved: repair.blobs_salvaged,
            blobs_lost: repair.blobs_lost,
        }
    }
}

/// A damaged snapshot that `repair snapshots` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Always `repaired`.
    pub message_type: &'static str,
    /// Id of the damaged snapshot.
    pub snapshot_id: String,
    /// Id of the repaired snapshot, if there is one.
    pub replacement_id: Option<String>,
    /// What it lacks; a final slash means entries of a directory.
    pub left_out: Vec<LeftOut>,
    /// True if the damaged snapshot was removed.
    pub forgotten: bool,
}

/// A path that a repaired snapshot lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The path.
    pub path: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
}

impl Repaired {
    /// What was done.
    pub fn of(repaired: &RepairedSnapshot) -> Self {
        let left_out = |path: &Vec<u8>| {
            let (path, path_base64) = name(path);
            LeftOut { path, path_base64 }
        };
        Self {
            message_type: "repaired",
            snapshot_id: repaired.original.to_hex(),
            replacement_id: repaired.replacement.map(|id| id.to_hex()),
            left_out: repaired.left_out.iter().map(left_out).collect(),
            forgotten: repaired.is_forgotten,
        }
    }
}

/// The last message of `repair snapshots`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotsSummary {
    /// Always `summary`.
    pub message_type: &'static str,
    /// True if nothing was changed.
    pub dry_run: bool,
    /// Snapshots examined.
    pub snapshots: u64,
    /// Damaged ones among them.
    pub damaged: u64,
    /// Damaged records that were written off.
    pub records_given_up: Vec<String>,
}
