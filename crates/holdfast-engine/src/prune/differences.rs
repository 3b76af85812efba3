//! Data that only forgotten snapshots hold, found by comparing trees: equal nodes are not descended
//! into.

use std::collections::HashSet;

use holdfast_format::{BlobId, BlobType};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository, SnapshotInfo};

use crate::mark::NodeReferences;

/// Sealed bytes that no kept snapshot may need any more, and the nodes read to find out. The first
/// is `None` if more than `nodes_max` nodes differ, or if there is nothing to compare with.
///
/// Each forgotten snapshot is compared with the next of its series, forgotten or not: every blob
/// that only forgotten snapshots hold is in a last one, and the next one lacks it. Blobs needed
/// only by snapshots outside the series are counted anyway, so the result may be too high.
pub(super) fn only_in_forgotten(
    repository: &Repository,
    forgotten: &[SnapshotInfo],
    kept: &[SnapshotInfo],
    nodes_max: u64,
) -> Result<(Option<u64>, u64), RepoError> {
    let reader = BlobReader::new(repository);
    let mut difference = TreeDifference {
        repository,
        reader,
        counted: HashSet::new(),
        bytes: 0,
        nodes_left: nodes_max,
    };
    for gone in forgotten {
        let Some(other) = neighbour(gone, forgotten, kept) else { return Ok((None, 0)) };
        let is_done = difference.compare(&roots(gone), &roots(other))?;
        if !is_done {
            return Ok((None, nodes_max));
        }
    }
    Ok((Some(difference.bytes), nodes_max - difference.nodes_left))
}

/// The next snapshot of the same source; after the newest, the last kept one.
fn neighbour<'a>(
    gone: &SnapshotInfo,
    forgotten: &'a [SnapshotInfo],
    kept: &'a [SnapshotInfo],
) -> Option<&'a SnapshotInfo> {
    let order = |info: &SnapshotInfo| (info.snapshot.time, info.sequence, info.id);
    let is_same = |info: &&SnapshotInfo| {
        info.snapshot.host == gone.snapshot.host && info.snapshot.paths == gone.snapshot.paths
    };
    let series = || forgotten.iter().chain(kept).filter(is_same);
    let next = series().filter(|info| order(info) > order(gone)).min_by_key(|info| order(info));
    next.or_else(|| kept.iter().filter(is_same).max_by_key(|info| order(info)))
}

fn roots(info: &SnapshotInfo) -> Vec<BlobId> {
    info.snapshot.sources.iter().map(|source| source.tree).collect()
}

struct TreeDifference<'a> {
    repository: &'a Repository,
    reader: BlobReader<'a>,
    /// Blobs whose bytes are in `bytes`.
    counted: HashSet<BlobId>,
    bytes: u64,
    nodes_left: u64,
}

impl TreeDifference<'_> {
    /// Counts what is below `gone` and not found below `other`, level by level. False if too many
    /// nodes differ.
    fn compare(&mut self, gone: &[BlobId], other: &[BlobId]) -> Result<bool, RepoError> {
        let (mut gone, mut other) = (gone.to_vec(), other.to_vec());
        let (mut met, mut data) = (HashSet::new(), Vec::new());
        loop {
            let level: HashSet<BlobId> = gone.iter().copied().collect();
            met.extend(other.iter().copied());
            other.retain(|id| !level.contains(id));
            gone.retain(|id| !met.contains(id) && !self.counted.contains(id));
            if gone.is_empty() {
                break;
            }
            for id in &gone {
                self.count(id, BlobType::Tree)?;
            }
            let Some(below) = self.below(&gone)? else { return Ok(false) };
            let Some(others) = self.below(&other)? else { return Ok(false) };
            data.extend(below.1);
            met.extend(others.1);
            (gone, other) = (below.0, others.0);
        }
        for id in data.iter().filter(|id| !met.contains(*id)) {
            self.count(id, BlobType::Data)?;
        }
        Ok(true)
    }

    /// Nodes and data that nodes refer to.
    #[allow(clippy::type_complexity, reason = "two lists")]
    fn below(&mut self, nodes: &[BlobId]) -> Result<Option<(Vec<BlobId>, Vec<BlobId>)>, RepoError> {
        let (mut below, mut data) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for id in nodes.iter().filter(|id| seen.insert(**id)) {
            let Some(left) = self.nodes_left.checked_sub(1) else { return Ok(None) };
            self.nodes_left = left;
            let references = NodeReferences::of(&self.reader.node(id)?);
            below.extend(references.nodes.iter().map(|(id, _)| *id));
            data.extend(references.data);
        }
        Ok(Some((below, data)))
    }

    fn count(&mut self, id: &BlobId, blob_type: BlobType) -> Result<(), RepoError> {
        if !self.counted.insert(*id) {
            return Ok(());
        }
        for place in self.repository.index().reader().locations(id)? {
            let context = place.frame.context;
            if context.blob_type == blob_type {
                let sealed = u64::from(place.frame.sealed_bytes) * u64::from(place.bytes);
                self.bytes += sealed / u64::from(context.raw_bytes.max(1));
            }
        }
        Ok(())
    }
}
