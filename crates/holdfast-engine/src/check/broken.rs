//! Which blobs are known to be unreadable, and which finding reports it.

use std::collections::{HashMap, HashSet};

use holdfast_format::{BlobId, ObjectId};
use holdfast_repo::index::BlobLocation;

use super::pack::BrokenFrame;

/// Unreadable parts of packs.
#[derive(Debug, Default)]
pub(crate) struct UnreadableParts(HashMap<ObjectId, BrokenPack>);

#[derive(Debug)]
struct BrokenPack {
    /// Number of the finding.
    finding: usize,
    /// Frame offsets with the blobs that are lost there; `None` if the whole pack is lost.
    blobs: Option<HashSet<(u64, BlobId)>>,
}

impl UnreadableParts {
    /// Records that nothing of a pack can be read.
    pub fn add_pack(&mut self, pack: ObjectId, finding: usize) {
        self.0.insert(pack, BrokenPack { finding, blobs: None });
    }

    /// Records that some frames of a pack cannot be read.
    pub fn add_frames(&mut self, pack: ObjectId, finding: usize, frames: &[BrokenFrame]) {
        let blobs = frames
            .iter()
            .flat_map(|frame| frame.blobs.iter().map(|blob| (frame.offset, *blob)))
            .collect();
        self.0.insert(pack, BrokenPack { finding, blobs: Some(blobs) });
    }

    /// The finding that makes this location of a blob unreadable.
    pub fn finding(&self, id: &BlobId, location: &BlobLocation) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let pack = self.0.get(&location.frame.pack)?;
        match &pack.blobs {
            Some(blobs) if !blobs.contains(&(location.frame.offset, *id)) => None,
            _ => Some(pack.finding),
        }
    }

    /// The packs.
    pub fn packs(&self) -> Vec<ObjectId> {
        let mut packs: Vec<ObjectId> = self.0.keys().copied().collect();
        packs.sort_unstable();
        packs
    }
}
