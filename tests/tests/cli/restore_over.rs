//! Restores over existing files.

use std::fs;
use std::time::{Duration, SystemTime};

use holdfast_tests::sandbox::Sandbox;

/// A snapshot, and its source with one file changed later, one changed and dated back, one added.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["same", "newer", "older"] {
        sandbox.write(format!("source/{name}"), "stored");
    }
    sandbox.backup("@source");
    for (name, days) in [("newer", 2_i64), ("older", -2)] {
        let path = sandbox.write(format!("source/{name}"), "of the user");
        let distance = Duration::from_secs(days.unsigned_abs() * 86_400);
        let now = SystemTime::now();
        let time = if days > 0 { now + distance } else { now - distance };
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    sandbox.write("source/added", "of the user");
    sandbox
}

#[track_caller]
fn check(options: &str, newer: &str, older: &str, has_added: bool) {
    let sandbox = sandbox();
    sandbox.ok(&format!("restore latest -t / {options}"));
    assert_eq!(sandbox.read("source/newer"), newer.as_bytes(), "newer");
    assert_eq!(sandbox.read("source/older"), older.as_bytes(), "older");
    assert_eq!(sandbox.read("source/same"), b"stored");
    assert_eq!(sandbox.exists("source/added"), has_added, "added");
}

#[test]
fn modes() {
    let (stored, user) = ("stored", "of the user");
    check("", stored, stored, true);
    check("--overwrite always", stored, stored, true);
    check("--overwrite if-changed", stored, stored, true);
    check("--overwrite if-newer", user, stored, true);
    check("--overwrite never", user, user, true);
}

#[test]
fn what_the_snapshot_lacks_is_deleted_on_request_only() {
    let sandbox = sandbox();
    let line = "restore latest:@source -t @source --delete";
    sandbox.ok(&format!("{line} --dry-run")).prints("1 deleted");
    assert!(sandbox.exists("source/added"));
    sandbox.ok(line).prints("1 deleted");
    assert!(!sandbox.exists("source/added"));
}
