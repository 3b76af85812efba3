//! A repair of snapshots while a prune is in progress.

use std::sync::Arc;

use holdfast_backend::Backend;
use holdfast_format::{BlobType, name};
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{SnapshotInfo, object_name};

use super::hooked::HookedBackend;
use super::rescued::condemn;
use super::world::{ALL, BackupSteps, FileChunks, World, bytes_of, files};
use crate::forget::forget;
use crate::prune::{PruneMutation, run};
use crate::repair::{
    self, RepairIndexOptions, RepairSnapshotsOptions, repair_index, repair_snapshots,
};
use crate::{EngineError, EngineEvent, Observer, Silent};

/// Interrupts a prune as soon as it asks.
struct AtOnce;

impl Observer for AtOnce {
    fn event(&self, _event: EngineEvent<'_>) {}

    fn is_interrupted(&self) -> bool {
        true
    }
}

/// A prune that has condemned packs and put its fences, and a damaged snapshot before them that
/// needs those packs, and has lost a file.
fn condemned_and_fenced() -> (World, FileChunks) {
    let mut world = World::new();
    let wanted = files(10..50);
    world.back_up("b", &files([900]));
    let old = world.back_up("a", &wanted);
    let repository = world.open();
    let session = BackupSteps::begin(&repository, "b").unwrap();
    let mut with_another = wanted.clone();
    with_another.extend(files([777]));
    let written = session.write(&with_another).unwrap();
    world.forget(&[old]);
    condemn(&world);
    session.commit(written).unwrap();
    let outcome = run(&world.open(), &ALL, &AtOnce, PruneMutation::None);
    assert!(matches!(outcome, Err(EngineError::Interrupted)), "{outcome:?}");
    assert!(world.open().history().condemn().is_some());
    let lost = repository.keys().blob_id(BlobType::Data, &bytes_of(777));
    let pack = repository.index().locate(&lost).unwrap().unwrap().frame.pack;
    world.storage.delete(&object_name(name::pack(&pack)).unwrap()).unwrap();
    (world, wanted)
}

/// The replacement of the snapshot is after the fences, and the prune may have looked by then: it
/// must not rely on condemned packs.
#[test]
fn what_a_repair_takes_over_is_kept_from_the_prune() {
    let (start, wanted) = condemned_and_fenced();
    for operation in 1.. {
        let world = start.fork();
        let other = world.clone();
        let repair = move || {
            let repository = other.open();
            repair_index(
                &repository,
                &RepairIndexOptions {
                    read_all: false,
                    packs: Vec::new(),
                    write: WriteOptions::new(COMPRESSION_DEFAULT),
                },
                &Silent,
            )
            .unwrap();
            let options = RepairSnapshotsOptions {
                forget: true,
                dry_run: false,
                write: WriteOptions::new(COMPRESSION_DEFAULT),
            };
            repair_snapshots(&other.open(), &options, &Silent).unwrap();
        };
        let hooked = HookedBackend::new(Arc::clone(&world.storage), operation, repair);
        let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>).unwrap();
        // It may find that a file is lost, if it gets there before the repair.
        let outcome = run(&repository, &ALL, &Silent, PruneMutation::None);
        if hooked.is_unused() {
            assert!(operation > 30);
            return;
        }
        let snapshots = world.open().history().snapshots();
        let repaired = snapshots.iter().filter(|info| info.snapshot.tags == ["repaired"]);
        let mut world = world;
        world.expected.extend(repaired.map(|info| (info.id, wanted.clone())));
        assert_eq!(world.expected.len(), 2, "at {operation}");
        if let Err(trouble) = world.trouble() {
            panic!("at {operation}, prune {outcome:?}: {trouble}");
        }
    }
}

/// Ends a prune as soon as what was condemned is decided.
struct OnceDecided(World);

impl Observer for OnceDecided {
    fn event(&self, _event: EngineEvent<'_>) {}

    fn is_interrupted(&self) -> bool {
        self.0.open().history().condemn().is_none()
    }
}

/// Lets somebody forget the damaged snapshot, and the prune decide, between any two operations of a
/// repair; returns the first trouble.
pub fn prune_at_each_operation_of_a_repair(mutation: repair::RepairMutation) -> Result<(), String> {
    let (start, wanted) = condemned_and_fenced();
    repair_index(
        &start.open(),
        &RepairIndexOptions {
            read_all: false,
            packs: Vec::new(),
            write: WriteOptions::new(COMPRESSION_DEFAULT),
        },
        &Silent,
    )
    .unwrap();
    let mut replaced = 0;
    for operation in 1.. {
        let mut world = start.fork();
        let other = world.clone();
        let prune = move || {
            let repository = other.open();
            let snapshots = repository.history().snapshots();
            let is_damaged = |info: &&SnapshotInfo| {
                !other.expected.contains_key(&info.id) && info.snapshot.tags.is_empty()
            };
            let damaged = snapshots.iter().find(is_damaged).unwrap();
            forget(&repository, &[damaged.id]).unwrap();
            let decided =
                run(&other.open(), &ALL, &OnceDecided(other.clone()), PruneMutation::None);
            assert!(matches!(decided, Err(EngineError::Interrupted)), "{decided:?}");
        };
        let hooked = HookedBackend::new(Arc::clone(&world.storage), operation, prune);
        let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>).unwrap();
        let options = RepairSnapshotsOptions {
            forget: false,
            dry_run: false,
            write: WriteOptions::new(COMPRESSION_DEFAULT),
        };
        let outcome = repair::run_on_snapshots(&repository, &options, &Silent, mutation);
        if hooked.is_unused() {
            assert!(replaced > 0, "of {operation}");
            return Ok(());
        }
        let named = |trouble: String| format!("at {operation}, repair {outcome:?}: {trouble}");
        if let Ok(done) = &outcome {
            let replacements = done.repaired.iter().filter_map(|repaired| repaired.replacement);
            world.expected.extend(replacements.map(|id| (id, wanted.clone())));
            replaced += world.expected.len() - 1;
        }
        world.trouble().map_err(named)?;
    }
    Ok(())
}

#[test]
fn a_repair_relies_on_nothing_that_may_go() {
    prune_at_each_operation_of_a_repair(repair::RepairMutation::None).unwrap();
}
