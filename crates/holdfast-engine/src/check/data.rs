//! Reading packs in full and verifying everything in them, in parallel.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use holdfast_format::index::PackEntry;
use holdfast_format::limits::PACK_BYTES_MAX;
use holdfast_format::{ObjectId, name};
use holdfast_repo::history::History;
use holdfast_repo::{RepoError, Repository};

use super::choose::choose;
use super::finding::{FindingKind, Remedy};
use super::index::{self, ExpectedPack};
use super::listing::ObjectListing;
use super::options::CheckOptions;
use super::pack::{PackVerdict, PackVerifier};
use super::packs::PackSizes;
use super::run::CheckRun;
use super::verified::VerifiedPacks;
use crate::{EngineError, EngineEvent, Observer};

/// Bytes of packs in memory at once.
const BYTES_IN_FLIGHT: u64 = 64 << 20;

/// The result of reading a pack: nothing if it is good, else what is wrong.
type PackOutcome = Result<Option<String>, RepoError>;

/// Reads the packs that `options` select, and those of a wrong size, and reports what is broken in
/// them.
pub(super) fn check(
    run: &mut CheckRun<'_>,
    options: &CheckOptions,
    history: &History,
    listing: &ObjectListing,
    expected: &HashMap<ObjectId, ExpectedPack>,
    packs: &PackSizes,
) -> Result<(), EngineError> {
    let repository_id = run.repository.keys().repository_id();
    let folder = options.cache_folder.as_deref();
    let mut verified =
        folder.map(|folder| VerifiedPacks::read(folder, &repository_id)).unwrap_or_default();
    let (chosen, recent) = choose(&packs.right, options, &verified);
    run.report.packs_recently_verified = recent;
    let bytes = chosen.iter().map(|(_, bytes)| bytes).sum();
    if !chosen.is_empty() {
        let files = chosen.len() as u64;
        run.observer.event(EngineEvent::Total { files, bytes, is_final: true });
    }
    let mut order: Vec<ObjectId> = chosen.iter().map(|(id, _)| *id).collect();
    order.extend(&packs.resized);
    let outcomes = read_all(run.repository, run.observer, &order, expected)?;
    run.report.packs_read = order.len() as u64;
    run.report.bytes_read = bytes;
    let now = options.now.as_second();
    let mut bad = Vec::new();
    for (id, trouble) in outcomes {
        match trouble {
            None => verified.insert(id, now),
            Some(reason) => bad.push((id, reason)),
        }
    }
    run.without_swept(&mut bad, |(id, _)| id)?;
    let bad: HashMap<ObjectId, String> = bad.into_iter().collect();
    if let Some(folder) = folder.filter(|_| !order.is_empty()) {
        let there: HashSet<ObjectId> = packs.right.iter().map(|(id, _)| *id).collect();
        verified.retain(|id| there.contains(id) && !bad.contains_key(id));
        if let Err(error) = verified.write(folder, &repository_id) {
            run.note(format!("the list of verified packs could not be saved: {error}"));
        }
    }
    report(run, history, listing, &bad)
}

