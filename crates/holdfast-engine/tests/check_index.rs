//! Damage to index objects: all of them can be rebuilt from the packs.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use check_support::*;
use holdfast_engine::check::FindingKind;
use holdfast_format::{BlobType, ObjectId};
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};

#[test]
fn a_healthy_repository_has_no_findings() {
    let fixture = sample();
    let report = fixture.check();
    assert_eq!(report.findings, []);
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!((report.snapshots, report.packs, report.packs_read), (2, 4, 4));
    assert_eq!(report.bytes_used, report.bytes_stored);
    assert!(!report.suggest_prune && !report.suggest_repair_index);
    assert_clean(&fixture);
}

#[test]
fn index_objects_are_rebuilt_from_packs() {
    let damages: [DamageAction; 5] = [
        |f, o| f.flip(o, 77),
        |f, o| f.delete(o),
        |f, o| f.replace(o, b""),
        |f, o| f.replace(o, &f.get(o)[..60]),
        |f, o| f.replace(o, &[f.get(o), vec![0]].concat()),
    ];
    for damage in damages {
        let fixture = sample();
        let object = fixture.names("index/")[0].clone();
        let locations = all_blobs(&fixture);
        damage(&fixture, &object);
        assert_eq!(blamed(&fixture.check()), (FindingKind::IndexObject, object.as_str()));
        let done = repair(&fixture, false);
        assert_eq!((done.index_written.len(), done.index_replaced.len()), (1, 1), "{done:?}");
        assert_eq!(done.packs_added.len(), 2);
        assert_eq!(all_blobs(&fixture), locations);
        assert_clean(&fixture);
    }
}

#[test]
fn all_index_objects_may_be_lost() {
    let fixture = sample();
    let locations = all_blobs(&fixture);
    for object in fixture.names("index/") {
        fixture.delete(&object);
    }
    assert_eq!(fixture.check().findings.len(), 2);
    repair(&fixture, false);
    assert_eq!(all_blobs(&fixture), locations);
    assert_clean(&fixture);
}

#[test]
fn two_index_objects_swapped_are_found() {
    let fixture = sample();
    let names = fixture.names("index/");
    let (first, second) = (fixture.get(&names[0]), fixture.get(&names[1]));
    fixture.replace(&names[0], &second);
    fixture.replace(&names[1], &first);
    assert_eq!(fixture.check().findings.len(), 2);
    repair(&fixture, false);
    assert_clean(&fixture);
}

#[test]
fn foreign_objects_are_noted_and_ignored() {
    let fixture = sample();
    let strangers = [
        "junk",
        "keys/readme",
        "packs/junk",
        "packs/00/1234",
        "index/junk.txt",
        "gen/x",
        "gen/0000000009",
        "w/nobody/0000000000",
        "w/x",
        "other/folder/file",
    ];
    for stranger in strangers {
        fixture.backend.put(&name(stranger), &[b"junk"]).unwrap();
    }
    let pack = fixture.names("packs/").pop().unwrap();
    let misplaced = format!("packs/zz/{}", pack.rsplit('/').next().unwrap());
    fixture.backend.put(&name(&misplaced), &[b""]).unwrap();
    let report = fixture.check();
    assert_eq!(report.findings, []);
    for stranger in strangers.iter().filter(|stranger| **stranger != "gen/0000000009") {
        assert!(report.notes.iter().any(|note| note.starts_with(stranger)), "{stranger}");
    }
    assert!(report.notes.iter().any(|note| note.starts_with(&misplaced)));
    fixture.backup(&files(3));
    assert_eq!(fixture.check().snapshots, 3);
}

#[test]
fn a_file_named_like_an_index_object_is_set_aside() {
    let fixture = sample();
    let junk = format!("index/{}", ObjectId::of(b"junk"));
    fixture.backend.put(&name(&junk), &[b"junk"]).unwrap();
    assert_eq!(blamed(&fixture.check()), (FindingKind::IndexObject, junk.as_str()));
    repair(&fixture, false);
    assert!(fixture.names("index/").iter().all(|object| *object != junk));
    assert_clean(&fixture);
}

#[test]
fn an_unlisted_pack_is_noted_and_listed_by_repair() {
    let fixture = sample();
    let repository = fixture.open();
    let writer = repository.writer(HOST).unwrap();
    let mut blobs =
        BlobWriter::new(&repository, writer, 0, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap();
    let id = repository.keys().blob_id(BlobType::Data, b"orphan");
    blobs.add(BlobType::Data, id, b"orphan".to_vec().into(), true).unwrap();
    let index = blobs.flush().unwrap().to_vec();
    fixture.delete(&holdfast_format::name::index(&index[0]));
    let report = fixture.check();
    assert_eq!(report.findings, []);
    assert_eq!(report.notes.len(), 1);
    assert_eq!(repair(&fixture, false).packs_added.len(), 1);
    assert!(fixture.open().index().locate(&id).unwrap().is_some());
    assert_clean(&fixture);
}
