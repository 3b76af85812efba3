//! What to check.

use std::path::PathBuf;

use jiff::Timestamp;

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// How much of the packs is read.
    pub read: ReadData,
    /// Packs that were verified less than this many seconds ago are not read again; `None` reads
    /// all.
    pub max_age: Option<u64>,
    /// The current time.
    pub now: Timestamp,
    /// Decides which packs a subset takes among those verified equally long ago.
    pub seed: u64,
    /// The local folder for this copy of the repository, which records when packs were verified:
    /// [`Repository::local_folder`](holdfast_repo::Repository::local_folder).
    pub cache_folder: Option<PathBuf>,
}

/// How much of the packs to read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ReadData {
    /// Nothing: only that they exist and have the right size.
    #[default]
    None,
    /// Everything.
    All,
    /// A part.
    Subset(Subset),
}

/// Which part of the packs to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subset {
    /// One of several parts, always the same for a given pack.
    Part {
        /// Which one, from 1.
        number: u64,
        /// Number of parts.
        of: u64,
    },
    /// This share of all bytes, from 0 to 1, longest unverified packs first.
    Share(f64),
    /// Packs of about this many bytes, longest unverified first.
    Bytes(u64),
}
