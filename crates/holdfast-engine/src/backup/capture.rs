//! Capturing sources, one after the other, into one snapshot that is committed at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_chunk::Cutter;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::record::{
    Application, Captured, GenerationBody, Snapshot, SnapshotSummary, SourceExtent, SourceRecord,
    Text,
};
use holdfast_format::{BlobId, ObjectId, WriterId};
use holdfast_repo::commit::{check_snapshot, commit_snapshot, pin, unpin};
use holdfast_repo::index::Baseline;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;
use holdfast_repo::write::BlobWriter;
use holdfast_repo::{RepoError, Repository, SnapshotInfo};
use jiff::Timestamp;

use super::assemble::{Assembler, NamedEntries};
use super::batch::{Batches, queue};
use super::count::count;
use super::scan::SourceScanner;
use super::{CaptureOptions, MakeSource, SourceOptions, read};
use crate::{EngineError, Observer, completeness};

/// A snapshot in progress. Dropped before [`Capture::commit`], it leaves nothing reachable.
#[derive(Debug)]
pub struct Capture<'a> {
    options: &'a CaptureOptions,
    blobs: BlobWriter<'a>,
    draft: SnapshotDraft<'a>,
}

/// What is known about the snapshot so far.
#[derive(Debug)]
struct SnapshotDraft<'a> {
    repository: &'a Repository,
    begun_with: Baseline,
    writer: WriterId,
    /// The record, without index objects and the summary.
    record: Snapshot,
    /// The same as they were before the most recently captured source.
    summary_before: SnapshotSummary,
    /// Counts of the sources captured so far; blobs and bytes added are reported by the writer.
    summary: SnapshotSummary,
    /// For each source, the entries at the named paths.
    named: Vec<NamedEntries>,
    dry_run: bool,
}

impl<'a> Capture<'a> {
    /// Starts a session.
    ///
    /// # Errors
    /// [`RepoError::RecordTooLarge`] if the record could not be committed at the end; repository
    /// failures.
    pub fn start(
        repository: &'a Repository,
        options: &'a CaptureOptions,
    ) -> Result<Self, EngineError> {
        check_snapshot(&options.snapshot)?;
        let dry_run = options.write.dry_run;
        let host = &options.snapshot.host;
        let writer = repository.keys().writer_id(host);
        if !dry_run {
            renew_pin(repository, writer, &options.snapshot.paths)?;
            // After everything read on the way: the session starts there.
            repository.writer(host)?;
        }
        let start_slot = repository.history().next_slot(&writer);
        let begun_with = repository.index().baseline();
        let blobs = BlobWriter::new(repository, writer, start_slot, options.write)?;
        let mut record = options.snapshot.clone();
        record.session = blobs.session();
        record.parent = options.parents.first().map(|parent| parent.id);
        let summary = SnapshotSummary::default();
        let draft = SnapshotDraft {
            repository,
            begun_with,
            writer,
            record,
            summary_before: summary.clone(),
            summary,
            named: Vec::new(),
            dry_run,
        };
        Ok(Self { options, blobs, draft })
    }

    /// Captures one source. The caller may add a window and a token to the returned record.
    ///
    /// # Errors
    /// [`EngineError::Interrupted`] after a partial snapshot was committed; [`EngineError::Stream`]
    /// if a stream did not end properly; repository failures.
    pub fn source(
        &mut self,
        make_source: &MakeSource<'_>,
        options: &SourceOptions,
        observer: &dyn Observer,
    ) -> Result<&mut SourceRecord, EngineError> {
        let repository = self.draft.repository;
        let source = make_source().map_err(EngineError::Source)?;
        let pool = read::pool(options.read_concurrency)?;
        let sizes = repository.config().chunks.sizes(options.profile);
        let cutter = Arc::new(Cutter::new(&repository.keys().gear(), sizes));
        let scanner_of = |batches_in| {
            let (capture, begun_with) = (self.options, &self.draft.begun_with);
            let cutter = Arc::clone(&cutter);
            SourceScanner::new(repository, begun_with, capture, options, cutter, pool, batches_in)
        };
        let stop = AtomicBool::new(false);
        let (batches_in, batches) = queue();
        let scanner = scanner_of(batches_in)?;
        let named = &self.options.snapshot.paths;
        let mut assembler = Assembler::new(&mut self.blobs, options.is_stream, named);
        let draft = &mut self.draft;
        let outcome = std::thread::scope(|scope| {
            if options.count_first {
                scope.spawn(|| count(make_source, observer, &stop));
            }
            let scanning = scope.spawn(move || scanner.run(source));
            let assembled = draft.assemble(&mut assembler, batches, options, observer);
            stop.store(true, Ordering::Relaxed);
            let scanned = scanning.join().map_err(|_| RepoError::Stopped("scan"))?;
            // If both failed, the consumer's error is the cause: it hung up on the scanner.
            let root = assembled?;
            scanned?;
            Ok::<_, EngineError>(root)
        });
        let root = outcome?;
        let summary = draft.summary_with(&assembler);
        draft.named.push(assembler.named());
        draft.summary_before = std::mem::replace(&mut draft.summary, summary);
        let mut captured = assembler.captured();
        captured.shrunk_from = draft.shrunk_from(options, captured.extent);
        let captured = Some(captured);
        let sources = &mut draft.record.sources;
        let place = sources.len();
        sources.push(record_of(options, root, captured));
        Ok(&mut sources[place])
    }

