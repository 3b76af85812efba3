//! Back up: from sources to a committed snapshot.
//!
//! Three stages for each source, joined by one bounded queue of batches. [`scan`] walks the source
//! beside the parent snapshot and decides what must be read; [`read`] reads, cuts and names chunks,
//! in parallel; [`assemble`] claims the chunks, builds the trees and hands new blobs to the
//! repository, in order. [`capture`] holds the sources together; the record comes last.

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
    /// Name that tells it from the others of the snapshot; the parent's source of that name is
    /// compared with.
    pub name: String,
    /// Kind of connector, as the snapshot records it.
    pub connector: String,
    /// Chunk sizes.
    pub profile: ChunkProfile,
    /// What must agree with the parent for a file to count as unchanged.
    pub compare: Compare,
    /// Threads that read its files; 0 for one per processor.
    pub read_concurrency: usize,
    /// True to count the source in a thread of its own, for progress.
    pub count_first: bool,
    /// True if the source can be read only once and in its own order, and an error in it must
    /// prevent the snapshot.
    pub is_stream: bool,
    /// When the source counts as shrunk.
    pub shrink_limit: ShrinkLimit,
    /// What a source of files was asked for, as the snapshot records it.
    pub scope: Option<Scope>,
}

/// How a backup of one source is made.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The snapshot.
    pub capture: CaptureOptions,
    /// Its only source.
    pub source: SourceOptions,
    /// True to commit nothing if all that was named is as the parent has it.
    pub skip_if_unchanged: bool,
    /// The time, for the end of the backup.
    pub now: fn() -> Timestamp,
}

/// What must agree, besides size and modification time, for a file to count as unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compare {
    /// Change time.
    pub ctime: bool,
    /// Inode number.
    pub inode: bool,
}

/// What a backup did.
#[derive(Debug)]
pub struct BackupReport {
    /// The snapshot; `None` after a dry run, or if there was nothing new and that was not wanted.
    pub snapshot: Option<SnapshotInfo>,
    /// The record with its summary, committed or not.
    pub record: Snapshot,
}

/// Makes a source; asked again if a prune made the first attempt useless.
pub type MakeSource<'a> = dyn Fn() -> io::Result<Box<dyn Source>> + Sync + 'a;

/// Backs a source up.
///
/// Trouble with single entries is counted in the summary. The snapshot is committed last; when this
/// returns it is durable.
///
/// # Errors
/// [`EngineError::Interrupted`] after a partial snapshot was committed; [`EngineError::Stream`] if
/// a stream did not end well; repository failures. Nothing is committed then, but what was uploaded
/// is found by the next run.
pub fn backup(
    repository: &Repository,
    make_source: &MakeSource<'_>,
    options: &BackupOptions,
    observer: &dyn Observer,
) -> Result<BackupReport, EngineError> {
    loop {
        match attempt(repository, make_source, options, observer) {
            Err(error) if error.is_fenced() && !options.source.is_stream => {
                begin_again(observer)?;
            }
            outcome => return outcome,
        }
    }
}

/// Says that a prune made an attempt useless. Prunes wait for the next one, for which it left word:
/// there are as many attempts as there are prunes that were under way by then, and no more.
///
/// # Errors
/// [`EngineError::Interrupted`].
pub fn begin_again(observer: &dyn Observer) -> Result<(), EngineError> {
    let message = "a prune ran at the same time; looking again at what it left";
    observer.event(crate::Event::Note { message });
    if observer.is_interrupted() { Err(EngineError::Interrupted) } else { Ok(()) }
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
