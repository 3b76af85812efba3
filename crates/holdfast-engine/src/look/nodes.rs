//! Reading directories and contents node by node, with a callback before each node is read.

use std::collections::VecDeque;

use holdfast_format::entry::{Content, Entry, EntryKind};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::{DirectoryChild, Extent, Node};
use holdfast_format::{BlobId, BlobType, FormatError};
use holdfast_repo::RepoError;
use holdfast_repo::read::BlobReader;

use crate::EngineError;

/// Called before a node is read; false to skip it and everything below.
pub(crate) type WantNode<'a> = &'a mut dyn FnMut(&BlobId) -> Result<bool, EngineError>;

/// A node of a directory still to be read.
#[derive(Debug)]
struct PendingNode {
    id: BlobId,
    /// Its maximum level.
    level_max: u8,
    /// The last name below it, if known.
    last_name: Option<Vec<u8>>,
}

/// The entries of one stored directory, in order, a node at a time: all, or those whose names have
/// a common prefix. Nodes without such names are not read.
#[derive(Debug)]
pub(super) struct EntryCursor {
    /// The next one last.
    pending: Vec<PendingNode>,
    entries: VecDeque<Entry>,
    prefix: Vec<u8>,
}

impl EntryCursor {
    /// Before the first entry of a directory.
    pub fn new(root: BlobId) -> Self {
        Self::within(root, Vec::new())
    }

    /// Before the first entry whose name has this prefix.
    pub fn within(root: BlobId, prefix: Vec<u8>) -> Self {
        let pending = vec![PendingNode { id: root, level_max: NODE_LEVEL_MAX, last_name: None }];
        Self { pending, entries: VecDeque::new(), prefix }
    }

    /// The next entry; `None` after the last.
    pub fn next(
        &mut self,
        reader: &mut BlobReader<'_>,
        want: WantNode<'_>,
    ) -> Result<Option<Entry>, EngineError> {
        self.fill(reader, want)?;
        Ok(self.entries.pop_front())
    }

    /// The name of the next entry.
    pub fn peek(
        &mut self,
        reader: &mut BlobReader<'_>,
        want: WantNode<'_>,
    ) -> Result<Option<&[u8]>, EngineError> {
        self.fill(reader, want)?;
        Ok(self.entries.front().map(|entry| entry.name.as_slice()))
    }

    /// Skips the remaining names with this prefix, which the last entry had.
    pub fn skip(
        &mut self,
        reader: &mut BlobReader<'_>,
        prefix: &[u8],
        want: WantNode<'_>,
    ) -> Result<(), EngineError> {
        loop {
            while self.entries.front().is_some_and(|entry| entry.name.starts_with(prefix)) {
                self.entries.pop_front();
            }
            if !self.entries.is_empty() {
                return Ok(());
            }
            let is_within = |node: &PendingNode| {
                node.last_name.as_ref().is_some_and(|last| last.starts_with(prefix))
            };
            while self.pending.last().is_some_and(is_within) {
                self.pending.pop();
            }
            if !self.read_one(reader, want)? {
                return Ok(());
            }
        }
    }

    /// Whether a later name has this prefix; `None` if that cannot be decided without reading more.
    pub fn has_ahead(&self, prefix: &[u8]) -> Option<bool> {
        let place = self.entries.partition_point(|entry| entry.name.as_slice() < prefix);
        match self.entries.get(place) {
            Some(entry) => Some(entry.name.starts_with(prefix)),
            None => self.pending.is_empty().then_some(false),
        }
    }

    fn fill(&mut self, reader: &mut BlobReader<'_>, want: WantNode<'_>) -> Result<(), EngineError> {
        while self.entries.is_empty() && self.read_one(reader, want)? {}
        Ok(())
    }

