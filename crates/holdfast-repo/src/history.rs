//! The repository's history: all chains, replayed into snapshots, writers, valid index objects and
//! swept packs.

mod kept;
mod lost;
mod refresh;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use holdfast_backend::Backend;
use holdfast_format::name::Chain;
use holdfast_format::record::{GenerationBody, GivenUp, Snapshot, Text, WriterBody};
use holdfast_format::{ObjectId, SlotId, WriterId};
use holdfast_seal::Keys;

use crate::RepoError;
use crate::chain::{self, Appended, ChainHead, DamagedRecord, StoredRecord};
use crate::local::Heads;

/// A snapshot with its current tags and hold.
#[derive(Debug, Clone)]
pub struct SnapshotInfo {
    /// Hash of its record.
    pub id: ObjectId,
    /// The chain that it is in.
    pub writer: WriterId,
    /// Slot in that chain.
    pub sequence: u64,
    /// Its record, with the tags in force.
    pub snapshot: Snapshot,
    /// True if no rule may forget it.
    pub hold: bool,
}

/// A condemnation that is not swept yet.
#[derive(Debug, Clone)]
pub struct OpenCondemn {
    /// Number of its record.
    pub generation: u64,
    /// Packs that may be deleted.
    pub packs: Vec<ObjectId>,
    /// Chains to fence.
    pub writers: Vec<WriterId>,
}

/// Everything that the chains say, up to the records read so far.
#[derive(Debug, Default)]
pub struct History {
    generation_head: Option<ChainHead>,
    /// Number of generations taken from the cache.
    kept_generations: u64,
    heads: BTreeMap<WriterId, ChainHead>,
    hosts: BTreeMap<WriterId, String>,
    snapshots: HashMap<ObjectId, SnapshotInfo>,
    forgotten: BTreeSet<ObjectId>,
    amended: HashMap<ObjectId, (Vec<String>, bool)>,
    index: BTreeSet<ObjectId>,
    replaced_index: BTreeSet<ObjectId>,
    swept: BTreeSet<ObjectId>,
    last_sweep: Option<(Vec<ObjectId>, Vec<ObjectId>)>,
    condemn: Option<OpenCondemn>,
    /// Number of condemn and sweep records so far.
    prune_steps: u64,
    /// Slot of the newest of them.
    last_step: Option<u64>,
    /// Slots of fences, by chain and generation.
    fences: BTreeMap<(WriterId, u64), u64>,
    /// Last slot of each chain that holds a snapshot, forgotten or not.
    committed: BTreeMap<WriterId, u64>,
    /// Backups that prunes must wait for, with the slot of the record that says so.
    pins: BTreeMap<(WriterId, Vec<Text>), u64>,
    /// First generation that did not exist when the chains were first read, and what has gone
    /// since.
    read_first_at: Option<u64>,
    has_forgotten_since: bool,
    has_swept_since: bool,
    /// Key slots that no longer open anything.
    removed_keys: BTreeSet<SlotId>,
    /// Records that cannot be used, written off or not.
    damaged: Vec<DamagedRecord>,
    /// Names of records that were written off, each with what was found there.
    given_up: BTreeMap<String, BTreeSet<Option<ObjectId>>>,
    /// Slots of generations with only one copy.
    single: BTreeSet<u64>,
    /// Chains with records that no generation record announces.
    unannounced: BTreeSet<WriterId>,
}

impl History {
    fn apply_generation(&mut self, record: StoredRecord<GenerationBody>) {
        let is_late = self.read_first_at.is_some_and(|first| record.sequence >= first);
        match record.body {
            GenerationBody::AddWriter { writer, host } => {
                self.heads.entry(writer).or_insert(ChainHead::EMPTY);
                self.unannounced.remove(&writer);
                self.hosts.insert(writer, host);
            }
            GenerationBody::Forget { snapshots } => {
                self.has_forgotten_since |= is_late;
                self.forgotten.extend(snapshots);
            }
            GenerationBody::Amend { snapshot, tags, hold } => {
                self.amended.insert(snapshot, (tags, hold));
            }
            GenerationBody::Condemn { packs, writers, .. } => {
                self.prune_steps += 1;
                self.last_step = Some(record.sequence);
                self.condemn = Some(OpenCondemn { generation: record.sequence, packs, writers });
            }
            GenerationBody::Sweep { condemn, packs, index, replaced, .. } => {
                self.has_swept_since |= is_late && !packs.is_empty();
                self.swept.extend(packs.iter().copied());
                self.replaced_index.extend(replaced.iter().copied());
                self.index.extend(index);
                // A sweep that names itself belongs to a repair: it replaces index objects and ends
                // no condemnation.
                if condemn != record.sequence {
                    self.prune_steps += 1;
                    self.last_step = Some(record.sequence);
                    self.condemn = None;
                    self.last_sweep = Some((packs, replaced));
                }
            }
            GenerationBody::GiveUp { records } => {
                records.into_iter().for_each(|given_up| self.give_up(given_up));
            }
            GenerationBody::RemoveKey { slot } => drop(self.removed_keys.insert(slot)),
            GenerationBody::Checkpoint {} => {}
        }
    }

