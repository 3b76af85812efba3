//! One fault at each operation, and two crashes at random ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_backend::fault::{FaultEffect, FaultFailure, FaultPlan, OperationKind};
use holdfast_backend::{Backend, FaultBackend};

use crate::script::Script;

/// Runs `script` on a storage with faults. Returns its result and the number of operations.
fn run_with(script: &mut Script, plan: FaultPlan) -> (Result<(), String>, u64) {
    let fault = Arc::new(FaultBackend::new(Arc::clone(&script.storage) as Arc<dyn Backend>, plan));
    let backend = Arc::clone(&fault) as Arc<dyn Backend>;
    let outcome = script.run(&backend);
    (outcome, fault.operations())
}

/// The number of operations in the whole script.
fn operations() -> u64 {
    let mut script = Script::new();
    let (outcome, operations) = run_with(&mut script, FaultPlan::none());
    outcome.unwrap();
    script.verify().unwrap();
    assert!(script.storage.list("packs").unwrap().len() > 4);
    operations
}

/// Calls `test` with each number up to `count`, on all processors.
fn for_each(count: u64, test: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > count {
                    break;
                }
                test(number);
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// The fault happens once; everything acknowledged is intact, and the rest of the script works.
fn at_each_operation(effect: FaultEffect) {
    let begin = Script::new();
    for_each(operations(), |number| {
        let mut script = begin.fork();
        let (outcome, _) = run_with(&mut script, FaultPlan::at(number, effect));
        survive(&mut script).unwrap_or_else(|trouble| {
            panic!("{effect:?} at operation {number}, which ended with {outcome:?}: {trouble}")
        });
    });
}

fn survive(script: &mut Script) -> Result<(), String> {
    script.verify()?;
    script.run_to_end()?;
    script.verify()
}

#[test]
fn a_crash_before_each_operation() {
    at_each_operation(FaultEffect::Crash { applied: false });
}

#[test]
fn a_crash_after_each_operation() {
    at_each_operation(FaultEffect::Crash { applied: true });
}

#[test]
fn a_lost_answer_of_each_operation() {
    at_each_operation(FaultEffect::LostAck);
}

/// A put that is visible but not durable, as after a failed sync of its folder: acknowledged data
/// survives a power failure, and nothing blocks the script afterwards.
#[test]
fn a_put_that_is_not_durable_at_each_operation() {
    let begin = Script::new();
    for_each(operations(), |number| {
        let mut script = begin.fork();
        let plan = FaultPlan::at(number, FaultEffect::Unsynced);
        let storage = Arc::clone(&script.storage) as Arc<dyn Backend>;
        let fault = Arc::new(FaultBackend::new(storage, plan));
        let outcome = script.run(&(Arc::clone(&fault) as Arc<dyn Backend>));
        fault.power_cut().unwrap();
        survive(&mut script).unwrap_or_else(|trouble| {
            panic!("operation {number}, which ended with {outcome:?}: {trouble}")
        });
    });
}

#[test]
fn an_error_of_each_operation() {
    at_each_operation(FaultEffect::Fail(FaultFailure::Io));
}

#[test]
fn no_space_at_each_operation() {
    at_each_operation(FaultEffect::Fail(FaultFailure::NoSpace));
}

#[test]
fn no_permission_at_each_operation() {
    at_each_operation(FaultEffect::Fail(FaultFailure::Permission));
}

#[test]
fn a_read_cut_short_at_each_operation() {
    at_each_operation(FaultEffect::ShortRead);
}

#[test]
fn a_wrong_bit_in_each_read() {
    at_each_operation(FaultEffect::FlipBit { at: 4321 });
}

/// From some operation on, everything fails until the medium is back.
#[test]
fn a_medium_that_goes_away_at_each_operation() {
    let begin = Script::new();
    let gone = FaultEffect::Fail(FaultFailure::Io);
    for_each(operations(), |number| {
        let mut script = begin.fork();
        let plan = FaultPlan::none().and_from(number, &[], gone);
        let (outcome, operations) = run_with(&mut script, plan);
        // The number of repeated lookups depends on threads: this run may have needed fewer
        // operations.
        assert!(outcome.is_err() || operations < number, "operation {number}");
        survive(&mut script).unwrap_or_else(|trouble| panic!("down from {number} on: {trouble}"));
    });
}

/// A disk that is full from some put on, and later has room again.
#[test]
fn a_disk_that_is_full_from_each_put_on() {
    let begin = Script::new();
    for put in 1.. {
        let mut script = begin.fork();
        let (outcome, _) = run_with(&mut script, FaultPlan::full_from_put(put));
        survive(&mut script).unwrap_or_else(|trouble| panic!("full from put {put} on: {trouble}"));
        if outcome.is_ok() {
            break;
        }
    }
}

/// A second crash during recovery from the first one.
#[test]
fn two_crashes() {
    const PAIRS: u64 = 200;
    let begin = Script::new();
    let operations = operations();
    for_each(PAIRS, |seed| {
        let hash = blake3::hash(&seed.to_le_bytes());
        let random =
            |at: usize| u64::from_le_bytes(hash.as_bytes()[at..at + 8].try_into().unwrap());
        let (first, second) = (1 + random(0) % operations, 1 + random(8) % 60);
        let crash = |at: usize| FaultEffect::Crash { applied: random(at) % 2 == 0 };
        let mut script = begin.fork();
        let first_end = run_with(&mut script, FaultPlan::at(first, crash(16)));
        script.verify().unwrap_or_else(|trouble| panic!("crash at {first}: {trouble}"));
        let second_end = run_with(&mut script, FaultPlan::at(second, crash(24)));
        survive(&mut script).unwrap_or_else(|trouble| {
            panic!("crashes at {first} {first_end:?} and {second} {second_end:?}: {trouble}")
        });
    });
}

/// Repeated runs of the script perform the same operations, so that a number always means the same
/// operation.
#[test]
fn the_script_hits_every_kind_of_operation() {
    let script = &mut Script::new();
    let storage = Arc::clone(&script.storage) as Arc<dyn Backend>;
    let fault = Arc::new(FaultBackend::new(storage, FaultPlan::none()));
    script.run(&(Arc::clone(&fault) as Arc<dyn Backend>)).unwrap();
    let log = fault.log();
    for kind in [
        OperationKind::Put,
        OperationKind::Get,
        OperationKind::GetRange,
        OperationKind::Size,
        OperationKind::List,
        OperationKind::Delete,
    ] {
        assert!(log.iter().any(|operation| operation.kind == kind), "{kind:?}");
    }
    for place in ["config", "keys/", "packs/", "index/", "w/", "gen/"] {
        let is_put = |name: &str| {
            log.iter().any(|operation| {
                operation.kind == OperationKind::Put && operation.name.starts_with(name)
            })
        };
        assert!(is_put(place), "{place}");
    }
}
