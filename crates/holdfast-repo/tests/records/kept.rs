//! Records kept in the cache: what they save, and that they are never trusted over the repository.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_backend::Backend;
use holdfast_format::record::{GenerationBody, GivenUp};

use crate::world::{World, append, ids};

#[test]
fn a_long_history_costs_one_listing() {
    let world = World::new();
    world.add("a", 0..1990);
    world.add("b", 0..10);
    let (first, gets) = world.open();
    assert_eq!(first.len(), 2000);
    assert!(gets > 2000, "nothing was kept yet: {gets}");
    let (repository, counting) = world.open_with(Some(world.cache.path()));
    assert_eq!(ids(&repository), first);
    // Config, key slots, and for each of three chains its last record and the slot after it.
    let (gets, lists) = (&counting.gets, &counting.lists);
    assert!(gets.load(Ordering::Relaxed) <= 12, "{gets:?} of 2000 records");
    assert!(lists.load(Ordering::Relaxed) <= 5, "{lists:?}");
    drop(repository);
    world.add("b", [5000]);
    let (more, gets) = world.open();
    assert_eq!((more.len(), gets <= 13), (2001, true), "{gets}");
    std::fs::remove_dir_all(world.cache.path()).unwrap();
    assert_eq!(world.open().0, more, "the cache is only a cache");
}

#[test]
fn a_chain_that_continued_differently_is_reread() {
    let world = World::new();
    world.add("a", 0..5);
    let copy = world.storage.fork();
    world.add("a", 5..9);
    world.open();
    // The repository is restored from its copy, and continues with other records of the same names
    // and sizes.
    let world = World { storage: Arc::new(copy), ..world };
    assert_eq!(world.open().0.len(), 5, "deleted records are not trusted");
    world.add("a", 105..109);
    assert_eq!(world.open().0, world.truth());
    assert_eq!(world.open().0, world.truth(), "and records just read are kept");
}

#[test]
fn records_that_are_gone_are_missed() {
    let world = World::new();
    world.add("a", 0..9);
    world.open();
    world.storage.delete(&world.record("a", 4)).unwrap();
    let (repository, _) = world.open_with(Some(world.cache.path()));
    assert_eq!(repository.history().damaged().count(), 1);
    assert_eq!(ids(&repository), world.truth());
}

#[test]
fn a_damaged_record_stops_who_deletes_and_is_gone_once_it_is_given_up() {
    let world = World::new();
    world.add("a", 0..9);
    world.open();
    let name = world.record("a", 4);
    let found = Some(world.damage(&name));
    assert_eq!(world.open().0.len(), 9, "it is known from the cache");
    let (repository, _) = world.open_with(Some(world.cache.path()));
    repository.reread_history().unwrap();
    assert_eq!(repository.history().damaged().count(), 1);
    let records = vec![GivenUp { object: name.to_string(), found }];
    append(&repository, GenerationBody::GiveUp { records }).unwrap();
    drop(repository);
    assert_eq!(world.open().0.len(), 8);
    assert_eq!(world.open().0, world.truth());
    assert!(world.open().1 < 20, "earlier records are still kept");
}
