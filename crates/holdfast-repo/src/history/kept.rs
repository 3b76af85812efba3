//! Records that an earlier run has read, so that opening a repository costs a listing and not all
//! records ever written.
//!
//! They are kept as the repository has them, sealed. What is kept is believed as the beginning of a
//! chain, after its last record was read from the repository again: that one names the hash of the
//! one before it, and so on to the first. A chain that went on differently, as after a repository
//! was put back from a copy, is read anew.

use std::collections::BTreeSet;

use holdfast_backend::Backend;
use holdfast_format::name::Chain;
use holdfast_format::record::GenerationBody;
use holdfast_seal::Keys;
use serde::de::DeserializeOwned;

use crate::RepoError;
use crate::chain::{Head, Stored, decode, record_at, record_place};
use crate::index::Index;

/// The records of a chain that are kept, up to the first that does not continue the one before or
/// that `listed`, the slots that a listing shows, does not have. What is wrong with them is as good
/// as not kept.
///
/// # Errors
/// Cache failures.
pub(super) fn collect<Body: DeserializeOwned>(
    keys: &Keys,
    index: &Index,
    chain: &Chain,
    listed: &BTreeSet<u64>,
) -> Result<Vec<Stored<Body>>, RepoError> {
    let mut end = Head::EMPTY;
    let mut found = Vec::new();
    index.kept_records(chain, |sequence, object| {
        let name = chain.record(sequence);
        let Ok((record, id)) = decode::<Body>(keys, chain, sequence, &name, object) else {
            return false;
        };
        let continues =
            sequence == end.next && record.previous == end.last && listed.contains(&sequence);
        if continues {
            end = Head { next: sequence + 1, last: id };
            found.push(Stored { sequence, id, body: record.body });
        }
        continues
    })?;
    Ok(found)
}

/// Whether the last of these records is still that of the repository, and with it all of them.
///
/// # Errors
/// Storage failures.
pub(super) fn is_confirmed<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    records: &[Stored<Body>],
) -> Result<bool, RepoError> {
    let Some(last) = records.last() else { return Ok(true) };
    let there = record_at::<Body>(backend, keys, chain, last.sequence)?;
    Ok(there.is_ok_and(|(record, _)| record.id == last.id))
}

/// The first generation that one of these records gives up.
pub(super) fn first_given_up(generations: &[Stored<GenerationBody>]) -> Option<u64> {
    let given_up = generations.iter().filter_map(|record| match &record.body {
        GenerationBody::GiveUp { records } => Some(records),
        _ => None,
    });
    let places = given_up.flatten().filter_map(|record| record_place(&record.object));
    places.filter(|(chain, _)| *chain == Chain::Generations).map(|(_, sequence)| sequence).min()
}
