//! Chains of records: reading them whole, appending to them. Creating a record is the commit.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use holdfast_backend::{Backend, Error as BackendError, ObjectName};
use holdfast_format::ObjectId;
use holdfast_format::frame::FRAME_OVERHEAD_BYTES;
use holdfast_format::limits::{self, RECORD_BYTES_MAX};
use holdfast_format::name::{self, Chain};
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

/// A record that cannot be used. Those behind it can, so one damaged record costs one snapshot and
/// not all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRecord {
    /// Name of the record.
    pub object: String,
    /// Plain hash of the bytes that are there; `None` if there are none.
    pub found: Option<ObjectId>,
    /// What is wrong.
    pub reason: String,
}

/// Records of a chain, and those that cannot be used.
#[derive(Debug)]
pub struct Records<Body> {
    /// The records that can be read, in order.
    pub whole: Vec<Stored<Body>>,
    /// The others. A record that does not continue the one before it is in both lists: it is
    /// authentic.
    pub damaged: Vec<DamagedRecord>,
    /// Slots and bytes of the records that can be read and continue the one before.
    pub sealed: Vec<(u64, Bytes)>,
}

/// What is in one slot.
enum Slot<Body> {
    Free,
    Whole { record: Stored<Body>, continues: bool, object: Bytes },
    Damaged(DamagedRecord),
}

/// Reads the records of a chain from `head` on, and moves `head` behind the last. `listed` are the
/// slots that a listing, taken before, shows: a free slot before one of them is a gap.
///
/// # Errors
/// Storage failures. Damaged and missing records are no errors.
pub fn read_from<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &mut Head,
    listed: &BTreeSet<u64>,
) -> Result<Records<Body>, RepoError> {
    let mut records = Records { whole: Vec::new(), damaged: Vec::new(), sealed: Vec::new() };
    // Behind a damaged record it cannot be known what the next one must name as its predecessor.
    let mut is_certain = true;
    loop {
        match read_slot(backend, keys, chain, head)? {
            Slot::Whole { record, continues, object } => {
                if is_certain && !continues {
                    records.damaged.push(DamagedRecord {
                        object: chain.record(record.sequence),
                        found: Some(record.id),
                        reason: "it does not continue the record before it".to_owned(),
                    });
                }
                if continues {
                    records.sealed.push((record.sequence, object));
                }
                is_certain = true;
                *head = Head { next: record.sequence + 1, last: record.id };
                records.whole.push(record);
            }
            Slot::Damaged(damaged) => {
                is_certain = false;
                let last = damaged.found.unwrap_or(ObjectId::NONE);
                *head = Head { next: head.next + 1, last };
                records.damaged.push(damaged);
            }
            Slot::Free => {
                let behind = listed.range(head.next + 1..).copied();
                let Some(next) = first_record::<Body>(backend, keys, chain, behind)? else {
                    return Ok(records);
                };
                is_certain = false;
                records.damaged.push(DamagedRecord {
                    object: chain.record(head.next),
                    found: None,
                    reason: "it is missing, and records behind it are not".to_owned(),
                });
                *head = Head { next, last: ObjectId::NONE };
            }
        }
    }
}

/// The first of these slots with an authentic record. Anything else there is no part of the chain.
pub(crate) fn first_record<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    slots: impl IntoIterator<Item = u64>,
) -> Result<Option<u64>, RepoError> {
    for next in slots {
        let there = Head { next, last: ObjectId::NONE };
        if let Slot::Whole { .. } = read_slot::<Body>(backend, keys, chain, &there)? {
            return Ok(Some(next));
        }
    }
    Ok(None)
}

fn read_slot<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &Head,
) -> Result<Slot<Body>, RepoError> {
    // What cannot be read is read again: the next record will name the hash of this one for ever,
    // so a bit that was lost on the way here must not be taken for what is stored.
    match read_slot_once(backend, keys, chain, head)? {
        Slot::Damaged(_) => read_slot_once(backend, keys, chain, head),
        slot => Ok(slot),
    }
}

