//! Records that are lost: what they cost, what they stop, and how they are written off.

use holdfast_backend::fault::{FaultEffect, FaultFailure, FaultPlan, OperationKind};
use holdfast_backend::{Backend, ObjectName};
use holdfast_format::ObjectId;
use holdfast_format::name::Chain;
use holdfast_format::record::{GenerationBody, GivenUp, WriterBody};
use holdfast_repo::{RepoError, Repository};

use crate::world::{World, append, ids, snapshot};

fn condemn(packs: &[u8]) -> GenerationBody {
    GenerationBody::Condemn {
        packs: packs.iter().map(|pack| ObjectId::of(&[*pack])).collect(),
        targets: Vec::new(),
        writers: Vec::new(),
        index: Vec::new(),
    }
}

fn sweep(condemn: u64, packs: &[u8]) -> GenerationBody {
    GenerationBody::Sweep {
        condemn,
        packs: packs.iter().map(|pack| ObjectId::of(&[*pack])).collect(),
        rescued: Vec::new(),
        index: Vec::new(),
        replaced: Vec::new(),
    }
}

/// Writes off everything that cannot be used.
fn give_up(repository: &Repository) {
    repository.reread_history().unwrap();
    let damaged: Vec<GivenUp> = repository
        .history()
        .damaged()
        .map(|record| GivenUp { object: record.object, found: record.found })
        .collect();
    append(repository, GenerationBody::GiveUp { records: damaged }).unwrap();
}

/// If it were enough that these bytes had been forgotten or written off somewhere, the snapshot
/// would vanish silently, and the next prune would delete its data.
#[test]
fn bytes_of_a_record_that_is_gone_are_damage_in_any_other_place() {
    let world = World::new();
    world.add("a", 0..5);
    let (repository, _) = world.open_with(None);
    let all = ids(&repository);
    append(&repository, GenerationBody::Forget { snapshots: vec![all[1]] }).unwrap();
    let given_up = world.damage(&world.record("a", 4));
    give_up(&repository);
    assert_eq!(world.damaged(), Vec::<String>::new());

    for from in [1, 4] {
        let bytes = world.storage.get(&world.record("a", from), u64::MAX).unwrap();
        let place = world.record("a", 2);
        let right = world.storage.get(&place, u64::MAX).unwrap();
        world.replace(&place, &bytes);
        assert_eq!(world.damaged(), [place.to_string()]);
        let (repository, _) = world.open_with(None);
        let deleted = append(&repository, condemn(&[1]));
        assert!(matches!(deleted, Err(RepoError::Damaged { .. })), "{deleted:?}");
        world.replace(&place, &right);
    }
    // And writing off a slot covers only the bytes that were in it.
    let place = world.record("a", 4);
    let mut bytes = world.storage.get(&place, u64::MAX).unwrap().to_vec();
    bytes[61] ^= 1;
    world.replace(&place, &bytes);
    assert_ne!(ObjectId::of(&bytes), given_up);
    assert_eq!(world.damaged(), [place.to_string()]);
}

#[test]
fn every_record_of_a_gap_is_missed_and_given_up() {
    let world = World::new();
    world.add("a", 0..6);
    for slot in [2, 3] {
        world.storage.delete(&world.record("a", slot)).unwrap();
    }
    assert_eq!(world.damaged().len(), 2);
    give_up(&world.open_with(None).0);
    assert_eq!(world.damaged(), Vec::<String>::new());
    // A restored one counts again.
    world.add("a", [7]);
    assert_eq!(world.truth().len(), 5);
}

#[test]
fn a_generation_is_read_from_either_copy() {
    let world = World::new();
    world.add("a", 0..2);
    let (repository, _) = world.open_with(None);
    let all = ids(&repository);
    append(&repository, GenerationBody::Forget { snapshots: vec![all[0]] }).unwrap();
    let truth = world.truth();
    assert_eq!(truth.len(), 1);
    for slot in 0..2 {
        for copy in world.generation(slot) {
            let right = world.storage.get(&copy, u64::MAX).unwrap();
            world.damage(&copy);
            assert_eq!((world.truth(), world.damaged().len()), (truth.clone(), 0), "{copy}");
            world.storage.delete(&copy).unwrap();
            assert_eq!((world.truth(), world.damaged().len()), (truth.clone(), 0), "{copy}");
            world.storage.put(&copy, &[&right]).unwrap();
            let (repository, _) = world.open_on(FaultPlan::unreadable(copy.as_ref()));
            let repository = repository.unwrap();
            assert_eq!(
                (ids(&repository), repository.history().damaged().count()),
                (truth.clone(), 0)
            );
        }
    }
}

/// The last record is lost except for its copy. A record in its slot would undo what it says.
#[test]
fn nothing_is_written_over_a_generation_whose_copy_is_there() {
    for has_garbage in [false, true] {
        let world = World::new();
        world.add("a", 0..2);
        let (repository, _) = world.open_with(None);
        let all = ids(&repository);
        append(&repository, GenerationBody::Forget { snapshots: vec![all[0]] }).unwrap();
        let [record, copy] = world.generation(1);
        world.storage.delete(&record).unwrap();
        if has_garbage {
            world.replace(&copy, b"garbage");
        }
        let (repository, _) = world.open_with(None);
        let added = append(&repository, GenerationBody::Forget { snapshots: vec![all[1]] });
        assert_eq!(added.unwrap(), Some(2));
        assert_eq!(world.damaged().len(), usize::from(has_garbage));
        assert_eq!(world.truth().len(), usize::from(has_garbage));
    }
}

