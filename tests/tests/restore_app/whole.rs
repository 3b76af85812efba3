//! Everything is lost and restored.

use std::os::unix::fs::PermissionsExt;

use crate::world::World;

#[test]
fn an_application_comes_back_and_a_second_time_everything_stays() {
    let world = World::new();
    world.capture();
    world.put_document(21);
    world.destroy();
    let outcome = world.restore(0, "--confirm --json");
    let messages = outcome.messages();
    let plan = messages.iter().find(|it| it["message_type"] == "plan").unwrap();
    assert_eq!(plan["keys"]["needed"][0]["on_machine"], "absent");
    let summary = outcome.message("summary");
    let names: Vec<_> = summary["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let order = [
        "stop the application",
        "files certificate",
        "roles of database",
        "database app",
        "files vault",
        "output settings",
        "checks",
        "start the application",
        "health",
    ];
    assert_eq!(names, order);
    assert_eq!(summary["state"], "ok");
    assert_eq!((world.count("app", "document"), world.count("app", "audit")), (20, 50));
    let owner = "select tableowner from pg_tables where tablename = 'document';";
    assert_eq!(world.cluster.sql("app", owner), b"app\n");
    assert_eq!(world.sandbox.read("opt/cert.p12"), b"certificate of first");
    let mode = world.sandbox.path("opt/cert.p12").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600, "as the app file says");
    assert_eq!(world.sandbox.read("opt/vault/7"), b"document 7\n".repeat(7));
    assert!(!world.sandbox.exists("opt/vault/21"));
    assert_eq!(world.sandbox.read("opt/settings"), b"theme = dark\n");
    assert!(world.sandbox.exists("started"));

    let again = world.restore(0, "--confirm");
    again.prints("keep     database app").prints("present on this machine");
    again.prints("verified: check the audit log is whole: 50 rows, no breaks");
    again.prints("0 failed");
    assert!(!world.databases().contains("_hf_"), "{}", world.databases());
}

#[test]
fn an_older_state_comes_back_with_its_keys() {
    let world = World::new();
    world.capture();
    world.issue_keys("second");
    world.put_document(21);
    world.cluster.sql("app", "update document set bytes = bytes;");
    world.capture();
    let line = "--snapshot latest~1 --confirm --yes-overwrite app";
    let outcome = world.restore(0, line);
    outcome.prints("era 1 of 2").prints("this machine has a DIFFERENT one");
    outcome.prints("REPLACE  database app");
    assert_eq!(world.count("app", "document"), 20);
    assert_eq!(world.sandbox.read("opt/.env"), b"SECRET=first\n");
    world.restore(0, "--confirm --yes-overwrite app").prints("era 2 of 2");
    assert_eq!(world.count("app", "document"), 21);
    assert_eq!(world.sandbox.read("opt/.env"), b"SECRET=second\n");
}

#[test]
fn one_source_comes_back_alone() {
    let world = World::new();
    world.capture();
    world.sandbox.write("opt/vault/3", "scribble");
    world.sandbox.write("opt/.env", "SECRET=lost\n");
    let outcome = world.restore(0, "--only vault --confirm");
    assert!(!outcome.stdout.contains("database app"), "{}", outcome.stdout);
    assert_eq!(world.sandbox.read("opt/vault/3"), b"document 3\n".repeat(3));
    assert_eq!(world.sandbox.read("opt/.env"), b"SECRET=lost\n");
    let unknown = world.restore(1, "--only nothing");
    unknown.says("no source called \"nothing\"").says("one of: database, vault");
}

#[test]
fn a_dry_run_changes_nothing_and_says_all() {
    let world = World::new();
    world.capture();
    world.destroy();
    let outcome = world.restore(0, "--dry-run");
    for line in [
        "run      stop the application: runs rm",
        "make     files certificate:",
        "make     database app: does not exist",
        "run      output settings: passes it to cp",
        "check    checks: runs 2 checks",
    ] {
        outcome.prints(line);
    }
    assert!(!world.sandbox.exists("opt") && !world.databases().contains("app"));
}
