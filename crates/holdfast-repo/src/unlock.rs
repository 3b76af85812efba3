//! From a secret to the master key: the config and the key slots, each in two copies.

use holdfast_backend::{Backend, Error as BackendError, ObjectName};
use holdfast_format::config::StoredConfig;
use holdfast_format::slot::{KdfCost, KeySlot};
use holdfast_format::{FormatError, name};
use holdfast_seal::{
    Keys, MasterKey, SealError, Secret, SlotLabel, check_config, create_slot, open_label, open_slot,
};

use crate::RepoError;
use crate::names::object_name;
use crate::object::{Fetched, fetch};

const WHY: &str = "it cannot be read";
const UNREADABLE_CONFIG: FormatError = FormatError::Invalid { what: "config", why: WHY };
const UNREADABLE_SLOT: FormatError = FormatError::Invalid { what: "key slot", why: WHY };

/// Reads the config from the first copy that is whole. Its MAC is not checked yet.
///
/// # Errors
/// [`RepoError::NotARepository`] if there is no copy at all, [`RepoError::Newer`],
/// [`RepoError::ConfigDamaged`].
pub fn read_config(backend: &dyn Backend) -> Result<StoredConfig, RepoError> {
    let mut damage = None;
    for text in name::CONFIG_NAMES {
        match fetch(backend, text)? {
            Fetched::Missing => {}
            Fetched::Unreadable(_) => damage = Some(UNREADABLE_CONFIG),
            Fetched::Found(object) => match StoredConfig::decode(&object) {
                Ok(config) => return Ok(config),
                Err(error) if is_newer(&error) => return Err(RepoError::Newer(error)),
                Err(error) => damage = Some(error),
            },
        }
    }
    Err(damage.map_or(RepoError::NotARepository, RepoError::ConfigDamaged))
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
        if let Fetched::Found(object) = fetch(backend, text)?
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

/// A key slot in the repository, read from the copy that is whole.
#[derive(Debug)]
pub struct FoundSlot {
    /// Name of its first copy.
    pub name: String,
    /// The slot, or why neither copy can be read.
    pub slot: Result<KeySlot, FormatError>,
    /// True if one copy is missing or damaged.
    pub is_half: bool,
}

/// All key slots, by name.
///
/// # Errors
/// Storage failures.
pub fn read_slots(backend: &dyn Backend) -> Result<Vec<FoundSlot>, RepoError> {
    let mut names: Vec<String> = backend
        .list(name::KEYS)?
        .iter()
        .map(|listed| name::first(listed.name.as_ref()).to_owned())
        .collect();
    names.dedup();
    names.into_iter().map(|name| read_slot(backend, name)).collect()
}

fn read_slot(backend: &dyn Backend, name: String) -> Result<FoundSlot, RepoError> {
    let mut error = FormatError::Truncated { what: "key slot" };
    let mut whole = None;
    let mut copies = 0;
    for copy in [name.clone(), name::second(&name)] {
        let object = match fetch(backend, copy)? {
            Fetched::Missing => continue,
            Fetched::Unreadable(_) => {
                error = UNREADABLE_SLOT;
                continue;
            }
            Fetched::Found(object) => object,
        };
        match KeySlot::decode(&object) {
            Ok(slot) => {
                copies += 1;
                whole.get_or_insert(slot);
            }
            Err(found) => error = found,
        }
    }
    Ok(FoundSlot { name, slot: whole.ok_or(error), is_half: copies < 2 })
}

/// Finds the slot that opens with `secret`. Slots that need no memory-hard function are tried
/// first.
///
/// # Errors
/// [`RepoError::WrongSecret`], [`RepoError::SlotDamaged`], [`RepoError::ForeignSlot`],
/// [`RepoError::Newer`], [`RepoError::NoSlots`]: see there.
pub fn unlock(
    backend: &dyn Backend,
    stored: &StoredConfig,
    secret: &Secret,
) -> Result<(MasterKey, KeySlot), RepoError> {
    let slots = read_slots(backend)?;
    let (mut damaged, mut foreign, mut newer) = (None, None, None);
    let mut tried = 0;
    for found in &slots {
        match &found.slot {
            Err(error) if is_newer(error) => newer = Some(error.clone()),
            Err(_) => damaged = Some(found.name.clone()),
            Ok(slot) if slot.header.repository_id != stored.config.repository_id => {
                foreign = Some(found.name.clone());
            }
            Ok(slot) => match open_slot(slot, secret) {
                Ok(Some(master)) => return Ok((master, slot.clone())),
                Ok(None) => tried += 1,
                Err(SealError::OtherRepository { .. }) => foreign = Some(found.name.clone()),
                Err(SealError::Tampered { .. }) => damaged = Some(found.name.clone()),
                Err(error) => return Err(error.into()),
            },
        }
    }
    Err(match (damaged, newer, foreign) {
        _ if slots.is_empty() => RepoError::NoSlots,
        (Some(slot), _, _) => RepoError::SlotDamaged { slot },
        (None, Some(error), _) => RepoError::Newer(error),
        (None, None, Some(slot)) if tried == 0 => RepoError::ForeignSlot { slot },
        _ => RepoError::WrongSecret { slots: tried },
    })
}

/// Makes a slot for `secret` and stores both copies.
///
/// # Errors
/// Storage and sealing failures.
pub fn add_slot(
    backend: &dyn Backend,
    master: &MasterKey,
    keys: &Keys,
    secret: &Secret,
    cost: KdfCost,
    label: &SlotLabel,
) -> Result<KeySlot, RepoError> {
    let slot = create_slot(master, keys, secret, cost, label)?;
    let object = slot.encode();
    for copy in name::key_slot(&slot.header.id) {
        backend.put(&object_name(copy)?, &[&object])?;
    }
    Ok(slot)
}

/// Stores the copies of whole slots that are missing, as after an [`add_slot`] that was cut short
/// between them.
///
/// # Errors
/// Storage failures.
pub fn complete_slots(backend: &dyn Backend, keys: &Keys) -> Result<(), RepoError> {
    for found in read_slots(backend)?.into_iter().filter(|found| found.is_half) {
        let Ok(slot) = found.slot else { continue };
        if label(keys, &slot).is_none() {
            continue;
        }
        for copy in name::key_slot(&slot.header.id) {
            match backend.put(&object_name(copy)?, &[&slot.encode()]) {
                Ok(()) | Err(BackendError::AlreadyExists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Removes both copies of a slot.
///
/// # Errors
/// Storage failures.
pub fn remove_slot(backend: &dyn Backend, slot: &KeySlot) -> Result<(), RepoError> {
    for copy in name::key_slot(&slot.header.id) {
        backend.delete(&object_name(copy)?)?;
    }
    Ok(())
}

/// Who made a slot, where and when; `None` if it was not made by a holder of the master key.
pub fn label(keys: &Keys, slot: &KeySlot) -> Option<SlotLabel> {
    open_label(keys, slot).ok()
}

/// The name of an object that `init` must not find.
pub(crate) fn config_names() -> Result<Vec<ObjectName>, RepoError> {
    name::CONFIG_NAMES.iter().map(|text| object_name(*text)).collect()
}
