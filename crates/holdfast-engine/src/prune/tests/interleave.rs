//! A backup at every moment of a prune, and a prune at every moment of a backup.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use holdfast_backend::Backend;
use holdfast_format::ObjectId;
use holdfast_repo::{RepoError, Repository};

use super::hooked::HookedBackend;
use super::world::{ALL, BackupSteps, FileChunks, RUTHLESS, World, back_up, files};
use crate::prune::{PruneMutation, PruneOptions, run};
use crate::{EngineEvent, Observer, Silent};

/// How far the backup is when the prune starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionProgress {
    /// It has read the index.
    Begun,
    /// Only the commit is left to do.
    Written,
}

/// A world in which the contents of `wanted` are stored twice and no longer needed, until a backup
/// needs them again.
pub fn tempting() -> (World, FileChunks) {
    let mut world = World::new();
    let wanted = files(0..40);
    let (one, other) = (world.open(), world.open());
    let sessions =
        [BackupSteps::begin(&one, "a").unwrap(), BackupSteps::begin(&other, "b").unwrap()];
    let written = sessions.each_ref().map(|session| session.write(&wanted).unwrap());
    let ids: Vec<ObjectId> = sessions
        .iter()
        .zip(written)
        .map(|(session, snapshot)| session.commit(snapshot).unwrap().id)
        .collect();
    world.back_up("a", &files(35..60));
    world.back_up("b", &files(200..203));
    world.forget(&ids);
    (world, wanted)
}

/// Lets a backup continue at each operation of a prune; returns the first failure.
pub fn backup_at_each_operation(
    world: &World,
    wanted: &FileChunks,
    host: &'static str,
    progress: SessionProgress,
    options: &PruneOptions,
    mutation: PruneMutation,
) -> Result<(), String> {
    for operation in 1.. {
        let mut world = world.fork();
        let (done, hook) = backup_as_hook(&world, wanted, host, progress);
        let hooked = HookedBackend::new(Arc::clone(&world.storage), operation, hook);
        let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>).unwrap();
        let outcome = run(&repository, options, &Silent, mutation).map(drop);
        if hooked.is_unused() {
            assert!(operation > 30);
            return Ok(());
        }
        let named = |trouble: String| {
            format!("{host} {progress:?} at {operation}, prune {outcome:?}: {trouble}")
        };
        let committed = done.lock().unwrap().take().unwrap().map_err(|e| named(e.to_string()))?;
        world.expected.insert(committed, wanted.clone());
        world.trouble().map_err(named)?;
        run(&world.open(), options, &Silent, mutation).map_err(|error| named(error.to_string()))?;
        world.trouble().map_err(named)?;
    }
    Ok(())
}

type InterleaveOutcome = Arc<Mutex<Option<Result<ObjectId, RepoError>>>>;

/// A backup in progress, and the rest of it.
fn backup_as_hook(
    world: &World,
    wanted: &FileChunks,
    host: &'static str,
    progress: SessionProgress,
) -> (InterleaveOutcome, impl FnOnce() + Send + 'static) {
    let repository: &'static Repository = Box::leak(Box::new(world.open()));
    let session = BackupSteps::begin(repository, host).unwrap();
    let written = match progress {
        SessionProgress::Begun => None,
        SessionProgress::Written => Some(session.write(wanted).unwrap()),
    };
    let (done, wanted) = (InterleaveOutcome::default(), wanted.clone());
    let outcome = Arc::clone(&done);
    let hook = move || {
        let result = written
            .map_or_else(|| session.write(&wanted), Ok)
            .and_then(|snapshot| session.commit(snapshot))
            .or_else(|error| match error {
                RepoError::Fenced => {
                    repository.refresh()?;
                    back_up(repository, host, &wanted)
                }
                error => Err(error),
            });
        *outcome.lock().unwrap() = Some(result.map(|info| info.id));
    };
    (done, hook)
}

#[test]
fn a_backup_at_any_moment_of_a_prune() {
    let (world, wanted) = tempting();
    for progress in [SessionProgress::Begun, SessionProgress::Written] {
        for host in ["a", "b", "new"] {
            for options in [&ALL, &RUTHLESS] {
                backup_at_each_operation(
                    &world,
                    &wanted,
                    host,
                    progress,
                    options,
                    PruneMutation::None,
                )
                .unwrap();
            }
        }
    }
}

#[test]
fn a_run_whose_own_packs_were_taken_for_left_over_notices() {
    let mut world = World::new();
    world.back_up("a", &files(0..10));
    let repository = world.open();
    let session = BackupSteps::begin(&repository, "a").unwrap();
    let snapshot = session.write(&files(100..120)).unwrap();
    // A sibling commits, so that the session counts as over.
    world.back_up("a", &files(0..11));
    assert!(world.prune(&ALL).packs_deleted > 0);
    assert!(matches!(session.commit(snapshot), Err(RepoError::Fenced)));
    let info = back_up(&repository, "a", &files(100..120)).unwrap();
    world.expected.insert(info.id, files(100..120));
    world.check();
}

