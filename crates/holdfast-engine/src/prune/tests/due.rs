//! The estimate that saves most prunes from reading all trees.

use std::sync::Arc;

use holdfast_format::ObjectId;
use holdfast_repo::{OpenOptions, Repository};
use proptest::prelude::*;

use super::world::{ALL, FileChunks, World, back_up, files};
use crate::Silent;
use crate::mark::mark;
use crate::prune::differences::only_in_forgotten;
use crate::prune::{MaxUnused, PruneOptions, PruneReport, prune};

/// A world whose pruner has a cache on disk.
struct Cached {
    world: World,
    folder: tempfile::TempDir,
}

impl Cached {
    fn new() -> Self {
        Self { world: World::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn prune(&self, percent: f64) -> PruneReport {
        let options = OpenOptions {
            cache_folder: Some(self.folder.path().to_owned()),
            ..OpenOptions::default()
        };
        let storage = Arc::clone(&self.world.storage);
        let repository = Repository::open(storage, &self.world.secret(), &options).unwrap();
        let options = PruneOptions { max_unused: MaxUnused::Percent(percent), ..ALL };
        prune(&repository, &options, &Silent).unwrap()
    }
}

#[test]
fn little_that_is_unused_waits_until_it_is_much() {
    let mut cached = Cached::new();
    let mut ids: Vec<ObjectId> = Vec::new();
    for hour in 0..10 {
        ids.push(cached.world.back_up("a", &files((0..100).chain([1000 + hour]))));
    }
    assert!(!cached.prune(5.0).was_postponed, "there is no note yet");
    let mut postponed = 0;
    let mut last = 0;
    for id in &ids[..9] {
        cached.world.forget(&[*id]);
        let report = cached.prune(5.0);
        postponed += u32::from(report.was_postponed);
        assert!(!report.was_postponed || report.unused_bytes_left >= last);
        last = if report.was_postponed { report.unused_bytes_left } else { 0 };
        cached.world.check();
    }
    assert!((2..9).contains(&postponed), "{postponed}");
    cached.prune(0.0);
    cached.world.check_nothing_unused();
}

#[test]
fn much_that_is_unused_is_noticed_at_once() {
    let mut cached = Cached::new();
    let first = cached.world.back_up("a", &files(0..80));
    cached.world.back_up("a", &files(40..120));
    cached.prune(5.0);
    cached.world.forget(&[first]);
    let report = cached.prune(5.0);
    assert!(!report.was_postponed && report.bytes_freed() > 0, "{report:?}");
    cached.world.check();
}

#[test]
fn what_came_and_went_between_two_prunes_counts() {
    let mut cached = Cached::new();
    cached.world.back_up("a", &files(0..80));
    cached.prune(5.0);
    let id = cached.world.back_up("a", &files(100..180));
    cached.world.back_up("a", &files(0..80));
    cached.world.forget(&[id]);
    assert!(cached.prune(5.0).bytes_freed() > 0);
    cached.world.check();
}

#[test]
fn another_pruner_makes_the_note_worthless() {
    let mut cached = Cached::new();
    let first = cached.world.back_up("a", &files(0..80));
    cached.world.back_up("a", &files(40..120));
    cached.prune(5.0);
    cached.world.forget(&[first]);
    cached.world.prune(&ALL);
    assert!(!cached.prune(5.0).was_postponed);
}

/// Sealed bytes that only forgotten snapshots need, computed exactly.
fn exactly_unused(repository: &Repository, all: &[ObjectId]) -> u64 {
    let history = repository.history();
    let all: Vec<_> = all.iter().filter_map(|id| history.snapshot(id)).collect();
    let kept = history.snapshots();
    drop(history);
    let all = mark(repository, &all, &Silent).unwrap();
    let kept = mark(repository, &kept, &Silent).unwrap();
    let mut bytes = 0;
    repository
        .index()
        .for_each_blob(|_, place| {
            if all.is_live(place.number) && !kept.is_live(place.number) {
                let sealed = u64::from(place.frame.sealed_bytes) * u64::from(place.bytes);
                bytes += sealed / u64::from(place.frame.context.raw_bytes.max(1));
            }
            Ok(())
        })
        .unwrap();
    bytes
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_estimate_is_never_too_little(
        changes in prop::collection::vec(prop::collection::vec((0..40u8, 0..60u64), 0..10), 2..10),
        forgotten in prop::collection::vec(any::<bool>(), 10),
    ) {
        let mut world = World::new();
        let mut files = FileChunks::new();
        let mut ids = Vec::new();
        for changes in &changes {
            for (name, chunk) in changes {
                files.insert(format!("{name:03}"), vec![*chunk; 1 + *chunk as usize % 12]);
            }
            let info = back_up(&world.open(), "a", &files).unwrap();
            world.expected.insert(info.id, files.clone());
            ids.push(info.id);
        }
        // One is kept to compare with.
        let pairs = ids[1..].iter().zip(&forgotten);
        let gone: Vec<ObjectId> = pairs.filter(|(_, f)| **f).map(|(id, _)| *id).collect();
        if !gone.is_empty() {
            world.forget(&gone);
        }
        let repository = world.open();
        let history = repository.history();
        let gone: Vec<_> = gone.iter().filter_map(|id| history.snapshot(id)).collect();
        let kept = history.snapshots();
        drop(history);
        let (estimate, _) = only_in_forgotten(&repository, &gone, &kept, 10_000).unwrap();
        let exact = exactly_unused(&repository, &ids);
        prop_assert!(estimate.unwrap() >= exact, "{estimate:?} is less than {exact}");
    }
}
