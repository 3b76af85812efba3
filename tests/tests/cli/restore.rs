//! What a restore takes and what it leaves.

use holdfast_tests::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for path in ["a.txt", "b.log", "folder/c.txt", "folder/d.log", "folder/deep/e.txt"] {
        sandbox.write(format!("source/{path}"), path);
    }
    sandbox.backup("@source");
    sandbox
}

fn names(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let all = holdfast_tests::picture::entries(&sandbox.path(folder));
    let files = all.keys().filter(|path| sandbox.path(folder).join(path).is_file());
    files.map(|path| path.display().to_string()).collect()
}

#[test]
fn patterns_choose() {
    let sandbox = sandbox();
    sandbox.ok("restore latest:@source -t @one --include *.txt");
    assert_eq!(names(&sandbox, "one"), ["a.txt", "folder/c.txt", "folder/deep/e.txt"]);
    sandbox.ok("restore latest:@source -t @two --exclude *.txt");
    assert_eq!(names(&sandbox, "two"), ["b.log", "folder/d.log"]);
    sandbox.ok("restore latest:@source/folder -t @three --exclude deep");
    assert_eq!(names(&sandbox, "three"), ["c.txt", "d.log"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = sandbox();
    sandbox.ok("restore latest -t @out --dry-run").prints("5");
    assert!(!sandbox.exists("out"));
}

#[test]
fn what_is_not_there_is_said() {
    let sandbox = sandbox();
    sandbox.fails(1, "restore latest:/nowhere -t @out").says("/nowhere");
    sandbox.fails(2, "restore latest").says("--target");
    sandbox.write("file", "in the way");
    let outcome = sandbox.run("restore latest -t @file");
    assert!(outcome.code != Some(0) && outcome.stderr.contains("file"), "{outcome:?}");
    assert_eq!(sandbox.read("file"), b"in the way");
}
