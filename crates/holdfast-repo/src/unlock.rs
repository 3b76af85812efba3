//! From a secret to the master key: the two copies of the config, and the slot that opens.

use std::collections::BTreeSet;

use holdfast_backend::{Backend, BackendError, ObjectName};
use holdfast_format::config::StoredConfig;
use holdfast_format::limits::SMALL_OBJECT_BYTES_MAX;
use holdfast_format::slot::{KdfCost, KeySlot, SlotKind};
use holdfast_format::{FormatError, RepositoryId, SlotId, name};
use holdfast_seal::{Keys, MasterKey, SealError, Secret, check_config, open_slot};

use crate::RepoError;
use crate::chain::record_place;
use crate::names::object_name;
use crate::object::lost;
use crate::slots::{FoundSlot, SLOTS_MAX, read_slot, read_slots};

/// A slot that needs more memory is not tried.
const MEMORY_KIB_MAX: u32 = 1 << 20;
/// Limit on memory times passes of all slots tried: enough for the maximum number of slots at the
/// usual cost.
const WORK_MAX: u64 =
    SLOTS_MAX as u64 * KdfCost::DEFAULT.memory_kib as u64 * KdfCost::DEFAULT.passes as u64;

/// Reads the config from its first intact copy. Its MAC is not checked yet.
///
/// # Errors
/// [`RepoError::NotARepository`] if there is no copy at all, or one of another program;
/// [`RepoError::Newer`], [`RepoError::ConfigDamaged`].
pub fn read_config(backend: &dyn Backend) -> Result<StoredConfig, RepoError> {
    let (mut damage, mut is_ours) = (None, false);
    for text in name::CONFIG_NAMES {
        let Some(object) = get(backend, text, "config")? else { continue };
        is_ours |= object.as_ref().is_ok_and(|object| StoredConfig::begins_as_one(object));
        match object.and_then(|object| StoredConfig::decode(&object)) {
            Ok(config) => return Ok(config),
            Err(error) if is_newer(&error) => return Err(RepoError::Newer(error)),
            Err(error) => damage = Some(error),
        }
    }
    match damage {
        Some(error) if is_ours || has_own_objects(backend)? => Err(RepoError::ConfigDamaged(error)),
        _ => Err(RepoError::NotARepository),
    }
}

/// True if there is something that only a repository has. A file with the name of the config is not
/// enough: other programs have such files too.
fn has_own_objects(backend: &dyn Backend) -> Result<bool, RepoError> {
    for folder in [name::GENERATIONS, name::WRITERS] {
        if backend.list(folder)?.iter().any(|it| record_place(it.name.as_ref()).is_some()) {
            return Ok(true);
        }
    }
    if backend.list(name::PACKS)?.iter().any(|it| name::object_id(it.name.as_ref()).is_some()) {
        return Ok(true);
    }
    Ok(read_slots(backend)?.iter().any(|found| found.slot.is_ok()))
}

/// Checks that the config was made by a holder of the master key, trying the second copy if the
/// first was not.
///
/// # Errors
/// [`RepoError::Damaged`] if neither was.
pub fn check_authentic(
    backend: &dyn Backend,
    keys: &Keys,
    stored: StoredConfig,
) -> Result<StoredConfig, RepoError> {
    let Err(error) = check_config(keys, &stored) else { return Ok(stored) };
    for text in name::CONFIG_NAMES {
        if let Some(Ok(object)) = get(backend, text, "config")?
            && let Ok(other) = StoredConfig::decode(&object)
            && check_config(keys, &other).is_ok()
        {
            return Ok(other);
        }
    }
    Err(RepoError::damaged(name::CONFIG_NAMES[0], error))
}

fn is_newer(error: &FormatError) -> bool {
    matches!(error, FormatError::Version { .. } | FormatError::Feature { .. })
}

/// The bytes of a small object, if there is one; the inner error says that the object is too large,
/// or that the medium does not return it.
pub(crate) fn get(
    backend: &dyn Backend,
    text: &str,
    what: &'static str,
) -> Result<Option<Result<bytes::Bytes, FormatError>>, RepoError> {
    match backend.get(&object_name(text)?, SMALL_OBJECT_BYTES_MAX) {
        Ok(object) => Ok(Some(Ok(object))),
        Err(BackendError::NotFound { .. }) => Ok(None),
        Err(BackendError::TooLarge { bytes, bytes_max, .. }) => {
            Ok(Some(Err(FormatError::Limit { what, found: bytes, limit: bytes_max })))
        }
        Err(error) => {
            lost(error)?;
            Ok(Some(Err(FormatError::Invalid { what, why: "it cannot be read" })))
        }
    }
}

/// Which slots are tried, and in which order besides cheapest first.
#[derive(Debug, Default)]
pub(crate) struct Order<'a> {
    /// The slot that last opened the repository.
    pub first: Option<SlotId>,
    /// Slots that no longer open anything.
    pub removed: Option<&'a BTreeSet<SlotId>>,
}

