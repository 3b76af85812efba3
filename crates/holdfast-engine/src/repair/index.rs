//! Repairing the index: afterwards it lists every healthy pack and nothing else.
//!
//! Order of the steps, any of which may be the last before a crash: intact frames of damaged packs
//! are moved into new packs; the damaged packs are moved to quarantine, so that no later repair
//! takes them for packs that were forgotten; new index objects are written; one record puts them in
//! force instead of the old ones; those are moved to quarantine.

use std::collections::{BTreeSet, HashMap, HashSet};

use holdfast_format::record::GenerationBody;
use holdfast_format::{BlobId, ObjectId, name};
use holdfast_repo::history::History;
use holdfast_repo::{RepoError, Repository};

use super::plan::{IndexLists, IndexPlan, plan};
use super::salvage::{Salvaged, read_in_parts, salvage};
use super::{IndexRepair, RepairIndexOptions, chains, copies};
use crate::check::{
    ExpectedPack, ObjectListing, digest, entries_of, get_pack, is_replaced_now, read_all,
    read_index, wanted,
};
use crate::{EngineError, Observer};

/// A repair in progress.
struct Repair<'a> {
    repository: &'a Repository,
    observer: &'a dyn Observer,
    listing: ObjectListing,
    history: History,
    lists: IndexLists,
    expected: HashMap<ObjectId, ExpectedPack>,
    /// Packs that must be read in full.
    suspects: BTreeSet<ObjectId>,
    /// Packs that are missing or were moved to quarantine.
    gone: BTreeSet<ObjectId>,
    /// Packs whose entries are read from their own directories.
    reread: BTreeSet<ObjectId>,
    /// Blobs of damaged packs that were not salvaged from them.
    lost: BTreeSet<BlobId>,
    done: IndexRepair,
}

/// Writes index objects for all healthy packs that no usable index object lists, drops missing and
/// damaged packs, salvages what can still be read of the damaged ones, and restores second copies
/// of config and key slots.
///
/// # Errors
/// Failures of the storage; [`EngineError::Interrupted`]. Completed steps are kept, and a rerun
/// continues.
pub fn repair_index(
    repository: &Repository,
    options: &RepairIndexOptions,
    observer: &dyn Observer,
) -> Result<IndexRepair, EngineError> {
    let mut repair = Repair::begin(repository, observer)?;
    copies::restore(repository, &repair.listing, &mut repair.done)?;
    repair.done.writers_announced = chains::announce(repository, &repair.history)?;
    repair.read_index_objects()?;
    repair.look_at_packs(options)?;
    repair.replace_damaged_packs(options)?;
    let plan = plan(&repair.lists, &repair.gone, &repair.reread);
    repair.write_index_objects(&plan)?;
    repair.record(&plan)?;
    repair.set_aside_index_objects()?;
    repository.refresh()?;
    repair.count_lost()?;
    Ok(repair.done)
}

impl<'a> Repair<'a> {
    fn begin(repository: &'a Repository, observer: &'a dyn Observer) -> Result<Self, EngineError> {
        repository.refresh()?;
        repository.rebuild_index()?;
        let history = repository.read_history()?;
        let listing = ObjectListing::take(repository)?;
        Ok(Self {
            repository,
            observer,
            listing,
            history,
            lists: IndexLists::new(),
            expected: HashMap::new(),
            suspects: BTreeSet::new(),
            gone: BTreeSet::new(),
            reread: BTreeSet::new(),
            lost: BTreeSet::new(),
            done: IndexRepair::default(),
        })
    }

    fn read_index_objects(&mut self) -> Result<(), EngineError> {
        let mut pending = wanted(&self.history, &self.listing);
        while let Some(id) = pending.pop_first() {
            let Ok(mut packs) = read_index(self.repository, &id)? else {
                if is_replaced_now(self.repository, &mut self.history, &id)? {
                    let lists = &self.lists;
                    let is_new = |id: &ObjectId| !lists.contains_key(id);
                    pending.extend(self.history.index_objects().filter(is_new));
                } else {
                    self.lists.insert(id, None);
                }
                continue;
            };
            packs.retain(|pack| !self.history.swept().contains(&pack.id));
            for pack in &packs {
                let said = ExpectedPack { bytes: pack.bytes, digest: digest(pack) };
                if *self.expected.entry(pack.id).or_insert(said) != said {
                    self.suspects.insert(pack.id);
                }
            }
            self.lists.insert(id, Some(packs.iter().map(|pack| pack.id).collect()));
        }
        Ok(())
    }

    /// Finds packs that are missing, have a wrong size, or are not listed anywhere.
    fn look_at_packs(&mut self, options: &RepairIndexOptions) -> Result<(), EngineError> {
        let swept = self.history.swept();
        let there = self.listing.packs.keys().filter(|id| !swept.contains(id));
        let all: BTreeSet<ObjectId> = self.expected.keys().chain(there).copied().collect();
        let mut whole = Vec::new();
        for id in all {
            let bytes = self.listing.pack_bytes(self.repository, &id)?;
            match (self.expected.get(&id), bytes) {
                (_, None) => {
                    self.gone.insert(id);
                    self.done.packs_missing.push(id);
                }
                (Some(expected), Some(bytes)) if expected.bytes != bytes => {
                    self.suspects.insert(id);
                }
                (Some(_), Some(_)) => whole.push(id),
                (None, Some(_)) if options.read_all => whole.push(id),
                (None, Some(_)) => self.look_at_unlisted(id)?,
            }
        }
        self.leave_out_swept(&mut whole)?;
        whole.retain(|id| options.read_all || options.packs.contains(id));
        for (id, trouble) in read_all(self.repository, self.observer, &whole, &self.expected)? {
            if trouble.is_some() {
                self.suspects.insert(id);
            } else if !self.expected.contains_key(&id) {
                self.reread.insert(id);
            }
        }
        self.leave_out_swept(&mut whole)
    }

