//! A pack that was condemned when a backup started, then rescued, and condemned again.

use std::sync::Arc;

use holdfast_backend::fault::{FaultEffect, FaultPlan};
use holdfast_backend::{Backend, FaultBackend};
use holdfast_format::record::Snapshot;
use holdfast_repo::RepoError;

use super::world::{ALL, BackupSteps, World, back_up, files};
use crate::Silent;
use crate::prune::{PruneMutation, run};

/// A prune that is killed as soon as it has condemned something.
pub fn condemn(world: &World) {
    let condemns = |operation: &u64| {
        let fork = world.fork();
        kill_at(&fork, *operation);
        fork.open().history().condemn().is_some()
    };
    let operation = (1..).find(condemns).unwrap();
    kill_at(world, operation);
    assert!(world.open().history().condemn().is_some());
}

fn kill_at(world: &World, operation: u64) {
    let plan = FaultPlan::at(operation, FaultEffect::Crash { applied: true });
    let backend = Arc::new(FaultBackend::new(Arc::clone(&world.storage) as Arc<dyn Backend>, plan));
    if let Ok(repository) = world.open_on(backend) {
        let _killed = run(&repository, &ALL, &Silent, PruneMutation::None);
    }
}

#[test]
fn what_was_condemned_when_a_run_began_stays_unusable_for_it() {
    let mut world = World::new();
    let wanted = files(10..50);
    for host in ["b", "c"] {
        world.back_up(host, &files([900]));
    }
    let old = world.back_up("a", &wanted);
    // Another host finds the same files already stored, and commits between the condemnation and
    // the fence in its chain: the packs will be rescued.
    let other = world.open();
    let session = BackupSteps::begin(&other, "b").unwrap();
    let written = session.write(&wanted).unwrap();
    world.forget(&[old]);
    condemn(&world);
    let needing = session.commit(written).unwrap().id;
    world.expected.insert(needing, wanted.clone());

    // The long backup starts while they are condemned, and makes a checkpoint after their rescue.
    let repository = world.open();
    let session = BackupSteps::begin(&repository, "c").unwrap();
    let mut blobs = session.blobs().unwrap();
    let first = session.write_with(&mut blobs, &files(100..140)).unwrap();
    let report = world.prune(&ALL);
    assert!(report.packs_rescued > 0, "{report:?}");
    let checkpoint = session.commit(Snapshot { partial: true, ..first }).unwrap();
    blobs.continue_after_slot(checkpoint.sequence);
    session.write_with(&mut blobs, &files(200..240)).unwrap();

    // It reaches the files in those packs. Then nothing else needs them any more.
    let all = files((10..50).chain(100..140).chain(200..240));
    let last = session.write_with(&mut blobs, &all).unwrap();
    world.forget(&[needing]);
    assert!(world.prune(&ALL).packs_deleted > 0);
    let info = match session.commit(last) {
        Err(RepoError::Fenced) => back_up(&world.open(), "c", &all).unwrap(),
        outcome => outcome.unwrap(),
    };
    world.expected.insert(info.id, all);
    world.check();
}
