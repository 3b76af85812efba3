//! Data that a run stores after a checkpoint belongs to a run in progress, like the data it stored
//! before.

use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_engine::backup::{Capture, SourceOptions};
use holdfast_engine::check::{CheckOptions, ReadData, check};
use holdfast_engine::prune::{MaxUnused, PruneOptions, prune};
use holdfast_engine::{EngineEvent, Observer, Silent};
use holdfast_format::record::SnapshotSummary;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};

use super::source::{TestEntry, TestSource};
use super::support::{END, World, options};

/// Wants one checkpoint.
struct OnceObserver(AtomicBool);

impl Observer for OnceObserver {
    fn event(&self, _event: EngineEvent<'_>) {}

    fn wants_checkpoint(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Bytes that do not compress.
fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut out);
    out
}

#[test]
fn a_prune_leaves_alone_what_was_stored_after_a_checkpoint() {
    let world = World::new();
    let repository = world.open();
    let mut options = options(&repository);
    // A pack for each frame.
    options.capture.write =
        WriteOptions { pack_bytes: 4096, ..WriteOptions::new(COMPRESSION_DEFAULT) };
    let mut capture = Capture::start(&repository, &options.capture).unwrap();
    for (name, seed) in [("first", 1), ("second", 2)] {
        let observer = OnceObserver(AtomicBool::new(name == "first"));
        let entries = [TestEntry::file("a", &noise(seed, 9 << 20))];
        let make = || Ok(Box::new(TestSource::new(&entries)) as Box<_>);
        let source = SourceOptions { name: name.to_owned(), ..options.source.clone() };
        capture.source(&make, &source, &observer).unwrap();
    }
    // Another machine sees the partial snapshot, and packs that nothing refers to yet.
    let other = world.open();
    let partial = other.history().snapshots();
    assert_eq!((partial.len(), partial[0].snapshot.partial), (1, true));
    let everything = MaxUnused::Bytes(0);
    let all = PruneOptions {
        max_unused: everything,
        ..PruneOptions::new(WriteOptions::new(COMPRESSION_DEFAULT))
    };
    let report = prune(&other, &all, &Silent).unwrap();
    assert_eq!(report.packs_deleted, 0, "{report:?}");
    let snapshot = capture.commit(None, &|| END).expect("no prune got in the way").snapshot;
    assert_ne!(snapshot.summary, SnapshotSummary::default());
    prune(&world.open(), &all, &Silent).unwrap();
    let repository = world.open();
    let read_all = CheckOptions { read: ReadData::All, ..CheckOptions::default() };
    assert_eq!(check(&repository, &read_all, &Silent).unwrap().findings, []);
    assert_eq!(repository.history().snapshots().len(), 1);
}

#[test]
fn packs_say_after_which_slot_they_can_be_committed() {
    let world = World::new();
    world.back_up(&[TestEntry::file("a", b"slot 0")]);
    let repository = world.open();
    let options = options(&repository);
    let mut capture = Capture::start(&repository, &options.capture).unwrap();
    for (name, seed) in [("first", 1), ("second", 2), ("third", 3)] {
        let observer = OnceObserver(AtomicBool::new(name != "third"));
        let entries = [TestEntry::file("a", &noise(seed, 100_000))];
        let make = || Ok(Box::new(TestSource::new(&entries)) as Box<_>);
        let source = SourceOptions { name: name.to_owned(), ..options.source.clone() };
        capture.source(&make, &source, &observer).unwrap();
    }
    capture.commit(None, &|| END).unwrap();
    let packs = world.open().index().packs().unwrap();
    let mut slots: Vec<u64> = packs.iter().map(|pack| pack.start_slot).collect();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots, [0, 1, 2, 3]);
}
