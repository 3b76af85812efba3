//! One thing at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_backend::{Backend, Local};
use holdfast_format::{ObjectId, name};
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, RepoError, Repository, object_name};
use holdfast_seal::Secret;

use super::world::{ALL, BackupSteps, World, back_up, files, init};
use crate::prune::{MaxUnused, PruneOptions, prune};
use crate::{EngineError, EngineEvent, Observer, Silent};

#[test]
fn nothing_to_do_changes_nothing() {
    let mut world = World::new();
    world.back_up("a", &files(0..20));
    let before = world.storage.list("").unwrap();
    assert_eq!(world.prune(&ALL).packs_deleted, 0);
    assert_eq!(world.storage.list("").unwrap(), before);
}

#[test]
fn what_was_forgotten_goes_and_the_rest_stays() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    world.forget(&[first]);
    let before = world.pack_bytes();
    let report = world.prune(&ALL);
    assert!(report.bytes_freed() > 0 && report.packs_repacked > 0, "{report:?}");
    assert_eq!(before - world.pack_bytes(), report.bytes_freed());
    world.check();
    world.check_nothing_unused();
    assert_eq!(world.prune(&ALL).packs_deleted, 0, "a second prune has nothing left to do");
}

#[test]
fn all_can_go() {
    let mut world = World::new();
    let ids = [world.back_up("a", &files(0..30)), world.back_up("b", &files(0..40))];
    world.forget(&ids);
    world.prune(&PruneOptions::new(WriteOptions::new(COMPRESSION_DEFAULT)));
    assert_eq!(world.pack_bytes(), 0);
    assert!(world.storage.list(name::INDEX).unwrap().is_empty());
    world.back_up("a", &files(0..30));
    world.check();
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    world.forget(&[first]);
    let before = world.storage.list("").unwrap();
    let dry = world.prune(&PruneOptions { dry_run: true, ..ALL });
    assert_eq!(world.storage.list("").unwrap(), before);
    let real = world.prune(&ALL);
    assert_eq!(dry.packs_deleted, real.packs_deleted);
    assert_eq!(dry.bytes_deleted, real.bytes_deleted);
}

#[test]
fn limits_are_kept() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..90));
    world.back_up("a", &files((0..90).step_by(2)));
    world.forget(&[first]);
    let unlimited = PruneOptions { max_unused: MaxUnused::Unlimited, ..ALL };
    assert_eq!(world.fork().prune(&unlimited).packs_repacked, 0);
    let some = PruneOptions { max_repack_bytes: Some(12_000), ..ALL };
    let report = world.fork().prune(&some);
    assert!(report.bytes_moved <= 24_000 && report.unused_bytes_left > 0, "{report:?}");
    let share = PruneOptions { max_unused: MaxUnused::Percent(20.0), ..ALL };
    let report = world.fork().prune(&share);
    assert!(report.unused_bytes_left * 5 <= report.bytes_left, "{report:?}");
    assert!(report.unused_bytes_left > 0, "{report:?}");
}

#[test]
fn many_small_packs_are_merged() {
    let mut world = World::new();
    for n in 0..20 {
        world.back_up("a", &files(n * 2..n * 2 + 2));
    }
    world.prune(&PruneOptions::new(WriteOptions::new(COMPRESSION_DEFAULT)));
    assert!(world.storage.list(name::PACKS).unwrap().len() <= 4);
    assert_eq!(world.storage.list(name::INDEX).unwrap().len(), 1);
    world.check();
}

#[test]
fn copies_across_packs_are_given_up_but_one() {
    let mut world = World::new();
    let (one, other) = (world.open(), world.open());
    let sessions =
        [BackupSteps::begin(&one, "a").unwrap(), BackupSteps::begin(&other, "b").unwrap()];
    let written = sessions.each_ref().map(|session| session.write(&files(0..50)).unwrap());
    for (session, snapshot) in sessions.iter().zip(written) {
        world.expected.insert(session.commit(snapshot).unwrap().id, files(0..50));
    }
    let before = world.pack_bytes();
    let report = world.prune(&ALL);
    assert!(world.pack_bytes() < before * 6 / 10, "{report:?}");
    world.check();
    world.check_nothing_unused();
}

#[test]
fn a_run_that_broke_off_is_cleaned_up_once_its_chain_goes_on() {
    let mut world = World::new();
    world.back_up("a", &files(0..10));
    let repository = world.open();
    BackupSteps::begin(&repository, "a").unwrap().write(&files(100..150)).unwrap();
    // Its packs are as if their upload had been interrupted before the index object: nothing lists
    // them.
    for object in world.storage.list(name::INDEX).unwrap() {
        let id = name::object_id(object.name.as_ref()).unwrap();
        if !world.open().history().index_objects().any(|known| known == id) {
            world.storage.delete(&object.name).unwrap();
        }
    }
    assert_eq!(world.prune(&ALL).packs_deleted, 0, "the run may still commit");
    world.back_up("a", &files(0..11));
    let report = world.prune(&ALL);
    assert!(report.packs_adopted > 0, "{report:?}");
    world.check();
    world.check_nothing_unused();
}

