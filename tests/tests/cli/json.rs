//! With `--json` all output is JSON, with restic's keys.

use holdfast_tests::sandbox::Sandbox;
use serde_json::Value;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "one");
    sandbox.backup("@source");
    sandbox.write("source/a", "two");
    sandbox.backup("@source");
    sandbox
}

#[test]
fn every_line_of_every_command_is_json() {
    let sandbox = sandbox();
    let lines = [
        "backup @source",
        "snapshots",
        "ls latest",
        "find a",
        "diff latest~1 latest",
        "stats",
        "restore latest -t @out",
        "check",
        "forget --keep-last 2",
        "prune",
        "key list",
        "cache",
        "cache --cleanup",
        "tag --add x latest",
        "key generate",
        "key add --generate",
        "dump latest @source/a -t @dumped",
        "man --out @man",
        "forget latest --dry-run",
        "repair index",
        "repair snapshots",
        "cat config",
        "version",
    ];
    for line in lines {
        let outcome = sandbox.ok(&format!("{line} --json"));
        let whole = serde_json::from_str::<Value>(&outcome.stdout).is_ok();
        let each = outcome.stdout.lines().all(|it| serde_json::from_str::<Value>(it).is_ok());
        assert!(whole || each, "{line}: {}", outcome.stdout);
        assert!(!outcome.stdout.is_empty(), "{line}");
    }
}

#[test]
fn fields_are_those_of_restic() {
    let sandbox = sandbox();
    let summary = sandbox.backup("@source");
    for field in [
        "files_new",
        "files_changed",
        "files_unmodified",
        "dirs_new",
        "data_blobs",
        "tree_blobs",
        "data_added",
        "total_files_processed",
        "total_bytes_processed",
        "total_duration",
        "snapshot_id",
    ] {
        assert!(summary.get(field).is_some(), "{field}: {summary}");
    }
    for field in ["time", "tree", "paths", "hostname", "username", "id", "short_id"] {
        assert!(sandbox.snapshots()[0].get(field).is_some(), "{field}");
    }
}

#[test]
fn an_error_is_one_message_with_its_exit_code() {
    let sandbox = sandbox();
    for (line, code) in [("ls 00000000", 1), ("ls --nope", 2), ("snapshots -r @none", 10)] {
        let outcome = sandbox.fails(code, &format!("{line} --json"));
        let errors = outcome.errors();
        assert_eq!(errors.len(), 1, "{line}");
        assert_eq!(errors[0]["message_type"], "exit_error", "{line}");
        assert_eq!(errors[0]["code"], code, "{line}");
    }
}
