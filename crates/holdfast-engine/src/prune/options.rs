//! What a prune may do, and what it did.

use holdfast_repo::write::WriteOptions;
use jiff::Timestamp;

/// How much unused data may remain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxUnused {
    /// Percentage of the repository's size after the prune, 0 to 100.
    Percent(f64),
    /// Bytes.
    Bytes(u64),
    /// Any amount: packs in which nothing is needed are deleted, and none is rewritten.
    Unlimited,
}

impl MaxUnused {
    /// Bytes that may remain unused next to this many needed ones.
    pub(super) fn bytes_beside(self, used_bytes: u64) -> u64 {
        match self {
            Self::Percent(percent) if percent >= 100.0 => u64::MAX,
            Self::Percent(percent) => {
                let share = percent.max(0.0) / 100.0;
                (used_bytes as f64 * share / (1.0 - share)) as u64
            }
            Self::Bytes(bytes) => bytes,
            Self::Unlimited => u64::MAX,
        }
    }
}

/// Options of [`prune`](super::prune).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PruneOptions {
    /// How much unused data may remain.
    pub max_unused: MaxUnused,
    /// Bytes that may be rewritten in this run; `None` for any number.
    pub max_repack_bytes: Option<u64>,
    /// Packs with fewer bytes are merged however few there are; `None` merges those below a quarter
    /// of the usual size if there are many.
    pub repack_below_bytes: Option<u64>,
    /// When a run that never made its snapshot is abandoned; `None` for never.
    pub abandoned: Option<Abandoned>,
    /// True to count without changing anything.
    pub dry_run: bool,
    /// How packs are written. Most frames are moved as they are; the others are compressed again.
    pub write: WriteOptions,
}

/// When a run that stored packs and made no snapshot is abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned {
    /// This many seconds after a prune with this cache first saw its packs; 0 for immediately. If
    /// the run is still in progress, it starts again.
    pub after_seconds: u64,
    /// The time now.
    pub now: Timestamp,
}

impl PruneOptions {
    /// The usual limits.
    pub fn new(write: WriteOptions) -> Self {
        Self {
            max_unused: MaxUnused::Percent(5.0),
            max_repack_bytes: None,
            repack_below_bytes: None,
            abandoned: None,
            dry_run: false,
            write,
        }
    }
}

/// Unneeded packs of runs that may be in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The host that they were made for; empty if no record names it yet.
    pub host: String,
    /// Number of packs.
    pub packs: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// When a prune with this cache first saw any of them; `None` if that is not recorded.
    pub since: Option<Timestamp>,
}

/// What a prune did; with `dry_run`, what it would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Packs deleted, including those whose content was moved.
    pub packs_deleted: u64,
    /// Bytes of those packs.
    pub bytes_deleted: u64,
    /// Packs whose content was moved to others, because parts of it were not needed or because they
    /// were small.
    pub packs_repacked: u64,
    /// Bytes written for the moved content.
    pub bytes_moved: u64,
    /// Frames moved unchanged.
    pub frames_moved: u64,
    /// Mostly unneeded frames, whose needed part was resealed.
    pub frames_resealed: u64,
    /// Packs that were kept because a snapshot appeared that needs them.
    pub packs_rescued: u64,
    /// Packs of runs that ended before an index object listed them.
    pub packs_adopted: u64,
    /// Packs and index objects that an earlier prune should have deleted.
    pub leftovers_deleted: u64,
    /// Unused bytes in packs that are kept.
    pub unused_bytes_left: u64,
    /// Bytes in packs that are kept, needed or not.
    pub bytes_left: u64,
    /// True if an interrupted prune was finished first.
    pub resumed: bool,
    /// True if the storage had no room to move anything, so that only entirely unused packs were
    /// deleted.
    pub out_of_space: bool,
    /// True if an estimate showed that too little can be unused to be worth a closer look;
    /// `unused_bytes_left` is that estimate.
    pub was_postponed: bool,
    /// Hosts with a backup that an earlier prune made start again: nothing was deleted, so that it
    /// can finish.
    pub gave_way_to: Vec<String>,
    /// Packs kept because a run without a snapshot may be about to refer to them, by host. Unknown
    /// if the prune was postponed.
    pub waiting: Vec<Waiting>,
    /// Tree nodes read to find out what is needed.
    pub nodes_read: u64,
}

impl PruneReport {
    /// By how much the repository shrank, in bytes.
    pub fn bytes_freed(&self) -> u64 {
        self.bytes_deleted.saturating_sub(self.bytes_moved)
    }
}