/// Reads packs, each in one thread of the pool; as many at once as memory allows.
pub(crate) fn read_all(
    repository: &Repository,
    observer: &dyn Observer,
    packs: &[ObjectId],
    expected: &HashMap<ObjectId, ExpectedPack>,
) -> Result<Vec<(ObjectId, Option<String>)>, EngineError> {
    let pack_bytes = u64::from(repository.config().pack_bytes).max(1);
    let at_once = (BYTES_IN_FLIGHT / pack_bytes).max(2) as usize;
    let threads = repository.pool().current_num_threads().min(at_once).min(packs.len());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(packs.len())));
    let failure = Mutex::new(None);
    repository.pool().in_place_scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| {
                let mut verifier = PackVerifier::default();
                while let Some(id) = packs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = match observer.is_interrupted() {
                        true => Err(EngineError::Interrupted),
                        false => {
                            read_one(repository, observer, &mut verifier, id, expected.get(id))
                                .map_err(EngineError::from)
                        }
                    };
                    match outcome {
                        Ok(trouble) => locked(&done).push((*id, trouble)),
                        Err(error) => {
                            locked(&failure).get_or_insert(error);
                            next.store(packs.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    match locked(&failure).take() {
        Some(error) => Err(error),
        None => Ok(std::mem::take(&mut *locked(&done))),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_one(
    repository: &Repository,
    observer: &dyn Observer,
    verifier: &mut PackVerifier,
    id: &ObjectId,
    expected: Option<&ExpectedPack>,
) -> PackOutcome {
    let object = match get(repository, id)? {
        Ok(object) => object,
        Err(reason) => return Ok(Some(reason)),
    };
    let verdict = verifier.verify(repository.keys(), id, &object);
    observer.event(EngineEvent::Processed { bytes: object.len() as u64 });
    Ok(trouble(&verdict, expected))
}

/// The bytes of a pack; the inner error says why the medium does not return them.
pub(crate) fn get(
    repository: &Repository,
    id: &ObjectId,
) -> Result<Result<Bytes, String>, RepoError> {
    Ok(repository.fetch(&name::pack(id), PACK_BYTES_MAX)?.bytes())
}

/// What is wrong with a pack, in a few words.
fn trouble(verdict: &PackVerdict, expected: Option<&ExpectedPack>) -> Option<String> {
    match &verdict.entry {
        Err(reason) => return Some(reason.clone()),
        Ok(_) if !verdict.broken.is_empty() => {
            let reason = &verdict.broken[0].reason;
            let broken = match verdict.broken.len() {
                1 => "a frame is broken".to_owned(),
                count => format!("{count} frames are broken"),
            };
            return Some(format!("{broken}: {reason}"));
        }
        Ok(entry) if expected.is_some_and(|said| index::digest(entry) != said.digest) => {
            return Some("its directory differs from the index".to_owned());
        }
        Ok(_) => {}
    }
    (!verdict.is_named_right).then(|| "its bytes do not match its name".to_owned())
}

/// Examines the broken packs: what of them can still be read, according to the index or else their
/// directory.
fn report(
    run: &mut CheckRun<'_>,
    history: &History,
    listing: &ObjectListing,
    bad: &HashMap<ObjectId, String>,
) -> Result<(), EngineError> {
    let ids: HashSet<ObjectId> = bad.keys().copied().collect();
    let wanted = index::wanted(history, listing);
    let entries = index::entries_of(run.repository, &wanted, &ids)?;
    let mut order: Vec<_> = bad.iter().collect();
    order.sort_unstable();
    for (id, reason) in order {
        let object = name::pack(id);
        let message = format!("the pack is damaged: {reason}");
        let finding =
            run.findings.add(FindingKind::Pack, object, message.clone(), Remedy::ReadAllPacks);
        run.findings.reword(finding, message);
        match get(run.repository, id)? {
            Ok(object) => note_lost(run, id, finding, &object, entries.get(id)),
            Err(_) => run.broken.add_pack(*id, finding),
        }
    }
    Ok(())
}

fn note_lost(
    run: &mut CheckRun<'_>,
    id: &ObjectId,
    finding: usize,
    object: &[u8],
    entry: Option<&PackEntry>,
) {
    let keys = run.repository.keys();
    let mut verifier = PackVerifier::default();
    match entry {
        Some(entry) => {
            let lost = verifier.broken_frames(keys, entry, object);
            run.broken.add_frames(*id, finding, &lost);
        }
        None => {
            let verdict = verifier.verify(keys, id, object);
            match verdict.entry {
                Ok(_) => run.broken.add_frames(*id, finding, &verdict.broken),
                Err(_) => run.broken.add_pack(*id, finding),
            }
        }
    }
}
