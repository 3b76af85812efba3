//! Malicious names: stored and restored exactly, and displayed safely.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use holdfast_tests::picture::entries;
use holdfast_tests::sandbox::Sandbox;

const NAMES: [&[u8]; 9] = [
    b"\x1b[2J\x1b]0;owned\x07",
    b"line\nbreak",
    b"tab\tand\rreturn",
    b"\xff\xfe not UTF-8",
    b"-rf",
    b" ",
    b"...",
    b"\xe2\x80\xaegnp.exe",
    b"$(touch harm)`touch harm`'\"\\",
];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in NAMES {
        sandbox.write(std::path::Path::new("source").join(OsStr::from_bytes(name)), name);
    }
    sandbox.backup("@source");
    sandbox
}

#[test]
fn they_come_back_exactly() {
    let sandbox = sandbox();
    sandbox.ok("restore latest:@source -t @out --verify");
    assert_eq!(entries(&sandbox.path("out")), entries(&sandbox.path("source")));
    assert_eq!(entries(&sandbox.path("out")).len(), NAMES.len());
}

#[test]
fn no_command_sends_them_to_the_terminal() {
    let sandbox = sandbox();
    for name in NAMES {
        sandbox.write(std::path::Path::new("source").join(OsStr::from_bytes(name)), "changed");
    }
    sandbox.ok("backup @source -vv");
    let lines =
        ["ls latest", "ls -l latest", "find *", "diff latest~1 latest", "restore latest -t @o -vv"];
    for line in lines.iter().chain(&["restore latest -t @o --delete --dry-run -vv", "snapshots"]) {
        let outcome = sandbox.ok(line);
        for text in [&outcome.stdout, &outcome.stderr] {
            let is_harmful = |it: char| (it.is_control() && it != '\n') || it == '\u{202e}';
            assert!(!text.contains(is_harmful), "{line}: {text:?}");
            assert!(!text.lines().any(|it| it == "break"), "{line}: {text:?}");
        }
    }
}

#[test]
fn json_has_all_of_them() {
    let sandbox = sandbox();
    let nodes = sandbox.ok("ls latest --json").messages();
    let files = nodes.iter().filter(|node| node["type"] == "file").count();
    assert_eq!(files, NAMES.len());
}
