//! The third stage: claims chunks, builds trees, counts. It runs in one thread, in source order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_format::node;
use holdfast_format::record::{Captured, SnapshotSummary, SourceExtent, Text};
use holdfast_format::{BlobId, BlobType, FormatError};
use holdfast_repo::tree::{ContentWriter, DirectoryWriter};
use holdfast_repo::write::BlobWriter;

use super::batch::{AssemblyStep, File, FilePart, NamedChunk, StepBatch};
use crate::{Added, EngineError, EngineEvent, EntryAction, Observer};

/// Builds one source's tree.
pub(super) struct Assembler<'run, 'repository> {
    blobs: &'run mut BlobWriter<'repository>,
    is_stream: bool,
    /// The directories that the scan is currently in; the first is the root above all paths.
    open: Vec<OpenDirectory>,
    path: Vec<u8>,
    /// The file whose parts are arriving piece by piece.
    content: ContentWriter,
    content_bytes: u64,
    /// What that file added to the repository so far.
    content_added: Added,
    summary: SnapshotSummary,
    /// Number of entries other than directories.
    entries: u64,
    /// What the tree lacks.
    captured: Captured,
    has_entries: bool,
    /// The entries at the named paths.
    named: NamedPaths,
}

/// The entries at named paths: what a snapshot was asked for, without the directories above.
pub(super) type NamedEntries = BTreeMap<Vec<u8>, Entry>;

/// Records the entries at named paths.
struct NamedPaths {
    paths: BTreeSet<Vec<u8>>,
    found: NamedEntries,
}

impl NamedPaths {
    fn new(paths: &[Text]) -> Self {
        let paths = paths.iter().map(|path| path.0.clone()).collect();
        Self { paths, found: NamedEntries::new() }
    }

    /// True if something directly in the directory at `path` was named.
    fn is_parent(&self, path: &[u8]) -> bool {
        let prefix = [path, b"/"].concat();
        let below = self.paths.range::<[u8], _>((Bound::Excluded(&prefix[..]), Bound::Unbounded));
        let mut below = below.take_while(|named| named.starts_with(&prefix));
        below.any(|named| !named[prefix.len()..].contains(&b'/'))
    }

    fn note(&mut self, path: &[u8], entry: &Entry) {
        if self.paths.contains(path) {
            self.found.insert(path.to_vec(), entry.clone());
        }
    }
}

#[derive(Clone)]
struct OpenDirectory {
    name: Vec<u8>,
    metadata: Metadata,
    parent: Option<Box<Entry>>,
    writer: DirectoryWriter,
    /// True if something directly in it was named.
    has_named: bool,
    /// Entries that arrived in no order, until the directory ends.
    unsorted: Option<BTreeMap<Vec<u8>, Entry>>,
    /// Bytes of its tree added to the repository so far.
    added: u64,
}

impl OpenDirectory {
    fn new(name: Vec<u8>, metadata: Metadata, is_sorted: bool) -> Self {
        let unsorted = (!is_sorted).then(BTreeMap::new);
        let writer = DirectoryWriter::new();
        Self { name, metadata, parent: None, writer, has_named: false, unsorted, added: 0 }
    }

    fn push(&mut self, blobs: &mut BlobWriter<'_>, entry: &Entry) -> Result<(), EngineError> {
        let before = blobs.stats().raw_bytes;
        match &mut self.unsorted {
            None => self.writer.push(blobs, entry)?,
            Some(entries) => {
                if entries.insert(entry.name.clone(), entry.clone()).is_some() {
                    let name = String::from_utf8_lossy(&entry.name).into_owned();
                    let error = format!("it has two entries called {name:?}");
                    return Err(EngineError::Stream(std::io::Error::other(error)));
                }
            }
        }
        self.added += blobs.stats().raw_bytes - before;
        Ok(())
    }

    /// Stores the rest of the directory's tree and returns its root.
    fn finish(mut self, blobs: &mut BlobWriter<'_>) -> Result<BlobId, EngineError> {
        for entry in self.unsorted.take().unwrap_or_default().values() {
            self.writer.push(blobs, entry)?;
        }
        Ok(self.writer.finish(blobs)?)
    }
}

