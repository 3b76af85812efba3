//! Whether every pack that the index lists exists and has the right size.

use std::collections::{HashMap, HashSet};

use holdfast_format::{ObjectId, name};
use holdfast_repo::history::History;

use super::finding::{FindingKind, Remedy};
use super::index::ExpectedPack;
use super::listing::ObjectListing;
use super::run::CheckRun;
use crate::EngineError;

/// The packs of a repository, as far as sizes show.
#[derive(Debug, Default)]
pub(super) struct PackSizes {
    /// Those with the size that the index says, and that size.
    pub right: Vec<(ObjectId, u64)>,
    /// Those with another size, which must be read to know which files that affects.
    pub resized: Vec<ObjectId>,
}

/// Reports packs that are missing or have another size, and notes unlisted packs.
pub(super) fn check(
    run: &mut CheckRun<'_>,
    history: &History,
    listing: &ObjectListing,
    expected: &HashMap<ObjectId, ExpectedPack>,
) -> Result<PackSizes, EngineError> {
    let mut known: HashMap<ObjectId, u64> =
        expected.iter().map(|(id, expected)| (*id, expected.bytes)).collect();
    for row in run.repository.index().packs()? {
        known.entry(row.id).or_insert(row.bytes);
    }
    let mut order: Vec<(ObjectId, u64)> = known.iter().map(|(id, bytes)| (*id, *bytes)).collect();
    order.sort_unstable();
    let (mut packs, mut missing) = (PackSizes::default(), Vec::new());
    for (id, bytes) in order {
        match listing.pack_bytes(run.repository, &id)? {
            Some(found) if found == bytes => packs.right.push((id, bytes)),
            Some(found) => {
                let object = name::pack(&id);
                let message =
                    format!("pack {object} is {found} bytes, not {bytes} as in the index");
                run.findings.add(FindingKind::Pack, object, message, Remedy::ReadAllPacks);
                packs.resized.push(id);
            }
            None => missing.push(id),
        }
    }
    report_missing(run, missing)?;
    run.report.packs = known.len() as u64;
    note_unlisted(run, history, listing, &known.keys().copied().collect());
    Ok(packs)
}

/// Reports packs that were needed to replace an index object but have no readable directory.
pub(super) fn report_unreadable(run: &mut CheckRun<'_>, objects: &[String]) {
    for object in objects {
        let message = "the pack is damaged, and so is the index object that lists it".to_owned();
        run.findings.add(FindingKind::Pack, object, message, Remedy::ReadAllPacks);
    }
}

fn report_missing(run: &mut CheckRun<'_>, mut missing: Vec<ObjectId>) -> Result<(), EngineError> {
    run.without_swept(&mut missing, |id| id)?;
    for id in missing {
        let object = name::pack(&id);
        let message = format!("pack {object} is missing");
        let finding = run.findings.add(FindingKind::Pack, object, message, Remedy::ReadAllPacks);
        run.broken.add_pack(id, finding);
    }
    Ok(())
}

fn note_unlisted(
    run: &mut CheckRun<'_>,
    history: &History,
    listing: &ObjectListing,
    known: &HashSet<ObjectId>,
) {
    let unlisted = listing.packs.keys().filter(|id| !known.contains(id));
    let (swept, unlisted): (Vec<&ObjectId>, Vec<&ObjectId>) =
        unlisted.partition(|id| history.swept().contains(id));
    if !unlisted.is_empty() {
        run.note(format!(
            "{} packs are not in any index object: an interrupted backup left them; \
             prune removes them",
            unlisted.len()
        ));
    }
    if !swept.is_empty() {
        run.note(format!(
            "{} packs are still there after a prune; the next one removes them",
            swept.len()
        ));
    }
}