fn read_slot_once<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &Head,
) -> Result<Slot<Body>, RepoError> {
    let name = object_name(chain.record(head.next))?;
    let object = match backend.get(&name) {
        Ok(object) => object,
        Err(BackendError::NotFound { .. }) => return Ok(Slot::Free),
        Err(error) => return Err(error.into()),
    };
    match decode::<Body>(keys, chain, head.next, &name, &object) {
        Ok((record, id)) => Ok(Slot::Whole {
            continues: record.previous == head.last,
            record: Stored { sequence: head.next, id, body: record.body },
            object,
        }),
        Err(RepoError::Damaged { object: name, reason }) => {
            let found = Some(ObjectId::of(&object));
            Ok(Slot::Damaged(DamagedRecord { object: name, found, reason }))
        }
        Err(error) => Err(error),
    }
}

/// Reads the one record behind `head`, which must continue it.
fn read_one<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &Head,
) -> Result<Option<Stored<Body>>, RepoError> {
    match read_slot(backend, keys, chain, head)? {
        Slot::Free => Ok(None),
        Slot::Whole { record, continues: true, .. } => Ok(Some(record)),
        Slot::Whole { record, continues: false, .. } => {
            Err(RepoError::ChainBroken { object: chain.record(record.sequence) })
        }
        Slot::Damaged(DamagedRecord { object, reason, .. }) => {
            Err(RepoError::Damaged { object, reason })
        }
    }
}

/// Opens and decodes a record; gives its hash as well.
pub(crate) fn decode<Body: DeserializeOwned>(
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

/// Fails if a record with this body and `reserve` bytes more would be too large for readers.
///
/// # Errors
/// [`RepoError::RecordTooLarge`].
pub fn check_body<Body: Serialize>(body: &Body, reserve: u64) -> Result<(), RepoError> {
    let record = record::encode(&Record { previous: ObjectId::NONE, body });
    check_bytes(record.len() as u64 + reserve)
}

fn check_bytes(record_bytes: u64) -> Result<(), RepoError> {
    let bytes = record_bytes + (record::prefix().len() + FRAME_OVERHEAD_BYTES) as u64;
    let limit = limits::RECORD.max;
    if bytes > limit { Err(RepoError::RecordTooLarge { bytes, limit }) } else { Ok(()) }
}

/// Tries to put `body` into the first free slot behind `head`.
///
/// A create that was acknowledged to nobody (a lost answer) is recognised by its bytes.
///
/// # Errors
/// [`RepoError::RecordTooLarge`] before anything is tried. Any failure of the storage; the record
/// may or may not be there then.
pub fn append<Body: Serialize + DeserializeOwned + Clone>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &mut Head,
    body: &Body,
) -> Result<Appended<Body>, RepoError> {
    let name = object_name(chain.record(head.next))?;
    let record = record::encode(&Record { previous: head.last, body: body.clone() });
    check_bytes(record.len() as u64)?;
    let object = seal_record(keys, chain, head.next, &record)?;
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

/// The slots of all chains that a listing shows.
pub(crate) fn listed_slots(
    backend: &dyn Backend,
) -> Result<BTreeMap<Chain, BTreeSet<u64>>, RepoError> {
    let mut slots: BTreeMap<Chain, BTreeSet<u64>> = BTreeMap::new();
    for folder in [name::GENERATIONS, name::WRITERS] {
        for listed in backend.list(folder)? {
            if let Some((chain, sequence)) = record_place(listed.name.as_ref()) {
                slots.entry(chain).or_default().insert(sequence);
            }
        }
    }
    Ok(slots)
}

/// The chain and slot that a record's name stands for.
pub fn record_place(text: &str) -> Option<(Chain, u64)> {
    let (folder, number) = text.rsplit_once('/')?;
    let chain = match folder.strip_prefix("w/") {
        Some(writer) => Chain::Writer(writer.parse().ok()?),
        None => Chain::Generations,
    };
    let sequence = number.parse().ok()?;
    (chain.record(sequence) == text).then_some((chain, sequence))
}
