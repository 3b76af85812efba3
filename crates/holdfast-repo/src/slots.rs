//! Key slots: reading them, adding them, and removing them by a record of the generation chain
//! (`docs/format.md`, section 3.1).

use holdfast_backend::{Backend, BackendError};
use holdfast_format::record::GenerationBody;
use holdfast_format::slot::{KdfCost, KeySlot};
use holdfast_format::{FormatError, SlotId, name};
use holdfast_seal::{
    Keys, MasterKey, SealError, Secret, SlotLabel, create_slot, open_label, open_slot, seal_config,
};

use crate::history::History;
use crate::names::object_name;
use crate::unlock::get;
use crate::{RepoError, Repository};

#[cfg(test)]
mod tests;

/// Maximum number of slots that are read. Anyone who can write to the storage can add any number.
const SLOTS_READ_MAX: usize = 1024;
/// Maximum number of slots that open a repository: readers try no more passphrases than that.
pub const SLOTS_MAX: usize = 32;

/// Deliberate bugs: tests show that each is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotMutation {
    /// The remaining key is not checked again when the chain has grown.
    SurvivorIsBelieved,
    /// The objects are deleted before the record exists.
    DeletedFirst,
    /// Copies of a removed slot are stored again.
    CopiesComeBack,
    /// The chain is not read again after a copy was stored.
    NotLookedAtAgain,
    /// A removed slot opens.
    RemovedOpens,
}

impl SlotMutation {
    #[cfg(not(test))]
    pub(crate) fn is_on(self) -> bool {
        false
    }

    #[cfg(test)]
    pub(crate) fn is_on(self) -> bool {
        tests::MUTATION.get() == Some(self)
    }
}

/// A key slot in the repository, read from its intact copy.
#[derive(Debug)]
pub struct FoundSlot {
    /// Name of its first copy.
    pub name: String,
    /// The slot, or why neither copy can be read.
    pub slot: Result<KeySlot, FormatError>,
    /// True if one copy is missing or damaged.
    pub is_half: bool,
}

/// Key slots that a listing shows, by name; at most 1,024 of them.
///
/// # Errors
/// Storage failures.
pub(crate) fn read_slots(backend: &dyn Backend) -> Result<Vec<FoundSlot>, RepoError> {
    let mut ids: Vec<SlotId> = listed(backend)?;
    ids.truncate(SLOTS_READ_MAX);
    ids.iter().map(|id| read_slot(backend, id)).collect()
}

/// Slots of which a listing shows a copy, ascending. Objects with other names are ignored.
fn listed(backend: &dyn Backend) -> Result<Vec<SlotId>, RepoError> {
    let mut ids: Vec<SlotId> = backend
        .list(name::KEYS)?
        .iter()
        .filter_map(|listed| name::slot_id(listed.name.as_ref()))
        .collect();
    ids.dedup();
    Ok(ids)
}

/// Reads one slot by name.
///
/// # Errors
/// Storage failures.
pub(crate) fn read_slot(backend: &dyn Backend, id: &SlotId) -> Result<FoundSlot, RepoError> {
    let mut error = FormatError::Truncated { what: "key slot" };
    let mut whole = None;
    let mut copies = 0;
    let names = name::key_slot(id);
    for copy in &names {
        let Some(object) = get(backend, copy, "key slot")? else { continue };
        match object.and_then(|object| KeySlot::decode(&object)) {
            Ok(slot) => {
                copies += 1;
                whole.get_or_insert(slot);
            }
            Err(found) => error = found,
        }
    }
    let [name, _] = names;
    Ok(FoundSlot { name, slot: whole.ok_or(error), is_half: copies < 2 })
}

/// Who made a slot, where and when; `None` if it was not made by a holder of the master key.
pub fn label(keys: &Keys, slot: &KeySlot) -> Option<SlotLabel> {
    open_label(keys, slot).ok()
}

/// Creates a slot for `secret` and stores both copies.
///
/// # Errors
/// Storage and sealing failures.
pub(crate) fn put_slot(
    backend: &dyn Backend,
    master: &MasterKey,
    keys: &Keys,
    secret: &Secret,
    cost: KdfCost,
    label: &SlotLabel,
) -> Result<KeySlot, RepoError> {
    let slot = create_slot(master, keys, secret, cost, label)?;
    store_slot(backend, &slot)?;
    Ok(slot)
}

