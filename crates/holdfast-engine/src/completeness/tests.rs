//! What a record says about its sources, and what can be concluded from early records.

use holdfast_format::BlobId;
use holdfast_format::record::{Application, CheckRecord, Text};
use holdfast_repo::SnapshotInfo;

use super::*;

fn source(name: &str, captured: Option<Captured>) -> SourceRecord {
    SourceRecord { captured, ..SourceRecord::new(name, "files", BlobId::from_bytes([1; 32])) }
}

fn snapshot(sources: Vec<SourceRecord>) -> Snapshot {
    let time = jiff::Timestamp::from_second(1_000_000).unwrap();
    Snapshot { sources, ..Snapshot::begun(time, "host", vec!["/srv".into()]) }
}

fn extent(entries: u64, bytes: u64) -> SourceExtent {
    SourceExtent { entries, bytes }
}

#[track_caller]
fn says(snapshot: &Snapshot, only: Option<&str>, expected: &[&str]) {
    let found: Vec<String> = lacks(snapshot, only).iter().map(Lack::to_string).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_whole_snapshot_lacks_nothing() {
    let whole = Captured { extent: extent(3, 4), ..Captured::default() };
    says(&snapshot(vec![source("a", Some(whole.clone())), source("b", Some(whole))]), None, &[]);
    says(&snapshot(vec![source("a", None)]), None, &[]);
}

#[test]
fn what_is_missing_is_said_with_its_source_and_paths() {
    let mut holed = Captured { unread: 5, changed: 1, ..Captured::default() };
    ["/a", "/b", "/c", "/d"].iter().for_each(|path| holed.name(path.as_bytes()));
    let mut one = snapshot(vec![source("files", Some(holed.clone()))]);
    let missing = "5 entries could not be read, 1 entry changed while being read \
                   (/a, /b, /c, and 3 more)";
    says(&one, None, &[missing]);
    one.sources.push(source("docs", Some(Captured { lost: 1, ..Captured::default() })));
    let of_docs = "1 entry of source docs lost to damage";
    says(&one, Some("docs"), &[of_docs]);
    assert_eq!(lacks(&one, None).len(), 2);
    one.partial = true;
    says(&one, Some("docs"), &["its backup did not finish", of_docs]);
}

#[test]
fn shrinking_and_failed_checks_are_said_and_are_not_missing_entries() {
    let shrunk =
        Captured { extent: extent(2, 30), shrunk_from: Some(extent(21, 1)), ..Captured::default() };
    let check = |name: &str, passed| CheckRecord {
        name: name.to_owned(),
        passed,
        checked: 1,
        failed: 1,
        orphans: 0,
    };
    let application = Application {
        name: "notes".to_owned(),
        run: String::new(),
        linked_repository: None,
        linked_snapshot: None,
        keys: Vec::new(),
        checks: vec![check("one", true), check("other", false)],
    };
    let mut it = snapshot(vec![source("docs", Some(shrunk))]);
    it.application = Some(application);
    let expected = [
        "source docs has 2 entries of 30 bytes, down from 21 entries of 1 byte",
        "check \"other\" failed",
    ];
    says(&it, None, &expected);
    assert!(!lacks(&it, None).iter().any(Lack::is_incomplete));
    let quality = Quality::of(&it);
    assert_eq!((quality.checks, quality.is_sound()), (Some(false), false));
    assert!(quality.sources[0].is_shrunk);
}

#[test]
fn early_records_are_judged_by_their_errors() {
    let mut early = snapshot(vec![source("a", None), source("b", None)]);
    assert!(Quality::of(&early).is_sound());
    early.summary.errors = 3;
    says(&early, None, &["3 entries could not be read"]);
    says(&early, Some("b"), &["3 entries could not be read"]);
    let grades: Vec<_> = Quality::of(&early).sources.iter().map(|it| it.grade).collect();
    assert_eq!(grades, [Grade::Holed, Grade::Holed], "unknown which of them");
}

#[test]
fn only_what_is_wanted_counts_where_all_paths_are_known() {
    let mut holed = Captured { unread: 1, ..Captured::default() };
    holed.name(b"/srv/secret");
    let count = |captured: &Captured, wanted: &[u8]| {
        let it = snapshot(vec![source("files", Some(captured.clone()))]);
        lacks_within(&it, None, &|path| path.starts_with(wanted)).len()
    };
    assert_eq!(count(&holed, b"/srv"), 1);
    assert_eq!(count(&holed, b"/etc"), 0);
    holed.unread = 2;
    assert_eq!(count(&holed, b"/etc"), 1, "the other one may be anywhere");
}

#[test]
fn paths_are_named_as_far_as_there_is_room() {
    let mut captured = Captured::default();
    (0..200).for_each(|number: u32| captured.name(number.to_string().as_bytes()));
    assert_eq!(captured.missed.len(), 100);
    let mut captured = Captured::default();
    (0..9).for_each(|_| captured.name(&[b'x'; 1024]));
    assert_eq!(captured.missed, vec![Text(vec![b'x'; 1024]); 8]);
}

#[test]
fn shrinking_has_a_bound() {
    let half = ShrinkLimit::default();
    assert_eq!(half.to_string(), "50%");
    for (before, now, is_shrunk) in [
        (extent(21, 2100), extent(0, 0), true),
        (extent(21, 2100), extent(10, 2100), true),
        (extent(20, 2100), extent(10, 0), false),
        (extent(9, 900), extent(0, 0), false),
        (extent(1, 1 << 20), extent(1, 1000), true),
        (extent(1, (1 << 20) - 1), extent(1, 1000), false),
        (extent(u64::MAX, u64::MAX), extent(u64::MAX / 2, u64::MAX / 2), true),
        (extent(u64::MAX, u64::MAX), extent(u64::MAX / 2 + 1, u64::MAX), false),
        (extent(10, 0), extent(100, 100), false),
    ] {
        assert_eq!(half.is_shrunk(before, now), is_shrunk, "{before:?} {now:?}");
        assert!(!ShrinkLimit::NONE.is_shrunk(before, now));
    }
    for text in ["", "%", "50", "101%", "-1%", "+5%", "1.5%", "256%"] {
        assert!(text.parse::<ShrinkLimit>().is_err(), "{text}");
    }
    assert_eq!("0%".parse(), Ok(ShrinkLimit::NONE));
}

/// A snapshot at an hour: complete, or with that many unread entries.
fn hour(number: i64, unread: u64) -> SnapshotInfo {
    let captured = Captured { unread, ..Captured::default() };
    let mut record = snapshot(vec![source("files", Some(captured))]);
    record.time = jiff::Timestamp::from_second(number * 3600).unwrap();
    SnapshotInfo {
        id: holdfast_format::ObjectId::of(&number.to_le_bytes()),
        writer: holdfast_format::WriterId::from_bytes([0; 16]),
        sequence: number as u64,
        snapshot: record,
        hold: false,
    }
}

#[test]
fn the_one_to_take_instead_is_the_newest_before_else_the_oldest_after() {
    let mut all = [hour(1, 0), hour(2, 0), hour(3, 1), hour(4, 1), hour(5, 0), hour(6, 0)];
    let instead =
        |all: &[SnapshotInfo], of: usize| last_sound(all, &all[of], None).map(|info| info.sequence);
    assert_eq!(instead(&all, 3), Some(2));
    assert_eq!(instead(&all[2..], 1), Some(5));
    assert_eq!(instead(&all[2..4], 1), None);
    all[1].snapshot.paths = vec!["/etc".into()];
    assert_eq!(instead(&all, 3), Some(1), "another series");
    all[0].snapshot.sources[0].name = "other".to_owned();
    assert_eq!(instead(&all, 3), Some(5), "no such source");
}
