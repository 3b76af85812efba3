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
    #[error("no complete snapshot matches {filter}; `holdfast snapshots` shows what there is")]
    NoMatch {
        /// The filters, as options of the command line.
        filter: String,
    },
    /// `latest~N` with too large an N.
    #[error(
        "latest~{back} asks for {} snapshots but only {count} can be chosen from; \
         `holdfast snapshots` lists them",
        .back.saturating_add(1)
    )]
    TooFarBack {
        /// How far back was asked for.
        back: usize,
        /// How many there are.
        count: usize,
    },
    /// All snapshots are younger than `--at`.
    #[error("no snapshot to choose from was made by {at}; the oldest one is of {oldest}")]
    NoneBefore {
        /// The time that was asked for.
        at: Timestamp,
        /// Time of the oldest snapshot that the filters leave.
        oldest: Timestamp,
    },
    /// A time beside an id, which already says which snapshot is meant.
    #[error("--at chooses by time, so give it without the id {prefix}, or with `latest`")]
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
        /// How many ids start with them.
        count: usize,
        /// The first of those ids, as short as tells them apart.
        candidates: String,
    },
}
