//! Paths that come from files.

use std::fs;

use holdfast_tests::sandbox::Sandbox;

fn restored(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.within("out", name).exists()
}

#[test]
fn patterns_from_a_file() {
    let sandbox = Sandbox::new();
    for name in ["source/a.txt", "source/b.txt", "source/c.md", "source/[x].txt"] {
        sandbox.write(name, name);
    }
    let folder = sandbox.path("source").display().to_string();
    sandbox
        .write("list", format!("# what\n\n  {folder}/?.txt \n{folder}/nothing*\n{folder}/c.md\n"));
    sandbox.ok("backup --files-from @list").says("nothing*");
    sandbox.ok("restore latest -t @out");
    assert!(restored(&sandbox, "source/a.txt") && restored(&sandbox, "source/b.txt"));
    assert!(restored(&sandbox, "source/c.md") && !restored(&sandbox, "source/[x].txt"));
}

#[test]
fn paths_from_a_file_as_they_are() {
    let sandbox = Sandbox::new();
    for name in ["source/*.txt", "source/a.txt", "source/# x"] {
        sandbox.write(name, name);
    }
    let folder = sandbox.path("source").display().to_string();
    sandbox.write("list", format!("{folder}/*.txt\n{folder}/# x\n"));
    sandbox.ok("backup --files-from-verbatim @list");
    sandbox.ok("restore latest -t @out");
    assert!(restored(&sandbox, "source/*.txt") && restored(&sandbox, "source/# x"));
    assert!(!restored(&sandbox, "source/a.txt"));
}

#[test]
fn paths_with_zero_bytes_between_them() {
    let sandbox = Sandbox::new();
    for name in ["source/new\nline", "source/a", "source/b"] {
        sandbox.write(name, name);
    }
    let folder = sandbox.path("source").display().to_string();
    let list = format!("{folder}/new\nline\0{folder}/a\0");
    let outcome = sandbox.run_with_input("backup --files-from-raw -", list.as_bytes());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    sandbox.ok("restore latest -t @out");
    assert!(restored(&sandbox, "source/new\nline") && restored(&sandbox, "source/a"));
    assert!(!restored(&sandbox, "source/b"));
}

#[test]
fn a_list_that_says_nothing_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("list", "\n# nothing\n");
    sandbox.fails(2, "backup --files-from @list").says("nothing to back up");
    sandbox.fails(1, "backup --files-from @missing").says("missing");
    assert!(sandbox.objects("w").is_empty());
    fs::remove_file(sandbox.path("list")).unwrap();
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_text_file() {
    let sandbox = Sandbox::new();
    let marked = |text: &str| [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for name in ["source/a", "source/b", "source/c"] {
        sandbox.write(name, name);
    }
    let path = |name: &str| sandbox.path(name).display().to_string();
    sandbox.write("list", marked(&format!("{}\n", path("source/a"))));
    sandbox.write("verbatim", marked(&format!("{}\n", path("source/b"))));
    sandbox.ok("backup --files-from @list --files-from-verbatim @verbatim");
    sandbox.ok("restore latest -t @out");
    assert!(restored(&sandbox, "source/a") && restored(&sandbox, "source/b"));
    sandbox.write("place", marked(&format!("{}\n", path("repository"))));
    sandbox.ok("snapshots --repository-file @place").prints("1 snapshot");
}
