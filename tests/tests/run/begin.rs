//! Before anything is captured: finding the app file and the repositories.

use crate::world::World;

#[test]
fn repositories_are_made_only_when_that_is_asked_for() {
    let world = World::new("");
    world.sandbox.fails(10, "run").says("there is no repository at").says("--init-missing");
    assert!(!world.sandbox.exists("repository"));
    let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
    // Their parent folders too, as the plan and the check of the file report.
    let deeper = text.replace("\"vault\"", "\"missing/above/vault\"");
    world.sandbox.write("holdfast.toml", deeper);
    let plan = world.sandbox.ok("run --dry-run");
    plan.prints("missing/above/vault (does not exist yet: --init-missing creates it)");
    world.sandbox.ok("config check").prints("holdfast run --init-missing");
    world.sandbox.fails(10, "run");
    assert!(!world.sandbox.exists("missing"));
    world.sandbox.ok("run --init-missing");
    world.sandbox.ok("run");
    assert!(world.sandbox.exists("missing/above/vault/config"));
}

#[test]
fn a_dry_run_prints_the_plan_and_changes_nothing() {
    let world = World::new("[retention]\ndaily = 7\n");
    let plan = world.sandbox.ok("run --dry-run");
    plan.prints("1. certificate: files, to the keys").prints("2. files: files");
    plan.prints("does not exist yet").prints("remove snapshots that no rule keeps");
    plan.prints("nothing was changed");
    assert!(!world.sandbox.exists("repository") && !world.sandbox.exists("vault"));
}

#[test]
fn the_file_is_found_by_flag_variable_folder_and_name() {
    let world = World::new("");
    world.runs();
    world.sandbox.ok("run notes");
    world.sandbox.fails(2, "run other").says("is the app file of notes, not of other");
    world.sandbox.write("etc/notes.toml", world.sandbox.read("holdfast.toml"));
    world.sandbox.fails(10, "run --config @etc/notes.toml").says("/etc/repository");
    std::fs::remove_file(world.sandbox.path("holdfast.toml")).unwrap();
    world.sandbox.fails(2, "run").says("there is no holdfast.toml").says("--config FILE");
    world.sandbox.fails(1, "run nowhere").says("/etc/holdfast/nowhere.toml");
    world.sandbox.fails(2, "run No/Where").says("not an application name");
}

#[test]
fn all_mistakes_of_the_file_are_told_at_once() {
    let world = World::new("[retention]\nhurly = 3\n[[check]]\nname = \"x\"\n");
    let outcome = world.fails(2);
    outcome.says("hurly").says("holdfast.toml:").says("source");
    assert!(!world.sandbox.exists("repository"));
}

#[test]
fn wrong_passwords_are_told_apart_by_place() {
    let world = World::new("");
    world.runs();
    world.sandbox.write("vault-key", world.sandbox.read("key"));
    world.fails(12).says("/vault: ");
    std::fs::remove_file(world.sandbox.path("key")).unwrap();
    world.fails(1).says("cannot read the password file");
}

#[test]
fn a_server_that_is_not_there_is_told_before_anything_is_stored() {
    let world = World::new(
        r#"
        [[source]]
        name = "database"
        type = "postgres"
        url = "postgres://nobody@127.0.0.1:1/nothing"
        "#,
    );
    world.fails(1).says("source database failed").says("127.0.0.1");
    assert_eq!(world.snapshots().len(), 0);
    assert!(world.key_snapshots().is_empty());
}
