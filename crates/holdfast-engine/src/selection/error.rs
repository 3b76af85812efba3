//! Why no snapshot could be chosen.

use jiff::Timestamp;

use super::SnapshotFilter;

/// Why no snapshot could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// There is nothing to choose from.
    #[error("there is no complete snapshot yet")]
    NoSnapshots,
    /// The filters leave nothing.
    #[error("no complete snapshot matches the filter")]
    NoMatch {
        /// The filters.
        filter: SnapshotFilter,
    },
    /// `latest~N` with too large an N.
    #[error(
        "latest~{back} needs {} snapshots, but only {count} match",
        .back.saturating_add(1)
    )]
    TooFarBack {
        /// The N that was given.
        back: usize,
        /// Number of matching snapshots.
        count: usize,
    },
    /// All snapshots are newer than the given time.
    #[error("no matching snapshot was made by {at}; the oldest one is from {oldest}")]
    NoneBefore {
        /// The given time.
        at: Timestamp,
        /// Time of the oldest snapshot that matches the filters.
        oldest: Timestamp,
    },
    /// A time next to an id, which already selects a snapshot.
    #[error("a time and the id {prefix} both select a snapshot")]
    TimeAndId {
        /// The digits.
        prefix: String,
    },
    /// No id starts with these digits.
    #[error("no snapshot id starts with {prefix}")]
    UnknownId {
        /// The digits.
        prefix: String,
    },
    /// Several ids start with these digits.
    #[error("{count} snapshot ids start with {prefix}; give more digits of one of: {candidates}")]
    AmbiguousId {
        /// The digits.
        prefix: String,
        /// Number of ids that start with them.
        count: usize,
        /// The first of those ids, shortened as far as they remain distinct.
        candidates: String,
    },
}