    /// Drops packs that a prune has deleted since.
    fn leave_out_swept(&mut self, whole: &mut Vec<ObjectId>) -> Result<(), EngineError> {
        self.repository.catch_up(&mut self.history)?;
        let stays = |id: &ObjectId| !self.history.swept().contains(id);
        whole.retain(stays);
        self.done.packs_missing.retain(stays);
        self.gone.retain(stays);
        self.suspects.retain(stays);
        self.reread.retain(stays);
        Ok(())
    }

    fn look_at_unlisted(&mut self, id: ObjectId) -> Result<(), EngineError> {
        match self.repository.pack_directory(&id) {
            Ok(_) => self.reread.insert(id),
            Err(RepoError::Damaged { .. }) => self.suspects.insert(id),
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    /// Salvages what is readable in damaged packs and moves them to quarantine.
    fn replace_damaged_packs(&mut self, options: &RepairIndexOptions) -> Result<(), EngineError> {
        self.suspects.retain(|id| !self.gone.contains(id));
        let suspects: HashSet<ObjectId> = self.suspects.iter().copied().collect();
        let objects = wanted(&self.history, &self.listing);
        let entries = entries_of(self.repository, &objects, &suspects)?;
        for id in std::mem::take(&mut self.suspects) {
            if self.observer.is_interrupted() {
                return Err(EngineError::Interrupted);
            }
            let said = entries.get(&id);
            let salvaged = match get_pack(self.repository, &id)? {
                Ok(object) => salvage(self.repository, &id, &object, said, options.write)?,
                Err(reason) => {
                    self.done.notes.push(format!("{}: {reason}", name::pack(&id)));
                    let object = read_in_parts(self.repository, &id, said)?;
                    salvage(self.repository, &id, &object, said, options.write)?
                }
            };
            match salvaged {
                Salvaged::Whole => drop(self.reread.insert(id)),
                Salvaged::Moved { index, blobs, lost } => {
                    self.done.index_written.extend(index);
                    self.done.blobs_salvaged += blobs;
                    self.lost.extend(lost);
                    self.repository.quarantine(&name::pack(&id))?;
                    self.gone.insert(id);
                    self.reread.remove(&id);
                    self.done.packs_quarantined.push(id);
                }
            }
        }
        Ok(())
    }

    /// Writes the entries that move and those read from packs.
    fn write_index_objects(&mut self, plan: &IndexPlan) -> Result<(), EngineError> {
        let mut writer = self.repository.index_writer();
        for (object, moved) in &plan.moved {
            let entries = read_index(self.repository, object)?
                .map_err(|reason| RepoError::damaged(name::index(object), reason))?;
            let mut seen = BTreeSet::new();
            for entry in entries {
                if moved.contains(&entry.id) && seen.insert(entry.id) {
                    writer.add(entry)?;
                }
            }
        }
        for id in self.reread.clone() {
            writer.add(self.repository.pack_directory(&id)?)?;
            if !self.expected.contains_key(&id) {
                self.done.packs_added.push(id);
            }
        }
        self.done.index_written.extend(writer.finish()?);
        Ok(())
    }

    /// Puts the new index objects in force instead of the old ones. The record is a sweep of no
    /// packs that names itself as its condemnation, so that it does not end a prune in progress.
    fn record(&mut self, plan: &IndexPlan) -> Result<(), EngineError> {
        if plan.replaced.is_empty() && self.done.index_written.is_empty() {
            return Ok(());
        }
        let replaced: Vec<ObjectId> = plan.replaced.iter().copied().collect();
        let kept = self.lists.keys().filter(|id| !plan.replaced.contains(id));
        let index: Vec<ObjectId> = kept.chain(&self.done.index_written).copied().collect();
        self.repository.append(|history| {
            Some(GenerationBody::Sweep {
                condemn: history.next_generation(),
                packs: Vec::new(),
                rescued: Vec::new(),
                index: index.clone(),
                replaced: replaced.clone(),
            })
        })?;
        self.done.index_replaced = replaced;
        Ok(())
    }

    /// Moves index objects that a repair replaced to quarantine, including those of an earlier,
    /// interrupted repair.
    fn set_aside_index_objects(&mut self) -> Result<(), EngineError> {
        let history = self.repository.history();
        let of_prune: BTreeSet<ObjectId> = history
            .last_sweep()
            .map(|(_, index)| index.iter().copied().collect())
            .unwrap_or_default();
        let replaced: Vec<ObjectId> =
            self.listing.index.iter().filter(|id| history.is_replaced(id)).copied().collect();
        drop(history);
        for id in replaced.into_iter().filter(|id| !of_prune.contains(id)) {
            self.repository.quarantine(&name::index(&id))?;
        }
        Ok(())
    }

    /// Blobs of damaged packs that have no other location either.
    fn count_lost(&mut self) -> Result<(), EngineError> {
        let reader = self.repository.index().reader();
        for id in &self.lost {
            self.done.blobs_lost += u64::from(reader.locations(id)?.is_empty());
        }
        Ok(())
    }
}
