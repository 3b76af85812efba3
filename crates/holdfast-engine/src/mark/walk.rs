//! The walk of a mark: batches of nodes, read in parallel in the order in which they are stored.

use holdfast_format::entry::{Content, EntryKind};
use holdfast_format::node::{Extent, Node};
use holdfast_format::{BlobId, BlobType, FormatError};
use holdfast_repo::index::{IndexReader, Location};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};
use rayon::prelude::*;

use super::LiveSet;
use crate::{EngineError, Observer};

/// Nodes that are read at a time: enough that neighbours in a frame are read together.
const BATCH: usize = 4096;
/// Nodes that one thread reads with one reader.
const BATCH_PER_READER: usize = 256;

/// What a node is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Directory,
    Content,
}

/// A node that is marked and not yet read.
#[derive(Debug)]
struct Pending {
    id: BlobId,
    family: Family,
    /// Where it is read from: the order of reading.
    place: (u32, u32),
}

/// What a node refers to.
#[derive(Debug, Default)]
struct References {
    nodes: Vec<(BlobId, Family)>,
    data: Vec<BlobId>,
}

pub(super) struct Walk<'a> {
    repository: &'a Repository,
    index: IndexReader,
    live: LiveSet,
    pending: Vec<Pending>,
}

impl<'a> Walk<'a> {
    pub fn new(repository: &'a Repository) -> Result<Self, RepoError> {
        let index = repository.index();
        let live = LiveSet::new(index.numbered_blobs()?);
        Ok(Self { repository, index: index.reader(), live, pending: Vec::new() })
    }

    pub fn claim_root(&mut self, id: &BlobId) -> Result<(), RepoError> {
        self.claim_node(id, Family::Directory)
    }

    fn claim_node(&mut self, id: &BlobId, family: Family) -> Result<(), RepoError> {
        let places = self.places(id, BlobType::Tree)?;
        if self.live.insert(&places, true) {
            let place = places.first().map_or((0, 0), |l| (l.frame.number, l.offset));
            self.pending.push(Pending { id: *id, family, place });
        }
        Ok(())
    }

    fn claim_data(&mut self, id: &BlobId) -> Result<(), RepoError> {
        let places = self.places(id, BlobType::Data)?;
        self.live.insert(&places, false);
        Ok(())
    }

    /// All places of a blob; there must be one.
    fn places(&self, id: &BlobId, blob_type: BlobType) -> Result<Vec<Location>, RepoError> {
        let mut places = self.index.locations(id)?;
        places.retain(|place| place.frame.context.blob_type == blob_type);
        if places.is_empty() { Err(RepoError::BlobMissing { id: *id }) } else { Ok(places) }
    }

    pub fn run(&mut self, observer: &dyn Observer) -> Result<(), EngineError> {
        while !self.pending.is_empty() {
            if observer.is_interrupted() {
                return Err(EngineError::Interrupted);
            }
            let keep = self.pending.len().saturating_sub(BATCH);
            let mut batch = self.pending.split_off(keep);
            batch.sort_unstable_by_key(|pending| pending.place);
            for references in self.read(&batch)? {
                for (id, family) in &references.nodes {
                    self.claim_node(id, *family)?;
                }
                for id in &references.data {
                    self.claim_data(id)?;
                }
            }
        }
        Ok(())
    }

    fn read(&self, batch: &[Pending]) -> Result<Vec<References>, RepoError> {
        let repository = self.repository;
        let read = |nodes: &[Pending]| -> Result<Vec<References>, RepoError> {
            let mut reader = BlobReader::new(repository);
            nodes.iter().map(|node| references(reader.node(&node.id)?, node)).collect()
        };
        let parts: Result<Vec<_>, RepoError> =
            repository.pool().install(|| batch.par_chunks(BATCH_PER_READER).map(read).collect());
        Ok(parts?.into_iter().flatten().collect())
    }

    pub fn finish(self) -> LiveSet {
        self.live
    }
}

/// Everything that a node refers to.
fn references(node: Node, pending: &Pending) -> Result<References, RepoError> {
    let mut references = References::default();
    match (node, pending.family) {
        (Node::DirectoryLeaf(entries), Family::Directory) => {
            entries.iter().for_each(|entry| references.entry(&entry.kind));
        }
        (Node::DirectoryBranch(_, children), Family::Directory) => {
            references.nodes.extend(children.iter().map(|child| (child.id, Family::Directory)));
        }
        (Node::ContentLeaf(extents), Family::Content) => references.extents(&extents),
        (Node::ContentBranch(_, children), Family::Content) => {
            references.nodes.extend(children.iter().map(|child| (child.id, Family::Content)));
        }
        _ => {
            let why = "its kind does not belong here";
            let source = FormatError::Invalid { what: "tree node", why };
            return Err(RepoError::BadNode { id: pending.id, source });
        }
    }
    Ok(references)
}

impl References {
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
