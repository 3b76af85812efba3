//! Objects that are stored twice: the config, the key slots and the generations.

use bytes::Bytes;
use holdfast_format::config::StoredConfig;
use holdfast_format::limits::RECORD_BYTES_MAX;
use holdfast_format::name::{self, Chain};
use holdfast_format::slot::KeySlot;
use holdfast_repo::object::Fetched;
use holdfast_repo::{RepoError, Repository};
use holdfast_seal::{check_config, open_label, open_record};

use super::finding::{FindingKind, Remedy};
use super::run::CheckRun;
use crate::EngineError;
use crate::check::listing::ObjectListing;

/// One copy as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Copy {
    /// Authentic.
    Whole(Bytes),
    /// Not there.
    Missing,
    /// Present, but unusable.
    Damaged(String),
}

const FOREIGN: &str = "it belongs to another repository";

impl Copy {
    fn is_foreign(&self) -> bool {
        matches!(self, Self::Damaged(reason) if reason == FOREIGN)
    }
}

/// An object and its second copy.
#[derive(Debug)]
pub(crate) struct CopyPair {
    /// Names of the two copies.
    pub names: [String; 2],
    /// The copies found.
    pub copies: [Copy; 2],
}

impl CopyPair {
    /// True if the second copy may be missing: early versions did not write one.
    fn may_be_single(&self) -> bool {
        self.names[0].starts_with(name::GENERATIONS)
    }
}

/// Reads both copies of the config, of every key slot and of every generation.
pub(crate) fn survey(
    repository: &Repository,
    listing: &ObjectListing,
) -> Result<Vec<CopyPair>, RepoError> {
    let mut slots = listing.slots.clone();
    slots.extend(name::key_slot(&repository.slot().header.id).into_iter().take(1));
    let mut pairs = vec![pair(repository, name::CONFIG_NAMES.map(str::to_owned), &check_copy)?];
    // The remains of a removed slot are not a copy to restore from.
    let removed = repository.history().removed_keys().clone();
    let is_removed = |slot: &String| name::slot_id(slot).is_some_and(|id| removed.contains(&id));
    for slot in slots.into_iter().filter(|slot| !is_removed(slot)) {
        let names = [slot.clone(), name::second(&slot)];
        let judge = |repository: &Repository, object: &[u8]| slot_copy(repository, &slot, object);
        let pair = pair(repository, names, &judge)?;
        // Left by an interrupted `init`, or put here by mistake: it is not damage.
        let is_stranger = pair.copies.iter().any(Copy::is_foreign)
            && pair.copies.iter().all(|copy| *copy == Copy::Missing || copy.is_foreign());
        if !is_stranger {
            pairs.push(pair);
        }
    }
    for sequence in listing.generations.iter().copied() {
        let record = Chain::Generations.record(sequence);
        let copy = name::second(&record);
        let judge = |repository: &Repository, object: &[u8]| {
            let opened = open_record(repository.keys(), &Chain::Generations, sequence, object);
            opened.map(drop).map_err(|error| error.to_string())
        };
        pairs.push(pair(repository, [record, copy], &judge)?);
    }
    Ok(pairs)
}

type CopyJudge<'a> = &'a dyn Fn(&Repository, &[u8]) -> Result<(), String>;

fn pair(
    repository: &Repository,
    names: [String; 2],
    judge: CopyJudge<'_>,
) -> Result<CopyPair, RepoError> {
    let mut copies = [Copy::Missing, Copy::Missing];
    for (copy, name) in copies.iter_mut().zip(&names) {
        *copy = match repository.fetch(name, RECORD_BYTES_MAX)? {
            Fetched::Missing => Copy::Missing,
            Fetched::Unreadable(reason) => Copy::Damaged(reason),
            Fetched::Found(object) => match judge(repository, &object) {
                Ok(()) => Copy::Whole(object),
                Err(reason) => Copy::Damaged(reason),
            },
        };
    }
    Ok(CopyPair { names, copies })
}

fn check_copy(repository: &Repository, object: &[u8]) -> Result<(), String> {
    let stored = StoredConfig::decode(object).map_err(|error| error.to_string())?;
    check_config(repository.keys(), &stored).map_err(|error| error.to_string())
}

fn slot_copy(repository: &Repository, name: &str, object: &[u8]) -> Result<(), String> {
    let slot = KeySlot::decode(object).map_err(|error| error.to_string())?;
    if slot.header.repository_id != repository.keys().repository_id() {
        return Err(FOREIGN.to_owned());
    }
    if name::key_slot(&slot.header.id)[0] != name {
        return Err("it holds the content of another key slot".to_owned());
    }
    open_label(repository.keys(), &slot).map(drop).map_err(|error| error.to_string())
}

/// Reports copies that are missing, damaged or different.
pub(super) fn check(run: &mut CheckRun<'_>, listing: &ObjectListing) -> Result<(), EngineError> {
    for pair in survey(run.repository, listing)? {
        let whole = pair.copies.iter().filter(|copy| matches!(copy, Copy::Whole(_))).count();
        if whole == 2 && pair.copies[0] != pair.copies[1] {
            let message = format!("{} and {} differ", pair.names[0], pair.names[1]);
            run.findings.add(FindingKind::Copy, &pair.names[1], message, Remedy::RepairIndex);
        }
        let (kind, next) = match whole {
            // A generation without any copy is reported with its chain.
            0 if pair.may_be_single() => continue,
            0 => (FindingKind::KeySlot, Remedy::ReplaceKey),
            _ => (FindingKind::Copy, Remedy::RepairIndex),
        };
        for (number, (name, copy)) in pair.names.iter().zip(&pair.copies).enumerate() {
            let message = match copy {
                Copy::Whole(_) => continue,
                Copy::Missing if number == 1 && pair.may_be_single() => continue,
                Copy::Missing => format!("{name} is missing"),
                Copy::Damaged(reason) => format!("{name} is damaged: {reason}"),
            };
            run.findings.add(kind, name, message, next);
        }
    }
    Ok(())
}
