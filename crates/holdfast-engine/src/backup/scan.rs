//! The first stage: walks the source alongside the parent and decides what must be read.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use holdfast_chunk::{Cutter, StreamCutter};
use holdfast_connect::{ContentPiece, ContentReader, Leaf, LeafKind, Opener, Source, SourceItem};
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_format::limits;
use holdfast_format::record::SourceRecord;
use holdfast_repo::index::Baseline;
use holdfast_repo::{RepoError, Repository, SnapshotInfo};
use rayon::ThreadPool;

use super::batch::{
    AssemblyStep, BATCH_BYTES, BATCH_STEPS, BatchSender, File, FilePart, HungUp, StepBatch,
};
use super::device::Devices;
use super::parent::{ParentEntry, ParentTree, Parents};
use super::read::{ReadContext, UnreadFile, as_read, read_batch, read_xattrs};
use super::{CaptureOptions, Compare, SourceOptions};
use crate::EngineError;

/// Files above this size are read piece by piece here, while the pool hashes the pieces; smaller
/// ones are read completely by the pool.
const LARGE_FILE_BYTES: u64 = 2 << 20;

/// Walks one source.
pub(super) struct SourceScanner<'a> {
    parents: Parents<'a>,
    devices: Devices,
    compare: Compare,
    is_stream: bool,
    cutter: Arc<Cutter>,
    context: Arc<ReadContext>,
    pool: Arc<ThreadPool>,
    queue: BatchSender,
    batch: StepBatch,
    unread_bytes: u64,
    has_unread: bool,
    /// Directories that the walk is in.
    depth: u64,
    /// Number of open directories that are nested too deep and are skipped.
    passed_over: u64,
}

/// Why a scan ended early.
enum Stop {
    Engine(EngineError),
    HungUp,
}

impl From<HungUp> for Stop {
    fn from(_: HungUp) -> Self {
        Self::HungUp
    }
}

impl From<RepoError> for Stop {
    fn from(error: RepoError) -> Self {
        Self::Engine(error.into())
    }
}

impl<'a> SourceScanner<'a> {
    pub fn new(
        repository: &'a Repository,
        begun_with: &Baseline,
        capture: &CaptureOptions,
        options: &SourceOptions,
        cutter: Arc<Cutter>,
        pool: Arc<ThreadPool>,
        queue: BatchSender,
    ) -> Result<Self, RepoError> {
        let now = capture.snapshot.summary.backup_start;
        let trees_of = |parent: &SnapshotInfo| {
            let sources = parent.snapshot.sources.iter();
            let same = sources.filter(|source| source.name == options.name);
            let tree = |source: &SourceRecord| ParentTree::new(source.tree, &parent.snapshot, now);
            same.map(tree).collect::<Vec<_>>()
        };
        let trees: Vec<_> = capture.parents.iter().flat_map(trees_of).collect();
        let keys = Arc::clone(repository.keys());
        Ok(Self {
            parents: Parents::new(repository, begun_with, &trees)?,
            devices: Devices::default(),
            compare: options.compare,
            is_stream: options.is_stream,
            context: Arc::new(ReadContext { keys, cutter: Arc::clone(&cutter) }),
            cutter,
            pool,
            queue,
            batch: StepBatch::new(),
            unread_bytes: 0,
            has_unread: false,
            depth: 0,
            passed_over: 0,
        })
    }

    /// Sends every entry of the source through the queue.
    pub fn run(mut self, mut source: Box<dyn Source>) -> Result<(), EngineError> {
        match self.walk(&mut *source) {
            Ok(()) | Err(Stop::HungUp) => Ok(()),
            Err(Stop::Engine(error)) => Err(error),
        }
    }

