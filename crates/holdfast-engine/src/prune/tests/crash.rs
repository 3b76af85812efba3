//! A crash, an error or a full disk at every operation of a prune.

use std::sync::Arc;

use holdfast_backend::fault::{FaultEffect, FaultFailure, FaultPlan, OperationKind};
use holdfast_backend::{Backend, FaultBackend};

use super::world::{ALL, World, files};
use crate::prune::{PruneMutation, PruneOptions, run};
use crate::{EngineError, Silent};

/// A world in which a prune has to handle dead packs, packs to rewrite, copies and orphans.
pub fn busy() -> World {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..60));
    world.back_up("a", &files(40..70));
    let second = world.back_up("b", &files((0..60).step_by(7).chain(100..110)));
    world.back_up("b", &files((0..60).step_by(7).chain([300])));
    world.forget(&[first, second]);
    world
}

/// Runs a prune on a storage with faults; returns how many operations there were.
fn prune_with(
    world: &World,
    options: &PruneOptions,
    plan: FaultPlan,
    mutation: PruneMutation,
) -> (Result<(), EngineError>, u64) {
    let fault = Arc::new(FaultBackend::new(Arc::clone(&world.storage) as Arc<dyn Backend>, plan));
    let outcome = world
        .open_on(Arc::clone(&fault) as Arc<dyn Backend>)
        .map_err(EngineError::from)
        .and_then(|repository| run(&repository, options, &Silent, mutation).map(drop));
    (outcome, fault.operations())
}

/// Applies `effect` to each operation in turn. Returns the first failure.
pub fn at_each_operation(
    world: &World,
    options: &PruneOptions,
    effect: FaultEffect,
    mutation: PruneMutation,
) -> Result<(), String> {
    let whole = world.fork();
    let (outcome, operations) = prune_with(&whole, options, FaultPlan::none(), mutation);
    outcome.unwrap();
    let bytes = whole.pack_bytes();
    assert!(operations > 30);
    for operation in 1..=operations {
        let world = world.fork();
        let (outcome, _) = prune_with(&world, options, FaultPlan::at(operation, effect), mutation);
        let named = |trouble: String| format!("{effect:?} at {operation}, {outcome:?}: {trouble}");
        world.trouble().map_err(named)?;
        run(&world.open(), options, &Silent, mutation).map_err(|error| named(error.to_string()))?;
        world.trouble().map_err(named)?;
        world.check_nothing_unused();
        let left = world.pack_bytes();
        if left > bytes + bytes / 10 {
            return Err(named(format!("{left} bytes are left instead of {bytes}")));
        }
    }
    Ok(())
}

#[test]
fn crashes() {
    let world = busy();
    for applied in [false, true] {
        at_each_operation(&world, &ALL, FaultEffect::Crash { applied }, PruneMutation::None)
            .unwrap();
    }
}

#[test]
fn errors_and_lost_answers() {
    let world = busy();
    for effect in [
        FaultEffect::Fail(FaultFailure::Io),
        FaultEffect::LostAck,
        FaultEffect::FlipBit { at: 999 },
    ] {
        at_each_operation(&world, &ALL, effect, PruneMutation::None).unwrap();
    }
}

#[test]
fn a_put_without_room_at_each_place() {
    let world = busy();
    for put in 1..12 {
        for lasting in [false, true] {
            let world = world.fork();
            let full = FaultEffect::Fail(FaultFailure::NoSpace);
            let plan = match lasting {
                true => FaultPlan::full_from_put(put),
                false => FaultPlan::none().and_at(put, &[OperationKind::Put], full),
            };
            let (outcome, _) = prune_with(&world, &ALL, plan, PruneMutation::None);
            world.check();
            world.prune(&ALL);
            world.check();
            world.check_nothing_unused();
            // Without room for even one pack the dead ones are still deleted.
            assert!(lasting || put > 1 || outcome.is_ok(), "{outcome:?}");
        }
    }
}

#[test]
fn without_room_for_packs_those_without_use_go() {
    let world = busy();
    let before = world.pack_bytes();
    let plan = FaultPlan::none().and_at(
        1,
        &[OperationKind::Put],
        FaultEffect::Fail(FaultFailure::NoSpace),
    );
    prune_with(&world, &ALL, plan, PruneMutation::None).0.unwrap();
    assert!(world.pack_bytes() < before);
    world.check();
}
