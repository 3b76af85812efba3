//! Damage to records: each costs one snapshot, and nothing is deleted while one is lost.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use check_support::*;
use holdfast_engine::check::{FindingKind, Remedy};
use holdfast_format::ObjectId;
use holdfast_repo::RepoError;

#[test]
fn a_damaged_snapshot_record_costs_one_snapshot() {
    let fixture = sample();
    let records = fixture.names("w/");
    assert_eq!(records.len(), 2);
    for record in &records {
        let before = fixture.get(record);
        let damages: [DamageAction; 2] = [|f, o| f.flip(o, 50), |f, o| f.replace(o, b"")];
        for damage in damages {
            damage(&fixture, record);
            let report = fixture.check();
            assert_eq!(blamed(&report), (FindingKind::Record, record.as_str()));
            assert_eq!(report.snapshots, 1);
            fixture.replace(record, &before);
        }
    }
    fixture.delete(&records[0]);
    let report = fixture.check();
    assert_eq!(blamed(&report), (FindingKind::Record, records[0].as_str()));
    assert_eq!(report.snapshots, 1);
    // The chain continues after its damaged end.
    let fixture = sample();
    fixture.flip(&records_of(&fixture)[1], 50);
    fixture.backup(&files(3));
    let report = fixture.check();
    assert_eq!((report.findings.len(), report.snapshots), (1, 2));
}

fn records_of(fixture: &Fixture) -> Vec<String> {
    fixture.names("w/")
}

#[test]
fn generation_records_that_are_lost_are_named_and_stop_deletion() {
    use holdfast_format::record::GenerationBody;
    let damages: [DamageAction; 2] = [|f, o| f.delete(o), |f, o| f.flip(o, 33)];
    for damage in damages {
        let fixture = sample();
        let repository = fixture.open();
        repository.writer("another host").unwrap();
        assert_eq!(fixture.names("gen/").len(), 4);
        damage(&fixture, "gen/0000000000");
        damage(&fixture, "gen/0000000000.b");
        let report = fixture.check();
        assert_eq!(blamed(&report), (FindingKind::Record, "gen/0000000000"));
        assert_eq!(report.snapshots, 2, "its writer's chain is still read");
        let repository = fixture.open();
        let condemned = repository.append(|_| {
            Some(GenerationBody::Condemn {
                packs: vec![ObjectId::NONE],
                targets: Vec::new(),
                writers: Vec::new(),
                index: Vec::new(),
            })
        });
        assert!(matches!(condemned, Err(RepoError::Damaged { .. })));
    }
}

#[test]
fn a_record_replayed_from_another_place_is_found() {
    let fixture = sample();
    let records = records_of(&fixture);
    let first = fixture.get(&records[0]);
    fixture.replace(&records[1], &first);
    assert_eq!(blamed(&fixture.check()), (FindingKind::Record, records[1].as_str()));
}

/// The same slot written twice in two copies of one repository: the chain is no longer consistent.
#[test]
fn an_old_version_of_a_record_is_found() {
    let fixture = Fixture::memory();
    fixture.backup(&files(1));
    fixture.backup(&files(2));
    let records = records_of(&fixture);
    let old = fixture.get(&records[1]);
    fixture.delete(&records[1]);
    fixture.backup(&files(3));
    fixture.backup(&files(4));
    fixture.replace(&records[1], &old);
    let report = fixture.check();
    assert_eq!(blamed(&report), (FindingKind::Record, records_of(&fixture)[2].as_str()));
    assert_eq!(report.snapshots, 3, "all of them are authentic");
}

/// If this went unnoticed, the writer's snapshots would be gone, and the next prune would delete
/// their data.
#[test]
fn a_lost_announcement_is_noticed_and_repeated() {
    let fixture = sample();
    fixture.delete("gen/0000000000");
    fixture.delete("gen/0000000000.b");
    let report = fixture.check();
    assert_eq!(blamed(&report), (FindingKind::Record, "gen/0000000000"));
    assert_eq!((report.snapshots, report.findings[0].remedy), (2, Remedy::RepairIndex));
    assert_eq!(repair(&fixture, false).writers_announced.len(), 1);
    assert_clean(&fixture);
    fixture.backup(&files(3));
    assert_eq!(fixture.check().snapshots, 3);
}
