//! Whether a prune is worthwhile, estimated at a cost that grows with what was forgotten (decision
//! 0005).
//!
//! Finding out exactly what is needed means reading every tree. To spare an hourly run that, each
//! prune leaves a note in the local cache: how much was unused, and which snapshots existed. The
//! next one adds what the snapshots forgotten since hold and their neighbours do not
//! ([`differences`](super::differences)). If that is less than may remain unused, nothing is done.
//! The note decides when to look, never what to delete: a wrong one costs time or space, and no
//! data.

use std::collections::{BTreeMap, HashSet};

use holdfast_format::{ObjectId, WriterId, name};
use holdfast_repo::index::PackRow;
use holdfast_repo::{RepoError, SnapshotInfo};
use serde::{Deserialize, Serialize};

use super::differences::only_in_forgotten;
use super::plan::SMALL;
use super::{MaxUnused, Prune};
use crate::EngineError;

const NOTE: &str = "prune";
/// Raised with every change of the note.
const VERSION: u32 = 1;
/// Trees with fewer nodes are read in less time than an estimate is worth.
const NODES_WORTH: u64 = if cfg!(test) { 1 } else { 2000 };
/// Nodes that an estimate may read in any case; a quarter of all nodes if that is more.
const NODES_MIN: u64 = 500;
/// After this many estimates everything is examined again, whatever they say.
const ESTIMATES_MAX: u64 = 200;
/// This many small packs are merged even if nothing is unused.
const SMALL_PACKS_MAX: usize = 200;

/// Which snapshots existed at some moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HistoryMark {
    snapshots: Vec<ObjectId>,
    /// First free slot of each chain.
    slots: BTreeMap<String, u64>,
}

/// The note that a prune leaves for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DueNote {
    version: u32,
    moment: HistoryMark,
    prune_steps: u64,
    /// Number of nodes of all trees.
    nodes: u64,
    /// Bytes of packs when everything was last examined.
    pack_bytes: u64,
    /// Estimated bytes that no snapshot needs.
    unused_bytes: u64,
    /// Number of estimates since everything was last examined.
    estimates: u64,
}

impl Prune<'_> {
    /// The snapshots that exist now.
    pub(super) fn moment(&self) -> HistoryMark {
        let history = self.repository.history();
        let slot = |writer: &WriterId| (writer.to_hex(), history.next_slot(writer));
        HistoryMark {
            snapshots: history.snapshots().iter().map(|info| info.id).collect(),
            slots: history.writers().iter().map(slot).collect(),
        }
    }

    /// Leaves a note after everything was examined, as of that moment.
    pub(super) fn remember(&self, moment: HistoryMark) -> Result<(), RepoError> {
        let packs = self.repository.index().packs()?;
        self.write(&DueNote {
            version: VERSION,
            moment,
            prune_steps: self.repository.history().prune_steps(),
            nodes: self.report.nodes_read,
            pack_bytes: packs.iter().map(|pack| pack.bytes).sum(),
            unused_bytes: self.report.unused_bytes_left,
            estimates: 0,
        })
    }

    fn write(&self, note: &DueNote) -> Result<(), RepoError> {
        let bytes = serde_json::to_vec(note).unwrap_or_default();
        self.repository.index().set_note(NOTE, &bytes)
    }

    fn note_of_last(&self) -> Result<Option<DueNote>, RepoError> {
        let bytes = self.repository.index().note(NOTE)?.unwrap_or_default();
        let note: Option<DueNote> = serde_json::from_slice(&bytes).ok();
        Ok(note.filter(|note| note.version == VERSION))
    }

    /// False if too little can be unused to be worth anything.
    pub(super) fn is_due(&mut self) -> Result<bool, EngineError> {
        let packs = self.repository.index().packs()?;
        let Some(mut note) = self.note_of_last()? else { return Ok(true) };
        if self.is_due_anyway(&note, &packs) {
            return Ok(true);
        }
        let pack_bytes: u64 = packs.iter().map(|pack| pack.bytes).sum();
        // If something goes wrong here, the exact way will report it.
        let Ok(Some(forgotten_bytes)) = self.forgotten_since(&note) else { return Ok(true) };
        let unused = note.unused_bytes + forgotten_bytes;
        let allowed = self.options.max_unused.bytes_beside(pack_bytes.saturating_sub(unused));
        if unused + self.unlisted_bytes(&packs)? > allowed {
            return Ok(true);
        }
        self.report.was_postponed = true;
        self.report.unused_bytes_left = unused;
        self.report.bytes_left = pack_bytes;
        if !self.options.dry_run {
            note.moment = self.moment();
            note.unused_bytes = unused;
            note.estimates += 1;
            self.write(&note)?;
        }
        Ok(false)
    }

    fn is_due_anyway(&self, note: &DueNote, packs: &[PackRow]) -> bool {
        let asks_for_all = match self.options.max_unused {
            MaxUnused::Percent(percent) => percent <= 0.0,
            MaxUnused::Bytes(bytes) => bytes == 0,
            MaxUnused::Unlimited => true,
        };
        let small_bytes = u64::from(self.repository.config().pack_bytes) / SMALL;
        let small = packs.iter().filter(|pack| pack.bytes < small_bytes).count();
        let pack_bytes: u64 = packs.iter().map(|pack| pack.bytes).sum();
        asks_for_all
            || self.options.repack_below_bytes.is_some()
            || note.nodes < NODES_WORTH
            || note.estimates >= ESTIMATES_MAX
            || note.prune_steps != self.repository.history().prune_steps()
            || pack_bytes > note.pack_bytes.saturating_mul(2)
            || small > SMALL_PACKS_MAX
    }

    /// Sealed bytes held only by snapshots that were forgotten since; `None` if it is not worth
    /// finding out.
    fn forgotten_since(&mut self, note: &DueNote) -> Result<Option<u64>, RepoError> {
        let history = self.repository.history();
        let before: HashSet<&ObjectId> = note.moment.snapshots.iter().collect();
        let is_new = |info: &SnapshotInfo| {
            let slot = note.moment.slots.get(&info.writer.to_hex());
            info.sequence >= slot.copied().unwrap_or(0)
        };
        let forgotten: Vec<SnapshotInfo> = history
            .forgotten_snapshots()
            .filter(|info| before.contains(&info.id) || is_new(info))
            .cloned()
            .collect();
        let kept = history.snapshots();
        drop(history);
        let nodes_max = NODES_MIN.max(note.nodes / 4);
        let (bytes, nodes) = only_in_forgotten(self.repository, &forgotten, &kept, nodes_max)?;
        self.report.nodes_read += nodes;
        Ok(bytes)
    }

    /// Bytes of packs that no index object lists: a run was interrupted, or is in progress.
    fn unlisted_bytes(&self, packs: &[PackRow]) -> Result<u64, RepoError> {
        let listed: HashSet<ObjectId> = packs.iter().map(|pack| pack.id).collect();
        let objects = self.repository.list(name::PACKS)?.into_iter();
        let is_listed = |name: &str| name::object_id(name).is_some_and(|id| listed.contains(&id));
        Ok(objects.filter(|o| !is_listed(o.name.as_ref())).map(|object| object.bytes).sum())
    }
}