impl<'run, 'repository> Assembler<'run, 'repository> {
    /// An assembler of a source with these named paths.
    pub fn new(blobs: &'run mut BlobWriter<'repository>, is_stream: bool, named: &[Text]) -> Self {
        let named = NamedPaths::new(named);
        let mut root = OpenDirectory::new(Vec::new(), Metadata::default(), true);
        root.has_named = named.is_parent(b"");
        Self {
            blobs,
            is_stream,
            open: vec![root],
            path: Vec::new(),
            content: ContentWriter::default(),
            content_bytes: 0,
            content_added: Added::default(),
            summary: SnapshotSummary::default(),
            entries: 0,
            captured: Captured::default(),
            has_entries: false,
            named,
        }
    }

    /// The writer that new blobs go to.
    pub fn blobs(&mut self) -> &mut BlobWriter<'repository> {
        self.blobs
    }

    /// Processes a batch.
    pub fn take(&mut self, batch: StepBatch, observer: &dyn Observer) -> Result<(), EngineError> {
        for step in batch {
            match step {
                AssemblyStep::Enter { name, metadata, parent, is_sorted } => {
                    let directory = OpenDirectory::new(name, metadata, is_sorted);
                    self.enter(OpenDirectory { parent, ..directory });
                }
                AssemblyStep::Leave => self.leave(observer)?,
                AssemblyStep::Unchanged(entry) => {
                    let is_added =
                        self.add_file(&entry, EntryAction::Unchanged, false, observer)?;
                    self.summary.files_unmodified += u64::from(is_added);
                }
                AssemblyStep::Plain(entry, is_known) => {
                    let action = if is_known { EntryAction::Unchanged } else { EntryAction::New };
                    self.add_file(&entry, action, false, observer)?;
                }
                AssemblyStep::File(file) => self.file(*file, observer)?,
                AssemblyStep::Started(name) => self.started(&name, observer),
                AssemblyStep::Parts(parts) => self.parts(parts, observer)?,
                AssemblyStep::Trouble { name, path, during, error } => {
                    self.trouble(name.as_deref(), &path, during, &error, observer)?;
                }
                AssemblyStep::Excluded(path) => {
                    observer.event(EngineEvent::Excluded { path: &path })
                }
                AssemblyStep::Own(path) => {
                    let path = String::from_utf8_lossy(&path);
                    let message = format!("left out {path}, which belongs to holdfast");
                    observer.event(EngineEvent::Note { message: &message });
                }
                // The reading stage has replaced these.
                AssemblyStep::Unread(_) => {
                    return Err(holdfast_repo::RepoError::Stopped("reading").into());
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, mut directory: OpenDirectory) {
        self.path.push(b'/');
        self.path.extend_from_slice(&directory.name);
        directory.has_named = self.named.is_parent(&self.path);
        self.open.push(directory);
    }

    fn leave(&mut self, observer: &dyn Observer) -> Result<(), EngineError> {
        let Some(mut directory) = self.open.pop() else { return Ok(()) };
        let (name, parent) = (std::mem::take(&mut directory.name), directory.parent.take());
        let metadata = std::mem::take(&mut directory.metadata);
        let (added, before) = (directory.added, self.blobs.stats().raw_bytes);
        let root = directory.finish(self.blobs)?;
        let metadata_added = added + self.blobs.stats().raw_bytes - before;
        let name_bytes = name.len() + 1;
        let entry = Entry { name, metadata, kind: EntryKind::Directory(root) };
        if let Err(error) = entry.check() {
            self.path.truncate(self.path.len() - name_bytes);
            return self.trouble(Some(&entry.name), &[], "scan", &beyond(&error), observer);
        }
        let (count, action) = match parent {
            Some(parent) if *parent == entry => {
                (&mut self.summary.dirs_unmodified, EntryAction::Unchanged)
            }
            Some(parent) if matches!(parent.kind, EntryKind::Directory(_)) => {
                (&mut self.summary.dirs_changed, EntryAction::Modified)
            }
            _ => (&mut self.summary.dirs_new, EntryAction::New),
        };
        *count += 1;
        let (path, is_directory, bytes) = (&self.path, true, 0);
        let added = Added { metadata: metadata_added, ..Added::default() };
        let is_file = false;
        observer.event(EngineEvent::Entry { path, action, is_directory, is_file, bytes, added });
        self.path.truncate(self.path.len() - name_bytes);
        self.push(&entry)
    }

    fn push(&mut self, entry: &Entry) -> Result<(), EngineError> {
        self.has_entries = true;
        let Some(directory) = self.open.last_mut() else { return Ok(()) };
        directory.push(self.blobs, entry)?;
        if directory.has_named {
            self.named.note(&[&self.path, &b"/"[..], &entry.name].concat(), entry);
        }
        Ok(())
    }

    /// Adds an entry that is not a directory; false if readers would refuse it, which is reported.
    /// The bytes of a file that was read have already been reported.
    fn add_file(
        &mut self,
        entry: &Entry,
        action: EntryAction,
        is_read: bool,
        observer: &dyn Observer,
    ) -> Result<bool, EngineError> {
        if let Err(error) = entry.check() {
            self.trouble(Some(&entry.name), &[], "scan", &beyond(&error), observer)?;
            return Ok(false);
        }
        let bytes = match entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        };
        self.entries += 1;
        let is_file = matches!(entry.kind, EntryKind::File { .. });
        self.summary.total_files_processed += u64::from(is_file);
        self.summary.total_bytes_processed += bytes;
        self.push(entry)?;
        let bytes = if is_read && action == EntryAction::Unchanged { 0 } else { bytes };
        let (is_directory, added) = (false, std::mem::take(&mut self.content_added));
        self.with_path(&entry.name, |path| {
            observer.event(EngineEvent::Entry {
                path,
                action,
                is_directory,
                is_file,
                bytes,
                added,
            });
        });
        Ok(true)
    }

    fn started(&mut self, name: &[u8], observer: &dyn Observer) {
        self.with_path(name, |path| observer.event(EngineEvent::Started { path }));
    }

    fn with_path(&mut self, name: &[u8], use_path: impl FnOnce(&[u8])) {
        let length = self.path.len();
        self.path.push(b'/');
        self.path.extend_from_slice(name);
        use_path(&self.path);
        self.path.truncate(length);
    }

    fn file(&mut self, file: File, observer: &dyn Observer) -> Result<(), EngineError> {
        let File { name, metadata, parts, parent, failure, reading } = file;
        if !parts.is_empty() {
            self.started(&name, observer);
        }
        self.parts(parts, observer)?;
        let content = std::mem::take(&mut self.content);
        let size = std::mem::take(&mut self.content_bytes);
        if let Some((during, error)) = failure {
            self.trouble(Some(&name), &[], during, &error, observer)?;
            if !metadata.xattrs_unread {
                self.content_added = Added::default();
                return Ok(());
            }
        }
        if metadata.changed {
            let error = std::io::Error::other("it changed while it was being read");
            self.report(Some(&name), &[], "read", &error, observer)?;
            self.captured.changed += 1;
        }
        let before = self.blobs.stats().raw_bytes;
        let main = content.finish(self.blobs)?;
        self.content_added.reading = reading;
        self.content_added.metadata += self.blobs.stats().raw_bytes - before;
        let kind = EntryKind::File { size, codec: 0, main, second: None };
        let entry = Entry { name, metadata, kind };
        // A file that may have changed since the parent is read, but usually did not.
        let action = match parent {
            None => EntryAction::New,
            Some(parent) if *parent == entry => EntryAction::Unchanged,
            Some(_) => EntryAction::Modified,
        };
        if self.add_file(&entry, action, true, observer)? {
            match action {
                EntryAction::New => self.summary.files_new += 1,
                EntryAction::Unchanged => self.summary.files_unmodified += 1,
                _ => self.summary.files_changed += 1,
            }
        }
        Ok(())
    }

    fn parts(&mut self, parts: Vec<FilePart>, observer: &dyn Observer) -> Result<(), EngineError> {
        let mut read_bytes = 0;
        for part in parts {
            let extent = match part {
                FilePart::Hole(bytes) => node::Extent::Hole { bytes },
                FilePart::Raw(_) => return Err(holdfast_repo::RepoError::Stopped("reading").into()),
                FilePart::Chunk(chunk) => {
                    let bytes = chunk.bytes.len() as u64;
                    read_bytes += bytes;
                    let NamedChunk { id, compressible, .. } = chunk;
                    if self.blobs.add(BlobType::Data, id, chunk.bytes, compressible)? {
                        self.content_added.data += bytes;
                    }
                    node::Extent::Data { id, bytes }
                }
            };
            self.content_bytes += extent.bytes();
            let before = self.blobs.stats().raw_bytes;
            self.content.push(self.blobs, extent)?;
            self.content_added.metadata += self.blobs.stats().raw_bytes - before;
        }
        if read_bytes > 0 {
            observer.event(EngineEvent::Processed { bytes: read_bytes });
        }
        Ok(())
    }

    /// Counts an entry that could not be read.
    fn trouble(
        &mut self,
        name: Option<&[u8]>,
        path: &[u8],
        during: &'static str,
        error: &std::io::Error,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        self.report(name, path, during, error, observer)?;
        self.captured.unread += 1;
        Ok(())
    }

    /// Reports an error with an entry; for a stream this ends the backup. An error without the name
    /// of an entry is something that the source itself knows to be missing.
    fn report(
        &mut self,
        name: Option<&[u8]>,
        path: &[u8],
        during: &'static str,
        error: &std::io::Error,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        if self.is_stream && name.is_some() {
            return Err(EngineError::Stream(std::io::Error::other(error.to_string())));
        }
        self.summary.errors += 1;
        let message = error.to_string();
        let mut captured = std::mem::take(&mut self.captured);
        let mut report = |path: &[u8]| {
            captured.name(path);
            observer.event(EngineEvent::Trouble { path, during, message: &message });
        };
        match name {
            Some(name) => self.with_path(name, report),
            None => report(path),
        }
        self.captured = captured;
        Ok(())
    }

    /// Stores the rest of the trees and returns the root.
    pub fn finish(&mut self) -> Result<BlobId, EngineError> {
        if !self.has_entries && self.summary.errors > 0 {
            return Err(EngineError::NothingToBackUp);
        }
        self.root_so_far()
    }

    /// Stores trees for everything so far, as if every open directory ended here, and continues.
    pub fn root_so_far(&mut self) -> Result<BlobId, EngineError> {
        let mut below: Option<Entry> = None;
        for directory in self.open.iter().rev() {
            let mut directory = directory.clone();
            if let Some(entry) = below.take() {
                directory.push(self.blobs, &entry)?;
            }
            let (name, metadata) = (directory.name.clone(), directory.metadata.clone());
            let root = directory.finish(self.blobs)?;
            below = Some(Entry { name, metadata, kind: EntryKind::Directory(root) });
        }
        match below {
            Some(Entry { kind: EntryKind::Directory(root), .. }) => Ok(root),
            _ => Err(EngineError::NothingToBackUp),
        }
    }

    /// The entries at named paths seen so far.
    pub fn named(&mut self) -> NamedEntries {
        std::mem::take(&mut self.named.found)
    }

    /// The counts of this source; blobs and bytes added are reported by the writer.
    pub fn summary(&self) -> &SnapshotSummary {
        &self.summary
    }

    /// How much of the source the tree has so far, and what it lacks.
    pub fn captured(&self) -> Captured {
        let extent =
            SourceExtent { entries: self.entries, bytes: self.summary.total_bytes_processed };
        Captured { extent, ..self.captured.clone() }
    }
}

/// What is wrong with an entry that readers would refuse.
fn beyond(error: &FormatError) -> std::io::Error {
    std::io::Error::other(format!("no snapshot can hold it: {error}"))
}
