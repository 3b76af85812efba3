//! Key slots: the master key under one secret (`docs/format.md`, section 3.1).

use argon2::{Algorithm, Argon2, Params, Version};
use blake3::Hasher;
use holdfast_format::slot::{KdfCost, KeySlot, SlotHeader, SlotKind};
use holdfast_format::{FormatError, SlotId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::aead::{OVERHEAD_BYTES, SealedParts, open_into, open_object, seal_object};
use crate::keys::SecretKey;
use crate::nonce::NONCE_BYTES;
use crate::random::{Random, SystemRandom, array};
use crate::secret::SecretForm;
use crate::{Keys, MasterKey, SealError, Secret};

const WHAT: &str = "key slot";
const LABEL: &str = "key slot's label";
/// Purpose string of the key that seals the master key.
const PURPOSE: &str = "holdfast v1 2026-09 slot";
/// Bytes of a sealed label: its length is a 16-bit integer, and a slot is a small object.
const SEALED_LABEL_BYTES_MAX: usize = u16::MAX as usize - 1024;

/// Who made a slot, where and when. Sealed, so that only a holder of the master key can read or
/// forge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotLabel {
    /// The label that its creator chose.
    pub label: String,
    /// Host where it was created.
    pub host: String,
    /// User who created it.
    pub user: String,
    /// Time of creation.
    pub created: Timestamp,
}

/// Seals the master key under a secret. `cost` applies to passphrases only. Read the slot back with
/// [`open_slot`] before relying on it: that also shows that the passphrase was stretched without an
/// error.
///
/// # Errors
/// [`SealError::Format`] if no reader would accept the cost, [`SealError::Kdf`],
/// [`SealError::Length`] for a label that is too long, [`SealError::Verify`],
/// [`SealError::Random`].
pub fn create_slot(
    master: &MasterKey,
    keys: &Keys,
    secret: &Secret,
    cost: KdfCost,
    label: &SlotLabel,
) -> Result<KeySlot, SealError> {
    create_slot_from(master, keys, secret, cost, label, &mut SystemRandom)
}

pub(crate) fn create_slot_from(
    master: &MasterKey,
    keys: &Keys,
    secret: &Secret,
    cost: KdfCost,
    label: &SlotLabel,
    random: &mut dyn Random,
) -> Result<KeySlot, SealError> {
    let kind = match secret.0 {
        SecretForm::Passphrase(_) => SlotKind::Passphrase(cost),
        SecretForm::Generated(_) => SlotKind::GeneratedKey,
    };
    let id = SlotId::from_bytes(array(random)?);
    let header = SlotHeader { kind, id, repository_id: keys.repository_id(), salt: array(random)? };
    let mut slot = empty_slot(header);
    // A cost that readers refuse is refused here too, before memory is allocated.
    KeySlot::decode(&slot.encode())?;
    let SlotKeys { kek, commitment } = derive_slot_keys(&slot.header, secret)?;
    slot.commitment = commitment;
    let master_key_data = master_key_data(&slot);
    let mut sealed = Vec::new();
    seal_object(keys, &kek, &master_key_data, master.as_bytes(), &mut sealed, WHAT, random)?;
    slot.nonce.copy_from_slice(&sealed[..NONCE_BYTES]);
    slot.sealed_master_key.copy_from_slice(&sealed[NONCE_BYTES..]);
    seal_label(keys, &mut slot, label, random)?;
    Ok(slot)
}

/// The master key, if this is the secret of this slot; `None` if it is not.
///
/// # Errors
/// If the secret is right but the slot is wrong: [`SealError::Tampered`] and
/// [`SealError::OtherRepository`] for a slot that was not made by a holder of this repository's
/// master key. [`SealError::Kdf`] if there is not enough memory to try.
pub fn open_slot(slot: &KeySlot, secret: &Secret) -> Result<Option<MasterKey>, SealError> {
    match (&slot.header.kind, &secret.0) {
        (SlotKind::Passphrase(_), SecretForm::Passphrase(_))
        | (SlotKind::GeneratedKey, SecretForm::Generated(_)) => {}
        _ => return Ok(None),
    }
    let SlotKeys { kek, commitment } = derive_slot_keys(&slot.header, secret)?;
    // Before decryption: a ciphertext of this cipher can be made to open under several keys.
    if !bool::from(commitment.ct_eq(&slot.commitment)) {
        return Ok(None);
    }
    let master = open_master_key(&kek, slot)?;
    let keys = Keys::derive(&master);
    if keys.repository_id() != slot.header.repository_id {
        return Err(SealError::OtherRepository { what: WHAT });
    }
    open_label(&keys, slot)?;
    Ok(Some(master))
}