    /// Takes back the most recently captured source, so that it can be captured again. Data already
    /// stored is not stored again.
    pub fn withdraw(&mut self) {
        self.draft.record.sources.pop();
        self.draft.named.pop();
        self.draft.summary = self.draft.summary_before.clone();
    }

    /// The sources captured so far.
    pub fn sources(&self) -> &[SourceRecord] {
        &self.draft.record.sources
    }

    /// Id of the session, for linking what belongs together.
    pub fn session(&self) -> holdfast_format::SessionId {
        self.draft.record.session
    }

    /// True if the newest finished parent has the same content and lacks as much: in each source
    /// the whole tree, or everything that was named in it. The directories above named paths do not
    /// count.
    ///
    /// # Errors
    /// Repository failures.
    pub fn is_unchanged(&self) -> Result<bool, EngineError> {
        let finished = self.options.parents.iter().find(|parent| !parent.snapshot.partial);
        let Some(SnapshotInfo { snapshot: parent, .. }) = finished else { return Ok(false) };
        let record = &self.draft.record;
        let parts = |snapshot: &Snapshot| -> Vec<_> {
            let lacks = |it: &SourceRecord| completeness::captured(snapshot, it).incomplete();
            snapshot.sources.iter().map(|source| (source.name.clone(), lacks(source))).collect()
        };
        if parts(parent) != parts(record) {
            return Ok(false);
        }
        let mut reader = BlobReader::new(self.draft.repository);
        for (place, (before, now)) in parent.sources.iter().zip(&record.sources).enumerate() {
            if before.tree == now.tree {
                continue;
            }
            let named = self.draft.named.get(place).filter(|named| !named.is_empty());
            let Some(named) = named.filter(|_| parent.paths == record.paths) else {
                return Ok(false);
            };
            for path in &record.paths {
                let stored = match stored_entry(&mut reader, before.tree, &path.0) {
                    Err(RepoError::Overtaken) => return Ok(false),
                    stored => stored?,
                };
                if stored.as_ref() != named.get(&path.0) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Ends a capture that found nothing new and need not be committed.
    ///
    /// # Errors
    /// Repository failures.
    pub fn skip(self) -> Result<(), EngineError> {
        let SnapshotDraft { repository, writer, record, .. } = &self.draft;
        let parent = record.parent.unwrap_or(ObjectId::NONE);
        Ok(unpin(repository, *writer, &record.paths, parent)?)
    }

    /// The record as it would be committed, without its index objects.
    pub fn record(&self) -> Snapshot {
        let mut record = self.draft.record.clone();
        record.summary = self.draft.complete_summary(&self.draft.summary, &self.blobs);
        record
    }

    /// Makes everything durable, then commits the snapshot and forgets the partial ones that it
    /// replaces. `now` is called just before the commit: it is the end time of the backup.
    ///
    /// # Errors
    /// [`RepoError::Fenced`] if a prune made the capture useless; repository failures.
    pub fn commit(
        mut self,
        application: Option<Application>,
        now: &dyn Fn() -> Timestamp,
    ) -> Result<SnapshotInfo, EngineError> {
        let mut record = self.record();
        record.application = application;
        record.index = self.blobs.flush()?.to_vec();
        // Flushing adds blobs that were still buffered.
        record.summary = self.draft.complete_summary(&self.draft.summary, &self.blobs);
        record.summary.backup_end = Some(now());
        let draft = &self.draft;
        let snapshot = draft.commit(record)?;
        draft.forget_partial()?;
        Ok(snapshot)
    }
}

impl SnapshotDraft<'_> {
    /// Processes batches until the end of the source; commits partial snapshots on the way when
    /// asked to.
    fn assemble(
        &mut self,
        assembler: &mut Assembler<'_, '_>,
        batches: Batches,
        options: &SourceOptions,
        observer: &dyn Observer,
    ) -> Result<BlobId, EngineError> {
        while let Some(batch) = batches.next()? {
            assembler.take(batch, observer)?;
            let is_interrupted = observer.is_interrupted();
            if (is_interrupted || observer.wants_checkpoint()) && !options.is_stream {
                self.checkpoint(assembler, options)?;
            }
            if is_interrupted {
                return Err(EngineError::Interrupted);
            }
        }
        assembler.finish()
    }

    /// Commits everything so far, so that a later run need not read it again.
    fn checkpoint(
        &mut self,
        assembler: &mut Assembler<'_, '_>,
        options: &SourceOptions,
    ) -> Result<(), EngineError> {
        if self.dry_run {
            return Ok(());
        }
        let root = assembler.root_so_far()?;
        let mut record = self.record.clone();
        record.sources.push(record_of(options, root, Some(assembler.captured())));
        record.partial = true;
        record.index = assembler.blobs().flush()?.to_vec();
        let summary = self.summary_with(assembler);
        record.summary = self.complete_summary(&summary, assembler.blobs());
        let partial = self.commit(record)?;
        // Otherwise a prune would take data stored from here on for that of a finished run.
        assembler.blobs().continue_after_slot(partial.sequence);
        Ok(())
    }

    /// Commits; if a prune was in the way, leaves a pin so that prunes wait for the next attempt.
    fn commit(&self, record: Snapshot) -> Result<SnapshotInfo, RepoError> {
        let outcome = commit_snapshot(self.repository, self.writer, &self.begun_with, record);
        if let Err(RepoError::Fenced) = outcome {
            pin(self.repository, self.writer, &self.record.paths)?;
        }
        outcome
    }

    /// What the source had when it was last known to be complete, if it has far less now.
    fn shrunk_from(&self, options: &SourceOptions, now: SourceExtent) -> Option<SourceExtent> {
        let before = completeness::baseline(self.repository, &self.record, &options.name)?;
        options.shrink_limit.is_shrunk(before, now).then_some(before)
    }

    /// The counts of all sources so far, including this one.
    fn summary_with(&self, assembler: &Assembler<'_, '_>) -> SnapshotSummary {
        let (before, now) = (&self.summary, assembler.summary());
        SnapshotSummary {
            files_new: before.files_new + now.files_new,
            files_changed: before.files_changed + now.files_changed,
            files_unmodified: before.files_unmodified + now.files_unmodified,
            dirs_new: before.dirs_new + now.dirs_new,
            dirs_changed: before.dirs_changed + now.dirs_changed,
            dirs_unmodified: before.dirs_unmodified + now.dirs_unmodified,
            total_files_processed: before.total_files_processed + now.total_files_processed,
            total_bytes_processed: before.total_bytes_processed + now.total_bytes_processed,
            errors: before.errors + now.errors,
            ..before.clone()
        }
    }

    /// The counts with the writer's totals.
    fn complete_summary(
        &self,
        counts: &SnapshotSummary,
        blobs: &BlobWriter<'_>,
    ) -> SnapshotSummary {
        let added = blobs.stats();
        SnapshotSummary {
            backup_start: self.record.summary.backup_start,
            data_blobs: added.data_blobs,
            tree_blobs: added.tree_blobs,
            data_added: added.raw_bytes,
            data_added_packed: added.sealed_bytes,
            ..counts.clone()
        }
    }

    /// Forgets the partial snapshots that this complete one replaces.
    fn forget_partial(&self) -> Result<(), EngineError> {
        let snapshots = self.repository.history().snapshots();
        let snapshots: Vec<ObjectId> = snapshots
            .into_iter()
            .filter(|info| info.writer == self.writer && info.snapshot.partial)
            .filter(|info| info.snapshot.paths == self.record.paths)
            .map(|info| info.id)
            .collect();
        if !snapshots.is_empty() {
            let body = GenerationBody::Forget { snapshots };
            self.repository.append(|_| Some(body.clone()))?;
        }
        Ok(())
    }
}

/// Tells prunes that wait for a backup of these paths that it is in progress, unless it just did.
fn renew_pin(repository: &Repository, writer: WriterId, paths: &[Text]) -> Result<(), RepoError> {
    let history = repository.history();
    let (pinned, next) = (history.pin(&writer, paths), history.next_slot(&writer));
    drop(history);
    match pinned {
        Some(slot) if slot + 1 < next => pin(repository, writer, paths),
        _ => Ok(()),
    }
}

/// What a stored tree has at a path.
fn stored_entry(
    reader: &mut BlobReader<'_>,
    root: BlobId,
    path: &[u8],
) -> Result<Option<Entry>, RepoError> {
    let mut found = None;
    let mut folder = Some(root);
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        let Some(root) = folder else { return Ok(None) };
        found = DirectoryCursor::find(reader, root, name)?;
        folder = match found.as_ref().map(|entry| &entry.kind) {
            Some(EntryKind::Directory(root)) => Some(*root),
            _ => None,
        };
    }
    Ok(found)
}

/// What the snapshot says of a source whose tree has this root.
fn record_of(options: &SourceOptions, root: BlobId, captured: Option<Captured>) -> SourceRecord {
    let scope = options.scope.clone();
    SourceRecord { captured, scope, ..SourceRecord::new(&options.name, &options.connector, root) }
}
