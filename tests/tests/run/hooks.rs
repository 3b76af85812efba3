//! Commands around runs and sources.

use crate::world::World;

fn hook(moment: &str, around: &str, command: &str) -> String {
    format!("[[hook]]\n{moment} = \"{around}\"\ncommand = [\"sh\", \"-c\", '{command}']\n")
}

#[test]
fn hooks_run_in_order_and_know_what_happens() {
    let log = r#"printf "%s %s %s\n" "$HOLDFAST_HOOK" "$HOLDFAST_STATE" "$HOLDFAST_SOURCE" >> log"#;
    let all = ["before", "after", "failed", "finally"];
    let sections: String =
        all.iter().flat_map(|it| [hook(it, "run", log), hook(it, "source", log)]).collect();
    let world = World::new(&sections);
    world.runs();
    let log = String::from_utf8(world.sandbox.read("log")).unwrap();
    let lines: Vec<_> = log.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "before-run starting",
            "before-source starting files",
            "after-source ok files",
            "finally-source ok files",
            "after-run ok",
            "finally-run ok"
        ]
    );
}

#[test]
fn a_hook_that_fails_before_prevents_the_run() {
    let failing = hook("before", "run", "echo no room; exit 4");
    let world = World::new(&(failing + &hook("finally", "run", "touch cleaned-up")));
    let outcome = world.fails(1);
    outcome.says("before-run").says("exit code 4").says("no room").says("nothing was captured");
    assert!(world.sandbox.exists("cleaned-up"));
    assert!(!world.sandbox.exists("repository/config"));
}

#[test]
fn a_hook_that_fails_before_a_source_prevents_the_snapshot() {
    let world = World::new(&hook("before", "source", "exit 1"));
    world.fails(1).says("source files was not captured, so no snapshot was made");
    assert_eq!(world.snapshots().len(), 0);
}

#[test]
fn a_hook_that_fails_after_the_run_is_counted() {
    let world = World::new(&hook("after", "run", "exit 1"));
    world.fails(3).says("the snapshot was saved, but 1 hook failed");
    assert_eq!(world.snapshots().len(), 1);
}
