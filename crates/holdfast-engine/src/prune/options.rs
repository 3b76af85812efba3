//! What a prune may do, and what it did.

use jiff::Timestamp;

/// How much may stay although no snapshot needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxUnused {
    /// Percent of what the repository holds after the prune, 0 to 100.
    Percent(f64),
    /// Bytes.
    Bytes(u64),
    /// Any amount: packs are deleted where nothing in them is needed, and none is rewritten.
    Unlimited,
}

impl MaxUnused {
    /// Bytes that may stay beside so many that are needed.
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
    /// How much may stay although no snapshot needs it.
    pub max_unused: MaxUnused,
    /// Bytes that may be rewritten in this run; `None` for any number.
    pub max_repack_bytes: Option<u64>,
    /// Packs of fewer bytes are merged however few there are; `None` merges those below a quarter
    /// of the usual size where there are many.
    pub repack_below_bytes: Option<u64>,
    /// When a run that never made its snapshot is given up; `None` for never.
    pub abandoned: Option<Abandoned>,
    /// True to count and change nothing.
    pub dry_run: bool,
}

/// When a run is given up that stored packs and has not made a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned {
    /// So many seconds after a prune with this cache first saw its packs; 0 for at once. A run that
    /// is under way nevertheless begins again.
    pub after_seconds: u64,
    /// The time now.
    pub now: Timestamp,
}

impl Default for PruneOptions {
    fn default() -> Self {
        Self {
            max_unused: MaxUnused::Percent(5.0),
            max_repack_bytes: None,
            repack_below_bytes: None,
            abandoned: None,
            dry_run: false,
        }
    }
}

/// Packs of which nothing is needed, of runs that may be under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The host that they were made for; empty if no record names it yet.
    pub host: String,
    /// How many.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When a prune with this cache first saw any of them; `None` if that is not kept.
    pub since: Option<Timestamp>,
}

/// What a prune did; with `dry_run`, what it would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Packs deleted, those among them whose content was moved.
    pub packs_deleted: u64,
    /// Bytes of those packs.
    pub bytes_deleted: u64,
    /// Packs whose content was moved to others, because parts of it were not needed or because they
    /// were small.
    pub packs_repacked: u64,
    /// Bytes that were written to hold what moved.
    pub bytes_moved: u64,
    /// Frames that moved as they were.
    pub frames_moved: u64,
    /// Frames that were mostly unneeded, so that the rest was sealed anew.
    pub frames_resealed: u64,
    /// Packs that were to go until a snapshot turned up that needs them.
    pub packs_rescued: u64,
    /// Packs of runs that ended before an index object listed them.
    pub packs_adopted: u64,
    /// Packs and index objects that an earlier prune should have deleted.
    pub leftovers_deleted: u64,
    /// Bytes in packs that stay although no snapshot needs them.
    pub unused_bytes_left: u64,
    /// Bytes in packs that stay, needed or not.
    pub bytes_left: u64,
    /// True if a prune that had been cut short was finished first.
    pub resumed: bool,
    /// True if the storage had no room to move anything, so that only packs without any use went.
    pub out_of_space: bool,
    /// True if an estimate showed that too little can be unused to look any closer;
    /// `unused_bytes_left` is that estimate.
    pub was_postponed: bool,
    /// Hosts with a backup that an earlier prune made begin again: nothing was deleted, so that it
    /// can end.
    pub gave_way_to: Vec<String>,
    /// What stays because a run that has made no snapshot yet may be about to refer to it, by host.
    /// Not known if the run was postponed.
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
