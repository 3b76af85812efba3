//! Interrupted or killed streams: no snapshot is made, and no command keeps running. Nor does one
//! that waits for a speed limit.

use std::process::{Command, Stdio};

use holdfast_tests::process::{Running, is_running, wait_until};
use holdfast_tests::sandbox::Sandbox;
use rustix::process::Signal;

/// Far longer than a test waits for anything.
const FOREVER: &str = "1000000";

/// Starts a backup of a shell script's output. The script must write its process id to `@pid`.
fn start(sandbox: &Sandbox, script: &str) -> (Running, String) {
    let script = format!("echo $$ > pid.new; mv pid.new pid; {script}");
    let words = ["backup", "--stdin-from-command", "--", "sh", "-c", &script];
    let running = Running::start(&mut sandbox.command(words));
    wait_until("the command runs", || sandbox.exists("pid"));
    let pid = String::from_utf8(sandbox.read("pid")).unwrap().trim().to_owned();
    (running, pid)
}

fn no_snapshot(sandbox: &Sandbox) {
    assert_eq!(sandbox.snapshots(), Vec::<serde_json::Value>::new());
    sandbox.ok("check --read-data --no-cache");
}

/// The command prints nothing, then something and no more, then nothing without ending.
#[test]
fn a_silent_command_is_ended_with_the_backup() {
    let scripts = ["exec sleep", "echo begun; exec sleep", "exec >&-; sleep", "sleep"];
    for (script, signal) in scripts.into_iter().zip([Signal::INT, Signal::TERM].iter().cycle()) {
        let sandbox = Sandbox::new();
        let (mut running, pid) = start(&sandbox, &format!("{script} {FOREVER}"));
        assert!(is_running(&pid));
        running.signal(*signal);
        let outcome = sandbox.finish(running.end());
        assert_eq!(outcome.code, Some(130), "{script}: {outcome:?}");
        outcome.says("interrupted, so no snapshot was made");
        assert!(!is_running(&pid), "{script}");
        no_snapshot(&sandbox);
    }
}

#[test]
fn a_silent_standard_input_does_not_delay_the_end() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["backup", "--stdin"]);
    let mut running = Running::start(command.stdin(Stdio::piped()));
    // It stays open until the end of the test, and nothing is written to it.
    let stdin = running.child().stdin.take();
    wait_until("it reads", || waits_for_input(&mut running));
    running.signal(Signal::INT);
    let outcome = sandbox.finish(running.end());
    drop(stdin);
    assert_eq!(outcome.code, Some(130), "{outcome:?}");
    no_snapshot(&sandbox);
}

/// The thread that scans the source exists.
fn waits_for_input(running: &mut Running) -> bool {
    let tasks = format!("/proc/{}/task", running.child().id());
    std::fs::read_dir(tasks).is_ok_and(|tasks| tasks.count() > 4)
}

/// A killed backup of an endless command leaves no snapshot, but data that the next run can use.
#[test]
fn a_killed_stream_leaves_no_snapshot() {
    let sandbox = Sandbox::new();
    let endless = "while :; do head -c 1000000 /dev/urandom || exit; done";
    let (mut running, pid) = start(&sandbox, endless);
    wait_until("a pack is stored", || sandbox.object_bytes("packs") > 0);
    running.signal(Signal::KILL);
    assert_eq!(sandbox.finish(running.end()).code, None);
    wait_until("the command notices that nobody reads", || !is_running(&pid));
    no_snapshot(&sandbox);
    sandbox.ok("backup --stdin-from-command --stdin-filename x -- echo short");
    sandbox.ok("prune --max-unused 0");
    assert!(sandbox.object_bytes("packs") < 1_000_000);
    sandbox.ok("dump latest /x").prints("short");
}

/// A second signal ends it at once, whatever it is doing.
#[test]
fn a_second_signal_does_not_wait() {
    let sandbox = Sandbox::new();
    let (mut running, pid) = start(&sandbox, &format!("exec sleep {FOREVER} 2>&-"));
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    let outcome = sandbox.finish(running.end());
    assert_eq!(outcome.code, Some(130), "{outcome:?}");
    no_snapshot(&sandbox);
    // The first signal may or may not have ended the command before the second one.
    if is_running(&pid) {
        Command::new("kill").args(["-KILL", &pid]).status().unwrap();
    }
}

/// At a KiB a second they would take an hour: the same command without a limit runs twice
/// meanwhile, and an interrupt ends the wait.
#[test]
fn an_interrupt_ends_the_wait_of_a_command_with_a_limit() {
    let sandbox = Sandbox::new();
    sandbox.write("data/random", super::world::noise(1, 4 << 20));
    let interrupt_beside = |limited: &str, same: &str| {
        let mut running = Running::start(&mut sandbox.command(sandbox.words(limited)));
        (0..2).for_each(|_| drop(sandbox.ok(same)));
        assert!(!running.has_ended(), "{limited}");
        running.signal(Signal::INT);
        let outcome = sandbox.finish(running.end());
        // With nothing left to do but to wait it is done.
        assert!(matches!(outcome.code, Some(0 | 130)), "{limited}: {outcome:?}");
    };
    interrupt_beside("backup --limit-upload 1 @data", "backup @data");
    interrupt_beside("restore --limit-download 1 latest -t @slow", "restore latest -t @whole");
}
