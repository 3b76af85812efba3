//! What is stored twice: the config and the key slots.

use bytes::Bytes;
use holdfast_backend::Error as BackendError;
use holdfast_format::config::StoredConfig;
use holdfast_format::name;
use holdfast_format::slot::KeySlot;
use holdfast_repo::{RepoError, Repository, object_name};
use holdfast_seal::{check_config, open_label};

use super::finding::{REPAIR_INDEX, REPLACE_KEY};
use super::{FindingKind, Run};
use crate::EngineError;
use crate::check::listing::Listing;

/// One copy as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Copy {
    /// Authentic.
    Whole(Bytes),
    /// Not there.
    Missing,
    /// There, and not to be used.
    Damaged(String),
}

/// An object and its second copy.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Names of the two copies.
    pub names: [String; 2],
    /// What is there.
    pub copies: [Copy; 2],
}

/// Reads both copies of the config and of every key slot.
pub(crate) fn survey(repository: &Repository, listing: &Listing) -> Result<Vec<Pair>, RepoError> {
    let mut slots = listing.slots.clone();
    slots.extend(name::key_slot(&repository.slot().header.id).into_iter().take(1));
    let mut pairs = vec![pair(repository, name::CONFIG_NAMES.map(str::to_owned), &check_copy)?];
    for slot in slots {
        let names = [slot.clone(), format!("{slot}.b")];
        let judge = |repository: &Repository, object: &[u8]| slot_copy(repository, &slot, object);
        pairs.push(pair(repository, names, &judge)?);
    }
    Ok(pairs)
}

type Judge<'a> = &'a dyn Fn(&Repository, &[u8]) -> Result<(), String>;

fn pair(repository: &Repository, names: [String; 2], judge: Judge<'_>) -> Result<Pair, RepoError> {
    let mut copies = [Copy::Missing, Copy::Missing];
    for (copy, name) in copies.iter_mut().zip(&names) {
        *copy = match repository.backend().get(&object_name(name.clone())?) {
            Err(BackendError::NotFound { .. }) => Copy::Missing,
            Err(error) => return Err(error.into()),
            Ok(object) => match judge(repository, &object) {
                Ok(()) => Copy::Whole(object),
                Err(reason) => Copy::Damaged(reason),
            },
        };
    }
    Ok(Pair { names, copies })
}

fn check_copy(repository: &Repository, object: &[u8]) -> Result<(), String> {
    let stored = StoredConfig::decode(object).map_err(|error| error.to_string())?;
    check_config(repository.keys(), &stored).map_err(|error| error.to_string())
}

fn slot_copy(repository: &Repository, name: &str, object: &[u8]) -> Result<(), String> {
    let slot = KeySlot::decode(object).map_err(|error| error.to_string())?;
    if slot.header.repository_id != repository.keys().repository_id() {
        return Err("it belongs to another repository".to_owned());
    }
    if name::key_slot(&slot.header.id)[0] != name {
        return Err("it is another key slot's content".to_owned());
    }
    open_label(repository.keys(), &slot).map(drop).map_err(|error| error.to_string())
}

/// Reports copies that are missing, damaged or different.
pub(super) fn check(run: &mut Run<'_>, listing: &Listing) -> Result<(), EngineError> {
    for pair in survey(run.repository, listing)? {
        let whole = pair.copies.iter().filter(|copy| matches!(copy, Copy::Whole(_))).count();
        if whole == 2 && pair.copies[0] != pair.copies[1] {
            let message = format!("{} and {} are not the same", pair.names[0], pair.names[1]);
            run.findings.add(FindingKind::Copy, &pair.names[1], message, REPAIR_INDEX);
        }
        let (kind, next) = match whole {
            0 => (FindingKind::KeySlot, REPLACE_KEY),
            _ => (FindingKind::Copy, REPAIR_INDEX),
        };
        for (name, copy) in pair.names.iter().zip(&pair.copies) {
            let message = match copy {
                Copy::Whole(_) => continue,
                Copy::Missing => format!("{name} is missing"),
                Copy::Damaged(reason) => format!("{name} is damaged: {reason}"),
            };
            run.findings.add(kind, name, message, next);
        }
    }
    Ok(())
}