    fn walk(&mut self, source: &mut dyn Source) -> Result<(), Stop> {
        let failed = |error| Stop::Engine(EngineError::Source(error));
        while let Some(item) = source.next().map_err(failed)? {
            if self.is_passed_over(&item)? {
                continue;
            }
            match item {
                SourceItem::Enter { name, metadata, opener, is_sorted } => {
                    self.depth += 1;
                    self.enter(name, metadata, &*opener, is_sorted)?;
                }
                SourceItem::Leave => {
                    self.depth -= 1;
                    self.parents.leave();
                    self.push(AssemblyStep::Leave)?;
                }
                SourceItem::Leaf(leaf) => self.leaf(leaf)?,
                SourceItem::Unread(trouble) => {
                    let (path, during, error) = (trouble.path, trouble.during, trouble.error);
                    self.push(AssemblyStep::Trouble { name: None, path, during, error })?;
                }
                SourceItem::Own { path } => self.push(AssemblyStep::Own(path))?,
                SourceItem::Excluded { path } => self.push(AssemblyStep::Excluded(path))?,
            }
        }
        Ok(self.send()?)
    }

    /// True for a directory that is nested deeper than readers go, which is reported, and for
    /// everything in it.
    fn is_passed_over(&mut self, item: &SourceItem) -> Result<bool, Stop> {
        match item {
            SourceItem::Enter { .. } if self.passed_over > 0 => self.passed_over += 1,
            SourceItem::Enter { name, .. } => {
                let Err(error) = limits::TREE_DEPTH.check(self.depth + 1) else { return Ok(false) };
                self.passed_over = 1;
                let (name, path, during) = (Some(name.clone()), Vec::new(), "scan");
                let error = io::Error::other(format!("no snapshot can hold it: {error}"));
                self.push(AssemblyStep::Trouble { name, path, during, error })?;
            }
            SourceItem::Leave if self.passed_over > 0 => self.passed_over -= 1,
            _ => return Ok(self.passed_over > 0),
        }
        Ok(true)
    }

    fn push(&mut self, step: AssemblyStep) -> Result<(), Stop> {
        self.batch.push(step);
        if self.batch.len() >= BATCH_STEPS || self.unread_bytes >= BATCH_BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), HungUp> {
        let batch = std::mem::take(&mut self.batch);
        self.unread_bytes = 0;
        if !std::mem::take(&mut self.has_unread) {
            return self.queue.send(batch);
        }
        let context = Arc::clone(&self.context);
        self.queue.send_from(&self.pool, move || read_batch(batch, &context))
    }

    fn enter(
        &mut self,
        name: Vec<u8>,
        mut metadata: Metadata,
        opener: &dyn Opener,
        is_sorted: bool,
    ) -> Result<(), Stop> {
        let known = self.parents.find(&name)?;
        self.parents.enter(&known);
        self.devices.translate(&mut metadata, known.first().map(|known| &known.entry.metadata));
        self.attributes(&name, &mut metadata, opener, known.first())?;
        let parent = known.into_iter().next().map(|known| Box::new(known.entry));
        self.push(AssemblyStep::Enter { name, metadata, parent, is_sorted })
    }

    /// Fills in the extended attributes, from the parent if nothing can have changed.
    fn attributes(
        &mut self,
        name: &[u8],
        metadata: &mut Metadata,
        opener: &dyn Opener,
        parent: Option<&ParentEntry>,
    ) -> Result<(), Stop> {
        match parent {
            Some(parent) if parent.has_same_attributes(metadata, opener.etag().is_some()) => {
                metadata.xattrs.clone_from(&parent.entry.metadata.xattrs);
            }
            _ => {
                if let Some((during, error)) = read_xattrs(metadata, opener) {
                    let name = Some(name.to_vec());
                    self.push(AssemblyStep::Trouble { name, path: Vec::new(), during, error })?;
                }
            }
        }
        Ok(())
    }

    fn leaf(&mut self, mut leaf: Leaf) -> Result<(), Stop> {
        let known = self.parents.find(&leaf.name)?;
        let before = known.first().map(|known| &known.entry.metadata);
        self.devices.translate(&mut leaf.metadata, before);
        let LeafKind::File { size } = leaf.kind else { return self.plain(leaf, known.first()) };
        let inode = self.compare.inode && leaf.opener.has_lasting_inode();
        let compare = Compare { inode, ..self.compare };
        let identifies = inode && leaf.opener.etag().is_some();
        for parent in known.iter() {
            if parent.is_unchanged(&leaf.metadata, size, compare, identifies)
                && self.parents.has_content(&parent.entry)?
            {
                return self.unchanged(leaf, parent);
            }
        }
        let parent = known.into_iter().next().map(|known| Box::new(known.entry));
        if self.is_stream || size > LARGE_FILE_BYTES {
            return self.large(leaf, parent);
        }
        self.unread_bytes += size.max(512);
        self.has_unread = true;
        let Leaf { name, metadata, opener, .. } = leaf;
        self.push(AssemblyStep::Unread(Box::new(UnreadFile {
            name,
            metadata,
            size,
            opener,
            parent,
        })))
    }

