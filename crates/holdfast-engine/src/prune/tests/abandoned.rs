//! Packs of runs that never made their snapshot: a host that never returns, a stream that failed.

use std::path::Path;
use std::sync::Arc;

use holdfast_backend::Backend;
use holdfast_backend::fault::FaultEffect;
use holdfast_format::name;
use holdfast_repo::{OpenOptions, Repository};
use jiff::Timestamp;

use super::crash::at_each_operation;
use super::world::{ALL, BackupSteps, RUTHLESS, World, files};
use crate::Silent;
use crate::prune::{Abandoned, PruneMutation, PruneOptions, PruneReport, run};

const DAY: i64 = 86_400;

/// A prune on this day that abandons runs after 30 days.
fn on_day(day: i64) -> PruneOptions {
    let now = Timestamp::from_second(day * DAY).unwrap();
    PruneOptions { abandoned: Some(Abandoned { after_seconds: 30 * 86_400, now }), ..ALL }
}

/// A snapshot of one host, and packs of a run of another that never ended; no index object lists
/// those of `unlisted`.
fn left_behind(unlisted: bool) -> World {
    let mut world = World::new();
    world.back_up("lost", &files(0..10));
    world.back_up("kept", &files(20..30));
    let before = world.storage.list(name::INDEX).unwrap();
    BackupSteps::begin(&world.open(), "lost").unwrap().write(&files(100..150)).unwrap();
    if unlisted {
        for object in world.storage.list(name::INDEX).unwrap() {
            if !before.contains(&object) {
                world.storage.delete(&object.name).unwrap();
            }
        }
    }
    world
}

/// Prunes with a persistent cache.
fn prune(world: &World, cache: &Path, options: &PruneOptions) -> PruneReport {
    let folder = Some(cache.to_owned());
    let open = OpenOptions { cache_folder: folder, threads: 1, ..OpenOptions::default() };
    let storage = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let repository = Repository::open(storage, &world.secret(), &open).unwrap();
    run(&repository, options, &Silent, PruneMutation::None).unwrap()
}

#[test]
fn they_are_named_and_go_after_a_time() {
    for unlisted in [false, true] {
        let world = left_behind(unlisted);
        let cache = tempfile::tempdir().unwrap();
        for day in [0, 10, 29] {
            let report = prune(&world, cache.path(), &on_day(day));
            assert_eq!(report.packs_deleted, 0, "{day}: {report:?}");
            let [waiting] = &report.waiting[..] else { panic!("{report:?}") };
            assert_eq!(
                (waiting.host.as_str(), waiting.since),
                ("lost", Some(Timestamp::UNIX_EPOCH))
            );
            assert!(waiting.packs > 0 && waiting.bytes > 1000, "{waiting:?}");
        }
        let dry = prune(&world, cache.path(), &PruneOptions { dry_run: true, ..on_day(30) });
        let report = prune(&world, cache.path(), &on_day(30));
        assert!(report.packs_deleted > 0 && report.waiting.is_empty(), "{report:?}");
        assert_eq!(dry.packs_deleted, report.packs_deleted);
        world.check();
        world.check_nothing_unused();
    }
}

#[test]
fn they_go_at_once_on_request_and_never_unasked() {
    let world = left_behind(false);
    assert_eq!(world.fork().prune(&ALL).packs_deleted, 0);
    let report = world.prune(&RUTHLESS);
    assert!(report.packs_deleted > 0, "{report:?}");
    world.check();
    world.check_nothing_unused();
}

#[test]
fn a_host_that_comes_back_frees_them() {
    let mut world = left_behind(false);
    world.back_up("lost", &files(0..11));
    let report = world.prune(&on_day(0));
    assert!(report.packs_deleted > 0 && report.waiting.is_empty(), "{report:?}");
    world.check_nothing_unused();
}

#[test]
fn a_clock_that_went_back_begins_the_wait_again() {
    let world = left_behind(false);
    let cache = tempfile::tempdir().unwrap();
    prune(&world, cache.path(), &on_day(1000));
    for day in [0, 29] {
        assert_eq!(prune(&world, cache.path(), &on_day(day)).packs_deleted, 0, "{day}");
    }
    assert!(prune(&world, cache.path(), &on_day(30)).packs_deleted > 0);
}

/// A dry run must not start the wait.
#[test]
fn a_dry_run_leaves_no_note() {
    let world = left_behind(false);
    let cache = tempfile::tempdir().unwrap();
    prune(&world, cache.path(), &PruneOptions { dry_run: true, ..on_day(0) });
    assert_eq!(prune(&world, cache.path(), &on_day(30)).packs_deleted, 0);
}

#[test]
fn a_crash_at_any_operation_while_they_go() {
    for applied in [false, true] {
        let world = left_behind(true);
        let effect = FaultEffect::Crash { applied };
        at_each_operation(&world, &RUTHLESS, effect, PruneMutation::None).unwrap();
    }
}
