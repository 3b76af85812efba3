//! Reading directories and contents node by node, with a word on each node before it is read.

use std::collections::VecDeque;

use holdfast_format::entry::{Content, Entry, EntryKind};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::{Extent, Node};
use holdfast_format::{BlobId, BlobType, FormatError};
use holdfast_repo::RepoError;
use holdfast_repo::read::BlobReader;

use super::root::Folder;
use crate::EngineError;

/// Asked before a node is read; false to pass over it and all that is below.
pub(crate) type WantNode<'a> = &'a mut dyn FnMut(&BlobId) -> Result<bool, EngineError>;

/// The entries of one directory, in order, a node at a time.
#[derive(Debug)]
pub(crate) struct Entries {
    /// Nodes still to be read, the next one last, with the level that each may have at most.
    pending: Vec<(BlobId, u8)>,
    entries: VecDeque<Entry>,
}

impl Entries {
    pub fn of(folder: &Folder) -> Self {
        match folder {
            Folder::Tree(root) => {
                Self { pending: vec![(*root, NODE_LEVEL_MAX)], entries: VecDeque::new() }
            }
            Folder::Sources(entries) => {
                Self { pending: Vec::new(), entries: entries.iter().cloned().collect() }
            }
        }
    }

    /// The next entry; `None` after the last.
    pub fn next(
        &mut self,
        reader: &mut BlobReader<'_>,
        want: WantNode<'_>,
    ) -> Result<Option<Entry>, EngineError> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Ok(Some(entry));
            }
            let Some((id, level_max)) = self.pending.pop() else { return Ok(None) };
            if !want(&id)? {
                continue;
            }
            match reader.node(&id)? {
                Node::DirectoryLeaf(entries) => self.entries = entries.into(),
                Node::DirectoryBranch(level, children) if level <= level_max => {
                    self.pending.extend(children.iter().rev().map(|child| (child.id, level - 1)));
                }
                _ => return Err(misplaced(id).into()),
            }
        }
    }
}

/// The extents of one content, in the order of the file, a node at a time.
#[derive(Debug)]
pub(super) struct Extents {
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
/// whether to go below.
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

/// A node of a kind or level that cannot stand where it stands.
pub(super) fn misplaced(id: BlobId) -> RepoError {
    let source = FormatError::Invalid { what: "tree node", why: "its kind does not belong here" };
    RepoError::BadNode { id, source }
}