#[test]
fn copies_that_are_missing_are_completed_by_who_appends() {
    let world = World::new();
    world.add("a", 0..2);
    world.add("b", 0..2);
    let copies = |world: &World| world.storage.list("gen").unwrap().len();
    assert_eq!(copies(&world), 4);
    let [first, second] = [&world.generation(0)[1], &world.generation(1)[0]];
    let before = [first, second].map(|name| world.storage.get(name, u64::MAX).unwrap());
    world.storage.delete(first).unwrap();
    world.storage.delete(second).unwrap();
    let truth = world.truth();
    assert_eq!(copies(&world), 2, "reading writes nothing");
    world.add("a", []);
    assert_eq!([first, second].map(|name| world.storage.get(name, u64::MAX).unwrap()), before);
    assert_eq!(world.truth(), truth);
}

#[test]
fn a_disk_without_room_for_a_copy_takes_the_record() {
    let world = World::new();
    world.add("a", 0..1);
    let no_room = FaultEffect::Fail(FaultFailure::NoSpace);
    let (repository, _) =
        world.open_on(FaultPlan::at_kind(2, &[OperationKind::Put], no_room).and_at(
            3,
            &[OperationKind::Put],
            no_room,
        ));
    let repository = repository.unwrap();
    append(&repository, GenerationBody::Forget { snapshots: ids(&repository) }).unwrap();
    assert_eq!((world.truth().len(), world.damaged().len()), (0, 0));
}

/// A commit that never reached the disk, seen in the page cache.
#[test]
fn what_is_seen_is_not_committed_until_it_is_durable() {
    for effect in [FaultEffect::Unsynced, FaultEffect::LostAck] {
        let world = World::new();
        world.add("a", 0..1);
        let (repository, fault) =
            world.open_on(FaultPlan::at_kind(1, &[OperationKind::Put], effect));
        let repository = repository.unwrap();
        let writer = repository.keys().writer_id("a");
        let body = snapshot("a", 7);
        let outcome = repository.append_to(writer, &body);
        fault.power_cut().unwrap();
        // A lost answer is not a failure: the storage vouches for the object.
        assert_eq!(outcome.is_ok(), effect == FaultEffect::LostAck, "{outcome:?}");
        assert_eq!(world.truth().len(), 1 + usize::from(outcome.is_ok()));
    }
}

/// The end of the generation chain is lost, and only a fence shows it.
#[test]
fn a_generation_that_a_fence_names_is_missed() {
    let world = World::new();
    world.add("a", 0..2);
    let (repository, _) = world.open_with(None);
    append(&repository, condemn(&[1])).unwrap();
    let writer = repository.keys().writer_id("a");
    let fence = WriterBody::Fence { generation: 1 };
    repository.append_to(writer, &fence).unwrap();
    for copy in world.generation(1) {
        world.storage.delete(&copy).unwrap();
    }
    let (other, _) = world.open_with(None);
    assert_eq!((ids(&other).len(), world.damaged().len()), (2, 1), "it is read");
    let refused = other.writer("a");
    assert!(matches!(refused, Err(RepoError::Damaged { .. })), "what is condemned is not known");
    // The process that condemned still knows, and must not continue either.
    let swept = append(&repository, sweep(1, &[1]));
    assert!(matches!(swept, Err(RepoError::Damaged { .. })), "{swept:?}");

    give_up(&other);
    assert_eq!(world.damaged(), Vec::<String>::new());
    world.add("a", [9]);
    assert_eq!(world.truth().len(), 3);
    repository.refresh().unwrap();
    assert!(
        repository.history().condemn().is_none(),
        "it is over even for the process that knew it"
    );
}

/// A generation is written off while a cache has it intact: all readers must see the same.
#[test]
fn what_is_given_up_counts_as_the_repository_has_it() {
    let world = World::new();
    world.add("a", 0..3);
    let (repository, _) = world.open_with(None);
    let all = ids(&repository);
    append(&repository, GenerationBody::Forget { snapshots: vec![all[0]] }).unwrap();
    append(&repository, GenerationBody::Forget { snapshots: vec![all[1]] }).unwrap();
    assert_eq!(world.open().0.len(), 1, "now they are kept");
    for copy in world.generation(1) {
        world.damage(&copy);
    }
    give_up(&repository);
    assert_eq!(world.truth().len(), 2, "what the record removed is back");
    for _ in 0..2 {
        assert_eq!(world.open().0, world.truth());
    }
}

/// An authentic record that does not continue its chain, for example from another copy of the
/// repository, is no reason to lose the snapshot that it holds.
#[test]
fn a_record_that_does_not_continue_its_chain_is_taken_once_it_is_given_up() {
    let world = World::new();
    world.add("a", 0..2);
    let fork = World { storage: std::sync::Arc::new(world.storage.fork()), ..World::new() };
    let fork = World { key: world.key.clone(), ..fork };
    fork.add("a", [50, 51]);
    world.add("a", [60, 61]);
    let place = world.record("a", 3);
    world.replace(&place, &fork.storage.get(&place, u64::MAX).unwrap());
    assert_eq!(world.damaged(), [place.to_string()]);
    give_up(&world.open_with(None).0);
    assert_eq!((world.truth().len(), world.damaged().len()), (4, 0));
}

/// A name that an old or another program left in the folder of the chain.
#[test]
fn a_copy_has_a_name_of_its_own() {
    use holdfast_repo::chain::record_place;
    let place = Some((Chain::Generations, 7));
    assert_eq!(record_place("gen/0000000007"), place);
    assert_eq!(record_place("gen/0000000007.b"), place);
    let writer = "w/00000000000000000000000000000001";
    assert!(record_place(&format!("{writer}/0000000007")).is_some());
    for other in
        ["gen/7", "gen/0000000007.b.b", "gen/0000000007.c", &format!("{writer}/0000000007.b")]
    {
        assert_eq!(record_place(other), None, "{other}");
    }
    assert!(ObjectName::new("gen/0000000007.b").is_ok());
}
