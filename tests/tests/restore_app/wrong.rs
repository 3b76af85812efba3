//! Refusals and errors.

use std::fs;

use crate::world::World;

#[test]
fn a_database_with_tables_is_replaced_only_if_it_is_named() {
    let world = World::new();
    world.capture();
    world.put_document(21);
    let outcome = world.restore(1, "--confirm");
    outcome.says("database \"app\" exists, holds 2 tables").says("--yes-overwrite app");
    assert_eq!(world.count("app", "document"), 21);
    assert!(world.sandbox.exists("started"), "nothing was stopped");
    world.restore(1, "--confirm --yes-overwrite other").says("--yes-overwrite app");
    world.restore(0, "--confirm --yes-overwrite app");
    assert_eq!(world.count("app", "document"), 20);
}

#[test]
fn an_empty_database_needs_a_confirmation_only() {
    let world = World::new();
    world.capture();
    world.destroy();
    world.cluster.create("app");
    world.restore(0, "--confirm").prints("exists and is empty");
    assert_eq!(world.count("app", "document"), 20);
}

#[test]
fn nothing_that_exists_is_touched_without_a_confirmation() {
    let world = World::new();
    world.capture();
    world.sandbox.write("opt/vault/3", "scribble");
    let outcome = world.restore(1, "");
    outcome.says("would change existing data, so nothing was done").says("then add --confirm");
    outcome.prints("change   files vault");
    assert_eq!(world.sandbox.read("opt/vault/3"), b"scribble");
    assert!(world.sandbox.exists("started"));
}

#[test]
fn an_application_that_never_answers_is_told() {
    let world = World::new();
    world.capture();
    world.web.answer(503);
    let outcome = world.restore(3, "--confirm");
    outcome.prints("did not return a 2xx status within 1 seconds: it returned status 503");
    outcome.says("1 verification failed");
    assert!(world.sandbox.exists("started"));
}

#[test]
fn a_check_that_fails_is_told() {
    let world = World::new();
    fs::remove_file(world.sandbox.path("opt/vault/5")).unwrap();
    world.sandbox.fails(3, "run --config @holdfast.toml --init-missing");
    world.destroy();
    let outcome = world.restore(3, "--confirm");
    outcome.prints("verification FAILED: check every document is in the vault: 1 of 20");
    outcome.prints("it also failed when the snapshot was made");
    assert!(world.sandbox.exists("started"), "that check only warns");
}

#[test]
fn restored_contents_are_compared_with_the_hashes_of_their_rows() {
    let world = World::new();
    let content = "repeat('document ' || path || E'\\n', id)";
    let hashes = format!("md5({content}) as md5, sha256(({content})::bytea) as sha256");
    let row = |hashes: &str| [("bytes as size", format!("bytes as size, {hashes}"))];
    let configure = |hashes: &str| {
        let [(from, to)] = &row(&hashes.replace('\\', "\\\\"));
        world.write_file("holdfast.toml", &world.app_file_with(&[(from, to)]));
    };
    configure(&hashes);
    world.capture();
    world.destroy();
    world.restore(0, "--confirm").prints("20 compared by ETag or hash");
    // The current files are read, not the captured ones.
    configure(
        &hashes.replace("'document '", "case id when 7 then 'docuMent ' else 'document ' end"),
    );
    let outcome = world.restore(3, "--confirm");
    outcome.prints("verification FAILED: check every document is in the vault: 1 of 20");
    outcome.prints("/opt/vault/7\" has sha256 ");
}

#[test]
fn an_application_is_not_started_over_what_a_check_forbids() {
    let world = World::new();
    world.capture();
    let changes = [
        ("bytes as size", "bytes + 1 as size"),
        ("objects-in = \"vault\"", "objects-in = \"vault\"\non-failure = \"fail\""),
    ];
    let text = world.app_file_with(&changes);
    world.write_file("holdfast.toml", &text);
    let outcome = world.restore(3, "--confirm");
    outcome.prints("not done start the application: the application was not started, because");
    assert!(!world.sandbox.exists("started"));
    world.restore(3, "--confirm --start-anyway");
    assert!(world.sandbox.exists("started"));
}

#[test]
fn a_restore_that_stops_says_what_is_done_and_goes_on_later() {
    let world = World::new();
    world.capture();
    world.destroy();
    let broken = [("\"cp\", \"/dev/stdin\", \"@opt/settings\"", "\"false\"")];
    let text = world.app_file_with(&broken);
    let whole = world.sandbox.read("holdfast.toml");
    world.write_file("holdfast.toml", &text);
    let outcome = world.restore(1, "--confirm");
    outcome.prints("done     database app").prints("FAILED   output settings");
    outcome.prints("not done checks").prints("not started on partly restored data");
    outcome.says("was not fully restored").says("the same command again");
    assert!(!world.sandbox.exists("started"));
    world.sandbox.write("holdfast.toml", whole);
    world.restore(0, "--confirm").prints("keep     database app");
    assert!(world.sandbox.exists("started"));
}

#[test]
fn what_does_not_stop_is_not_restored() {
    let world = World::new();
    world.capture();
    world.sandbox.write("opt/vault/3", "scribble");
    let stuck = [("stop = [\"rm\", \"-f\", \"@started\"]", "stop = [\"false\"]")];
    world.write_file("holdfast.toml", &world.app_file_with(&stuck));
    let outcome = world.restore(1, "--confirm");
    outcome.prints("FAILED   stop the application").says("nothing was changed");
    assert_eq!(world.sandbox.read("opt/vault/3"), b"scribble");
}

#[test]
fn an_application_that_was_never_captured_is_told() {
    let world = World::new();
    world.capture();
    let other = [("name = \"app\"", "name = \"other\"")];
    world.write_file("holdfast.toml", &world.app_file_with(&other));
    let outcome = world.restore(1, "");
    outcome.says("no snapshot of application other").says("holdfast run");
}
