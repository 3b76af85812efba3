//! Commands around a restore.

use crate::world::World;

/// The app file with a hook of each kind that writes a line.
fn with_hooks(world: &World, changes: &[(&str, &str)], more: &str) {
    let log = r#"["sh", "-c", 'echo "$HOLDFAST_HOOK $HOLDFAST_STATE $HOLDFAST_ERROR" >> @log']"#;
    let moments = ["before", "after", "failed", "finally"];
    let hooks = moments.map(|it| format!("[[hook]]\n{it} = \"restore\"\ncommand = {log}\n"));
    let text = world.app_file_with(changes);
    world.write_file("holdfast.toml", &format!("{text}{}{more}", hooks.concat()));
}

fn log(world: &World) -> Vec<String> {
    let text = String::from_utf8(world.sandbox.read("log")).unwrap();
    std::fs::remove_file(world.sandbox.path("log")).unwrap();
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn hooks_stand_around_a_restore() {
    let world = World::new();
    with_hooks(&world, &[], "");
    world.capture();
    assert!(!world.sandbox.exists("log"), "a run is no restore");
    world.restore(0, "--dry-run");
    assert!(!world.sandbox.exists("log"), "nothing is done yet");
    world.restore(0, "--confirm");
    assert_eq!(log(&world), ["before-restore starting", "after-restore ok", "finally-restore ok"]);

    // Later hooks learn of a failed check.
    world.cluster.sql("app", "update document set bytes = 1 where id = 3;");
    world.sandbox.fails(3, "run --config @holdfast.toml");
    world.restore(3, "--confirm");
    let told =
        ["before-restore starting", "after-restore incomplete", "finally-restore incomplete"];
    assert_eq!(log(&world), told);
}

#[test]
fn a_restore_that_fails_is_told_to_its_hooks() {
    let world = World::new();
    world.capture();
    with_hooks(&world, &[("\"cp\", \"/dev/stdin\", \"@opt/settings\"", "\"false\"")], "");
    world.restore(1, "--confirm");
    let lines = log(&world);
    let [before, failed, finally] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(before, "before-restore starting");
    assert!(failed.starts_with("failed-restore failed \"false\", which receives"), "{failed}");
    assert!(finally.starts_with("finally-restore failed"), "{finally}");
}

#[test]
fn a_hook_that_fails_before_a_restore_prevents_it() {
    let world = World::new();
    world.capture();
    world.sandbox.write("opt/vault/3", "scribble");
    let failing =
        "[[hook]]\nbefore = \"restore\"\ncommand = [\"sh\", \"-c\", 'echo busy; exit 4']\n";
    with_hooks(&world, &[], failing);
    let outcome = world.restore(1, "--confirm");
    outcome.says("before-restore").says("exit code 4").says("so nothing was restored");
    outcome.prints("not done stop the application").prints("not done database app");
    assert_eq!(world.sandbox.read("opt/vault/3"), b"scribble");
    assert!(world.sandbox.exists("started"));
}

#[test]
fn a_hook_that_fails_after_a_restore_is_told() {
    let world = World::new();
    world.capture();
    with_hooks(&world, &[], "[[hook]]\nafter = \"restore\"\ncommand = [\"false\"]\n");
    let outcome = world.sandbox.run("restore-app --config @holdfast.toml --confirm");
    outcome.says("after-restore").says("restored, but 1 hook failed");
    assert_eq!(outcome.code, Some(3), "{outcome:?}");
}