#[test]
fn index_objects_listed_by_a_run_that_broke_off_do_not_keep_its_packs() {
    let mut world = World::new();
    world.back_up("a", &files(0..10));
    BackupSteps::begin(&world.open(), "a").unwrap().write(&files(100..150)).unwrap();
    world.back_up("a", &files(0..11));
    world.prune(&ALL);
    world.check();
    world.check_nothing_unused();
}

#[test]
fn caches_from_before_go_on_to_work() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let options =
        OpenOptions { cache_folder: Some(folder.path().to_owned()), ..OpenOptions::default() };
    let open = |world: &World| {
        Repository::open(Arc::clone(&world.storage) as _, &world.secret(), &options).unwrap()
    };
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    drop(open(&world));
    world.forget(&[first]);
    world.prune(&ALL);
    let old = open(&world);
    world.trouble_of(&old).unwrap();
    let info = back_up(&old, "b", &files(0..90)).unwrap();
    world.expected.insert(info.id, files(0..90));
    world.check();
}

#[test]
fn an_open_repository_learns_of_a_prune() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    let old = world.open();
    world.forget(&[first]);
    world.prune(&ALL);
    old.refresh().unwrap();
    world.trouble_of(&old).unwrap();
}

#[test]
fn the_local_backend_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let backend: Arc<dyn Backend> = Arc::new(Local::create(folder.path().join("r")).unwrap());
    let (secret, _) = Secret::generate_key().unwrap();
    init(&*backend, &secret);
    let open = || Repository::open(Arc::clone(&backend), &secret, &OpenOptions::default()).unwrap();
    let first = back_up(&open(), "a", &files(0..60)).unwrap();
    back_up(&open(), "a", &files(30..90)).unwrap();
    crate::forget::forget(&open(), &[first.id]).unwrap();
    let report = prune(&open(), &ALL, &Silent).unwrap();
    assert!(report.bytes_freed() > 0);
    assert_eq!(prune(&open(), &ALL, &Silent).unwrap().packs_deleted, 0);
}

#[test]
fn a_lost_tree_stops_it() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    world.forget(&[first]);
    let repository = world.open();
    let tree = repository.history().snapshots()[0].snapshot.sources[0].tree;
    let pack = repository.index().locate(&tree).unwrap().unwrap().frame.pack;
    world.storage.delete(&object_name(name::pack(&pack)).unwrap()).unwrap();
    let before = world.storage.list("").unwrap();
    let outcome = prune(&world.open(), &ALL, &Silent);
    assert!(matches!(outcome, Err(EngineError::Repo(RepoError::Damaged { .. }))), "{outcome:?}");
    assert_eq!(world.storage.list("").unwrap(), before);
}

#[test]
fn a_lost_index_object_stops_it() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    world.forget(&[first]);
    let index = world.storage.list(name::INDEX).unwrap();
    world.storage.delete(&index[0].name).unwrap();
    let before = world.storage.list("").unwrap();
    prune(&world.open(), &ALL, &Silent).unwrap_err();
    assert_eq!(world.storage.list("").unwrap(), before);
}

/// Interrupts at the n-th opportunity.
struct Impatient(AtomicUsize);

impl Observer for Impatient {
    fn event(&self, _event: EngineEvent<'_>) {}

    fn is_interrupted(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[test]
fn an_interrupt_at_any_opportunity_loses_nothing_and_is_made_up_for() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(30..90));
    world.forget(&[first]);
    for opportunity in 1.. {
        let world = world.fork();
        let outcome = prune(&world.open(), &ALL, &Impatient(AtomicUsize::new(opportunity)));
        world.check();
        let was_last = outcome.is_ok();
        world.prune(&ALL);
        world.check();
        world.check_nothing_unused();
        if was_last {
            assert!(opportunity > 5);
            return;
        }
    }
}

#[test]
fn a_zombie_of_a_swept_pack_is_deleted_again() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..30));
    world.back_up("a", &files(0..1));
    world.forget(&[first]);
    let before = world.storage.fork();
    world.prune(&ALL);
    let swept: Vec<ObjectId> = world.open().history().swept().iter().copied().collect();
    let zombie = object_name(name::pack(&swept[0])).unwrap();
    world.storage.put(&zombie, &[&before.get(&zombie, u64::MAX).unwrap()]).unwrap();
    let info = back_up(&world.open(), "a", &files(0..30)).unwrap();
    world.expected.insert(info.id, files(0..30));
    assert_eq!(world.prune(&ALL).leftovers_deleted, 1);
    assert!(world.storage.size(&zombie).is_err());
    world.check();
}
