//! What a node of a tree refers to.

use holdfast_format::BlobId;
use holdfast_format::entry::{Content, EntryKind};
use holdfast_format::node::{Extent, Node};

/// What kind of tree a node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Directory,
    Content,
}

/// What a node refers to.
#[derive(Debug)]
pub(crate) struct NodeReferences {
    /// What kind of tree the node itself belongs to.
    pub family: Family,
    /// Nodes, and the kind of tree that each must belong to.
    pub nodes: Vec<(BlobId, Family)>,
    /// Content of files.
    pub data: Vec<BlobId>,
}

impl NodeReferences {
    /// Collects the references of a node.
    pub fn of(node: &Node) -> Self {
        let family = match node {
            Node::DirectoryLeaf(_) | Node::DirectoryBranch(..) => Family::Directory,
            Node::ContentLeaf(_) | Node::ContentBranch(..) => Family::Content,
        };
        let mut references = Self { family, nodes: Vec::new(), data: Vec::new() };
        match node {
            Node::DirectoryLeaf(entries) => {
                entries.iter().for_each(|entry| references.entry(&entry.kind));
            }
            Node::DirectoryBranch(_, children) => {
                references.nodes.extend(children.iter().map(|child| (child.id, family)));
            }
            Node::ContentLeaf(extents) => references.extents(extents),
            Node::ContentBranch(_, children) => {
                references.nodes.extend(children.iter().map(|child| (child.id, family)));
            }
        }
        references
    }

    fn entry(&mut self, kind: &EntryKind) {
        match kind {
            EntryKind::Directory(root) => self.nodes.push((*root, Family::Directory)),
            EntryKind::File { main, second, .. } => {
                self.content(main);
                second.iter().for_each(|second| self.content(second));
            }
            EntryKind::Symlink(_)
            | EntryKind::BlockDevice(..)
            | EntryKind::CharDevice(..)
            | EntryKind::Fifo
            | EntryKind::Socket => {}
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Root(root) => self.nodes.push((*root, Family::Content)),
            Content::Inline(extents) => self.extents(extents),
        }
    }

    fn extents(&mut self, extents: &[Extent]) {
        self.data.extend(extents.iter().filter_map(|extent| match extent {
            Extent::Data { id, .. } => Some(*id),
            Extent::Hole { .. } => None,
        }));
    }
}