    fn unchanged(&mut self, leaf: Leaf, parent: &ParentEntry) -> Result<(), Stop> {
        let mut metadata = leaf.metadata;
        self.attributes(&leaf.name, &mut metadata, &*leaf.opener, Some(parent))?;
        let kind = parent.entry.kind.clone();
        self.push(AssemblyStep::Unchanged(Box::new(Entry { name: leaf.name, metadata, kind })))
    }

    fn plain(&mut self, leaf: Leaf, parent: Option<&ParentEntry>) -> Result<(), Stop> {
        let mut metadata = leaf.metadata;
        self.attributes(&leaf.name, &mut metadata, &*leaf.opener, parent)?;
        let kind = match leaf.kind {
            LeafKind::Symlink(target) => EntryKind::Symlink(target),
            LeafKind::BlockDevice(major, minor) => EntryKind::BlockDevice(major, minor),
            LeafKind::CharDevice(major, minor) => EntryKind::CharDevice(major, minor),
            LeafKind::Socket => EntryKind::Socket,
            LeafKind::Fifo | LeafKind::File { .. } => EntryKind::Fifo,
        };
        let entry = Entry { name: leaf.name, metadata, kind };
        self.push(AssemblyStep::Plain(Box::new(entry), parent.is_some()))
    }

    /// Reads a large file here, piece by piece.
    fn large(&mut self, leaf: Leaf, parent: Option<Box<Entry>>) -> Result<(), Stop> {
        self.send()?;
        self.push(AssemblyStep::Started(leaf.name.clone()))?;
        let (mut metadata, start) = (leaf.metadata, Instant::now());
        let failure = match leaf.opener.open() {
            Err(error) => Some(("open", error)),
            Ok(content) => match self.stream(content)? {
                Err(error) => Some(("read", error)),
                Ok(now) => {
                    metadata = as_read(metadata, now);
                    read_xattrs(&mut metadata, &*leaf.opener)
                }
            },
        };
        let (parts, reading) = (Vec::new(), start.elapsed());
        let file = File { name: leaf.name, metadata, parts, parent, failure, reading };
        self.push(AssemblyStep::File(Box::new(file)))
    }

    /// Sends the pieces of a content; the inner result is what the source said at its end.
    fn stream(
        &mut self,
        mut content: Box<dyn ContentReader>,
    ) -> Result<io::Result<Option<Metadata>>, Stop> {
        let cutter = Arc::clone(&self.cutter);
        let mut stream = StreamCutter::new(&cutter);
        loop {
            match content.read(stream.space()) {
                Err(error) => return Ok(Err(error)),
                Ok(ContentPiece::Data(count)) => {
                    stream.filled(count);
                    self.take_chunks(&mut stream)?;
                }
                Ok(ContentPiece::Hole(bytes)) => {
                    stream.finish();
                    self.take_chunks(&mut stream)?;
                    stream.restart();
                    self.part(FilePart::Hole(bytes), 0)?;
                }
                Ok(ContentPiece::End) => {
                    stream.finish();
                    self.take_chunks(&mut stream)?;
                    return Ok(content.changed());
                }
            }
        }
    }

    fn take_chunks(&mut self, stream: &mut StreamCutter<'_>) -> Result<(), Stop> {
        while let Some(chunk) = stream.next_chunk() {
            let bytes = chunk.len() as u64;
            self.part(FilePart::Raw(chunk.into()), bytes)?;
        }
        Ok(())
    }

    fn part(&mut self, part: FilePart, bytes: u64) -> Result<(), Stop> {
        match self.batch.last_mut() {
            Some(AssemblyStep::Parts(parts)) => parts.push(part),
            _ => self.batch.push(AssemblyStep::Parts(vec![part])),
        }
        self.unread_bytes += bytes;
        self.has_unread = true;
        if self.unread_bytes >= BATCH_BYTES {
            self.send()?;
        }
        Ok(())
    }
}
