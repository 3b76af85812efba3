//! What a directory node refers to.

use holdfast_format::BlobId;
use holdfast_format::entry::Entry;
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::Node;

/// What is still to be walked in one node.
pub(super) enum DirectoryItem {
    Node(DirectoryNode),
    Entry(Box<Entry>),
}

/// A node and what its parent says about it.
pub(super) struct DirectoryNode {
    pub id: BlobId,
    pub level_max: u8,
    /// Last name and number of entries.
    pub promised: Option<(Vec<u8>, u64)>,
}

impl DirectoryNode {
    /// The root of a directory, which has no parent to describe it.
    pub fn root(id: BlobId) -> Self {
        Self { id, level_max: NODE_LEVEL_MAX, promised: None }
    }
}

/// The items of a node, if it matches its parent.
pub(super) fn items_of(
    node: Node,
    below: &DirectoryNode,
) -> Result<Vec<DirectoryItem>, &'static str> {
    let (items, found): (Vec<DirectoryItem>, (Vec<u8>, u64)) = match node {
        Node::DirectoryLeaf(entries) => {
            let last = entries.last().map(|entry| entry.name.clone());
            let count = entries.len() as u64;
            let items = entries.into_iter().map(|entry| DirectoryItem::Entry(Box::new(entry)));
            (items.collect(), (last.unwrap_or_default(), count))
        }
        Node::DirectoryBranch(level, children) if level <= below.level_max => {
            let last = children.last().map(|child| child.last_name.clone());
            let count = children.iter().fold(0, |sum: u64, c| sum.saturating_add(c.entries));
            let items = children.into_iter().map(|child| {
                let promised = Some((child.last_name, child.entries));
                DirectoryItem::Node(DirectoryNode { id: child.id, level_max: level - 1, promised })
            });
            (items.collect(), (last.unwrap_or_default(), count))
        }
        _ => return Err("a node has the wrong kind"),
    };
    match &below.promised {
        Some(promised) if *promised != found => {
            Err("a node's entries differ from what its parent says")
        }
        _ => Ok(items),
    }
}
