//! Mending what a check found.
//!
//! A repair never deletes: it writes new objects and moves damaged ones to `quarantine/`. It can be
//! run again at any time, also after it was killed, and finds nothing to do when there is nothing
//! to do.

mod chains;
mod copies;
mod index;
mod keep;
mod plan;
mod salvage;
mod snapshots;
mod tree;

use holdfast_format::{ObjectId, WriterId};

pub use index::repair_index;
pub use snapshots::repair_snapshots;

/// How to repair the index.
#[derive(Debug, Clone, Default)]
pub struct RepairIndexOptions {
    /// True to read every pack whole and to replace those that are damaged.
    pub read_all: bool,
    /// Packs that a check found damaged: these are read whole in any case.
    pub packs: Vec<ObjectId>,
}

/// What a repair of the index did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexRepair {
    /// Copies of config and key slots that were written again.
    pub copies_restored: Vec<String>,
    /// Chains whose announcement was lost and that were announced again.
    pub writers_announced: Vec<WriterId>,
    /// Index objects that were written.
    pub index_written: Vec<ObjectId>,
    /// Index objects that no longer count.
    pub index_replaced: Vec<ObjectId>,
    /// Packs that the index lists now and did not before.
    pub packs_added: Vec<ObjectId>,
    /// Packs that are missing; the index no longer lists them.
    pub packs_missing: Vec<ObjectId>,
    /// Damaged packs that were moved to quarantine.
    pub packs_quarantined: Vec<ObjectId>,
    /// Blobs of those that were moved into new packs.
    pub blobs_salvaged: u64,
    /// Blobs of those that cannot be read any more. The next backup stores anew what the source
    /// still has.
    pub blobs_lost: u64,
    /// What else the user should know, one sentence each.
    pub notes: Vec<String>,
}

impl IndexRepair {
    /// True if there was something to repair.
    pub fn has_changed_anything(&self) -> bool {
        let Self { copies_restored, writers_announced, .. } = self;
        let Self { index_written, index_replaced, packs_quarantined, .. } = self;
        !(copies_restored.is_empty()
            && writers_announced.is_empty()
            && index_written.is_empty()
            && index_replaced.is_empty()
            && packs_quarantined.is_empty())
    }
}

/// How to repair snapshots.
#[derive(Debug, Clone, Copy, Default)]
pub struct RepairSnapshotsOptions {
    /// True to forget the damaged snapshots once they are replaced.
    pub forget: bool,
    /// True to say what would be done, and do nothing.
    pub dry_run: bool,
}

/// What a repair of the snapshots did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotsRepair {
    /// Snapshots that were looked at.
    pub snapshots: u64,
    /// The damaged ones.
    pub repaired: Vec<RepairedSnapshot>,
    /// Records that cannot be used and were given up, by name.
    pub records_given_up: Vec<String>,
    /// What else the user should know, one sentence each.
    pub notes: Vec<String>,
}

/// A damaged snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedSnapshot {
    /// The damaged one.
    pub original: ObjectId,
    /// The one that replaces it; `None` in a dry run, if an earlier run wrote it, or if nothing is
    /// left of it.
    pub replacement: Option<ObjectId>,
    /// Files that were left out, and directories (their paths end in `/`) of which entries are
    /// lost.
    pub left_out: Vec<Vec<u8>>,
    /// True if the damaged one was forgotten.
    pub is_forgotten: bool,
}
