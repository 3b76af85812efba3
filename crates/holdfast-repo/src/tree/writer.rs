//! Writing a sequence as a tree of nodes, split at content-defined places (`docs/format.md`,
//! section 8).

use holdfast_format::BlobId;
use holdfast_format::entry::{Content, Entry};
use holdfast_format::limits::INLINE_EXTENTS_MAX;
use holdfast_format::node::{
    ContentChild, DirectoryChild, Extent, NodeKind, assemble, encode_content_child,
    encode_directory_child,
};

use crate::RepoError;

/// A leaf has at least this many records, unless it is the last; after that it ends where the
/// boundary hash is 0 modulo this (decision 0006).
const LEAF_RECORDS: usize = 12;
/// The same for a branch.
const BRANCH_RECORDS: usize = 4;
/// Maximum number of records in a node.
const RECORDS_MAX: usize = 1024;
/// A node that has grown to this size ends.
const NODE_BYTES: usize = 64 << 10;

/// Takes finished nodes and hashes records.
pub trait NodeSink {
    /// Stores a node and returns its id.
    ///
    /// # Errors
    /// Repository failures.
    fn add_node(&mut self, node: Vec<u8>) -> Result<BlobId, RepoError>;

    /// The boundary hash of a record's key.
    fn split_hash(&self, key: &[u8]) -> u64;
}

/// A node being filled, at one level of the tree.
#[derive(Debug, Clone, Default)]
struct NodeLevel {
    records: Vec<u8>,
    count: usize,
    /// Directories: name of the last entry below.
    last_name: Vec<u8>,
    /// Directories: entries below; content: bytes below.
    total: u64,
    /// Number of nodes that this level has passed to the one above.
    emitted: usize,
    /// The only child, for a top level that turns out to be superfluous.
    last_child: Option<BlobId>,
}

/// The levels of one sequence; the two kinds differ in how records are encoded.
#[derive(Debug, Clone)]
struct SequenceWriter {
    leaf: NodeKind,
    branch: NodeKind,
    levels: Vec<NodeLevel>,
}

impl SequenceWriter {
    fn new(leaf: NodeKind, branch: NodeKind) -> Self {
        Self { leaf, branch, levels: vec![NodeLevel::default()] }
    }

    /// Adds a record to the leaves; `hash` is its boundary hash.
    fn push(
        &mut self,
        sink: &mut dyn NodeSink,
        hash: u64,
        name: &[u8],
        total: u64,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), RepoError> {
        let level = &mut self.levels[0];
        encode(&mut level.records);
        level.note(name, total);
        if level.is_complete(hash, LEAF_RECORDS) { self.emit(sink, 0) } else { Ok(()) }
    }

    /// Stores the node of `level` and adds it to the level above.
    fn emit(&mut self, sink: &mut dyn NodeSink, level: usize) -> Result<(), RepoError> {
        if level + 1 == self.levels.len() {
            self.levels.push(NodeLevel::default());
        }
        let kind = if level == 0 { self.leaf } else { self.branch };
        let done = std::mem::take(&mut self.levels[level]);
        self.levels[level].emitted = done.emitted + 1;
        let id = sink.add_node(assemble(kind, level as u8, done.count, &done.records))?;
        let above = &mut self.levels[level + 1];
        match self.branch {
            NodeKind::ContentBranch => {
                encode_content_child(&ContentChild { bytes: done.total, id }, &mut above.records);
            }
            _ => {
                let last_name = done.last_name.clone();
                let child = DirectoryChild { last_name, id, entries: done.total };
                encode_directory_child(&child, &mut above.records);
            }
        }
        above.note(&done.last_name, done.total);
        above.last_child = Some(id);
        let hash = sink.split_hash(id.as_bytes());
        if above.is_complete(hash, BRANCH_RECORDS) { self.emit(sink, level + 1) } else { Ok(()) }
    }