    /// Notes that a record was written off. A condemnation that other processes cannot read is over
    /// with it, even for a process that did read it.
    fn give_up(&mut self, GivenUp { object, found }: GivenUp) {
        let condemn = self.condemn.as_ref().map(|open| Chain::Generations.record(open.generation));
        if condemn.as_ref() == Some(&object) {
            self.prune_steps += 1;
            self.condemn = None;
        }
        self.given_up.entry(object).or_default().insert(found);
    }

    fn apply_writer(&mut self, writer: WriterId, record: StoredRecord<WriterBody>) {
        let (id, sequence) = (record.id, record.sequence);
        match record.body {
            WriterBody::Snapshot(snapshot) => {
                self.index.extend(snapshot.index.iter().copied());
                let saved = (writer, snapshot.paths.clone());
                if !snapshot.partial {
                    self.pins.remove(&saved);
                } else if let Some(pin) = self.pins.get_mut(&saved) {
                    *pin = sequence;
                }
                let info = SnapshotInfo { id, writer, sequence, snapshot: *snapshot, hold: false };
                self.snapshots.insert(id, info);
                self.committed.insert(writer, sequence);
            }
            WriterBody::Fence { generation } => {
                self.fences.entry((writer, generation)).or_insert(sequence);
            }
            WriterBody::Pin { paths, .. } if paths.is_empty() => {}
            WriterBody::Pin { snapshot: ObjectId::NONE, paths } => {
                self.pins.insert((writer, paths), sequence);
            }
            WriterBody::Pin { paths, .. } => drop(self.pins.remove(&(writer, paths))),
        }
    }

    /// The snapshots that are not forgotten, oldest first, with their current tags and holds.
    pub fn snapshots(&self) -> Vec<SnapshotInfo> {
        let mut list: Vec<SnapshotInfo> = self
            .snapshots
            .values()
            .filter(|info| !self.forgotten.contains(&info.id))
            .map(|info| self.in_force(info))
            .collect();
        list.sort_by_key(|info| (info.snapshot.time, info.sequence, info.id));
        list
    }

    /// A snapshot, forgotten or not, with its current tags and hold.
    pub fn snapshot(&self, id: &ObjectId) -> Option<SnapshotInfo> {
        self.snapshots.get(id).map(|info| self.in_force(info))
    }

    /// The forgotten snapshots, in no order. Their packs may be gone.
    pub fn forgotten_snapshots(&self) -> impl Iterator<Item = &SnapshotInfo> {
        self.forgotten.iter().filter_map(|id| self.snapshots.get(id))
    }

    /// True if a record says that this snapshot is no longer wanted.
    pub fn is_forgotten(&self, id: &ObjectId) -> bool {
        self.forgotten.contains(id)
    }

    fn in_force(&self, info: &SnapshotInfo) -> SnapshotInfo {
        let mut info = info.clone();
        if let Some((tags, hold)) = self.amended.get(&info.id) {
            info.snapshot.tags.clone_from(tags);
            info.hold = *hold;
        }
        info
    }

    /// Index objects that records name and no sweep has replaced.
    pub fn index_objects(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.index.iter().filter(|id| !self.replaced_index.contains(*id)).copied()
    }

    /// Index objects that count: those named by records, and others that a listing shows.
    pub fn index_objects_with(&self, listed: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
        let listed = listed.iter().copied().filter(|id| !self.is_replaced(id));
        self.index_objects().chain(listed).collect()
    }

    /// True if a sweep replaced this index object.
    pub fn is_replaced(&self, index: &ObjectId) -> bool {
        self.replaced_index.contains(index)
    }

    /// Packs that sweeps delete.
    pub fn swept(&self) -> &BTreeSet<ObjectId> {
        &self.swept
    }

    /// Packs and index objects that the newest sweep deletes; an interrupted prune may have left
    /// some of them.
    pub fn last_sweep(&self) -> Option<&(Vec<ObjectId>, Vec<ObjectId>)> {
        self.last_sweep.as_ref()
    }

