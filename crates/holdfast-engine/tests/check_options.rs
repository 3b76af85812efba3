//! What a check reads, and what it remembers.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use check_support::*;
use holdfast_engine::Silent;
use holdfast_engine::check::{CheckOptions, CheckReport, ReadData, Subset, check};
use jiff::Timestamp;

/// Several snapshots, each with a data and a tree pack.
fn several() -> Fixture {
    let fixture = Fixture::memory();
    for version in 0..6 {
        fixture.backup(&files(version));
    }
    fixture
}

/// Local state of a machine about one copy of a repository.
fn place(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("repository/place")
}

fn run(fixture: &Fixture, options: &CheckOptions) -> CheckReport {
    let report = check(&fixture.open(), options, &Silent).unwrap();
    assert_eq!(report.findings, []);
    report
}

#[test]
fn nothing_is_read_unless_asked_for() {
    let fixture = several();
    let report = run(&fixture, &CheckOptions::default());
    assert_eq!((report.packs, report.packs_read, report.bytes_read), (12, 0, 0));
}

#[test]
fn parts_cover_everything() {
    let fixture = several();
    let read = |number| ReadData::Subset(Subset::Part { number, of: 3 });
    let packs = (1..=3).map(|number| {
        run(&fixture, &CheckOptions { read: read(number), ..CheckOptions::default() }).packs_read
    });
    assert_eq!(packs.sum::<u64>(), 12);
}

#[test]
fn what_was_verified_is_remembered() {
    let fixture = several();
    let folder = tempfile::tempdir().unwrap();
    let at = |seconds, read| CheckOptions {
        read,
        max_age: Some(100),
        now: Timestamp::from_second(seconds).unwrap(),
        seed: seconds as u64,
        cache_folder: Some(place(&folder)),
    };
    assert_eq!(run(&fixture, &at(1000, ReadData::All)).packs_read, 12);
    let report = run(&fixture, &at(1100, ReadData::All));
    assert_eq!((report.packs_read, report.packs_recently_verified), (0, 12));
    fixture.backup(&files(7));
    assert_eq!(run(&fixture, &at(1100, ReadData::All)).packs_read, 2);
    assert_eq!(run(&fixture, &at(1101, ReadData::All)).packs_read, 12);
    // The file may be deleted or damaged at any time.
    std::fs::write(place(&folder).join("verified"), b"junk").unwrap();
    assert_eq!(run(&fixture, &at(1102, ReadData::All)).packs_read, 14);
}

#[test]
fn a_damaged_pack_is_never_remembered_as_good() {
    let fixture = several();
    let folder = tempfile::tempdir().unwrap();
    let options = CheckOptions {
        read: ReadData::All,
        max_age: Some(1_000_000),
        cache_folder: Some(place(&folder)),
        ..CheckOptions::default()
    };
    fixture.flip(&fixture.names("packs/")[3], 150);
    for _ in 0..2 {
        let report = check(&fixture.open(), &options, &Silent).unwrap();
        assert_eq!(report.findings.len(), 1);
    }
}

#[test]
fn repeated_shares_read_everything_once() {
    let fixture = several();
    let folder = tempfile::tempdir().unwrap();
    let mut read = 0;
    for run_number in 0..20 {
        let options = CheckOptions {
            read: ReadData::Subset(Subset::Share(0.2)),
            max_age: Some(100),
            now: Timestamp::from_second(run_number).unwrap(),
            seed: run_number as u64,
            cache_folder: Some(place(&folder)),
        };
        read += run(&fixture, &options).packs_read;
    }
    assert_eq!(read, 12);
}
