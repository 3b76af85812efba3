//! Each deliberate bug is caught.

use holdfast_backend::Backend;
use holdfast_backend::fault::FaultEffect;
use holdfast_format::{BlobType, name};
use holdfast_repo::object_name;

use super::crash::{at_each_operation, busy};
use super::interleave::{
    SessionProgress, backup_at_each_operation, prune_at_each_operation, tempting,
};
use super::readers::overtake;
use super::repairs::prune_at_each_operation_of_a_repair;
use super::world::{ALL, BackupSteps, RUTHLESS, World, bytes_of, files};
use crate::Silent;
use crate::prune::{PruneMutation, run};
use crate::repair;

fn is_caught_by_a_backup_meanwhile(mutation: PruneMutation) {
    let (world, wanted) = tempting();
    for options in [&ALL, &RUTHLESS] {
        let outcome = backup_at_each_operation(
            &world,
            &wanted,
            "b",
            SessionProgress::Written,
            options,
            mutation,
        );
        let trouble = outcome.unwrap_err();
        println!("{trouble}");
        assert!(trouble.contains("is in no pack"), "{trouble}");
    }
}

#[test]
fn no_fences() {
    is_caught_by_a_backup_meanwhile(PruneMutation::NoFences);
}

#[test]
fn live_set_before_the_fences() {
    is_caught_by_a_backup_meanwhile(PruneMutation::LiveSetBeforeFences);
}

#[test]
fn copies_in_condemned_packs_count() {
    is_caught_by_a_backup_meanwhile(PruneMutation::CopiesInCondemnedPacksCount);
}

#[test]
fn delete_before_sweep() {
    let effect = FaultEffect::Crash { applied: true };
    let trouble =
        at_each_operation(&busy(), &ALL, effect, PruneMutation::DeleteBeforeSweep).unwrap_err();
    println!("{trouble}");
    assert!(trouble.contains("of the index"), "{trouble}");
}

/// A world in which each blob of a snapshot is stored twice.
fn with_copies() -> World {
    let mut world = World::new();
    let (one, other) = (world.open(), world.open());
    let sessions =
        [BackupSteps::begin(&one, "a").unwrap(), BackupSteps::begin(&other, "b").unwrap()];
    let written = sessions.each_ref().map(|session| session.write(&files(10..14)).unwrap());
    for (session, snapshot) in sessions.iter().zip(written) {
        world.expected.insert(session.commit(snapshot).unwrap().id, files(10..14));
    }
    world
}

/// Loses one of the copies without the index knowing, and prunes.
fn with_one_copy_lost(world: &World, place: usize, mutation: PruneMutation) -> Result<(), String> {
    let world = world.fork();
    let repository = world.open();
    let id = repository.keys().blob_id(BlobType::Data, &bytes_of(10));
    let mut places = repository.index().reader().locations(&id).unwrap();
    places.sort_by_key(|place| place.frame.pack);
    let lost = places[place].frame.pack;
    world.storage.delete(&object_name(name::pack(&lost)).unwrap()).unwrap();
    let _ = run(&repository, &ALL, &Silent, mutation);
    // The index may list the lost pack; all that counts is that the other copy still exists.
    match world.trouble() {
        Err(trouble) if trouble.starts_with("snapshot") => Err(trouble),
        _ => Ok(()),
    }
}

#[test]
fn copies_are_believed() {
    let world = with_copies();
    let outcomes = |mutation| [0, 1].map(|place| with_one_copy_lost(&world, place, mutation));
    assert!(outcomes(PruneMutation::None).iter().all(Result::is_ok));
    assert!(outcomes(PruneMutation::CopiesAreBelieved).iter().any(Result::is_err));
}

#[test]
fn others_are_errors() {
    let trouble = prune_at_each_operation(PruneMutation::OthersAreErrors).unwrap_err();
    println!("{trouble}");
    assert!(trouble.contains("is missing"), "{trouble}");
}

#[test]
fn the_new_index_is_not_named() {
    let trouble = overtake(false, PruneMutation::NewIndexIsNotNamed).unwrap_err();
    println!("{trouble}");
    assert!(trouble.ends_with("overtaken"), "{trouble}");
}

#[test]
fn a_repair_relies_on_what_is_condemned() {
    let mutation = repair::RepairMutation::CondemnedIsReliedOn;
    let trouble = prune_at_each_operation_of_a_repair(mutation).unwrap_err();
    println!("{trouble}");
    assert!(trouble.contains("is in no pack"), "{trouble}");
}
