//! An entry that no reader would accept is an error, and everything next to it is stored.

use std::io;

use holdfast_connect::{Leaf, LeafKind, Source, SourceItem};
use holdfast_engine::backup::backup;
use holdfast_engine::check::{CheckOptions, FindingKind, check};
use holdfast_engine::look::{SnapshotRoot, Walk, walk_each};
use holdfast_engine::repair::{RepairSnapshotsOptions, repair_snapshots};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::limits::{ENTRY_BYTES_MAX, NAME_BYTES_MAX, TREE_DEPTH_MAX};
use holdfast_format::record::{Snapshot, SourceRecord};
use holdfast_repo::RepoError;
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryWriter;
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use jiff::Timestamp;

use super::source::{TestEntry, TestSource};
use super::support::{ReportedTroubles, World, options};

/// A chain of directories with a file at its end, and a file next to the chain.
struct DirectoryChain {
    depth: usize,
    step: usize,
}

impl Source for DirectoryChain {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        let (depth, step) = (self.depth, self.step);
        self.step += 1;
        let name = if step < depth { "d" } else { "f" };
        let items = [TestEntry::directory(name), TestEntry::file(name, b"x")].map(|made| {
            let mut items = TestSource::new(&[made]);
            items.next().unwrap().unwrap()
        });
        let [enter, leaf] = items;
        Ok(match step {
            _ if step < depth => Some(enter),
            _ if step == depth || step == 2 * depth + 1 => Some(leaf),
            _ if step <= 2 * depth => Some(SourceItem::Leave),
            _ => None,
        })
    }
}