/// Who made the slot; also proves that a holder of the master key did.
///
/// # Errors
/// [`SealError::Tampered`], [`SealError::Length`], [`SealError::Format`].
pub fn open_label(keys: &Keys, slot: &KeySlot) -> Result<SlotLabel, SealError> {
    let sealed = [&slot.label_nonce[..], &slot.sealed_label].concat();
    let json = open_object(&keys.slot, &slot.encode_before_label(), &sealed, LABEL)?;
    serde_json::from_slice(&json)
        .map_err(|_| FormatError::Invalid { what: LABEL, why: "its fields cannot be read" }.into())
}

/// A slot with only its header filled in.
fn empty_slot(header: SlotHeader) -> KeySlot {
    KeySlot {
        header,
        commitment: [0; 32],
        nonce: [0; NONCE_BYTES],
        sealed_master_key: [0; 48],
        label_nonce: [0; NONCE_BYTES],
        sealed_label: Vec::new(),
    }
}

/// The data authenticated with the master key's seal: header and commitment.
fn master_key_data(slot: &KeySlot) -> Vec<u8> {
    [&slot.header.encode()[..], &slot.commitment].concat()
}

fn open_master_key(kek: &SecretKey, slot: &KeySlot) -> Result<MasterKey, SealError> {
    let (ciphertext, tag) =
        slot.sealed_master_key.split_last_chunk().ok_or(SealError::Length { what: WHAT })?;
    let parts = SealedParts { nonce: &slot.nonce, ciphertext, tag };
    let mut master = Zeroizing::new([0; 32]);
    open_into(kek, &parts, &master_key_data(slot), &mut *master, WHAT)?;
    Ok(MasterKey::from_bytes(*master))
}

fn seal_label(
    keys: &Keys,
    slot: &mut KeySlot,
    label: &SlotLabel,
    random: &mut dyn Random,
) -> Result<(), SealError> {
    // Strings and a time always serialise to JSON.
    let json = serde_json::to_vec(label).unwrap_or_default();
    if json.len() + OVERHEAD_BYTES > SEALED_LABEL_BYTES_MAX {
        return Err(SealError::Length { what: LABEL });
    }
    let mut sealed = Vec::new();
    let data = slot.encode_before_label();
    seal_object(keys, &keys.slot, &data, &json, &mut sealed, LABEL, random)?;
    slot.label_nonce.copy_from_slice(&sealed[..NONCE_BYTES]);
    slot.sealed_label = sealed.split_off(NONCE_BYTES);
    Ok(())
}

/// The values derived from a secret for one slot.
struct SlotKeys {
    kek: SecretKey,
    commitment: [u8; 32],
}

fn derive_slot_keys(header: &SlotHeader, secret: &Secret) -> Result<SlotKeys, SealError> {
    let stretched;
    let input_key = match (&secret.0, header.kind) {
        (SecretForm::Passphrase(passphrase), SlotKind::Passphrase(cost)) => {
            stretched = stretch(passphrase, &header.salt, cost)?;
            &stretched
        }
        (SecretForm::Generated(key), SlotKind::GeneratedKey) => key,
        _ => return Err(SealError::Tampered { what: WHAT }),
    };
    let mut hasher = Hasher::new_derive_key(PURPOSE);
    hasher.update(&**input_key).update(blake3::hash(&header.encode()).as_bytes());
    let mut output = Zeroizing::new([0; 64]);
    hasher.finalize_xof().fill(&mut *output);
    hasher.zeroize();
    let (mut kek, mut commitment) = ([0; 32], [0; 32]);
    kek.copy_from_slice(&output[..32]);
    commitment.copy_from_slice(&output[32..]);
    Ok(SlotKeys { kek: SecretKey::from_bytes(kek), commitment })
}

fn stretch(
    passphrase: &str,
    salt: &[u8; 32],
    cost: KdfCost,
) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let failed = |_| SealError::Kdf { memory_kib: cost.memory_kib };
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(failed)?;
    let mut output = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *output)
        .map_err(failed)?;
    Ok(output)
}
