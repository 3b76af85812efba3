//! The contents of files: whether every blob exists, and how many bytes they add up to.

use holdfast_format::entry::Content;
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::{Extent, Node};
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::RepoError;

use super::walk::{Cause, TreeChecker};

/// Receives what cannot be read.
type CauseSink<'s> = &'s mut dyn FnMut(Cause);

/// A node still to be walked: its id, its highest level, and the size given by its parent.
type ContentNode = (BlobId, u8, Option<u64>);

impl TreeChecker<'_> {
    /// Walks a content and returns its length in bytes, unless its root cannot be read.
    pub(super) fn content(
        &mut self,
        content: &Content,
        sink: CauseSink<'_>,
    ) -> Result<Option<u64>, RepoError> {
        let root = match content {
            Content::Inline(extents) => {
                for extent in extents {
                    self.extent(extent, sink)?;
                }
                return Ok(Some(total(extents.iter().map(Extent::bytes))));
            }
            Content::Root(root) => *root,
        };
        let mut is_whole = true;
        let mut take = |cause| {
            is_whole = false;
            sink(cause);
        };
        let (mut pending, mut walked, mut bytes) = (Vec::new(), Vec::new(), None);
        pending.push((root, NODE_LEVEL_MAX, None));
        while let Some(below) = pending.pop() {
            let is_root = walked.is_empty() && bytes.is_none();
            let found = self.content_node(below, is_root, &mut pending, &mut walked, &mut take)?;
            if is_root {
                bytes = found;
                if found.is_none() {
                    return Ok(None);
                }
            }
        }
        if is_whole {
            for number in walked {
                self.clean.insert(number);
            }
        }
        Ok(bytes)
    }

    /// Walks one node of a content and returns its bytes. The root is read even if it is known to
    /// be intact: each entry that refers to it has a size of its own.
    fn content_node(
        &mut self,
        (id, level_max, promised): ContentNode,
        is_root: bool,
        pending: &mut Vec<ContentNode>,
        walked: &mut Vec<u64>,
        sink: CauseSink<'_>,
    ) -> Result<Option<u64>, RepoError> {
        let number = match self.place(&id, BlobType::Tree, None)? {
            Ok(place) => place.number,
            Err(cause) => {
                sink(cause);
                return Ok(None);
            }
        };
        let is_clean = self.clean.contains(number);
        if is_clean && !is_root {
            return Ok(promised);
        }
        let unfit =
            |reason: &str| Cause::Unfit { object: format!("node {id}"), reason: reason.to_owned() };
        let bytes = match self.node(&id)? {
            Ok(Node::ContentLeaf(extents)) => {
                if !is_clean {
                    for extent in &extents {
                        self.extent(extent, sink)?;
                    }
                }
                total(extents.iter().map(Extent::bytes))
            }
            Ok(Node::ContentBranch(level, children)) if level <= level_max => {
                if !is_clean {
                    let below = |child: &holdfast_format::node::ContentChild| {
                        (child.id, level - 1, Some(child.bytes))
                    };
                    pending.extend(children.iter().rev().map(below));
                }
                total(children.iter().map(|child| child.bytes))
            }
            Ok(_) => {
                sink(unfit("a node has the wrong kind"));
                return Ok(None);
            }
            Err(cause) => {
                sink(cause);
                return Ok(None);
            }
        };
        if promised.is_some_and(|promised| promised != bytes) {
            sink(unfit("a node's size differs from what its parent says"));
        }
        walked.push(number);
        Ok(Some(bytes))
    }

    fn extent(&mut self, extent: &Extent, sink: CauseSink<'_>) -> Result<(), RepoError> {
        if let Extent::Data { id, bytes } = extent
            && let Err(cause) = self.place(id, BlobType::Data, Some(*bytes))?
        {
            sink(cause);
        }
        Ok(())
    }
}

/// The sum, which no honest content makes overflow.
fn total(bytes: impl Iterator<Item = u64>) -> u64 {
    bytes.fold(0, u64::saturating_add)
}
