//! The index objects: each is read, and its entries for packs are kept for comparison.

use std::collections::{BTreeSet, HashMap, HashSet};

use holdfast_format::index::{self as index_object, PackEntry};
use holdfast_format::{ObjectId, name};
use holdfast_repo::history::History;
use holdfast_repo::{RepoError, Repository};

use super::finding::{FindingKind, Remedy};
use super::listing::ObjectListing;
use super::run::CheckRun;
use crate::EngineError;

/// What the index says about a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExpectedPack {
    /// Its size.
    pub bytes: u64,
    /// Hash of its entry: header, frames and blobs.
    pub digest: blake3::Hash,
}

/// Index objects that count: those named by records, and others that a listing shows.
pub(crate) fn wanted(history: &History, listing: &ObjectListing) -> BTreeSet<ObjectId> {
    history.index_objects_with(&listing.index)
}

/// Reads an index object; the inner error says why it cannot be used.
pub(crate) fn read(
    repository: &Repository,
    id: &ObjectId,
) -> Result<Result<Vec<PackEntry>, String>, RepoError> {
    match repository.index_object(id) {
        Ok(packs) => Ok(Ok(packs)),
        Err(RepoError::Damaged { reason, .. }) => Ok(Err(reason)),
        Err(error) => Err(error),
    }
}

/// The hash of an index object's entry for a pack.
pub(crate) fn digest(entry: &PackEntry) -> blake3::Hash {
    blake3::hash(&index_object::encode(std::slice::from_ref(entry)))
}

/// Reads all index objects and reports those that cannot be used or contradict each other.
pub(super) fn check(
    run: &mut CheckRun<'_>,
    history: &mut History,
    listing: &ObjectListing,
) -> Result<HashMap<ObjectId, ExpectedPack>, EngineError> {
    let mut expected: HashMap<ObjectId, ExpectedPack> = HashMap::new();
    let mut pending = wanted(history, listing);
    let mut done = BTreeSet::new();
    while let Some(id) = pending.pop_first() {
        run.stop_if_interrupted()?;
        done.insert(id);
        run.report.index_objects += 1;
        let object = name::index(&id);
        let packs = match read(run.repository, &id)? {
            Ok(packs) => packs,
            Err(_) if is_replaced_now(run.repository, history, &id)? => {
                pending.extend(history.index_objects().filter(|id| !done.contains(id)));
                continue;
            }
            Err(reason) => {
                let message = format!("index object {object} cannot be used: {reason}");
                run.findings.add(FindingKind::IndexObject, object, message, Remedy::RepairIndex);
                continue;
            }
        };
        for pack in packs.iter().filter(|pack| !history.swept().contains(&pack.id)) {
            let said = ExpectedPack { bytes: pack.bytes, digest: digest(pack) };
            if *expected.entry(pack.id).or_insert(said) != said {
                let pack = name::pack(&pack.id);
                let message = format!("index object {object} contradicts another about {pack}");
                run.findings.add(FindingKind::IndexObject, &object, message, Remedy::RepairIndex);
            }
        }
    }
    Ok(expected)
}

/// True if a prune or a repair has since replaced an index object; brings the history up to date.
pub(crate) fn is_replaced_now(
    repository: &Repository,
    history: &mut History,
    id: &ObjectId,
) -> Result<bool, RepoError> {
    repository.catch_up(history)?;
    Ok(history.is_replaced(id))
}

/// The entries of index objects for some packs, in full.
pub(crate) fn entries_of(
    repository: &Repository,
    wanted: &BTreeSet<ObjectId>,
    packs: &HashSet<ObjectId>,
) -> Result<HashMap<ObjectId, PackEntry>, RepoError> {
    let mut found = HashMap::new();
    if packs.is_empty() {
        return Ok(found);
    }
    for id in wanted {
        let Ok(entries) = read(repository, id)? else { continue };
        found.extend(
            entries.into_iter().filter(|e| packs.contains(&e.id)).map(|entry| (entry.id, entry)),
        );
    }
    Ok(found)
}