#[test]
fn its_own_packs_count_also_where_the_cache_was_rebuilt() {
    let mut world = World::new();
    world.back_up("a", &files(0..10));
    for has_been_swept in [false, true] {
        let world = &mut world.fork();
        let folder = tempfile::tempdir().unwrap();
        let repository = world.open_with_cache(folder.path());
        let session = BackupSteps::begin(&repository, "a").unwrap();
        let snapshot = session.write(&files(100..120)).unwrap();
        world.back_up("a", &files(0..11));
        // A missing blob is looked up in a rebuilt index.
        let nowhere = holdfast_format::BlobId::from_bytes([7; 32]);
        assert!(repository.index().locate(&nowhere).unwrap().is_none());
        match has_been_swept {
            true => drop(world.prune(&ALL)),
            false => super::rescued::condemn(world),
        }
        repository.refresh().unwrap();
        assert!(matches!(session.commit(snapshot), Err(RepoError::Fenced)), "{has_been_swept}");
    }
}

#[test]
fn a_fence_that_was_read_already_still_counts() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..30));
    world.back_up("a", &files(50..60));
    world.forget(&[first]);
    let repository = world.open();
    let session = BackupSteps::begin(&repository, "a").unwrap();
    let snapshot = session.write(&files(0..30)).unwrap();
    world.prune(&ALL);
    repository.catch_up(&mut repository.history()).unwrap();
    assert!(matches!(session.commit(snapshot), Err(RepoError::Fenced)));
}

#[test]
fn a_run_that_begins_again_finds_what_moved() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    let second = world.back_up("a", &files((0..60).step_by(2)));
    let repository = world.open();
    let session = BackupSteps::begin(&repository, "a").unwrap();
    let snapshot = session.write(&files(0..60)).unwrap();
    world.forget(&[first]);
    world.prune(&ALL);
    repository.catch_up(&mut repository.history()).unwrap();
    let begun = BackupSteps::begin(&repository, "a").unwrap();
    world.trouble_of(&repository).unwrap();
    drop(begun);
    assert!(matches!(session.commit(snapshot), Err(RepoError::Fenced)));
    world.trouble_of(&repository).unwrap();
    assert!(world.expected.contains_key(&second));
}

/// Ends a prune at the last opportunity before its sweep.
struct UntilSweep(AtomicU64);

impl Observer for UntilSweep {
    fn event(&self, _event: EngineEvent<'_>) {}

    fn is_interrupted(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[test]
fn a_part_of_a_prune_at_any_moment_of_a_backup() {
    let (world, wanted) = tempting();
    // The prune ends early, so that the condemnation is open while the backup runs.
    for opportunities in [4, 5, 6, 7, 8, 9] {
        for host in ["a", "new"] {
            for operation in 1.. {
                let mut world = world.fork();
                let other = world.clone();
                let hook = move || {
                    let observer = UntilSweep(AtomicU64::new(opportunities));
                    let _ = run(&other.open(), &RUTHLESS, &observer, PruneMutation::None);
                };
                let hooked = HookedBackend::new(Arc::clone(&world.storage), operation, hook);
                let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>);
                // A pack can disappear between being listed and being read.
                let info = back_up(&repository.unwrap(), host, &wanted).unwrap();
                if hooked.is_unused() {
                    break;
                }
                world.expected.insert(info.id, wanted.clone());
                world.check();
                world.prune(&ALL);
                world.check();
            }
        }
    }
}

/// Lets a prune and a backup come between any two operations of a prune; returns the first trouble.
pub fn prune_at_each_operation(mutation: PruneMutation) -> Result<(), String> {
    let (world, wanted) = tempting();
    for operation in 1.. {
        let mut world = world.fork();
        let other = world.clone();
        let hooked = HookedBackend::new(Arc::clone(&world.storage), operation, move || {
            run(&other.open(), &RUTHLESS, &Silent, PruneMutation::None).unwrap();
            back_up(&other.open(), "c", &files(0..3)).unwrap();
        });
        let named = |trouble: String| format!("at {operation}: {trouble}");
        let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>).unwrap();
        // What the other prune deleted is missing, and looked up again.
        run(&repository, &RUTHLESS, &Silent, mutation).map_err(|error| named(error.to_string()))?;
        if hooked.is_unused() {
            return Ok(());
        }
        world.trouble().map_err(named)?;
        world.back_up("a", &wanted);
        world.prune(&ALL);
        world.trouble().map_err(named)?;
    }
    Ok(())
}

#[test]
fn two_prunes_at_once() {
    prune_at_each_operation(PruneMutation::None).unwrap();
}
