//! Counting the blobs that only one side of a comparison has.

use std::collections::HashSet;

use holdfast_format::entry::{Content, EntryKind};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::{Extent, Node};
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::read::{BlobReader, LocationLookup};
use holdfast_repo::{RepoError, Repository};

use super::SideStatistics;
use crate::EngineError;
use crate::bitmap::Bitmap;
use crate::look::nodes::{contents, misplaced};

/// One of the two snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left = 0,
    Right = 1,
}

/// Reads nodes for both sides and counts their blobs. A blob found on both sides counts on neither:
/// it is taken back from the side that had it first.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    reader: BlobReader<'a>,
    places: LocationLookup<'a>,
    seen: [Bitmap; 2],
    counts: [SideStatistics; 2],
    missing: HashSet<BlobId>,
    nodes_read: u64,
}

/// The upper part of a content's tree: unread leaves, and extents stored at a higher level.
#[derive(Default)]
struct Leaves {
    nodes: HashSet<BlobId>,
    extents: Vec<Extent>,
}

impl<'a> Tally<'a> {
    pub fn new(repository: &'a Repository) -> Self {
        Self {
            reader: BlobReader::new(repository),
            places: LocationLookup::new(repository),
            seen: Default::default(),
            counts: Default::default(),
            missing: HashSet::new(),
            nodes_read: 0,
        }
    }

    pub fn nodes_read(&self) -> u64 {
        self.nodes_read
    }

    pub fn missing_blobs(&self) -> u64 {
        self.missing.len() as u64
    }

    /// Fills in the counts of blobs of one side.
    pub fn put_into(&self, side: Side, statistics: &mut SideStatistics) {
        let counts = &self.counts[side as usize];
        statistics.data_blobs = counts.data_blobs;
        statistics.tree_blobs = counts.tree_blobs;
        statistics.bytes = counts.bytes;
    }

    /// Reads and counts a node.
    pub fn node(&mut self, side: Side, id: &BlobId) -> Result<Node, RepoError> {
        self.add(side, BlobType::Tree, id)?;
        self.nodes_read += 1;
        self.reader.node(id)
    }

    fn add(&mut self, side: Side, blob_type: BlobType, id: &BlobId) -> Result<(), RepoError> {
        let location = match self.places.locate(id) {
            Ok(location) => location,
            Err(RepoError::BlobMissing { .. }) => {
                self.missing.insert(*id);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if !self.seen[side as usize].insert(location.number) {
            return Ok(());
        }
        let other = 1 - side as usize;
        let bytes = u64::from(location.bytes);
        if self.seen[other].contains(location.number) {
            let counts = &mut self.counts[other];
            *counter(counts, blob_type) -= 1;
            counts.bytes -= bytes;
        } else {
            let counts = &mut self.counts[side as usize];
            *counter(counts, blob_type) += 1;
            counts.bytes += bytes;
        }
        Ok(())
    }

    /// Counts the blobs of two states of a file. Of long lists of chunks, only the leaves that just
    /// one side has are read, wherever in the file they are.
    pub fn contents(
        &mut self,
        left: Option<&EntryKind>,
        right: Option<&EntryKind>,
    ) -> Result<(), EngineError> {
        let list = |kind: Option<&EntryKind>| -> Vec<Content> {
            kind.into_iter().flat_map(contents).cloned().collect()
        };
        let (left, right) = (list(left), list(right));
        if left == right {
            return Ok(());
        }
        let left = self.leaves(Side::Left, &left)?;
        let right = self.leaves(Side::Right, &right)?;
        for (side, own, other) in [(Side::Left, &left, &right), (Side::Right, &right, &left)] {
            self.extents(side, &own.extents)?;
            for id in own.nodes.difference(&other.nodes) {
                match self.node(side, id)? {
                    Node::ContentLeaf(extents) => self.extents(side, &extents)?,
                    _ => return Err(misplaced(*id).into()),
                }
            }
        }
        Ok(())
    }

    fn extents(&mut self, side: Side, extents: &[Extent]) -> Result<(), RepoError> {
        for extent in extents {
            if let Extent::Data { id, .. } = extent {
                self.add(side, BlobType::Data, id)?;
            }
        }
        Ok(())
    }

    /// Reads the branches of contents.
    fn leaves(&mut self, side: Side, contents: &[Content]) -> Result<Leaves, RepoError> {
        let mut leaves = Leaves::default();
        let mut pending = Vec::new();
        for content in contents {
            match content {
                Content::Inline(extents) => leaves.extents.extend_from_slice(extents),
                Content::Root(root) => pending.push((*root, NODE_LEVEL_MAX)),
            }
        }
        while let Some((id, level_max)) = pending.pop() {
            match self.node(side, &id)? {
                Node::ContentLeaf(extents) => leaves.extents.extend(extents),
                Node::ContentBranch(1, children) => {
                    leaves.nodes.extend(children.iter().map(|child| child.id));
                }
                Node::ContentBranch(level, children) if level <= level_max => {
                    pending.extend(children.iter().map(|child| (child.id, level - 1)));
                }
                _ => return Err(misplaced(id)),
            }
        }
        Ok(leaves)
    }
}

fn counter(counts: &mut SideStatistics, blob_type: BlobType) -> &mut u64 {
    match blob_type {
        BlobType::Data => &mut counts.data_blobs,
        BlobType::Tree => &mut counts.tree_blobs,
    }
}
