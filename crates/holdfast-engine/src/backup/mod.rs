//! Back up: from sources to a committed snapshot.
//!
//! Three stages for each source, joined by one bounded queue of batches. [`scan`] walks the source
//! alongside the parent snapshot and decides what must be read; [`read`] reads, cuts and hashes
//! chunks, in parallel; [`assemble`] claims the chunks, builds the trees and hands new blobs to the
//! repository, in order. [`capture`] combines the sources; the record comes last.

mod again;
mod assemble;
mod batch;
mod capture;
mod count;
mod device;
mod parent;
mod read;
mod scan;

use std::io;

use holdfast_connect::Source;
use holdfast_format::config::ChunkProfile;
use holdfast_format::record::{Scope, Snapshot};
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

pub use again::{ATTEMPTS_MAX, FencedAttempts};
pub use capture::Capture;
pub use parent::{parents, settled_before};

use crate::completeness::ShrinkLimit;
use crate::{EngineError, Observer};

/// How a snapshot is made.
#[derive(Debug, Clone)]
pub struct CaptureOptions {
    /// The record to be committed; sources, session, index objects and summary are filled in.
    pub snapshot: Snapshot,
    /// Snapshots that unchanged entries may be taken from, best first.
    pub parents: Vec<SnapshotInfo>,
    /// How frames are made.
    pub write: WriteOptions,
}

/// How one source is captured.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// Unique name within the snapshot; the source is compared with the parent's source of that
    /// name.
    pub name: String,
    /// Kind of connector, as the snapshot records it.
    pub connector: String,
    /// Chunk sizes.
    pub profile: ChunkProfile,
    /// Attributes that must match the parent for a file to count as unchanged.
    pub compare: Compare,
    /// Threads that read its files; 0 for one per processor.
    pub read_concurrency: usize,
    /// True to count the source in a separate thread, for progress.
    pub count_first: bool,
    /// True if the source can be read only once and in its own order, and an error in it must
    /// prevent the snapshot.
    pub is_stream: bool,
    /// When the source counts as shrunk.
    pub shrink_limit: ShrinkLimit,
    /// What a source of files was asked to include, as the snapshot records it.
    pub scope: Option<Scope>,
}

/// How a backup of one source is made.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The snapshot.
    pub capture: CaptureOptions,
    /// Its only source.
    pub source: SourceOptions,
    /// True to commit nothing if everything named is unchanged since the parent.
    pub skip_if_unchanged: bool,
    /// The clock, for the end of the backup.
    pub now: fn() -> Timestamp,
}

/// Attributes that must match, besides size and modification time, for a file to count as
/// unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compare {
    /// Change time.
    pub ctime: bool,
    /// Inode number.
    pub inode: bool,
}

/// Result of a backup.
#[derive(Debug)]
pub struct BackupReport {
    /// The snapshot; `None` after a dry run, or if nothing was new and an empty backup was not
    /// wanted.
    pub snapshot: Option<SnapshotInfo>,
    /// The record with its summary, committed or not.
    pub record: Snapshot,
}

/// Creates a source; called again if a prune made the first attempt useless.
pub type MakeSource<'a> = dyn Fn() -> io::Result<Box<dyn Source>> + Sync + 'a;

/// Backs a source up.
///
/// Errors with single entries are counted in the summary. The snapshot is committed last; when this
/// returns it is durable.
///
/// # Errors
/// [`EngineError::Interrupted`] after a partial snapshot was committed; [`EngineError::Stream`] if
/// a stream did not end properly; [`RepoError::Fenced`](holdfast_repo::RepoError::Fenced) if prunes
/// made every attempt useless; repository failures. Nothing is committed then, but the next run
/// finds the uploaded data.
pub fn backup(
    repository: &Repository,
    make_source: &MakeSource<'_>,
    options: &BackupOptions,
    observer: &dyn Observer,
) -> Result<BackupReport, EngineError> {
    let mut attempts = FencedAttempts::default();
    loop {
        match attempt(repository, make_source, options, observer) {
            Err(error) if error.is_fenced() && !options.source.is_stream => {
                attempts.begin_again(error, observer)?;
            }
            outcome => return outcome,
        }
    }
}

fn attempt(
    repository: &Repository,
    make_source: &MakeSource<'_>,
    options: &BackupOptions,
    observer: &dyn Observer,
) -> Result<BackupReport, EngineError> {
    let mut capture = Capture::start(repository, &options.capture)?;
    capture.source(make_source, &options.source, observer)?;
    let mut record = capture.record();
    if options.capture.write.dry_run {
        return Ok(BackupReport { snapshot: None, record });
    }
    if options.skip_if_unchanged && capture.is_unchanged()? {
        capture.skip()?;
        return Ok(BackupReport { snapshot: None, record });
    }
    let snapshot = capture.commit(None, &options.now)?;
    record.clone_from(&snapshot.snapshot);
    Ok(BackupReport { snapshot: Some(snapshot), record })
}
