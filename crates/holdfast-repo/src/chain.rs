//! Chains of records: reading them in full and appending to them. Creating a record is the commit.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use holdfast_backend::{Backend, BackendError, ObjectName};
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
use crate::object::{Fetched, fetch};

/// One record with its position and id.
#[derive(Debug, Clone)]
pub struct StoredRecord<Body> {
    /// Number in its chain.
    pub sequence: u64,
    /// Plain hash of its bytes.
    pub id: ObjectId,
    /// Its content.
    pub body: Body,
}

/// The end of a chain: where the next record goes and what it names as its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Number of the first free slot.
    pub next: u64,
    /// Id of the last record.
    pub last: ObjectId,
}

impl ChainHead {
    /// The head of an empty chain.
    pub const EMPTY: Self = Self { next: 0, last: ObjectId::NONE };

    /// The head after a lost record, whose successor may name any hash.
    pub(crate) const fn after_lost(lost: u64) -> Self {
        Self { next: lost + 1, last: ObjectId::NONE }
    }

    /// True if a record that names this one as its predecessor continues here.
    fn is_followed_by(&self, previous: &ObjectId) -> bool {
        let is_unknown = self.next > 0 && self.last == ObjectId::NONE;
        is_unknown || *previous == self.last
    }
}

/// Result of an attempt to append.
#[derive(Debug)]
pub enum Appended<Body> {
    /// The record is in its slot.
    Done(StoredRecord<Body>),
    /// Another record is there and must be read before the next attempt.
    Occupied(StoredRecord<Body>),
}

/// A record that cannot be used. Later ones can, so one damaged record costs one snapshot and not
/// all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRecord {
    /// Name of the record.
    pub object: String,
    /// Plain hash of the bytes in its slot; `None` if there are none or they cannot be read.
    pub found: Option<ObjectId>,
    /// True if there is no object.
    pub is_missing: bool,
    /// What is wrong.
    pub reason: String,
}

impl DamagedRecord {
    /// A record that is missing, and how that is known.
    pub(crate) fn missing(chain: &Chain, sequence: u64, reason: impl Into<String>) -> Self {
        let (object, reason) = (chain.record(sequence), reason.into());
        Self { object, found: None, is_missing: true, reason }
    }
}

/// Records of a chain, and those that cannot be used.
#[derive(Debug)]
pub struct ChainRecords<Body> {
    /// The readable records, in order.
    pub whole: Vec<StoredRecord<Body>>,
    /// The others. A record that does not continue the preceding one is in both lists, because it
    /// is authentic.
    pub damaged: Vec<DamagedRecord>,
    /// Slots and bytes of the records that can be read and continue the preceding one.
    pub sealed: Vec<(u64, Bytes)>,
}

/// What a slot contains.
enum SlotContent<Body> {
    Free,
    Whole { record: StoredRecord<Body>, continues: bool, object: Bytes },
    Damaged(DamagedRecord),
}

/// Reads the records of a chain from `head` on, and moves `head` past the last. `listed` are the
/// slots shown by a listing that was taken earlier: a free slot before one of them is a gap.
///
/// # Errors
/// Storage failures. Damaged and missing records are not errors.
pub fn read_from<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &mut ChainHead,
    listed: &BTreeSet<u64>,
) -> Result<ChainRecords<Body>, RepoError> {
    let mut records = ChainRecords { whole: Vec::new(), damaged: Vec::new(), sealed: Vec::new() };
    // A slot that is known to have a record.
    let mut later = 0;
    loop {
        match read_slot(backend, keys, chain, head)? {
            SlotContent::Whole { record, continues, object } => {
                if continues {
                    records.sealed.push((record.sequence, object));
                } else {
                    records.damaged.push(DamagedRecord {
                        object: chain.record(record.sequence),
                        found: Some(record.id),
                        is_missing: false,
                        reason: "it does not continue the preceding record".to_owned(),
                    });
                }
                *head = ChainHead { next: record.sequence + 1, last: record.id };
                records.whole.push(record);
            }
            SlotContent::Damaged(damaged) => {
                if damaged.found.is_none() && !listed.contains(&head.next) {
                    // Whether there is a record is unknown: if the medium returns nothing at all,
                    // no slot would be the last.
                    backend.get(&object_name(damaged.object)?, RECORD_BYTES_MAX)?;
                    continue;
                }
                *head = ChainHead::after_lost(head.next);
                records.damaged.push(damaged);
            }
            SlotContent::Free => {
                if later <= head.next {
                    let listed = listed.range(head.next + 1..).copied();
                    match first_record::<Body>(backend, keys, chain, listed)? {
                        Some(next) => later = next,
                        None => return Ok(records),
                    }
                }
                let reason = "it is missing, but later records are not";
                records.damaged.push(DamagedRecord::missing(chain, head.next, reason));
                *head = ChainHead::after_lost(head.next);
            }
        }
    }
}

