//! A successful run.

use crate::world::World;

#[test]
fn everything_is_in_one_snapshot_and_keys_are_elsewhere() {
    let world = World::new(
        r#"
        [[source]]
        name = "motd"
        type = "command"
        command = ["printf", "hello"]
        file = "motd.txt"
        "#,
    );
    let summary = world.runs();
    assert_eq!((&summary["state"], &summary["exit_code"]), (&"ok".into(), &0.into()));
    assert_eq!(world.snapshots().len(), 1);
    let listing = world.sandbox.ok("ls latest").stdout;
    assert!(listing.contains("/motd/motd.txt") && listing.contains("data/two.txt"), "{listing}");
    assert!(!listing.contains("app.pem"), "{listing}");
    assert_eq!(world.sandbox.ok("dump --source motd latest motd.txt").stdout, "hello");
    let line = "-r @vault -p @vault-key ls latest";
    assert!(world.sandbox.ok(line).stdout.contains("certificate/app.pem"));
}

#[test]
fn both_snapshots_name_each_other_and_the_era_of_the_keys() {
    let world = World::new("");
    let summary = world.runs();
    let cat = |line: &str| world.sandbox.ok(line).json();
    let data = cat("cat snapshot latest");
    let keys = cat("-r @vault -p @vault-key cat snapshot latest");
    let (data, keys) = (&data["application"], &keys["application"]);
    assert_eq!((&data["run"], &data["name"]), (&summary["run"], &"notes".into()));
    assert_eq!(data["run"], keys["run"]);
    assert_eq!(data["linked_snapshot"], summary["keys_snapshot"]);
    assert!(keys["linked_repository"].is_string());
    let era = |document: &serde_json::Value| document["keys"][0]["fingerprint"].clone();
    assert!(era(data).is_string(), "{data}");
    world.runs();
    let same = cat("cat snapshot latest");
    assert_eq!(era(&same["application"]), era(data), "the same key has the same fingerprint");
    world.sandbox.write("certificate/app.pem", "a new key");
    world.runs();
    assert_ne!(era(&cat("cat snapshot latest")["application"]), era(data));
}

#[test]
fn unchanged_files_are_not_read_again() {
    let world = World::new("");
    world.runs();
    let again = world.runs();
    let files = again["sources"].as_array().unwrap().iter().find(|it| it["name"] == "files");
    assert_eq!(files.unwrap()["added_bytes"], 0, "{again}");
}

#[test]
fn a_file_that_cannot_be_read_is_counted_and_ends_with_3() {
    let world = World::new("");
    world.runs();
    world.sandbox.write("holdfast.toml", {
        let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
        text.replace(r#"paths = ["data"]"#, r#"paths = ["data", "missing"]"#)
    });
    world.fails(3).says("could not be read");
    assert_eq!(world.snapshots().len(), 2, "the rest is kept");
}

#[test]
fn a_source_that_fails_leaves_no_snapshot() {
    let world = World::new(
        r#"
        [[source]]
        name = "broken"
        type = "command"
        command = ["sh", "-c", "printf half; exit 7"]
        file = "dump.sql"
        "#,
    );
    world.fails(1).says("source broken failed, so no snapshot was made").says("7");
    assert_eq!(world.snapshots(), Vec::<serde_json::Value>::new());
}
