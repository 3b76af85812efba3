//! Records that an earlier run has read, so that opening a repository costs a listing and not all
//! records ever written.
//!
//! They are kept as the repository has them, sealed. What is kept is believed as the beginning of a
//! chain, after its last record was read from the repository again: that one names the hash of the
//! one before it, and so on to the first. A chain that went on differently, as after a repository
//! was put back from a copy, is read anew.

use std::collections::BTreeSet;

use holdfast_backend::{Backend, Error as BackendError};
use holdfast_format::ObjectId;
use holdfast_format::name::Chain;
use holdfast_seal::Keys;
use serde::de::DeserializeOwned;

use crate::RepoError;
use crate::chain::{Head, Stored, decode};
use crate::index::Index;
use crate::names::object_name;

/// The records of a chain that are kept, if they are still those of the repository; moves `head`,
/// which is at the beginning, behind the last. `listed` are the slots that a listing shows.
///
/// # Errors
/// Storage and cache failures. What does not fit together is as good as not kept.
pub(super) fn read<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    index: &Index,
    chain: &Chain,
    head: &mut Head,
    listed: &BTreeSet<u64>,
) -> Result<Vec<Stored<Body>>, RepoError> {
    let mut end = *head;
    let mut found = Vec::new();
    index.kept_records(chain, |sequence, object| {
        let Ok(name) = object_name(chain.record(sequence)) else { return false };
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
    let Some(last) = found.last() else { return Ok(Vec::new()) };
    let object = match backend.get(&object_name(chain.record(last.sequence))?) {
        Ok(object) => object,
        Err(BackendError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if ObjectId::of(&object) != last.id {
        return Ok(Vec::new());
    }
    *head = end;
    Ok(found)
}