/// The first of these slots with an authentic record. Anything else is not part of the chain.
pub(crate) fn first_record<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    slots: impl IntoIterator<Item = u64>,
) -> Result<Option<u64>, RepoError> {
    for next in slots {
        if record_at::<Body>(backend, keys, chain, next)?.is_ok() {
            return Ok(Some(next));
        }
    }
    Ok(None)
}

fn read_slot<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &ChainHead,
) -> Result<SlotContent<Body>, RepoError> {
    // An unreadable record is read again: the next record will name the hash of this one forever,
    // so a bit lost in transit must not be taken for what is stored.
    match read_slot_once(backend, keys, chain, head)? {
        SlotContent::Damaged(_) => read_slot_once(backend, keys, chain, head),
        slot => Ok(slot),
    }
}

/// The record of a slot, from its first authentic copy. The slot is free only if there is no copy
/// at all.
fn read_slot_once<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &ChainHead,
) -> Result<SlotContent<Body>, RepoError> {
    let record = chain.record(head.next);
    let mut damaged: Option<DamagedRecord> = None;
    for name in std::iter::once(record.clone()).chain(chain.second(head.next)) {
        let (found, reason) = match fetch(backend, name.clone(), RECORD_BYTES_MAX)? {
            Fetched::Missing => continue,
            Fetched::Unreadable(reason) => (None, reason),
            Fetched::Found(object) => {
                match decode::<Body>(keys, chain, head.next, &name, &object) {
                    Ok((record, id)) => {
                        let continues = head.is_followed_by(&record.previous);
                        let record = StoredRecord { sequence: head.next, id, body: record.body };
                        return Ok(SlotContent::Whole { continues, record, object });
                    }
                    Err(RepoError::Damaged { reason, .. }) => (Some(ObjectId::of(&object)), reason),
                    Err(error) => return Err(error),
                }
            }
        };
        let (object, is_missing) = (record.clone(), false);
        damaged.get_or_insert(DamagedRecord { object, found, is_missing, reason });
    }
    Ok(damaged.map_or(SlotContent::Free, SlotContent::Damaged))
}

/// The record of a slot, whatever it names as its predecessor.
pub(crate) fn record_at<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    sequence: u64,
) -> Result<Result<(StoredRecord<Body>, Bytes), String>, RepoError> {
    let head = ChainHead { next: sequence, last: ObjectId::NONE };
    Ok(match read_slot(backend, keys, chain, &head)? {
        SlotContent::Whole { record, object, .. } => Ok((record, object)),
        SlotContent::Damaged(damaged) => Err(damaged.reason),
        SlotContent::Free => Err("it is missing".to_owned()),
    })
}

/// Reads the one record after `head`, which must continue it.
fn read_one<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &ChainHead,
) -> Result<Option<StoredRecord<Body>>, RepoError> {
    match read_slot(backend, keys, chain, head)? {
        SlotContent::Free => Ok(None),
        SlotContent::Whole { record, continues: true, .. } => Ok(Some(record)),
        SlotContent::Whole { record, continues: false, .. } => {
            Err(RepoError::ChainBroken { object: chain.record(record.sequence) })
        }
        SlotContent::Damaged(DamagedRecord { object, reason, .. }) => {
            Err(RepoError::Damaged { object, reason })
        }
    }
}

/// Opens and decodes a record; also returns its hash.
///
/// # Errors
/// [`RepoError::Damaged`] if it was not made for this slot by a holder of the keys;
/// [`RepoError::Newer`] if it was, but contains something this version does not know.
pub(crate) fn decode<Body: DeserializeOwned>(
    keys: &Keys,
    chain: &Chain,
    sequence: u64,
    name: &str,
    object: &[u8],
) -> Result<(Record<Body>, ObjectId), RepoError> {
    let json = open_record(keys, chain, sequence, object)
        .map_err(|error| RepoError::damaged(name, error))?;
    let record = record::decode::<Body>(&json).map_err(RepoError::Newer)?;
    Ok((record, ObjectId::of(object)))
}

/// Fails if a record with this body plus `reserve` bytes would be too large for readers.
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

