//! Real runs checked against the rules.

use std::fs;

use holdfast_tests::sandbox::Sandbox;
use holdfast_tests::strace;

use crate::calls::{FUNCTIONS, parse};
use crate::order::{Object, judge};

/// Runs a line under strace, checks the order of its calls, and returns the objects that it
/// created.
#[track_caller]
fn run(sandbox: &Sandbox, line: &str) -> Vec<Object> {
    let log = sandbox.path("strace.log");
    let options = [
        format!("--output={}", log.display()),
        "--decode-fds=path".to_owned(),
        "--string-limit=0".to_owned(),
    ];
    let mut command = strace::command(sandbox, FUNCTIONS, options, sandbox.words(line));
    let outcome = sandbox.finish(command.output().expect("strace runs"));
    assert_eq!(outcome.code, Some(0), "{line}: {outcome:?}");
    let repository = fs::canonicalize(sandbox.path("repository")).unwrap();
    let log = fs::read_to_string(log).unwrap();
    let objects = judge(&parse(&log, repository.to_str().unwrap()));
    objects.unwrap_or_else(|broken| panic!("{line}: {broken}"))
}

/// The number of objects in a folder.
fn count(objects: &[Object], folder: &str) -> usize {
    objects.iter().filter(|object| object.name.starts_with(folder)).count()
}

/// Nothing was created that the log does not show.
#[track_caller]
fn assert_all_seen(sandbox: &Sandbox, before: &[String], made: &[Object]) {
    let mut made: Vec<String> = made.iter().map(|object| object.name.clone()).collect();
    made.sort();
    let mut found = sandbox.objects("");
    // The reserve for a full disk is not an object: losing it loses nothing.
    found.retain(|name| !before.contains(name) && !name.starts_with("tmp/reserve."));
    assert_eq!(found, made);
}

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn init() {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    let made = run(&sandbox, "init");
    assert_all_seen(&sandbox, &[], &made);
    assert!(count(&made, "config") == 2 && count(&made, "keys/") == 2, "{made:?}");
}

#[test]
fn backup() {
    let sandbox = Sandbox::new();
    for seed in 0..6 {
        sandbox.write(format!("source/{seed}"), noise(seed, 2 << 20));
    }
    for state in 0..2 {
        sandbox.write("source/changes", noise(100 + state, 5 << 20));
        let before = sandbox.objects("");
        let made = run(&sandbox, "backup @source --pack-size 4");
        assert_all_seen(&sandbox, &before, &made);
        assert!(count(&made, "packs/") > 1 && count(&made, "index/") > 0, "{made:?}");
        assert_eq!(count(&made, "w/"), 1);
        assert!(made.last().unwrap().name.starts_with("w/"), "the record comes last: {made:?}");
    }
}

#[test]
fn a_backup_with_checkpoints() {
    let sandbox = Sandbox::new().with("HOLDFAST_CHECKPOINT_SECONDS", "0");
    for seed in 0..4 {
        sandbox.write(format!("source/{seed}"), noise(seed, 1 << 20));
    }
    let before = sandbox.objects("");
    let made = run(&sandbox, "backup @source");
    assert_all_seen(&sandbox, &before, &made);
    assert!(count(&made, "w/") > 4, "{made:?}");
}

#[test]
fn a_stream() {
    let sandbox = Sandbox::new();
    let made = run(&sandbox, "backup --stdin-from-command -- head -c 9000000 /dev/urandom");
    assert!(made.last().unwrap().name.starts_with("w/"), "{made:?}");
}

#[test]
fn changes_of_the_repository() {
    let sandbox = Sandbox::new();
    sandbox.make_key("second");
    for state in 0..3 {
        sandbox.write("source/changes", noise(state, 3 << 20));
        sandbox.write(format!("source/{state}"), noise(100 + state, 1 << 20));
        sandbox.ok("backup @source --pack-size 4");
    }
    assert!(count(&run(&sandbox, "tag --add x"), "gen/") > 0);
    assert_eq!(count(&run(&sandbox, "key add --new-password-file @second"), "keys/"), 2);
    let index = sandbox.objects("index");
    fs::remove_file(sandbox.path("repository").join(&index[0])).unwrap();
    let repaired = run(&sandbox, "repair index");
    assert!(count(&repaired, "index/") > 0, "{repaired:?}");
    let packs = sandbox.objects("packs");
    let pruned = run(&sandbox, "forget --keep-last 1 --prune --max-unused 0");
    assert!(count(&pruned, "packs/") > 0 && count(&pruned, "gen/") > 2, "{pruned:?}");
    let left = sandbox.objects("packs");
    assert!(packs.iter().any(|pack| !left.contains(pack)), "a pack was removed");
    sandbox.ok("check --read-data --no-cache");
}