    /// The condemnation in progress, if any.
    pub fn condemn(&self) -> Option<&OpenCondemn> {
        self.condemn.as_ref()
    }

    /// Backups that a prune made start again and that are not done: chain and slot of the pin, or
    /// of the partial snapshot that they have made since.
    pub fn pins(&self) -> impl Iterator<Item = (WriterId, u64)> + '_ {
        self.pins.iter().map(|((writer, _), slot)| (*writer, *slot))
    }

    /// The slot of the pin of one writer's backup.
    pub fn pin(&self, writer: &WriterId, paths: &[Text]) -> Option<u64> {
        self.pins.get(&(*writer, paths.to_vec())).copied()
    }

    /// True if snapshots were forgotten and packs deleted since the chains were first read: missing
    /// data may have been deleted legitimately.
    pub fn has_deleted_since(&self) -> bool {
        self.has_forgotten_since && self.has_swept_since
    }

    /// Number of prune steps so far. When it changes, another prune was at work.
    pub fn prune_steps(&self) -> u64 {
        self.prune_steps
    }

    /// Number of the first generation record that did not exist when they were last read.
    pub fn next_generation(&self) -> u64 {
        self.generation_head.map_or(0, |head| head.next)
    }

    /// The slot of a chain's fence for this generation.
    pub fn fence(&self, writer: &WriterId, generation: u64) -> Option<u64> {
        self.fences.get(&(*writer, generation)).copied()
    }

    /// True if the chain has a snapshot in this slot or a later one: sessions that started there
    /// have committed, or will meet that snapshot.
    pub fn is_decided(&self, writer: &WriterId, start_slot: u64) -> bool {
        self.committed.get(writer).is_some_and(|slot| *slot >= start_slot)
    }

    /// The head of each chain.
    pub(crate) fn heads(&self) -> Heads {
        let writers = self.heads.iter().map(|(writer, head)| (Chain::Writer(*writer), *head));
        let generations = self.generation_head.map(|head| (Chain::Generations, head));
        writers.chain(generations).collect()
    }

    /// Key slots that were removed. Their objects may still exist, or exist again.
    pub fn removed_keys(&self) -> &BTreeSet<SlotId> {
        &self.removed_keys
    }

    /// All writers' chains.
    pub fn writers(&self) -> Vec<WriterId> {
        self.heads.keys().copied().collect()
    }

    /// The host that the chain belongs to, unless the record that announced it is lost.
    pub fn host(&self, writer: &WriterId) -> Option<&str> {
        self.hosts.get(writer).map(String::as_str)
    }

    /// First slot of a writer's chain that was free when it was last read.
    pub fn next_slot(&self, writer: &WriterId) -> u64 {
        self.heads.get(writer).map_or(0, |head| head.next)
    }

    /// Appends to the generation chain, after reading whatever other processes added first; `still`
    /// is called again each time the chain has grown, and may abandon the attempt by returning
    /// `None`.
    ///
    /// # Errors
    /// Storage failures.
    pub(crate) fn append_generation(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        mut still: impl FnMut(&Self) -> Option<GenerationBody>,
    ) -> Result<Option<u64>, RepoError> {
        self.refresh(backend, keys)?;
        loop {
            let Some(body) = still(self) else { return Ok(None) };
            self.refuse_deletion(backend, keys, &body)?;
            let mut head = self.generation_head.unwrap_or(ChainHead::EMPTY);
            let outcome = chain::append(backend, keys, &Chain::Generations, &mut head, &body)?;
            self.generation_head = Some(head);
            match outcome {
                Appended::Done(record) => {
                    let sequence = record.sequence;
                    self.apply_generation(record);
                    return Ok(Some(sequence));
                }
                Appended::Occupied(record) => self.apply_generation(record),
            }
        }
    }

    /// Tries to append to a writer's chain. Returns the record that is in the way, after applying
    /// it.
    ///
    /// # Errors
    /// Storage failures.
    pub(crate) fn append_writer(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        writer: WriterId,
        body: &WriterBody,
    ) -> Result<Appended<WriterBody>, RepoError> {
        let mut head = self.heads.get(&writer).copied().unwrap_or(ChainHead::EMPTY);
        let outcome = chain::append(backend, keys, &Chain::Writer(writer), &mut head, body)?;
        self.heads.insert(writer, head);
        let (Appended::Done(record) | Appended::Occupied(record)) = &outcome;
        self.apply_writer(writer, record.clone());
        Ok(outcome)
    }
}