/// Stores both copies of a slot.
///
/// # Errors
/// Storage failures.
pub(crate) fn store_slot(backend: &dyn Backend, slot: &KeySlot) -> Result<(), RepoError> {
    let object = slot.encode();
    for copy in name::key_slot(&slot.header.id) {
        backend.put(&object_name(copy)?, &[&object])?;
    }
    Ok(())
}

/// Deletes both copies of a slot.
///
/// # Errors
/// Storage failures.
pub(crate) fn delete_slot(backend: &dyn Backend, id: &SlotId) -> Result<(), RepoError> {
    for copy in name::key_slot(id) {
        backend.delete(&object_name(copy)?)?;
    }
    Ok(())
}

/// Deletes objects of removed slots that are left or have reappeared. If that fails they are kept
/// until the next command: they open nothing.
pub(crate) fn finish_removals(backend: &dyn Backend, history: &History) {
    let removed = history.removed_keys();
    if removed.is_empty() {
        return;
    }
    for id in listed(backend).unwrap_or_default().iter().filter(|id| removed.contains(id)) {
        let _ = delete_slot(backend, id);
    }
}

impl Repository {
    /// Adds a slot for `secret` and makes sure that it opens before anything relies on it.
    ///
    /// # Errors
    /// [`RepoError::TooManyKeys`]; [`RepoError::KeyRemoved`] if the key in use was removed in the
    /// meantime, and then there is no new slot either; storage and sealing failures.
    pub fn add_key(
        &self,
        master: &MasterKey,
        secret: &Secret,
        cost: KdfCost,
        label: &SlotLabel,
    ) -> Result<KeySlot, RepoError> {
        let backend = self.backend();
        self.refresh()?;
        self.check_in_force()?;
        // An earlier command may have been killed between the two copies of its slot.
        self.complete_slots()?;
        if self.usable_slots()?.len() >= SLOTS_MAX {
            return Err(RepoError::TooManyKeys { keys_max: SLOTS_MAX });
        }
        let slot = put_slot(backend, master, self.keys(), secret, cost, label)?;
        if open_slot(&slot, secret)?.is_none() {
            delete_slot(backend, &slot.header.id)?;
            return Err(RepoError::Seal(SealError::Verify { what: "key slot" }));
        }
        self.refresh()?;
        // A removed key must not create another one.
        let in_force = self.check_in_force();
        if in_force.is_err() {
            delete_slot(backend, &slot.header.id)?;
        }
        in_force.map(|()| slot)
    }

    /// Removes a slot: first by a record, which is what counts, then its objects. `survivor` is a
    /// slot that is known to open.
    ///
    /// # Errors
    /// [`RepoError::KeyRemoved`] if the survivor was removed, even just now, or is `id` itself;
    /// [`RepoError::Damaged`] if it can no longer be read; storage failures.
    pub fn remove_key(&self, id: SlotId, survivor: SlotId) -> Result<(), RepoError> {
        let backend = self.backend();
        if SlotMutation::DeletedFirst.is_on() {
            delete_slot(backend, &id)?;
        }
        let mut refused = None;
        self.append(|history| {
            // Called again each time the chain has grown.
            match self.removal(history, id, survivor) {
                Ok(body) => body,
                Err(error) => {
                    refused = Some(error);
                    None
                }
            }
        })?;
        match refused {
            Some(error) => Err(error),
            None => delete_slot(backend, &id),
        }
    }

    /// The record that removes a slot; `None` if there is one already.
    fn removal(
        &self,
        history: &History,
        id: SlotId,
        survivor: SlotId,
    ) -> Result<Option<GenerationBody>, RepoError> {
        let is_removed = |id: &SlotId| history.removed_keys().contains(id);
        if (is_removed(&survivor) && !SlotMutation::SurvivorIsBelieved.is_on()) || survivor == id {
            return Err(RepoError::KeyRemoved { slot: survivor.to_hex() });
        }
        if !self.is_usable(&read_slot(self.backend(), &survivor)?) {
            let reason = "neither copy is intact, and no other key would remain";
            return Err(RepoError::damaged(name::key_slot(&survivor)[0].clone(), reason));
        }
        Ok((!is_removed(&id)).then_some(GenerationBody::RemoveKey { slot: id }))
    }

