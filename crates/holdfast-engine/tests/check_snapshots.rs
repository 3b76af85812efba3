//! Repairing snapshots: lost data is left out, the rest is kept, and nothing is deleted.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use check_support::*;
use holdfast_engine::Silent;
use holdfast_engine::check::FindingKind;
use holdfast_engine::repair::{RepairSnapshotsOptions, SnapshotsRepair, repair_snapshots};
use holdfast_format::BlobType;
use holdfast_format::entry::EntryKind;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{Repository, SnapshotInfo};

fn repair_all(fixture: &Fixture, forget: bool, dry_run: bool) -> SnapshotsRepair {
    let options =
        RepairSnapshotsOptions { forget, dry_run, write: WriteOptions::new(COMPRESSION_DEFAULT) };
    repair_snapshots(&fixture.open(), &options, &Silent).unwrap()
}

/// Paths of all files of a snapshot.
fn paths(repository: &Repository, info: &SnapshotInfo) -> Vec<String> {
    let mut reader = BlobReader::new(repository);
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), info.snapshot.sources[0].tree)];
    while let Some((path, root)) = folders.pop() {
        let mut cursor = DirectoryCursor::new(root);
        while let Some(entry) = cursor.next(&mut reader).unwrap() {
            let path = format!("{path}/{}", String::from_utf8(entry.name).unwrap());
            match entry.kind {
                EntryKind::Directory(id) => folders.push((path, id)),
                _ => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// A repository of one snapshot whose file `new` lost its only blob; the other data is in another
/// pack.
fn with_a_lost_file() -> Fixture {
    let fixture = Fixture::memory();
    let old = files(1)[..3].to_vec();
    fixture.backup(&old);
    let before = packs_of(&fixture, BlobType::Data);
    fixture.backup(&files(1));
    let mut packs = packs_of(&fixture, BlobType::Data);
    packs.retain(|pack| !before.contains(pack));
    fixture.delete(&packs[0]);
    repair(&fixture, false);
    fixture
}

#[test]
fn a_lost_file_is_left_out() {
    let fixture = with_a_lost_file();
    let report = fixture.check();
    assert_eq!(blamed(&report).0, FindingKind::MissingBlobs);
    assert_eq!(report.findings[0].files[0].1, b"/top/new");

    let planned = repair_all(&fixture, true, true);
    assert_eq!(planned.repaired.len(), 1);
    assert_eq!(planned.repaired[0].replacement, None);
    assert_eq!(fixture.open().history().snapshots().len(), 2);

    let done = repair_all(&fixture, false, false);
    assert_eq!(done.repaired[0].left_out, [b"/top/new".to_vec()]);
    let repository = fixture.open();
    let all = repository.history().snapshots();
    assert_eq!(all.len(), 3);
    let new = all.iter().find(|info| Some(info.id) == done.repaired[0].replacement).unwrap();
    assert_eq!(new.snapshot.tags, ["repaired"]);
    assert_eq!(new.snapshot.parent, Some(done.repaired[0].original));
    assert_eq!(paths(&repository, new), ["/top/a", "/top/deep/er/text", "/top/deep/large"]);

    // A second run does not write it again.
    let again = repair_all(&fixture, true, false);
    assert_eq!((again.repaired.len(), again.repaired[0].replacement), (1, None));
    assert!(again.repaired[0].is_forgotten);
    assert_eq!(fixture.open().history().snapshots().len(), 2);
    assert_eq!(fixture.check().findings, []);
    assert_eq!(repair_all(&fixture, true, false).repaired, []);
}

#[test]
fn a_lost_directory_is_replaced_by_what_is_readable() {
    let fixture = Fixture::memory();
    // Another directory of the same name gives the tree of `deep/er` a pack of its own.
    let names: Vec<String> = (0..300).map(|n| format!("many/file{n:03}")).collect();
    let many: Vec<(&str, Vec<u8>)> =
        names.iter().enumerate().map(|(n, path)| (path.as_str(), noise(n as u64, 30))).collect();
    fixture.backup(&many);
    let before = packs_of(&fixture, BlobType::Tree);
    let mut changed = many.clone();
    changed[150].1 = noise(9999, 30);
    fixture.backup(&changed);
    let mut packs = packs_of(&fixture, BlobType::Tree);
    packs.retain(|pack| !before.contains(pack));
    // The second snapshot loses its root and the nodes that changed: nothing is left of it.
    fixture.delete(&packs[0]);
    repair(&fixture, false);
    let done = repair_all(&fixture, true, false);
    assert_eq!(done.repaired.len(), 1);
    assert_eq!(done.repaired[0].left_out, [b"/".to_vec()]);
    assert_eq!(done.repaired[0].replacement, None);
    assert!(done.repaired[0].is_forgotten);
    assert_eq!(fixture.check().findings, []);
    assert_eq!(fixture.check().snapshots, 1);

    // The first is intact; when only the changed leaf is lost, the other leaves are kept.
    let repository = fixture.open();
    assert_eq!(paths(&repository, &repository.history().snapshots()[0]).len(), 300);
}

#[test]
fn a_lost_leaf_of_a_large_directory_costs_its_entries_only() {
    let fixture = Fixture::memory();
    let names: Vec<String> = (0..300).map(|n| format!("file{n:03}")).collect();
    let many: Vec<(&str, Vec<u8>)> =
        names.iter().enumerate().map(|(n, path)| (path.as_str(), noise(n as u64, 30))).collect();
    // A first backup of some files only: its leaves are shared with the second.
    fixture.backup(&many[..150]);
    let shared = packs_of(&fixture, BlobType::Tree);
    fixture.backup(&many);
    fixture.delete(&shared[0]);
    repair(&fixture, false);
    let done = repair_all(&fixture, true, false);
    assert_eq!(done.repaired.len(), 2);
    let repository = fixture.open();
    let left = repository.history().snapshots();
    assert_eq!(left.len(), 1);
    let count = paths(&repository, &left[0]).len();
    assert!(count > 100 && count < 300, "{count}");
    assert_eq!(fixture.check().findings, []);
}

#[test]
fn a_damaged_record_is_given_up_and_deletion_works_again() {
    let fixture = sample();
    let record = fixture.names("w/")[1].clone();
    fixture.flip(&record, 60);
    assert_eq!(fixture.open().history().damaged().count(), 1);
    let kept = repair_all(&fixture, false, false);
    assert_eq!(kept.records_given_up, Vec::<String>::new());
    let done = repair_all(&fixture, true, false);
    assert_eq!(done.records_given_up, std::slice::from_ref(&record));
    assert_eq!(fixture.open().history().damaged().count(), 0);
    assert_eq!(fixture.check().findings, []);
    assert!(fixture.backend.get(&name(&record), u64::MAX).is_ok(), "nothing is deleted");
}
