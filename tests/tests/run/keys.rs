//! Keys: apart from the data, and never missing.

use crate::world::World;

#[test]
fn without_its_keys_there_is_no_snapshot() {
    let world = World::new("");
    std::fs::remove_dir_all(world.sandbox.path("certificate")).unwrap();
    let outcome = world.fails(1);
    outcome.says("of the keys could not be read").says("data without the keys");
    assert_eq!((world.snapshots().len(), world.key_snapshots().len()), (0, 0));
}

#[test]
fn keys_beside_their_data_are_refused_unless_that_is_said() {
    let world = World::new("");
    world.sandbox.write("data/keys/app.pem", "not really a key");
    let beside = |sections: &str| {
        world.configure(sections);
        let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
        let text = text.replace("[\"certificate\"]", "[\"data/keys\"]");
        world.sandbox.write("holdfast.toml", text);
    };
    beside("");
    world.fails(2).says("keeps the keys of \"certificate\" beside the data that they open");
    assert!(!world.sandbox.exists("repository"));
    beside("[secrets]\nallow-keys-with-data = true\n");
    world.runs();
    assert!(world.sandbox.ok("ls latest").stdout.contains("keys/app.pem"));
}
