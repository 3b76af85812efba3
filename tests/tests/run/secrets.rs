//! Private keys and tokens in sources that should have none.

use crate::world::World;

/// In two parts, so that this file is not taken for a key.
const PEM: &str = concat!(
    "-----BEGIN ",
    "PRIVATE KEY-----\n",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n",
    "-----END PRIVATE KEY-----\n"
);

#[test]
fn a_private_key_is_reported_in_every_run_until_it_is_gone() {
    let world = World::new("");
    world.sandbox.write("data/sub/server.key", PEM);
    for _ in 0..2 {
        let outcome = world.sandbox.ok("run --init-missing");
        outcome.says("source files holds what looks like a secret").says("server.key, line 1");
        assert!(!outcome.stderr.contains("MIIEvQ"));
    }
    assert_eq!(world.runs()["secrets_found"], 1);
    world.configure("[secrets]\nallow-paths = [\"*.key\"]\n");
    assert_eq!(world.runs()["secrets_found"], 0);
    world.configure("");
    std::fs::remove_file(world.sandbox.path("data/sub/server.key")).unwrap();
    assert_eq!(world.runs()["secrets_found"], 0);
}

#[test]
fn a_private_key_prevents_the_snapshot_if_the_file_says_so() {
    let world = World::new("[secrets]\non-finding = \"fail\"\n");
    world.sandbox.write("data/server.key", PEM);
    world.fails(1).says("source files contains a secret, so no snapshot was made");
    assert_eq!(world.snapshots().len(), 0);
    world.configure("[secrets]\non-finding = \"ignore\"\n");
    assert_eq!(world.runs()["secrets_found"], 0);
}
