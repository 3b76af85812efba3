//! The walk of a mark: batches of nodes, read in parallel in storage order.

use holdfast_format::{BlobId, BlobType, FormatError};
use holdfast_repo::read::{BlobReader, LocationLookup};
use holdfast_repo::{RepoError, Repository};
use rayon::prelude::*;

use super::LiveSet;
use super::references::{Family, NodeReferences};
use crate::{EngineError, Observer};

/// Nodes read at a time: enough that neighbours in a frame are read together.
const BATCH: usize = 4096;
/// Nodes that one thread reads with one reader.
const BATCH_PER_READER: usize = 256;
/// Maximum number of blobs remembered as marked, at 32 bytes each.
const RECENT: usize = 1 << 17;

/// A node that is marked and not yet read.
#[derive(Debug)]
struct UnmarkedNode {
    id: BlobId,
    family: Family,
    /// Where it is read from: the order of reading.
    place: (u32, u32),
}

impl UnmarkedNode {
    fn read(&self, reader: &mut BlobReader<'_>) -> Result<NodeReferences, RepoError> {
        let references = NodeReferences::of(&reader.node(&self.id)?);
        if references.family == self.family {
            return Ok(references);
        }
        let why = "it has the wrong kind";
        let source = FormatError::Invalid { what: "tree node", why };
        Err(RepoError::BadNode { id: self.id, source })
    }
}

/// A walk: nodes already marked are not read again.
pub(super) struct MarkWalk<'a> {
    repository: &'a Repository,
    places: LocationLookup<'a>,
    live: LiveSet,
    pending: Vec<UnmarkedNode>,
    /// Recently marked blobs, by the start of their ids: versions of a node mostly refer to the
    /// same ones.
    recent: Vec<BlobId>,
}

impl<'a> MarkWalk<'a> {
    /// A walk that continues where the one that produced `live` ended.
    pub fn new(repository: &'a Repository, live: LiveSet) -> Result<Self, RepoError> {
        let recent = vec![BlobId::from_bytes([0; 32]); RECENT];
        let places = LocationLookup::new(repository);
        let mut walk = Self { repository, places, live, pending: Vec::new(), recent };
        walk.claim_new_copies()?;
        Ok(walk)
    }

    /// Adds locations created since the previous walk.
    fn claim_new_copies(&mut self) -> Result<(), RepoError> {
        if self.live.blobs() == 0 {
            return Ok(());
        }
        for id in self.repository.index().copied_blobs()? {
            let places = self.repository.index().reader().locations(&id)?;
            if places.iter().any(|place| self.live.is_live(place.number)) {
                self.live.insert(&places, false);
            }
        }
        Ok(())
    }

    pub fn claim_root(&mut self, id: &BlobId) -> Result<(), RepoError> {
        self.claim_node(id, Family::Directory)
    }

    fn claim_node(&mut self, id: &BlobId, family: Family) -> Result<(), RepoError> {
        let places = self.places.of(id, BlobType::Tree)?;
        if self.live.insert(&places, true) {
            let place = places.first().map_or((0, 0), |l| (l.frame.number, l.offset));
            self.pending.push(UnmarkedNode { id: *id, family, place });
        }
        Ok(())
    }

    fn claim_data(&mut self, id: &BlobId) -> Result<(), RepoError> {
        let [a, b, c, ..] = *id.as_bytes();
        let recent = u32::from_le_bytes([a, b, c, 0]) as usize % RECENT;
        if self.recent[recent] == *id {
            return Ok(());
        }
        self.recent[recent] = *id;
        let places = self.places.of(id, BlobType::Data)?;
        self.live.insert(&places, false);
        Ok(())
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

    fn read(&self, batch: &[UnmarkedNode]) -> Result<Vec<NodeReferences>, RepoError> {
        let repository = self.repository;
        let read = |nodes: &[UnmarkedNode]| -> Result<Vec<NodeReferences>, RepoError> {
            let mut reader = BlobReader::new(repository);
            nodes.iter().map(|node| node.read(&mut reader)).collect()
        };
        let parts: Result<Vec<_>, RepoError> =
            repository.pool().install(|| batch.par_chunks(BATCH_PER_READER).map(read).collect());
        Ok(parts?.into_iter().flatten().collect())
    }

    pub fn finish(self) -> LiveSet {
        self.live
    }
}
