//! Reading sequences: entries in order, a single entry by name, the extents of a file.

use std::collections::VecDeque;

use holdfast_format::entry::{Content, Entry};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::{Extent, Node};
use holdfast_format::{BlobId, FormatError};

use crate::RepoError;
use crate::read::BlobReader;

/// Walks the entries of one directory in order, reading a node at a time.
#[derive(Debug)]
pub struct DirectoryCursor {
    /// Nodes still to be read, the next one last, with the level that each must have.
    pending: Vec<(BlobId, u8)>,
    entries: VecDeque<Entry>,
}

impl DirectoryCursor {
    /// A cursor before the first entry of the directory with this root.
    pub fn new(root: BlobId) -> Self {
        Self { pending: vec![(root, NODE_LEVEL_MAX)], entries: VecDeque::new() }
    }

    /// The next entry; `None` after the last.
    ///
    /// # Errors
    /// Repository failures and damaged nodes.
    pub fn next(&mut self, reader: &mut BlobReader<'_>) -> Result<Option<Entry>, RepoError> {
        Ok(self.fill(reader)?.then(|| self.entries.pop_front()).flatten())
    }

    /// The next entry without consuming it.
    ///
    /// # Errors
    /// As [`DirectoryCursor::next`].
    pub fn peek(&mut self, reader: &mut BlobReader<'_>) -> Result<Option<&Entry>, RepoError> {
        Ok(if self.fill(reader)? { self.entries.front() } else { None })
    }

    /// Reads nodes until an entry is available; false at the end.
    fn fill(&mut self, reader: &mut BlobReader<'_>) -> Result<bool, RepoError> {
        while self.entries.is_empty() {
            let Some((id, level_max)) = self.pending.pop() else { return Ok(false) };
            match reader.node(&id)? {
                Node::DirectoryLeaf(entries) => self.entries = entries.into(),
                Node::DirectoryBranch(level, children) if level <= level_max => {
                    self.pending.extend(children.iter().rev().map(|child| (child.id, level - 1)))
                }
                _ => return Err(not_here(id)),
            }
        }
        Ok(true)
    }

    /// Advances to the entry called `name`, if there is one; entries before it are skipped.
    ///
    /// # Errors
    /// As [`DirectoryCursor::next`].
    pub fn advance_to(
        &mut self,
        reader: &mut BlobReader<'_>,
        name: &[u8],
    ) -> Result<Option<Entry>, RepoError> {
        while let Some(entry) = self.peek(reader)? {
            match entry.name.as_slice().cmp(name) {
                std::cmp::Ordering::Less => drop(self.entries.pop_front()),
                std::cmp::Ordering::Equal => return Ok(self.entries.pop_front()),
                std::cmp::Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The entry called `name` of the directory with this root, read along one path of the tree.
    ///
    /// # Errors
    /// As [`DirectoryCursor::next`].
    pub fn find(
        reader: &mut BlobReader<'_>,
        root: BlobId,
        name: &[u8],
    ) -> Result<Option<Entry>, RepoError> {
        let (mut id, mut level_max) = (root, NODE_LEVEL_MAX);
        loop {
            match reader.node(&id)? {
                Node::DirectoryLeaf(mut entries) => {
                    let place = entries.binary_search_by(|entry| entry.name.as_slice().cmp(name));
                    return Ok(place.ok().map(|place| entries.swap_remove(place)));
                }
                Node::DirectoryBranch(level, children) if level <= level_max => {
                    let place = children.partition_point(|child| child.last_name.as_slice() < name);
                    let Some(child) = children.get(place) else { return Ok(None) };
                    (id, level_max) = (child.id, level - 1);
                }
                _ => return Err(not_here(id)),
            }
        }
    }
}

/// Calls `each` for the extents of a content, in the order of the file.
///
/// # Errors
/// Repository failures, damaged nodes, and what `each` returns.
pub fn extents(
    reader: &mut BlobReader<'_>,
    content: &Content,
    each: &mut dyn FnMut(Extent) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    walk(reader, content, &mut |_| Ok(()), each)
}

/// Calls `each` for every blob of a content: its chunks, and the nodes that list them.
///
/// # Errors
/// As [`extents`].
pub fn content_blobs(
    reader: &mut BlobReader<'_>,
    content: &Content,
    each: &mut dyn FnMut(BlobId) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    let each = std::cell::RefCell::new(each);
    walk(reader, content, &mut |node| (*each.borrow_mut())(node), &mut |extent| match extent {
        Extent::Data { id, .. } => (*each.borrow_mut())(id),
        Extent::Hole { .. } => Ok(()),
    })
}

fn walk(
    reader: &mut BlobReader<'_>,
    content: &Content,
    node: &mut dyn FnMut(BlobId) -> Result<(), RepoError>,
    each: &mut dyn FnMut(Extent) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    let mut pending = match content {
        Content::Inline(extents) => return extents.iter().try_for_each(|extent| each(*extent)),
        Content::Root(root) => vec![(*root, NODE_LEVEL_MAX)],
    };
    while let Some((id, level_max)) = pending.pop() {
        node(id)?;
        match reader.node(&id)? {
            Node::ContentLeaf(extents) => {
                extents.into_iter().try_for_each(&mut *each)?;
            }
            Node::ContentBranch(level, children) if level <= level_max => {
                pending.extend(children.iter().rev().map(|child| (child.id, level - 1)));
            }
            _ => return Err(not_here(id)),
        }
    }
    Ok(())
}

/// The extents of a content as a list.
///
/// # Errors
/// As [`extents`].
pub fn extents_of(
    reader: &mut BlobReader<'_>,
    content: &Content,
) -> Result<Vec<Extent>, RepoError> {
    let mut list = Vec::new();
    extents(reader, content, &mut |extent| {
        list.push(extent);
        Ok(())
    })?;
    Ok(list)
}

fn not_here(id: BlobId) -> RepoError {
    let source = FormatError::Invalid { what: "tree node", why: "it has the wrong kind" };
    RepoError::BadNode { id, source }
}
