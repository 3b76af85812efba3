//! Damage to packs: files are named, readable data is kept, and the next backup stores the rest
//! again.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use std::sync::Arc;

use check_support::*;
use holdfast_backend::{Backend, Local, fault};
use holdfast_engine::Silent;
use holdfast_engine::check::FindingKind;
use holdfast_format::BlobType;
use holdfast_repo::Repository;
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};

/// A flipped bit in each region of a data pack: header, frame, directory, trailer.
#[test]
fn a_damaged_pack_is_named_and_salvaged() {
    for region in 0..4 {
        let fixture = sample();
        let object = packs_of(&fixture, BlobType::Data)[0].clone();
        let length = fixture.get(&object).len();
        fixture.flip(&object, [12, 300, length - 40, length - 3][region]);
        let report = fixture.check();
        assert_eq!(blamed(&report), (FindingKind::Pack, object.as_str()));
        assert_eq!(report.broken_packs.len(), 1);
        // Only a broken frame affects files; they are named with their snapshots.
        let hurt: Vec<&[u8]> =
            report.findings[0].files.iter().map(|(_, path)| path.as_slice()).collect();
        assert_eq!(hurt.is_empty(), region != 1, "region {region}");
        let done = repair(&fixture, true);
        assert_eq!(done.packs_quarantined.len(), 1);
        assert_eq!(done.blobs_lost == 0, region != 1, "{done:?}");
        assert_eq!(fixture.names("quarantine").len(), 0);
        assert!(fixture.backend.get(&name(&format!("quarantine/{object}")), u64::MAX).is_ok());
        let after = fixture.check();
        if region == 1 {
            assert_eq!(blamed(&after).0, FindingKind::MissingBlobs);
            fill(&fixture);
        }
        assert_clean(&fixture);
    }
}

#[test]
fn lost_blobs_are_stored_again_by_the_next_backup() {
    let fixture = sample();
    let object = packs_of(&fixture, BlobType::Data)[0].clone();
    fixture.delete(&object);
    let report = check_structure(&fixture.open());
    assert_eq!(blamed(&report), (FindingKind::Pack, object.as_str()));
    assert!(report.findings[0].files_count >= 3);
    let repository = fixture.open();
    let id = repository.keys().blob_id(BlobType::Data, &noise(1, 2500)[..1000]);
    let contains = |repository: &Repository| {
        let writer = repository.writer(HOST).unwrap();
        let blobs =
            BlobWriter::new(repository, writer, 0, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap();
        blobs.contains(&id).unwrap()
    };
    assert!(contains(&repository));
    assert_eq!(repair_of(&repository, false).packs_missing.len(), 1);
    assert!(!contains(&repository) && !contains(&fixture.open()));
    fill(&fixture);
    assert_clean(&fixture);
}

#[test]
fn packs_of_a_wrong_size_are_found_without_reading_all() {
    let changes: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |b| b[..b.len() - 1].to_vec(),
        |b| b[..500].to_vec(),
        |_| Vec::new(),
        |b| [b, vec![0; 17]].concat(),
    ];
    for change in changes {
        let fixture = sample();
        let object = packs_of(&fixture, BlobType::Data)[0].clone();
        fixture.replace(&object, &change(fixture.get(&object)));
        let report = check_structure(&fixture.open());
        assert_eq!(blamed(&report), (FindingKind::Pack, object.as_str()));
        let done = repair(&fixture, false);
        assert_eq!(done.packs_quarantined.len(), 1);
        fill(&fixture);
        assert_clean(&fixture);
    }
}

#[test]
fn a_lost_tree_pack_is_named_and_stored_again() {
    let fixture = sample();
    let object = packs_of(&fixture, BlobType::Tree)[0].clone();
    fixture.delete(&object);
    let report = fixture.check();
    assert_eq!(blamed(&report), (FindingKind::Pack, object.as_str()));
    assert!(report.findings[0].files.iter().all(|(_, path)| path.ends_with(b"/")));
    repair(&fixture, false);
    fill(&fixture);
    assert_clean(&fixture);
}

#[test]
fn swapped_packs_lose_nothing() {
    let fixture = sample();
    let names = packs_of(&fixture, BlobType::Data);
    let (first, second) = (fixture.get(&names[0]), fixture.get(&names[1]));
    fixture.replace(&names[0], &second);
    fixture.replace(&names[1], &first);
    let report = fixture.check();
    assert_eq!(report.broken_packs.len(), 2);
    assert_eq!(report.findings.len(), 2);
    let done = repair(&fixture, true);
    assert_eq!((done.packs_quarantined.len(), done.blobs_lost), (2, 0));
    assert_clean(&fixture);
}

#[test]
fn a_pack_that_the_medium_does_not_give_is_named() {
    let fixture = sample();
    let repository = fixture.open();
    let gets = 2 + 2 + fixture.names("index/").len() as u64;
    let mut named = 0;
    for number in 1..40 {
        let plan = fault::FaultPlan::at_kind(
            number,
            &[fault::OperationKind::Get],
            fault::FaultEffect::Fail(fault::FaultFailure::Io),
        );
        let backend =
            Arc::new(holdfast_backend::FaultBackend::new(Arc::clone(&fixture.backend), plan));
        let options = holdfast_repo::OpenOptions { threads: 1, ..Default::default() };
        let Ok(repository) = Repository::open(backend, &fixture.secret(), &options) else {
            continue;
        };
        let options = holdfast_engine::check::CheckOptions {
            read: holdfast_engine::check::ReadData::All,
            ..Default::default()
        };
        if let Ok(report) = holdfast_engine::check::check(&repository, &options, &Silent) {
            named += report.findings.iter().filter(|f| f.kind == FindingKind::Pack).count();
        }
    }
    drop((repository, gets));
    assert_eq!(named, 4, "each pack once");
}

#[test]
fn faults_in_a_folder_are_found_and_mended_alike() {
    let folder = tempfile::tempdir().unwrap();
    let backend: Arc<dyn Backend> = Arc::new(Local::create(folder.path()).unwrap());
    let fixture = Fixture::new(backend);
    fill(&fixture);
    assert_clean(&fixture);
    let object = packs_of(&fixture, BlobType::Data)[0].clone();
    let path = folder.path().join(&object);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200] ^= 4;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    std::fs::remove_file(folder.path().join("config.b")).unwrap();
    let index = folder.path().join(&fixture.names("index/")[1]);
    std::fs::remove_file(index).unwrap();
    assert_eq!(fixture.check().findings.len(), 3);
    let done = repair(&fixture, true);
    assert_eq!((done.packs_quarantined.len(), done.copies_restored.len()), (1, 1));
    fill(&fixture);
    assert_clean(&fixture);
}