#[test]
fn directories_may_be_nested_as_deep_as_readers_go_and_no_deeper() {
    for (depth, is_held) in [(TREE_DEPTH_MAX, true), (TREE_DEPTH_MAX + 3, false)] {
        let world = World::new();
        let repository = world.open();
        let options = options(&repository);
        let observer = ReportedTroubles::default();
        let make = || Ok(Box::new(DirectoryChain { depth, step: 0 }) as Box<_>);
        let report = backup(&repository, &make, &options, &observer).unwrap();
        let troubles = observer.into_inner();
        assert_eq!(report.record.summary.errors, u64::from(!is_held));
        let longest = "/d".repeat(TREE_DEPTH_MAX + 1);
        let expected = if is_held { vec![] } else { vec![(longest, "scan".to_owned())] };
        assert!(troubles == expected, "{} troubles", troubles.len());
        let repository = world.open();
        let root = SnapshotRoot::of(&report.snapshot.unwrap().snapshot);
        let (mut directories, mut files) = (0, 0);
        let mut reader = BlobReader::new(&repository);
        walk_each(&mut reader, root.folder(), b"", &Silent, |_, entry: &Entry| {
            match entry.kind {
                EntryKind::Directory(_) => directories += 1,
                _ => files += 1,
            }
            Ok(Walk::Descend)
        })
        .unwrap();
        assert_eq!((directories, files), (TREE_DEPTH_MAX, 1 + usize::from(is_held)));
        let report = check(&repository, &CheckOptions::default(), &Silent).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

/// Entries with one property that is at its limit, or above it by one.
fn entries(more: usize) -> Vec<TestEntry> {
    let name = |start: &str| -> &'static str {
        let bytes = NAME_BYTES_MAX - start.len() + more;
        Box::leak(format!("{start}{}", "n".repeat(bytes)).into_boxed_str())
    };
    let long = || vec![b'x'; NAME_BYTES_MAX + more];
    let attribute = Ok(vec![(long(), b"value".to_vec())]);
    vec![
        TestEntry::file("0 attribute", b"1").with(attribute),
        TestEntry::directory(name("1 directory")).containing([TestEntry::file("below", b"2")]),
        TestEntry::file(name("2 file"), b"3"),
        TestEntry::file("3 owner", b"4").scanned_as(|it| it.user = long()),
        TestEntry::file("4 group", b"5").scanned_as(|it| it.group = long()),
        TestEntry::file("5 beside", b"6"),
    ]
}

#[test]
fn names_of_entries_owners_and_attributes_are_as_long_as_readers_take() {
    let most = World::new();
    let outcome = most.back_up(&entries(0));
    assert_eq!((outcome.troubles.len(), outcome.entries.len()), (0, 6));
    let over = World::new();
    let outcome = over.back_up(&entries(1));
    let during: Vec<_> = outcome.troubles.iter().map(|(_, during)| during.as_str()).collect();
    assert_eq!(during, ["xattr", "scan", "scan", "scan", "scan"]);
    assert_eq!(outcome.summary.errors, 5);
    assert_eq!(outcome.summary.files_new, 3, "the one without its attribute, below, beside");
    let kept: Vec<_> = outcome.entries.keys().map(String::as_str).collect();
    assert_eq!(kept, ["0 attribute", "5 beside"]);
    for world in [most, over] {
        let report = check(&world.open(), &CheckOptions::default(), &Silent).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
}

/// Links whose targets are as long as an entry can hold in addition to its other fields.
struct ManyLinks(Vec<usize>);

impl Source for ManyLinks {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        let Some(bytes) = self.0.pop() else { return Ok(None) };
        let mut made = TestSource::new(&[TestEntry::file("f", b"")]);
        let Some(SourceItem::Leaf(leaf)) = made.next()? else { return Ok(None) };
        let name = format!("{bytes:09}").into_bytes();
        let kind = LeafKind::Symlink(vec![b't'; bytes]);
        Ok(Some(SourceItem::Leaf(Leaf { name, kind, ..leaf })))
    }
}

#[test]
fn an_entry_is_as_large_as_readers_take() {
    let world = World::new();
    let repository = world.open();
    let options = options(&repository);
    let observer = ReportedTroubles::default();
    // One of two neighbours is the largest that fits.
    let lengths: Vec<usize> = (ENTRY_BYTES_MAX - 60..ENTRY_BYTES_MAX).rev().collect();
    let make = || Ok(Box::new(ManyLinks(lengths.clone())) as Box<_>);
    let report = backup(&repository, &make, &options, &observer).unwrap();
    let lost = observer.into_inner().len();
    assert!(lost > 0 && lost < 60, "{lost}");
    let repository = world.open();
    let tree = report.snapshot.unwrap().snapshot.sources[0].tree;
    let kept = super::support::children(&repository, tree);
    assert_eq!(kept.len(), 60 - lost);
    let mut largest = Vec::new();
    kept.values().next_back().unwrap().encode(&mut largest);
    assert_eq!(largest.len(), ENTRY_BYTES_MAX);
}

/// A record that could not be committed is refused before anything is read, and one at the limit is
/// accepted by all readers.
#[test]
fn a_snapshot_whose_record_is_too_large_is_refused_before_it_begins() {
    let world = World::new();
    let path = |number: usize| format!("/a/path/as/long/as/this/one/{number:09}").as_str().into();
    let attempt = |count: usize| {
        let repository = world.open();
        let mut options = options(&repository);
        options.capture.snapshot.paths = (0..count).map(path).collect();
        let make = || Ok(Box::new(TestSource::new(&[TestEntry::file("f", b"x")])) as Box<_>);
        backup(&repository, &make, &options, &Silent)
    };
    let result = attempt(500_000);
    let too_large = |error| matches!(error, EngineError::Repo(RepoError::RecordTooLarge { .. }));
    assert!(result.is_err_and(too_large));
    assert_eq!(world.open().index().packs().unwrap().len(), 0);
    attempt(350_000).unwrap();
    let repository = world.open();
    let snapshots = repository.history().snapshots();
    assert_eq!(snapshots[0].snapshot.paths.len(), 350_000);
    let report = check(&repository, &CheckOptions::default(), &Silent).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// A snapshot made without checking the limit: `check` names what is nested too deep, and a repair
/// leaves out nothing else.
#[test]
fn a_snapshot_that_is_too_deep_is_repaired_without_what_lies_too_deep() {
    let world = World::new();
    let repository = world.open();
    let writer = repository.writer("host").unwrap();
    let slot = repository.history().next_slot(&writer);
    let mut blobs =
        BlobWriter::new(&repository, writer, slot, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap();
    let mut root = DirectoryWriter::new().finish(&mut blobs).unwrap();
    for _ in 0..TREE_DEPTH_MAX + 2 {
        let mut directory = DirectoryWriter::new();
        let entry = |name: &[u8], kind| Entry {
            name: name.to_vec(),
            metadata: TestEntry::metadata(),
            kind,
        };
        directory.push(&mut blobs, &entry(b"d", EntryKind::Directory(root))).unwrap();
        directory.push(&mut blobs, &entry(b"pipe", EntryKind::Fifo)).unwrap();
        root = directory.finish(&mut blobs).unwrap();
    }
    let mut snapshot = Snapshot::begun(Timestamp::UNIX_EPOCH, "host", vec!["/d".into()]);
    snapshot.sources.push(SourceRecord::new("files", "files", root));
    snapshot.session = blobs.session();
    snapshot.index = blobs.flush().unwrap().to_vec();
    let index = repository.index().baseline();
    commit_snapshot(&repository, writer, &index, snapshot).unwrap();
    let report = check(&world.open(), &CheckOptions::default(), &Silent).unwrap();
    let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Tree]);
    let options = RepairSnapshotsOptions {
        forget: true,
        dry_run: false,
        write: WriteOptions::new(COMPRESSION_DEFAULT),
    };
    let repaired = repair_snapshots(&world.open(), &options, &Silent).unwrap();
    assert_eq!(repaired.repaired.len(), 1);
    let repository = world.open();
    let report = check(&repository, &CheckOptions::default(), &Silent).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let snapshots = repository.history().snapshots();
    let (mut pipes, mut reader) = (0, BlobReader::new(&repository));
    let root = SnapshotRoot::of(&snapshots[0].snapshot);
    walk_each(&mut reader, root.folder(), b"", &Silent, |_, entry: &Entry| {
        pipes += usize::from(entry.kind == EntryKind::Fifo);
        Ok(Walk::Descend)
    })
    .unwrap();
    assert_eq!((snapshots.len(), pipes), (1, TREE_DEPTH_MAX + 1));
}