    /// Stores what is left and returns the root.
    fn finish(mut self, sink: &mut dyn NodeSink) -> Result<BlobId, RepoError> {
        let mut level = 0;
        loop {
            let (now, is_top) = (&self.levels[level], level + 1 == self.levels.len());
            if is_top && now.emitted == 0 {
                if let (1, Some(child)) = (now.count, now.last_child) {
                    return Ok(child);
                }
                let kind = if level == 0 { self.leaf } else { self.branch };
                return sink.add_node(assemble(kind, level as u8, now.count, &now.records));
            }
            if now.count > 0 {
                self.emit(sink, level)?;
            }
            level += 1;
        }
    }
}

impl NodeLevel {
    fn note(&mut self, name: &[u8], total: u64) {
        self.count += 1;
        self.total += total;
        self.last_name.clear();
        self.last_name.extend_from_slice(name);
    }

    fn is_complete(&self, hash: u64, records: usize) -> bool {
        (self.count >= records && hash.is_multiple_of(records as u64))
            || self.count >= RECORDS_MAX
            || self.records.len() >= NODE_BYTES
    }
}

/// Writes a directory. A clone can be finished early, for a tree of the entries so far.
#[derive(Debug, Clone)]
pub struct DirectoryWriter(SequenceWriter);

impl DirectoryWriter {
    /// An empty directory.
    #[allow(clippy::new_without_default, reason = "a writer is a process, not a value")]
    pub fn new() -> Self {
        Self(SequenceWriter::new(NodeKind::DirectoryLeaf, NodeKind::DirectoryBranch))
    }

    /// Adds an entry; names must be strictly ascending.
    ///
    /// # Errors
    /// Repository failures.
    pub fn push(&mut self, sink: &mut dyn NodeSink, entry: &Entry) -> Result<(), RepoError> {
        let hash = sink.split_hash(&entry.name);
        self.0.push(sink, hash, &entry.name, 1, |out| entry.encode(out))
    }

    /// Stores what is left and returns the root.
    ///
    /// # Errors
    /// Repository failures.
    pub fn finish(self, sink: &mut dyn NodeSink) -> Result<BlobId, RepoError> {
        self.0.finish(sink)
    }
}

/// Writes the extents of a file: inside its entry while they are few, as a tree of nodes when they
/// are many.
#[derive(Debug, Default)]
pub struct ContentWriter {
    inline: Vec<Extent>,
    tree: Option<SequenceWriter>,
}

impl ContentWriter {
    /// Adds an extent.
    ///
    /// # Errors
    /// Repository failures.
    pub fn push(&mut self, sink: &mut dyn NodeSink, extent: Extent) -> Result<(), RepoError> {
        if let Some(tree) = &mut self.tree {
            return push_extent(tree, sink, &extent);
        }
        self.inline.push(extent);
        if self.inline.len() > INLINE_EXTENTS_MAX {
            let mut tree = SequenceWriter::new(NodeKind::ContentLeaf, NodeKind::ContentBranch);
            for extent in self.inline.drain(..) {
                push_extent(&mut tree, sink, &extent)?;
            }
            self.tree = Some(tree);
        }
        Ok(())
    }

    /// Stores what is left and returns the content for the entry.
    ///
    /// # Errors
    /// Repository failures.
    pub fn finish(self, sink: &mut dyn NodeSink) -> Result<Content, RepoError> {
        match self.tree {
            None => Ok(Content::Inline(self.inline)),
            Some(tree) => tree.finish(sink).map(Content::Root),
        }
    }
}

fn push_extent(
    tree: &mut SequenceWriter,
    sink: &mut dyn NodeSink,
    extent: &Extent,
) -> Result<(), RepoError> {
    let hash = match extent {
        Extent::Data { id, .. } => sink.split_hash(id.as_bytes()),
        Extent::Hole { bytes } => sink.split_hash(&bytes.to_le_bytes()),
    };
    tree.push(sink, hash, &[], extent.bytes(), |out| extent.encode(out))
}
