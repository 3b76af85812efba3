//! Why no snapshot could be chosen.

use jiff::Timestamp;

/// Why no snapshot could be chosen; the text says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// There is nothing to choose from.
    #[error(
        "there is no complete snapshot yet; make one with `holdfast backup`, \
         or name an unfinished one by its id"
    )]
    NoSnapshots,
    /// The filters leave nothing.
    #[error("no complete snapshot matches {filter}; `holdfast snapshots` lists all of them")]
    NoMatch {
        /// The filters, as options of the command line.
        filter: String,
    },
    /// `latest~N` with too large an N.
    #[error(
        "latest~{back} needs {} snapshots, but only {count} match; \
         `holdfast snapshots` lists them",
        .back.saturating_add(1)
    )]
    TooFarBack {
        /// The N that was given.
        back: usize,
        /// Number of matching snapshots.
        count: usize,
    },
    /// All snapshots are newer than `--at`.
    #[error("no matching snapshot was made by {at}; the oldest one is from {oldest}")]
    NoneBefore {
        /// The given time.
        at: Timestamp,
        /// Time of the oldest snapshot that matches the filters.
        oldest: Timestamp,
    },
    /// A time next to an id, which already selects a snapshot.
    #[error("--at selects by time, so use it without the id {prefix}, or with `latest`")]
    TimeAndId {
        /// The digits.
        prefix: String,
    },
    /// No id starts with these digits.
    #[error("no snapshot id starts with {prefix}; `holdfast snapshots` lists the ids")]
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
