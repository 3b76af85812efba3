//! What a run removes at its end.

use crate::world::World;

#[test]
fn old_snapshots_go_and_their_keys_with_them() {
    let world = World::new("[retention]\nlast = 2\n");
    for number in 0..4 {
        world.sandbox.write("data/one.txt", format!("content {number}"));
        world.sandbox.write("certificate/app.pem", format!("key {number}"));
        world.runs();
    }
    assert_eq!(world.snapshots().len(), 2);
    let runs = |documents: &[serde_json::Value]| documents.len();
    assert_eq!(runs(&world.key_snapshots()), 2, "keys are removed with the data that they open");
    world.sandbox.ok("check --read-data");
    world.sandbox.ok("-r @vault -p @vault-key check --read-data");
}

#[test]
fn other_snapshots_in_the_repository_stay() {
    let world = World::new("[retention]\nlast = 1\n");
    world.runs();
    world.sandbox.backup("@data");
    world.runs();
    let snapshots = world.snapshots();
    assert_eq!(snapshots.len(), 2, "that of another command and the newest of the application");
}

#[test]
fn a_held_snapshot_stays() {
    let world = World::new("[retention]\nlast = 1\n");
    world.runs();
    world.sandbox.ok("tag --hold latest");
    world.runs();
    world.runs();
    assert_eq!(world.snapshots().len(), 2);
    assert_eq!(world.key_snapshots().len(), 2, "the keys of held data are kept too");
}
