//! Errors with single entries of a source: reported, counted, and without effect on the rest.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_tests::sandbox::Sandbox;

#[test]
fn a_missing_path_is_counted() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "a");
    let outcome = sandbox.fails(3, "backup @source @missing");
    outcome.says("missing").says("1 entry could not be read").prints("saved");
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(sandbox.read("out/a"), b"a");
    sandbox.fails(1, "backup @missing").says("none of the paths");
    assert_eq!(sandbox.objects("w").len(), 1);
}

/// Reading this file fails with an I/O error (as root) or for lack of permission (otherwise).
const UNREADABLE: &str = "/proc/1/mem";

#[test]
fn a_file_that_cannot_be_read_is_named_and_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "a");
    sandbox.write("source/z", "z");
    let outcome = sandbox.fails(3, &format!("backup @source {UNREADABLE} --json"));
    let errors = outcome.errors();
    assert_eq!(errors[0]["message_type"], "error", "{errors:?}");
    assert_eq!(errors[0]["item"], UNREADABLE);
    assert!(errors[0]["error"]["message"].is_string() && errors[0]["during"].is_string());
    assert_eq!((&errors[1]["message_type"], &errors[1]["code"]), (&"exit_error".into(), &3.into()));
    assert!(outcome.message("summary")["snapshot_id"].is_string());
    sandbox.fails(3, "restore latest -t @out").says(UNREADABLE).says("is incomplete");
    assert!(sandbox.within("out", "source/z").exists());
    assert!(!sandbox.path("out").join(&UNREADABLE[1..]).exists());
}

#[test]
fn a_folder_that_cannot_be_entered_costs_only_itself() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("source/closed/inside", "x");
    sandbox.write("source/z", "z");
    let closed = sandbox.path("source/closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
    sandbox.fails(3, "backup @source").says("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.fails(3, "restore latest:@source -t @out").says("closed");
    assert!(sandbox.exists("out/z"));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_marked_and_read_again_next_time() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("source/busy", vec![0x5a; 24 << 20]);
    let stop = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::File::options().write(true).open(&path).unwrap();
            while !stop.load(Ordering::Relaxed) {
                file.write_all_at(b"changed", 12 << 20).unwrap();
            }
        });
        let outcome = sandbox.run("backup @source");
        stop.store(true, Ordering::Relaxed);
        outcome
    });
    assert_eq!(outcome.code, Some(3), "{outcome:?}");
    outcome.says("busy: it changed while it was being read");
    let summary = sandbox.backup("@source");
    assert_eq!((&summary["files_changed"], &summary["files_unmodified"]), (&1.into(), &0.into()));
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(sandbox.read("out/busy"), fs::read(&path).unwrap());
}

#[test]
fn a_repository_that_is_no_folder_is_told_from_one_that_is_gone() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "in the way");
    for line in ["snapshots -r @file", "init -r @file", "backup -r @file @key"] {
        sandbox.fails(1, line).says("file").says("Not a directory");
    }
    sandbox.fails(10, "snapshots -r @gone").says("does not exist");
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.fails(10, "snapshots -r @empty").says("no holdfast repository").says("holdfast init");
    assert_eq!(sandbox.read("file"), b"in the way");
}

/// Every command works in an empty repository.
#[test]
fn an_empty_repository() {
    let sandbox = Sandbox::new();
    for line in [
        "snapshots",
        "find x",
        "stats",
        "prune",
        "check --read-data",
        "repair index",
        "repair snapshots",
        "forget --keep-last 1",
        "cat config",
        "key list",
        "tag --add x",
    ] {
        sandbox.ok(line);
    }
    for line in [
        "ls latest",
        "restore latest -t @out",
        "dump latest /",
        "diff latest latest",
        "cat snapshot latest",
        "tag --add x latest",
    ] {
        sandbox.fails(1, line).says("there is no complete snapshot yet");
    }
    assert!(!sandbox.exists("out"));
}