    /// All slots except those that records remove, usable or not, by name.
    ///
    /// # Errors
    /// Storage failures.
    pub fn slots(&self) -> Result<Vec<FoundSlot>, RepoError> {
        let mut found = read_slots(self.backend())?;
        let history = self.history();
        let is_removed = |id| history.removed_keys().contains(&id);
        found.retain(|found| !name::slot_id(&found.name).is_some_and(is_removed));
        Ok(found)
    }

    /// Slots that open this repository.
    fn usable_slots(&self) -> Result<Vec<FoundSlot>, RepoError> {
        let mut found = self.slots()?;
        found.retain(|found| self.is_usable(found));
        Ok(found)
    }

    /// True if a slot is intact and was made by a holder of this repository's master key.
    fn is_usable(&self, found: &FoundSlot) -> bool {
        found.slot.as_ref().is_ok_and(|slot| {
            name::key_slot(&slot.header.id)[0] == found.name
                && slot.header.repository_id == self.keys().repository_id()
                && label(self.keys(), slot).is_some()
        })
    }

    /// The slot that opened the repository, unless a record removes it.
    fn check_in_force(&self) -> Result<(), RepoError> {
        let id = self.slot().header.id;
        match self.history().removed_keys().contains(&id) {
            true => Err(RepoError::KeyRemoved { slot: id.to_hex() }),
            false => Ok(()),
        }
    }

    /// Stores missing copies of intact slots, for example after an interrupted
    /// [`add_key`](Self::add_key).
    fn complete_slots(&self) -> Result<(), RepoError> {
        for found in self.usable_slots()?.into_iter().filter(|found| found.is_half) {
            let Ok(slot) = found.slot else { continue };
            self.complete_slot(&slot)?;
        }
        Ok(())
    }

    /// Stores the copies of a slot that are missing, unless a record removes it.
    fn complete_slot(&self, slot: &KeySlot) -> Result<(), RepoError> {
        let id = slot.header.id;
        let copies = name::key_slot(&id);
        if SlotMutation::CopiesComeBack.is_on() {
            return self.put_missing(&copies, &slot.encode()).map(drop);
        }
        let is_removed = self.history().removed_keys().contains(&id);
        if !is_removed && self.put_missing(&copies, &slot.encode())? {
            self.take_back_if_removed(&id)?;
        }
        Ok(())
    }

    /// Deletes the objects of a slot that was just stored again, if a record removed it at the same
    /// time. A later removal deletes them itself.
    ///
    /// # Errors
    /// Storage failures.
    pub(crate) fn take_back_if_removed(&self, id: &SlotId) -> Result<(), RepoError> {
        let backend = self.backend();
        let mut history = self.history();
        self.catch_up(&mut history)?;
        match history.removed_keys().contains(id) && !SlotMutation::NotLookedAtAgain.is_on() {
            true => delete_slot(backend, id),
            false => Ok(()),
        }
    }

    /// Stores missing second copies: of the config and of the key slot in use, for example after an
    /// `init` that was interrupted at its last step, and of generations.
    pub(crate) fn complete_copies(&self) -> Result<(), RepoError> {
        self.history().complete_copies(self.backend(), self.keys())?;
        self.complete_slot(self.slot())?;
        let config = seal_config(self.keys(), self.config()).encode();
        self.put_missing(&name::CONFIG_NAMES.map(str::to_owned), &config).map(drop)
    }

    /// Stores the copies that are missing; true if there was one.
    fn put_missing(&self, copies: &[String; 2], object: &[u8]) -> Result<bool, RepoError> {
        let mut is_changed = false;
        for copy in copies {
            let copy = object_name(copy.clone())?;
            if let Err(BackendError::NotFound { .. }) = self.backend().size(&copy) {
                match self.backend().put(&copy, &[object]) {
                    Ok(()) => is_changed = true,
                    Err(BackendError::AlreadyExists { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(is_changed)
    }
}