/// Finds the slot that opens with `secret`. The cost is bounded, whatever slots there are.
///
/// # Errors
/// [`RepoError::WrongSecret`], [`RepoError::SlotDamaged`], [`RepoError::ForeignSlot`],
/// [`RepoError::Newer`], [`RepoError::NoSlots`], [`RepoError::SlotsUntried`]: see there.
pub(crate) fn unlock(
    backend: &dyn Backend,
    stored: &StoredConfig,
    secret: &Secret,
    order: &Order<'_>,
) -> Result<(MasterKey, KeySlot), RepoError> {
    let is_removed = |id: &SlotId| order.removed.is_some_and(|removed| removed.contains(id));
    let mut search = SlotSearch::new(stored.config.repository_id, secret);
    let mut tried = None;
    if let Some(id) = order.first.filter(|id| !is_removed(id)) {
        let found = read_slot(backend, &id)?;
        if found.slot.is_ok() {
            tried = Some(found.name.clone());
            if let Some(opened) = search.look_at(vec![found])? {
                return Ok(opened);
            }
        }
    }
    let mut slots = read_slots(backend)?;
    slots.retain(|found| !name::slot_id(&found.name).is_some_and(|id| is_removed(&id)));
    if slots.is_empty() && tried.is_none() {
        return Err(RepoError::NoSlots);
    }
    slots.retain(|found| tried.as_ref() != Some(&found.name));
    match search.look_at(slots)? {
        Some(opened) => Ok(opened),
        None => Err(search.into_error()),
    }
}

/// A search for the slot that opens, and the outcomes of those that do not.
struct SlotSearch<'a> {
    repository_id: RepositoryId,
    secret: &'a Secret,
    /// Memory times passes so far.
    work: u64,
    tried: usize,
    damaged: Option<String>,
    foreign: Option<String>,
    newer: Option<FormatError>,
    /// Number of slots that exceed the limit, and the memory of the most expensive.
    untried: Option<(usize, u32)>,
}

impl<'a> SlotSearch<'a> {
    fn new(repository_id: RepositoryId, secret: &'a Secret) -> Self {
        let (damaged, foreign, newer, untried) = (None, None, None, None);
        Self { repository_id, secret, work: 0, tried: 0, damaged, foreign, newer, untried }
    }

    /// Tries slots, cheapest first.
    fn look_at(
        &mut self,
        slots: Vec<FoundSlot>,
    ) -> Result<Option<(MasterKey, KeySlot)>, RepoError> {
        let mut whole = Vec::new();
        for found in slots {
            match found.slot {
                Err(error) if is_newer(&error) => self.newer = Some(error),
                Err(_) => self.damaged = Some(found.name),
                Ok(slot) if slot.header.repository_id != self.repository_id => {
                    self.foreign = Some(found.name);
                }
                // Under another name it could reappear after it was removed.
                Ok(slot) if name::key_slot(&slot.header.id)[0] != found.name => {
                    self.damaged = Some(found.name);
                }
                Ok(slot) => whole.push((found.name, slot)),
            }
        }
        whole.sort_by_key(|(_, slot)| cost_of(slot).map_or(0, work));
        for (name, slot) in whole {
            let cost = cost_of(&slot).filter(|_| self.secret.is_passphrase());
            if let Some(cost) = cost {
                if cost.memory_kib > MEMORY_KIB_MAX || self.work + work(cost) > WORK_MAX {
                    self.pass_over(cost.memory_kib);
                    continue;
                }
                self.work += work(cost);
            }
            match open_slot(&slot, self.secret) {
                Ok(Some(master)) => return Ok(Some((master, slot))),
                Ok(None) => self.tried += 1,
                Err(SealError::OtherRepository { .. }) => self.foreign = Some(name),
                Err(SealError::Tampered { .. }) => self.damaged = Some(name),
                // Another one may need less.
                Err(SealError::Kdf { memory_kib }) => self.pass_over(memory_kib),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn pass_over(&mut self, memory_kib: u32) {
        let (count, dearest) = self.untried.unwrap_or((0, 0));
        self.untried = Some((count + 1, dearest.max(memory_kib)));
    }

    fn into_error(self) -> RepoError {
        let tried = self.tried;
        match (self.damaged, self.newer, self.untried, self.foreign) {
            (Some(slot), ..) => RepoError::SlotDamaged { slot },
            (None, Some(error), ..) => RepoError::Newer(error),
            (None, None, Some((untried, memory_kib)), _) => {
                RepoError::SlotsUntried { tried, untried, memory_kib }
            }
            (None, None, None, Some(slot)) if tried == 0 => RepoError::ForeignSlot { slot },
            _ => RepoError::WrongSecret { slots: tried },
        }
    }
}

fn cost_of(slot: &KeySlot) -> Option<KdfCost> {
    match slot.header.kind {
        SlotKind::Passphrase(cost) => Some(cost),
        SlotKind::GeneratedKey => None,
    }
}

fn work(cost: KdfCost) -> u64 {
    u64::from(cost.memory_kib) * u64::from(cost.passes)
}

/// The name of an object that `init` must not find.
pub(crate) fn config_names() -> Result<Vec<ObjectName>, RepoError> {
    name::CONFIG_NAMES.iter().map(|text| object_name(*text)).collect()
}
