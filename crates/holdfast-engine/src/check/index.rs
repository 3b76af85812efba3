//! The index objects: each is read, and its entries for packs are kept for comparison.

use std::collections::{BTreeSet, HashMap, HashSet};

use holdfast_format::index::{self as index_object, PackEntry};
use holdfast_format::limits::INDEX_BYTES_MAX;
use holdfast_format::{ObjectId, name};
use holdfast_repo::history::History;
use holdfast_repo::object::fetch;
use holdfast_repo::{RepoError, Repository};
use holdfast_seal::open_index;

use super::finding::REPAIR_INDEX;
use super::listing::Listing;
use super::{FindingKind, Run};
use crate::EngineError;

/// What the index says about a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Its size.
    pub bytes: u64,
    /// Hash of its entry: header, frames and blobs.
    pub digest: blake3::Hash,
}

/// Index objects that count: those named by records, and others that a listing shows.
pub(crate) fn wanted(history: &History, listing: &Listing) -> BTreeSet<ObjectId> {
    let listed = listing.index.iter().copied().filter(|id| !history.is_replaced(id));
    history.index_objects().chain(listed).collect()
}

/// Reads an index object; the inner error says why it cannot be used.
pub(crate) fn read(
    repository: &Repository,
    id: &ObjectId,
) -> Result<Result<Vec<PackEntry>, String>, RepoError> {
    let object = fetch(&**repository.backend(), name::index(id), INDEX_BYTES_MAX)?;
    let object = match object.bytes() {
        Ok(object) => object,
        Err(reason) => return Ok(Err(reason)),
    };
    if ObjectId::of(&object) != *id {
        return Ok(Err("its bytes do not match its name".to_owned()));
    }
    let decoded = open_index(repository.keys(), &object)
        .map_err(|error| error.to_string())
        .and_then(|body| index_object::decode(&body).map_err(|error| error.to_string()));
    Ok(decoded)
}

/// The hash of an index object's entry for a pack.
pub(crate) fn digest(entry: &PackEntry) -> blake3::Hash {
    blake3::hash(&index_object::encode(std::slice::from_ref(entry)))
}

/// Reads all index objects and reports those that cannot be used or contradict each other.
pub(super) fn check(
    run: &mut Run<'_>,
    history: &mut History,
    listing: &Listing,
) -> Result<HashMap<ObjectId, Expected>, EngineError> {
    let mut expected: HashMap<ObjectId, Expected> = HashMap::new();
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
                run.findings.add(FindingKind::IndexObject, object, message, REPAIR_INDEX);
                continue;
            }
        };
        for pack in packs.iter().filter(|pack| !history.swept().contains(&pack.id)) {
            let said = Expected { bytes: pack.bytes, digest: digest(pack) };
            if *expected.entry(pack.id).or_insert(said) != said {
                let pack = name::pack(&pack.id);
                let message = format!("index object {object} contradicts another about {pack}");
                run.findings.add(FindingKind::IndexObject, &object, message, REPAIR_INDEX);
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
    history.refresh(&**repository.backend(), repository.keys())?;
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
