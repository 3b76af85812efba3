//! Damage to the config and to key slots, which are stored twice.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use check_support::*;
use holdfast_engine::check::FindingKind;
use holdfast_repo::RepoError;

#[test]
fn copies_of_config_and_key_slot_are_restored() {
    for object in ["config", "config.b"].map(str::to_owned).into_iter().chain(sample_slots()) {
        let damages: [DamageAction; 3] =
            [|f, o| f.flip(o, 30), |f, o| f.delete(o), |f, o| f.replace(o, b"")];
        for damage in damages {
            let fixture = sample();
            let object = match object.strip_prefix("slot") {
                Some(end) => format!("{}{end}", fixture.names("keys/")[0]),
                None => object.clone(),
            };
            let before = fixture.get(&object);
            damage(&fixture, &object);
            assert_eq!(blamed(&fixture.check()), (FindingKind::Copy, object.as_str()));
            assert_eq!(repair(&fixture, false).copies_restored, std::slice::from_ref(&object));
            assert_eq!(fixture.get(&object), before);
            assert_clean(&fixture);
        }
    }
}

/// Both copies of a slot, whose name is random.
fn sample_slots() -> [String; 2] {
    ["slot".to_owned(), "slot.b".to_owned()]
}

#[test]
fn both_copies_lost_are_clear_errors() {
    let fixture = sample();
    fixture.flip("config", 40);
    fixture.flip("config.b", 50);
    assert!(matches!(fixture.try_open(), Err(RepoError::ConfigDamaged(_))));
    let fixture = sample();
    for slot in fixture.names("keys/") {
        fixture.flip(&slot, 100);
    }
    assert!(matches!(fixture.try_open(), Err(RepoError::SlotDamaged { .. })));
    let fixture = sample();
    for slot in fixture.names("keys/") {
        fixture.delete(&slot);
    }
    assert!(matches!(fixture.try_open(), Err(RepoError::NoSlots)));
}

#[test]
fn another_slot_lost_in_both_copies_is_reported() {
    let fixture = sample();
    let slot = fixture.names("keys/")[0].clone();
    let other = "keys/00112233aabbccdd".to_owned();
    let bytes = fixture.get(&slot);
    for name_of_copy in [other.clone(), format!("{other}.b")] {
        fixture.backend.put(&name(&name_of_copy), &[&bytes]).unwrap();
    }
    let report = fixture.check();
    assert_eq!(report.findings.len(), 2);
    assert!(report.findings.iter().all(|f| f.kind == FindingKind::KeySlot));
}
