//! Several sources in one snapshot, and directories whose entries come in any order.

use holdfast_engine::EngineError;
use holdfast_engine::backup::{Capture, SourceOptions};
use holdfast_format::entry::EntryKind;
use holdfast_repo::Repository;

use super::source::{TestEntry, TestSource};
use super::support::{END, ReportedTroubles, World, children, options};

fn source(name: &str, is_stream: bool) -> SourceOptions {
    let world = World::new();
    let options = options(&world.open()).source;
    SourceOptions { name: name.to_owned(), is_stream, ..options }
}

fn files(prefix: &'static str) -> Vec<TestEntry> {
    vec![TestEntry::file("a", prefix.as_bytes()), TestEntry::file("b", b"the same everywhere")]
}

fn names(repository: &Repository, tree: holdfast_format::BlobId) -> Vec<String> {
    children(repository, tree).into_keys().collect()
}

#[test]
fn several_sources_become_one_snapshot_with_the_counts_of_all() {
    let world = World::new();
    let repository = world.open();
    let options = options(&repository).capture;
    let observer = ReportedTroubles::default();
    let mut capture = Capture::start(&repository, &options).unwrap();
    for name in ["first", "second"] {
        let entries = files(if name == "first" { "one" } else { "two" });
        let make = || Ok(Box::new(TestSource::new(&entries)) as Box<_>);
        let record = capture.source(&make, &source(name, false), &observer).unwrap();
        record.token.insert("lsn".to_owned(), name.to_owned());
    }
    assert!(world.open().history().snapshots().is_empty(), "nothing counts before the commit");
    let info = capture.commit(None, &|| END).unwrap();

    let repository = world.open();
    let snapshots = repository.history().snapshots();
    assert_eq!(snapshots.len(), 1);
    let snapshot = &snapshots[0].snapshot;
    assert_eq!(snapshots[0].id, info.id);
    let found: Vec<_> = snapshot.sources.iter().map(|it| (&*it.name, &*it.token["lsn"])).collect();
    assert_eq!(found, [("first", "first"), ("second", "second")]);
    for source in &snapshot.sources {
        assert_eq!(names(&repository, source.tree), ["a", "b"]);
    }
    assert_eq!(snapshot.summary.files_new, 4);
    assert_eq!(snapshot.summary.total_files_processed, 4);
    assert_eq!(snapshot.summary.backup_end, Some(END));
    assert_eq!(snapshot.summary.data_blobs, 3, "data in both sources is stored once");
}

#[test]
fn a_source_is_compared_with_the_source_of_its_name() {
    let world = World::new();
    let observer = ReportedTroubles::default();
    let mut unmodified = Vec::new();
    for _ in 0..2 {
        let repository = world.open();
        let options = options(&repository).capture;
        let mut capture = Capture::start(&repository, &options).unwrap();
        for name in ["first", "second"] {
            let entries = files("one");
            let make = || Ok(Box::new(TestSource::new(&entries)) as Box<_>);
            capture.source(&make, &source(name, false), &observer).unwrap();
        }
        let is_unchanged = capture.is_unchanged().unwrap();
        let info = capture.commit(None, &|| END).unwrap();
        unmodified.push((is_unchanged, info.snapshot.summary.files_unmodified));
    }
    assert_eq!(unmodified, [(false, 0), (true, 4)]);
}

#[test]
fn a_stream_that_fails_after_a_good_source_leaves_nothing_that_counts() {
    let world = World::new();
    let repository = world.open();
    let options = options(&repository).capture;
    let observer = ReportedTroubles::default();
    let mut capture = Capture::start(&repository, &options).unwrap();
    let good = files("one");
    let make = || Ok(Box::new(TestSource::new(&good)) as Box<_>);
    capture.source(&make, &source("first", false), &observer).unwrap();
    let twice = [TestEntry::file("x", b"1"), TestEntry::file("x", b"2")];
    let make = || Ok(Box::new(TestSource::unsorted(&twice)) as Box<_>);
    let outcome = capture.source(&make, &source("second", true), &observer);
    assert!(matches!(outcome, Err(EngineError::Stream(_))), "two entries of one name: {outcome:?}");
    drop(capture);
    assert!(world.open().history().snapshots().is_empty());
}

#[test]
fn entries_that_come_in_any_order_are_sorted() {
    let world = World::new();
    let repository = world.open();
    let options = options(&repository).capture;
    let observer = ReportedTroubles::default();
    let mut capture = Capture::start(&repository, &options).unwrap();
    let entries =
        [TestEntry::file("m", b"1"), TestEntry::file("z", b"2"), TestEntry::file("a", b"3")];
    let make = || Ok(Box::new(TestSource::unsorted(&entries)) as Box<_>);
    capture.source(&make, &source("dump", true), &observer).unwrap();
    let tree = capture.commit(None, &|| END).unwrap().snapshot.sources[0].tree;
    let repository = world.open();
    let EntryKind::Directory(folder) = children(&repository, tree)["unsorted"].kind else {
        panic!("no folder")
    };
    assert_eq!(names(&repository, folder), ["a", "m", "z"]);
}
