//! A crash, an error or a full disk at every operation of a prune.

use std::sync::Arc;

use holdfast_backend::fault::{Effect, Failure, Kind, Plan};
use holdfast_backend::{Backend, Fault};

use super::world::{ALL, World, files};
use crate::prune::{Mutation, PruneOptions, run};
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
    plan: Plan,
    mutation: Mutation,
) -> (Result<(), EngineError>, u64) {
    let fault = Arc::new(Fault::new(Arc::clone(&world.storage) as Arc<dyn Backend>, plan));
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
    effect: Effect,
    mutation: Mutation,
) -> Result<(), String> {
    let whole = world.fork();
    let (outcome, operations) = prune_with(&whole, options, Plan::none(), mutation);
    outcome.unwrap();
    let bytes = whole.pack_bytes();
    assert!(operations > 30);
    for operation in 1..=operations {
        let world = world.fork();
        let (outcome, _) = prune_with(&world, options, Plan::at(operation, effect), mutation);
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
        at_each_operation(&world, &ALL, Effect::Crash { applied }, Mutation::None).unwrap();
    }
}

#[test]
fn errors_and_lost_answers() {
    let world = busy();
    for effect in [Effect::Fail(Failure::Io), Effect::LostAck, Effect::FlipBit { at: 999 }] {
        at_each_operation(&world, &ALL, effect, Mutation::None).unwrap();
    }
}

#[test]
fn a_put_without_room_at_each_place() {
    let world = busy();
    for put in 1..12 {
        for lasting in [false, true] {
            let world = world.fork();
            let full = Effect::Fail(Failure::NoSpace);
            let plan = match lasting {
                true => Plan::full_from_put(put),
                false => Plan::none().and_at(put, &[Kind::Put], full),
            };
            let (outcome, _) = prune_with(&world, &ALL, plan, Mutation::None);
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
    let plan = Plan::none().and_at(1, &[Kind::Put], Effect::Fail(Failure::NoSpace));
    prune_with(&world, &ALL, plan, Mutation::None).0.unwrap();
    assert!(world.pack_bytes() < before);
    world.check();
}
