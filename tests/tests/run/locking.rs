//! One run of an application at a time.

use holdfast_tests::process::{Running, wait_until};
use rustix::process::Signal;

use crate::world::World;

/// A source that runs until a file exists.
const SLOW: &str = r#"
[[source]]
name = "slow"
type = "command"
command = ["sh", "-c", "touch begun; while [ ! -e go ]; do sleep 0.05; done; echo done"]
file = "slow"
"#;

#[test]
fn a_second_run_leaves_if_the_file_says_so() {
    let world = World::new(&format!("{SLOW}[run]\nlock = \"leave\"\n"));
    let sandbox = &world.sandbox;
    let first = Running::start(&mut sandbox.command(sandbox.words("run --init-missing")));
    wait_until("the first run reads its source", || sandbox.exists("begun"));
    world.fails(11).says("another run of notes is in progress").says("nothing was done");
    sandbox.write("go", "");
    assert!(first.end().status.success());
    assert_eq!(world.snapshots().len(), 1);
}

#[test]
fn a_second_run_waits() {
    let world = World::new(SLOW);
    let sandbox = &world.sandbox;
    let first = Running::start(&mut sandbox.command(sandbox.words("run --init-missing")));
    wait_until("the first run reads its source", || sandbox.exists("begun"));
    let second = Running::start(&mut sandbox.command(sandbox.words("run")));
    sandbox.write("go", "");
    assert!(first.end().status.success());
    assert!(second.end().status.success());
    assert_eq!(world.snapshots().len(), 2);
}

#[test]
fn an_interrupted_run_leaves_no_snapshot_and_no_lock() {
    let world = World::new(SLOW);
    let sandbox = &world.sandbox;
    let mut first = Running::start(&mut sandbox.command(sandbox.words("run --init-missing")));
    wait_until("the first run reads its source", || sandbox.exists("begun"));
    first.signal(Signal::INT);
    assert_eq!(first.end().status.code(), Some(130));
    assert_eq!(world.snapshots().len(), 0);
    sandbox.write("go", "");
    world.runs();
}
