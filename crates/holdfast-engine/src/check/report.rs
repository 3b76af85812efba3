//! The result of a check.

use holdfast_format::ObjectId;

use super::finding::DamageFinding;

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Snapshots that are not forgotten.
    pub snapshots: u64,
    /// Index objects read.
    pub index_objects: u64,
    /// Tree nodes read, each once.
    pub nodes: u64,
    /// Files in trees, each once per distinct directory node.
    pub files: u64,
    /// Packs that the index lists.
    pub packs: u64,
    /// Packs read in full.
    pub packs_read: u64,
    /// Bytes of those.
    pub bytes_read: u64,
    /// Packs skipped because of [`max_age`](super::CheckOptions::max_age).
    pub packs_recently_verified: u64,
    /// Bytes of frames in which a snapshot uses a blob.
    pub bytes_used: u64,
    /// Bytes of frames in all packs that the index lists.
    pub bytes_stored: u64,
    /// Every damage.
    pub findings: Vec<DamageFinding>,
    /// Notes that are not damage; one sentence each.
    pub notes: Vec<String>,
    /// Packs that are missing, damaged or of a wrong size.
    pub broken_packs: Vec<ObjectId>,
    /// True if `repair index` would repair something.
    pub suggest_repair_index: bool,
    /// True if more than 5 % of the bytes in packs are unused.
    pub suggest_prune: bool,
}
