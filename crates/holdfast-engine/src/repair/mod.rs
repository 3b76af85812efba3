//! Repairing what a check found.
//!
//! A repair never deletes: it writes new objects and moves damaged ones to `quarantine/`. It can be
//! run again at any time, even after it was killed, and does nothing if nothing is damaged.

mod chains;
mod copies;
mod index;
mod keep;
mod plan;
mod salvage;
mod snapshots;
mod tree;

use holdfast_format::{ObjectId, WriterId};
use holdfast_repo::write::WriteOptions;

pub use index::repair_index;
pub use snapshots::repair_snapshots;
#[cfg(test)]
pub(crate) use snapshots::run as run_on_snapshots;

/// Deliberate bugs: tests show that each is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepairMutation {
    /// None.
    None,
    /// What takes the place of a snapshot relies on packs that a prune has condemned.
    #[cfg(test)]
    CondemnedIsReliedOn,
}

/// How to repair the index.
#[derive(Debug, Clone)]
pub struct RepairIndexOptions {
    /// True to read every pack in full and to replace damaged ones.
    pub read_all: bool,
    /// Packs that a check found damaged: these are read in full in any case.
    pub packs: Vec<ObjectId>,
    /// How packs for salvaged data are written.
    pub write: WriteOptions,
}

/// Result of a repair of the index.
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
    /// Packs that the index lists now and did not list before.
    pub packs_added: Vec<ObjectId>,
    /// Packs that are missing; the index no longer lists them.
    pub packs_missing: Vec<ObjectId>,
    /// Damaged packs that were moved to quarantine.
    pub packs_quarantined: Vec<ObjectId>,
    /// Blobs of those that were moved into new packs.
    pub blobs_salvaged: u64,
    /// Blobs of those that can no longer be read. The next backup stores again what the source
    /// still has.
    pub blobs_lost: u64,
    /// Further notes for the user, one sentence each.
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
#[derive(Debug, Clone, Copy)]
pub struct RepairSnapshotsOptions {
    /// True to forget the damaged snapshots once they are replaced.
    pub forget: bool,
    /// True to report what would be done, without doing it.
    pub dry_run: bool,
    /// How packs for repaired trees are written.
    pub write: WriteOptions,
}

/// Result of a repair of the snapshots, or of its dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotsRepair {
    /// Snapshots that were examined.
    pub snapshots: u64,
    /// The damaged ones.
    pub repaired: Vec<RepairedSnapshot>,
    /// Names of unusable records that were written off.
    pub records_given_up: Vec<String>,
    /// Further notes for the user, one sentence each.
    pub notes: Vec<String>,
}

/// A damaged snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedSnapshot {
    /// The damaged one.
    pub original: ObjectId,
    /// Its replacement; `None` in a dry run, if an earlier run wrote it, or if nothing is left of
    /// the snapshot.
    pub replacement: Option<ObjectId>,
    /// Files that were left out, and directories (their paths end in `/`) with lost entries.
    pub left_out: Vec<Vec<u8>>,
    /// True if the damaged one was forgotten.
    pub is_forgotten: bool,
}
