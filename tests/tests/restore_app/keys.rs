//! Keys of another era, and missing keys.

use std::fs;

use serde_json::Value;

use crate::world::World;

/// The snapshots of the keys, oldest first.
fn keys_snapshots(world: &World) -> Vec<String> {
    let line = "snapshots --json --repo @keys --password-file @keys-key";
    let list: Value = world.sandbox.ok(line).json();
    let ids = list.as_array().unwrap().iter();
    ids.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn keys_of_another_era_are_refused() {
    let world = World::new();
    world.capture();
    world.issue_keys("second");
    world.capture();
    world.destroy();
    let first = keys_snapshots(&world).remove(0);
    let outcome = world.restore(1, &format!("--confirm --keys-snapshot {first}"));
    outcome.says("needs keys that snapshot").says("era 2 of 2").says("--any-keys");
    assert!(!world.sandbox.exists("opt"), "nothing was touched");
    // With --any-keys it is done, with a warning.
    let outcome = world.restore(3, &format!("--confirm --any-keys --keys-snapshot {first}"));
    outcome.prints("it is NOT the key that the data needs");
    assert_eq!(world.sandbox.read("opt/.env"), b"SECRET=first\n");
}

#[test]
fn a_missing_snapshot_of_keys_is_told_before_anything_is_touched() {
    let world = World::new();
    world.capture();
    world.put_document(21);
    world.capture();
    let ids = keys_snapshots(&world);
    let keys = "--repo @keys --password-file @keys-key";
    world.sandbox.ok(&format!("forget {keys} {}", ids[1]));
    let outcome = world.restore(1, "--confirm --yes-overwrite app");
    outcome.says("the repository of keys has no snapshot");
    outcome.says(&format!("--keys-snapshot {}", &ids[0][..8])).says("which has the same keys");
    outcome.says("this machine has the keys that the data need");
    world.restore(0, &format!("--confirm --keys-snapshot {}", ids[0]));
    fs::remove_file(world.sandbox.path("opt/.env")).unwrap();
    let outcome = world.restore(1, "--confirm");
    outcome.says("--any-keys, to restore data that this machine may have no keys for");
    let outcome = world.restore(3, "--confirm --any-keys");
    outcome.says("no keys are restored").prints("keys: none to restore");
    outcome.prints(".env: it is NOT the key that the data needs");
    assert!(!world.sandbox.exists("opt/.env"));
}

#[test]
fn data_that_need_keys_are_not_restored_without_a_place_for_them() {
    let world = World::new();
    world.capture();
    world.sandbox.write("opt/vault/3", "scribble");
    let text = world.app_file_with(&[(
        "[repository.keys]\nurl = \"@keys\"\npassword-file = \"@keys-key\"\n",
        "",
    )]);
    let (before, rest) = text.split_once("[[source]]\nname = \"certificate\"").unwrap();
    let (_, after) = rest.split_once("[[source]]").unwrap();
    let globals = before.replace("port=5432\"\n", "port=5432\"\nglobals = \"no\"\n");
    world.write_file("holdfast.toml", &format!("{globals}[[source]]{after}"));
    let outcome = world.restore(1, "--confirm");
    outcome.says("the data needs keys, but the app file has no repository of keys");
    outcome.says("a section [repository.keys]").says("--any-keys");
    assert_eq!(world.sandbox.read("opt/vault/3"), b"scribble", "nothing was touched");
    let outcome = world.restore(2, "--confirm --keys-snapshot latest");
    outcome.says("the app file defines none").says("[repository.keys]");
    world.restore(0, "--confirm --any-keys").says("no keys are restored");
    assert_eq!(world.sandbox.read("opt/vault/3"), b"document 3\n".repeat(3));
}
