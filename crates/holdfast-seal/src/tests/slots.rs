//! Key slots.

use holdfast_format::FormatError;
use holdfast_format::slot::{KdfCost, KeySlot, SlotKind};

use super::{CountingNonces, keys, label, master, other_keys, slot};
use crate::slot::create_slot_from;
use crate::{Keys, MasterKey, SealError, Secret, create_slot, open_label, open_slot};

fn passphrase() -> Secret {
    Secret::parse("correct horse").unwrap()
}

fn opened(slot: &KeySlot, secret: &Secret) -> Result<Option<[u8; 32]>, SealError> {
    Ok(open_slot(slot, secret)?.map(|master| *master.as_bytes()))
}

#[test]
fn a_slot_opens_with_its_secret_and_no_other() {
    let (key, _) = Secret::generate_key_from(&mut CountingNonces(1)).unwrap();
    let (other_key, _) = Secret::generate_key().unwrap();
    let other = Secret::parse("correct horses").unwrap();
    let (by_passphrase, by_key) = (slot(&passphrase()), slot(&key));
    for slot in [&by_passphrase, &by_key] {
        assert_eq!(KeySlot::decode(&slot.encode()).unwrap(), *slot);
        assert_eq!(open_label(&keys(), slot).unwrap(), label());
        assert!(open_label(&other_keys(), slot).is_err());
    }
    assert_eq!(opened(&by_passphrase, &passphrase()), Ok(Some(*master().as_bytes())));
    assert_eq!(opened(&by_key, &key), Ok(Some(*master().as_bytes())));
    assert_eq!(opened(&by_passphrase, &other), Ok(None));
    assert_eq!(opened(&by_passphrase, &key), Ok(None));
    assert_eq!(opened(&by_key, &passphrase()), Ok(None));
    assert_eq!(opened(&by_key, &other_key), Ok(None));
    assert_eq!(by_key.header.kind, SlotKind::GeneratedKey);
}

#[test]
fn two_slots_for_one_secret_share_nothing() {
    let make = || create_slot(&master(), &keys(), &passphrase(), KdfCost::MIN, &label()).unwrap();
    let (one, two) = (make(), make());
    assert_ne!(one.header.id, two.header.id);
    assert_ne!(one.header.salt, two.header.salt);
    assert_ne!(one.commitment, two.commitment);
    assert_ne!(one.sealed_master_key, two.sealed_master_key);
}

/// Catches: memory allocated because a slot asks for it. Both directions: reading one, and making
/// one that no one can read.
#[test]
fn costs_out_of_bounds_are_refused_before_they_are_paid() {
    let too_much = KdfCost { memory_kib: 64 << 20, passes: 3, lanes: 4 };
    let error = create_slot(&master(), &keys(), &passphrase(), too_much, &label()).unwrap_err();
    assert!(matches!(error, SealError::Format(FormatError::Invalid { .. })), "{error}");
    let mut object = slot(&passphrase()).encode();
    let end = object.len() - 16;
    object[52..56].copy_from_slice(&(64u32 << 20).to_le_bytes());
    let checksum = *blake3::hash(&object[..end]).as_bytes();
    object[end..].copy_from_slice(&checksum[..16]);
    assert!(matches!(KeySlot::decode(&object), Err(FormatError::Invalid { .. })));
}

#[test]
fn a_newer_slot_is_named_as_such() {
    let mut object = slot(&passphrase()).encode();
    let end = object.len() - 16;
    object[8] = 2;
    let checksum = *blake3::hash(&object[..end]).as_bytes();
    object[end..].copy_from_slice(&checksum[..16]);
    let version = FormatError::Version { what: "key slot", found: 2, known: 1 };
    assert_eq!(KeySlot::decode(&object), Err(version));
}

/// A server that knows a passphrase puts its own master key under it, with this repository's id on
/// the slot. Catches: a slot trusted because a secret opens it; the client would encrypt under the
/// server's key.
#[test]
fn a_slot_with_a_foreign_master_key_is_refused() {
    let foreign = MasterKey::from_bytes([0xee; 32]);
    let foreign_keys = Keys::derive(&foreign);
    let make = |keys: &Keys| {
        let random = &mut CountingNonces(0x40);
        create_slot_from(&foreign, keys, &passphrase(), KdfCost::MIN, &label(), random).unwrap()
    };
    // Under its own id it is a valid slot, but not this repository's: the caller compares the id
    // with the config's.
    let own = make(&foreign_keys);
    assert_eq!(opened(&own, &passphrase()), Ok(Some([0xee; 32])));
    assert_ne!(own.header.repository_id, keys().repository_id());
    // Under this repository's id, the key does not match it.
    let error = opened(&make(&keys()), &passphrase());
    assert_eq!(error, Err(SealError::OtherRepository { what: "key slot" }));
}

/// Catches: a label that is not bound to the rest of the slot.
#[test]
fn a_label_belongs_to_one_slot() {
    let make = |byte| {
        let random = &mut CountingNonces(byte);
        create_slot_from(&master(), &keys(), &passphrase(), KdfCost::MIN, &label(), random).unwrap()
    };
    let (one, two) = (make(1), make(2));
    let mixed =
        KeySlot { label_nonce: two.label_nonce, sealed_label: two.sealed_label, ..one.clone() };
    let tampered = SealError::Tampered { what: "key slot's label" };
    assert_eq!(open_label(&keys(), &mixed), Err(tampered.clone()));
    assert_eq!(opened(&mixed, &passphrase()), Err(tampered));
    let broken = KeySlot { sealed_master_key: two.sealed_master_key, ..one };
    let tampered = SealError::Tampered { what: "key slot" };
    assert_eq!(opened(&broken, &passphrase()), Err(tampered));
}

#[test]
fn a_label_that_is_too_long_is_refused() {
    let mut long = label();
    long.label = "x".repeat(65_000);
    let error = create_slot(&master(), &keys(), &passphrase(), KdfCost::MIN, &long).unwrap_err();
    assert_eq!(error, SealError::Length { what: "key slot's label" });
}