    /// Reads the next node; false if there is none.
    fn read_one(
        &mut self,
        reader: &mut BlobReader<'_>,
        want: WantNode<'_>,
    ) -> Result<bool, EngineError> {
        let Some(PendingNode { id, level_max, .. }) = self.pending.pop() else { return Ok(false) };
        if !want(&id)? {
            return Ok(true);
        }
        match reader.node(&id)? {
            Node::DirectoryLeaf(mut entries) => {
                entries.retain(|entry| entry.name.starts_with(&self.prefix));
                self.entries = entries.into();
            }
            Node::DirectoryBranch(level, children) if level <= level_max => {
                let wanted = children_within(children, &self.prefix);
                self.pending.extend(wanted.into_iter().rev().map(|child| PendingNode {
                    id: child.id,
                    level_max: level - 1,
                    last_name: Some(child.last_name),
                }));
            }
            _ => return Err(misplaced(id).into()),
        }
        Ok(true)
    }
}

/// The children of a branch that may contain names with this prefix.
pub(super) fn children_within(
    mut children: Vec<DirectoryChild>,
    prefix: &[u8],
) -> Vec<DirectoryChild> {
    let is_before = |child: &DirectoryChild| child.last_name.as_slice() < prefix;
    children.drain(..children.partition_point(is_before));
    let is_within = |child: &DirectoryChild| child.last_name.starts_with(prefix);
    // The child in which they end also has later names.
    children.truncate(children.partition_point(is_within) + 1);
    children
}

/// The extents of one content, in the order of the file, a node at a time.
#[derive(Debug)]
pub(crate) struct Extents {
    pending: Vec<(BlobId, u8)>,
    extents: VecDeque<Extent>,
}

impl Extents {
    pub fn of(content: &Content) -> Self {
        match content {
            Content::Inline(extents) => {
                Self { pending: Vec::new(), extents: extents.iter().copied().collect() }
            }
            Content::Root(root) => {
                Self { pending: vec![(*root, NODE_LEVEL_MAX)], extents: VecDeque::new() }
            }
        }
    }

    /// The next extent; `None` after the last.
    pub fn next(
        &mut self,
        reader: &mut BlobReader<'_>,
        want: WantNode<'_>,
    ) -> Result<Option<Extent>, EngineError> {
        loop {
            if let Some(extent) = self.extents.pop_front() {
                return Ok(Some(extent));
            }
            let Some((id, level_max)) = self.pending.pop() else { return Ok(None) };
            if !want(&id)? {
                continue;
            }
            match reader.node(&id)? {
                Node::ContentLeaf(extents) => self.extents = extents.into(),
                Node::ContentBranch(level, children) if level <= level_max => {
                    self.pending.extend(children.iter().rev().map(|child| (child.id, level - 1)));
                }
                _ => return Err(misplaced(id).into()),
            }
        }
    }
}

/// The contents of a file; none for anything else.
pub(super) fn contents(kind: &EntryKind) -> impl Iterator<Item = &Content> {
    let (main, second) = match kind {
        EntryKind::File { main, second, .. } => (Some(main), second.as_ref()),
        _ => (None, None),
    };
    main.into_iter().chain(second)
}

/// Calls `each` for every blob that a file consists of: content nodes and data. For a node it says
/// whether to descend.
pub(super) fn file_blobs(
    reader: &mut BlobReader<'_>,
    kind: &EntryKind,
    each: &mut dyn FnMut(BlobType, &BlobId) -> Result<bool, EngineError>,
) -> Result<(), EngineError> {
    for content in contents(kind) {
        let mut extents = Extents::of(content);
        while let Some(extent) = extents.next(reader, &mut |id| each(BlobType::Tree, id))? {
            if let Extent::Data { id, .. } = extent {
                each(BlobType::Data, &id)?;
            }
        }
    }
    Ok(())
}

/// A node with the wrong kind or level for its position.
pub(super) fn misplaced(id: BlobId) -> RepoError {
    let source = FormatError::Invalid { what: "tree node", why: "it has the wrong kind" };
    RepoError::BadNode { id, source }
}
