//! Chains of records: reading them whole, appending to them. Creating a record is the commit.

use holdfast_backend::{Backend, Error as BackendError, ObjectName};
use holdfast_format::ObjectId;
use holdfast_format::limits::RECORD_BYTES_MAX;
use holdfast_format::name::Chain;
use holdfast_format::record::{self, Record};
use holdfast_seal::{Keys, open_record, seal_record};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RepoError;
use crate::names::object_name;

/// One record with its place and id.
#[derive(Debug, Clone)]
pub struct Stored<Body> {
    /// Number in its chain.
    pub sequence: u64,
    /// Plain hash of its bytes.
    pub id: ObjectId,
    /// What it says.
    pub body: Body,
}

/// The end of a chain: where the next record goes and what it names as its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the first free slot.
    pub next: u64,
    /// Id of the last record.
    pub last: ObjectId,
}

impl Head {
    /// The head of an empty chain.
    pub const EMPTY: Self = Self { next: 0, last: ObjectId::NONE };
}

/// What became of an attempt to append.
#[derive(Debug)]
pub enum Appended<Body> {
    /// The record is in its slot.
    Done(Stored<Body>),
    /// Another record is there; it must be read before the next attempt.
    Occupied(Stored<Body>),
}

/// Reads the records of a chain from `head` on, and moves `head` behind the last.
///
/// # Errors
/// [`RepoError::ChainBroken`] and [`RepoError::Damaged`] name the record.
pub fn read_from<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &mut Head,
) -> Result<Vec<Stored<Body>>, RepoError> {
    let mut records = Vec::new();
    while let Some(stored) = read_one(backend, keys, chain, head)? {
        *head = Head { next: stored.sequence + 1, last: stored.id };
        records.push(stored);
    }
    Ok(records)
}

fn read_one<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &Head,
) -> Result<Option<Stored<Body>>, RepoError> {
    let name = object_name(chain.record(head.next))?;
    let object = match backend.get(&name) {
        Ok(object) => object,
        Err(BackendError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (record, id) = decode::<Body>(keys, chain, head.next, &name, &object)?;
    if record.previous != head.last {
        return Err(RepoError::ChainBroken { object: name.to_string() });
    }
    Ok(Some(Stored { sequence: head.next, id, body: record.body }))
}

fn decode<Body: DeserializeOwned>(
    keys: &Keys,
    chain: &Chain,
    sequence: u64,
    name: &ObjectName,
    object: &[u8],
) -> Result<(Record<Body>, ObjectId), RepoError> {
    if object.len() as u64 > RECORD_BYTES_MAX {
        return Err(RepoError::damaged(name.as_ref(), "it is too large for a record"));
    }
    let json = open_record(keys, chain, sequence, object)
        .map_err(|error| RepoError::damaged(name.as_ref(), error))?;
    let record =
        record::decode::<Body>(&json).map_err(|error| RepoError::damaged(name.as_ref(), error))?;
    Ok((record, ObjectId::of(object)))
}

/// Tries to put `body` into the first free slot behind `head`.
///
/// A create that was acknowledged to nobody (a lost answer) is recognised by its bytes.
///
/// # Errors
/// Any failure of the storage; the record may or may not be there then.
pub fn append<Body: Serialize + DeserializeOwned + Clone>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &mut Head,
    body: &Body,
) -> Result<Appended<Body>, RepoError> {
    let name = object_name(chain.record(head.next))?;
    let record = Record { previous: head.last, body: body.clone() };
    let object = seal_record(keys, chain, head.next, &record::encode(&record))?;
    let mine = ObjectId::of(&object);
    let outcome = backend.put(&name, &[&object]);
    if outcome.is_ok() {
        let stored = Stored { sequence: head.next, id: mine, body: body.clone() };
        *head = Head { next: stored.sequence + 1, last: mine };
        return Ok(Appended::Done(stored));
    }
    match read_one::<Body>(backend, keys, chain, head)? {
        Some(stored) => {
            *head = Head { next: stored.sequence + 1, last: stored.id };
            Ok(if stored.id == mine { Appended::Done(stored) } else { Appended::Occupied(stored) })
        }
        // The create failed and nothing is there: report the failure itself.
        None => outcome.map_err(Into::into).and(Err(RepoError::Stopped("commit"))),
    }
}
