//! Back up: from a source to a committed snapshot.
//!
//! Three stages, joined by one bounded queue of batches. [`scan`] walks the source beside the parent snapshot and decides what must
//! be read; [`read`] reads, cuts and names chunks, in parallel; [`assemble`] claims the chunks, builds the trees and
//! hands new blobs to the repository, in order. The record comes last.

mod assemble;
mod batch;
mod count;
mod parent;
mod read;
mod scan;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_chunk::Cutter;
use holdfast_connect::Source;
use holdfast_format::config::ChunkProfile;
use holdfast_format::record::{GenerationBody, Snapshot, SourceRecord};
use holdfast_format::{BlobId, ObjectId};
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::write::{BlobWriter, WriteOptions};
use holdfast_repo::{RepoError, Repository, SnapshotInfo};

use crate::{EngineError, Observer};
use assemble::Assembler;

/// How a backup is made.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The record to be committed; sources, session, index objects and summary are filled in.
    pub snapshot: Snapshot,
    /// Snapshots that unchanged entries may be taken from, best first.
    pub parents: Vec<SnapshotInfo>,
    /// Chunk sizes for this source.
    pub profile: ChunkProfile,
    /// Name and connector of the source, as the snapshot records them.
    pub source: (String, String),
    /// What must agree with the parent for a file to count as unchanged.
    pub compare: Compare,
    /// How frames are made.
    pub write: WriteOptions,
    /// Threads that read files; 0 for one per processor.
    pub read_concurrency: usize,
    /// True to count the source in a thread of its own, for progress.
    pub count_first: bool,
    /// True to commit nothing if the tree is the parent's.
    pub skip_if_unchanged: bool,
    /// True if the source can be read only once, and an error in it must prevent the snapshot.
    pub is_stream: bool,
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
/// Trouble with single entries is counted in the summary. The snapshot is committed last; when this returns it is durable.
///
/// # Errors
/// [`EngineError::Interrupted`] after a partial snapshot was committed; [`EngineError::Stream`] if a stream did not end well;
/// repository failures. Nothing is committed then, but what was uploaded is found by the next run.
pub fn backup(
    repository: &Repository,
    make_source: &MakeSource<'_>,
    options: &BackupOptions,
    observer: &dyn Observer,
) -> Result<BackupReport, EngineError> {
    loop {
        match attempt(repository, make_source, options, observer) {
            Err(EngineError::Repo(RepoError::Fenced)) if !options.is_stream => {
                observer.event(crate::Event::Note {
                    message: "a prune ran at the same time; looking again at what it left",
                });
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
    let mut run = Run::start(repository, options)?;
    let source = make_source().map_err(EngineError::Source)?;
    let pool = read::pool(options.read_concurrency)?;
    let cutter = Arc::new(Cutter::new(
        &repository.keys().gear(),
        repository.config().chunks.sizes(options.profile),
    ));
    let stop = AtomicBool::new(false);
    let (batches_in, batches) = batch::queue();
    let outcome = std::thread::scope(|scope| {
        if options.count_first {
            scope.spawn(|| count::count(make_source, observer, &stop));
        }
        let scanner =
            scan::Scanner::new(repository, options, Arc::clone(&cutter), pool, batches_in);
        let scanning = scope.spawn(move || scanner.run(source));
        let assembled = run.assemble(batches, observer);
        stop.store(true, Ordering::Relaxed);
        let scanned = scanning.join().map_err(|_| RepoError::Stopped("scan"))?;
        // The consumer's error is the cause where both have one: it hung up on the scanner.
        let root = assembled?;
        scanned?;
        Ok::<_, EngineError>(root)
    });
    run.finish(outcome?, options)
}

/// One attempt at a backup.
struct Run<'a> {
    repository: &'a Repository,
    begun_with: holdfast_repo::index::IndexReader,
    writer: holdfast_format::WriterId,
    record: Snapshot,
    source: (String, String),
    assembler: Assembler<'a>,
    dry_run: bool,
}

impl<'a> Run<'a> {
    fn start(repository: &'a Repository, options: &BackupOptions) -> Result<Self, EngineError> {
        let dry_run = options.write.dry_run;
        let host = &options.snapshot.host;
        let writer = match dry_run {
            true => repository.keys().writer_id(host),
            false => repository.writer(host)?,
        };
        let start_slot = repository.history().next_slot(&writer);
        let begun_with = repository.index().reader();
        let blobs = BlobWriter::new(repository, writer, start_slot, options.write)?;
        let mut record = options.snapshot.clone();
        record.session = blobs.session();
        record.parent = options.parents.first().map(|parent| parent.id);
        let assembler = Assembler::new(blobs, options.is_stream);
        let source = options.source.clone();
        Ok(Self { repository, begun_with, writer, record, source, assembler, dry_run })
    }

    /// Takes batches until the source is at its end; commits partial snapshots on the way when asked to.
    fn assemble(
        &mut self,
        batches: batch::Batches,
        observer: &dyn Observer,
    ) -> Result<BlobId, EngineError> {
        while let Some(batch) = batches.next()? {
            self.assembler.take(batch, observer)?;
            let is_interrupted = observer.is_interrupted();
            if (is_interrupted || observer.wants_checkpoint()) && !self.assembler.is_stream() {
                self.checkpoint()?;
            }
            if is_interrupted {
                return Err(EngineError::Interrupted);
            }
        }
        self.assembler.finish()
    }

    /// Commits what is there so far, so that a later run need not read it again.
    fn checkpoint(&mut self) -> Result<(), EngineError> {
        if self.dry_run {
            return Ok(());
        }
        let root = self.assembler.root_so_far()?;
        let record = self.complete_record(root, true)?;
        commit_snapshot(self.repository, self.writer, &self.begun_with, record)?;
        Ok(())
    }

    fn complete_record(&mut self, root: BlobId, partial: bool) -> Result<Snapshot, EngineError> {
        let index = self.assembler.flush()?;
        let mut record = self.record.clone();
        let (name, connector) = self.source.clone();
        record.sources = vec![SourceRecord { name, connector, tree: root }];
        record.index = index;
        record.partial = partial;
        record.summary = self.assembler.summary();
        record.summary.backup_start = self.record.summary.backup_start;
        Ok(record)
    }

    fn finish(
        mut self,
        root: BlobId,
        options: &BackupOptions,
    ) -> Result<BackupReport, EngineError> {
        let is_unchanged = options
            .parents
            .iter()
            .find(|parent| !parent.snapshot.partial)
            .is_some_and(|parent| parent.snapshot.sources.iter().any(|it| it.tree == root));
        if self.dry_run || (options.skip_if_unchanged && is_unchanged) {
            let mut record = self.record.clone();
            record.summary = self.assembler.summary();
            return Ok(BackupReport { snapshot: None, record });
        }
        let record = self.complete_record(root, false)?;
        let snapshot =
            commit_snapshot(self.repository, self.writer, &self.begun_with, record.clone())?;
        self.forget_partial()?;
        Ok(BackupReport { snapshot: Some(snapshot), record })
    }

    /// Forgets the partial snapshots that this complete one replaces.
    fn forget_partial(&self) -> Result<(), EngineError> {
        let mut history = self.repository.history();
        let snapshots: Vec<ObjectId> = history
            .snapshots()
            .into_iter()
            .filter(|info| info.writer == self.writer && info.snapshot.partial)
            .filter(|info| info.snapshot.paths == self.record.paths)
            .map(|info| info.id)
            .collect();
        if !snapshots.is_empty() {
            let backend = self.repository.backend();
            history.append_generation(&**backend, self.repository.keys(), |_| {
                Some(GenerationBody::Forget { snapshots: snapshots.clone() })
            })?;
        }
        Ok(())
    }
}