/// Tries to put `body` into the first free slot after `head`. Whatever is reported to be in the
/// slot is durable.
///
/// # Errors
/// [`RepoError::RecordTooLarge`] before anything is tried. Any storage failure; the record may or
/// may not exist then.
pub fn append<Body: Serialize + DeserializeOwned + Clone>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    head: &mut ChainHead,
    body: &Body,
) -> Result<Appended<Body>, RepoError> {
    let name = object_name(chain.record(head.next))?;
    let record = record::encode(&Record { previous: head.last, body: body.clone() });
    check_bytes(record.len() as u64)?;
    let object = seal_record(keys, chain, head.next, &record)?;
    let mine = ObjectId::of(&object);
    if !create(backend, &name, &object)? {
        let Some(stored) = read_one::<Body>(backend, keys, chain, head)? else {
            return Err(RepoError::damaged(
                name.as_ref(),
                "the storage says that it exists, but does not return it",
            ));
        };
        if stored.id != mine {
            *head = ChainHead { next: stored.sequence + 1, last: stored.id };
            return Ok(Appended::Occupied(stored));
        }
    }
    let stored = StoredRecord { sequence: head.next, id: mine, body: body.clone() };
    *head = ChainHead { next: stored.sequence + 1, last: mine };
    if let Some(second) = chain.second(stored.sequence) {
        // The record is committed without its copy; the next run that appends looks for missing
        // copies.
        let _ = backend.put(&object_name(second)?, &[&object]);
    }
    Ok(Appended::Done(stored))
}

/// Creates an object; false if one exists already, which may be ours. Either is durable.
///
/// After a failure the object may exist and still be lost in the next power cut: seeing it proves
/// nothing. But storage that answers a second attempt with "exists" vouches for the object, so a
/// lost answer is not a failure.
fn create(backend: &dyn Backend, name: &ObjectName, object: &[u8]) -> Result<bool, RepoError> {
    let is_created = |outcome: Result<(), BackendError>| match outcome {
        Ok(()) => Ok(true),
        Err(BackendError::AlreadyExists { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    is_created(backend.put(name, &[object]))
        .or_else(|error| is_created(backend.put(name, &[object])).map_err(|_| error.into()))
}

/// Writes the missing copies of records next to the existing ones.
///
/// # Errors
/// Storage failures other than a full disk: a copy is not worth failing for.
pub(crate) fn complete<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    slots: impl IntoIterator<Item = u64>,
) -> Result<(), RepoError> {
    for sequence in slots {
        // Damaged ones are left to `check` and `repair`.
        let Ok((_, object)) = record_at::<Body>(backend, keys, chain, sequence)? else { continue };
        for name in std::iter::once(chain.record(sequence)).chain(chain.second(sequence)) {
            match backend.put(&object_name(name)?, &[&object]) {
                Ok(()) | Err(BackendError::AlreadyExists { .. }) => {}
                Err(BackendError::NoSpace { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// What a listing shows of the chains.
#[derive(Debug, Default)]
pub(crate) struct ListedSlots {
    /// Slots with at least one copy.
    pub slots: BTreeMap<Chain, BTreeSet<u64>>,
    /// Slots of the generation chain with only one copy.
    pub single: BTreeSet<u64>,
}

impl ListedSlots {
    /// The slots of one chain.
    pub fn of(&self, chain: &Chain) -> &BTreeSet<u64> {
        static NONE: BTreeSet<u64> = BTreeSet::new();
        self.slots.get(chain).unwrap_or(&NONE)
    }
}

/// The slots of all chains that a listing shows.
pub(crate) fn listed_slots(backend: &dyn Backend) -> Result<ListedSlots, RepoError> {
    let mut found = ListedSlots::default();
    for folder in [name::GENERATIONS, name::WRITERS] {
        for listed in backend.list(folder)? {
            let Some((chain, sequence)) = record_place(listed.name.as_ref()) else { continue };
            found.slots.entry(chain).or_default().insert(sequence);
            if chain.second(sequence).is_some() && !found.single.insert(sequence) {
                found.single.remove(&sequence);
            }
        }
    }
    Ok(found)
}

/// The chain and slot that a record's name, or its second copy's name, refers to.
pub fn record_place(text: &str) -> Option<(Chain, u64)> {
    let (folder, number) = name::first(text).rsplit_once('/')?;
    let chain = match folder.strip_prefix("w/") {
        Some(writer) => Chain::Writer(writer.parse().ok()?),
        None => Chain::Generations,
    };
    let sequence = number.parse().ok()?;
    let is_second = || chain.second(sequence).is_some_and(|second| second == text);
    (chain.record(sequence) == text || is_second()).then_some((chain, sequence))
}
