//! What a restore includes and what it leaves alone.

use std::os::unix::fs::MetadataExt;

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

/// Attributes of a file by name; none if there is no such attribute.
fn attribute(sandbox: &Sandbox, file: &str, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1024];
    let bytes = rustix::fs::getxattr(sandbox.path(file), name, &mut value[..]).ok()?;
    value.truncate(bytes);
    Some(value)
}

#[test]
fn patterns_choose_extended_attributes() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("source/a", "a");
    for name in ["user.one", "user.two"] {
        rustix::fs::setxattr(&file, name, b"x", rustix::fs::XattrFlags::empty()).unwrap();
    }
    // The mask of the list shows group permissions that the group's own entry does not have.
    let list = sandbox.program("setfacl").args(["-m", "u:1234:rw,g::-"]).arg(&file).status();
    assert!(list.unwrap().success());
    sandbox.backup("@source");

    let names = ["user.one", "user.two", "system.posix_acl_access"];
    let restored = |folder: &str| {
        names.map(|name| attribute(&sandbox, &format!("{folder}/a"), name).is_some())
    };
    sandbox.ok("restore latest:@source -t @all");
    assert_eq!(restored("all"), [true, true, true]);
    sandbox.ok("restore latest:@source -t @one --include-xattr *.one");
    assert_eq!(restored("one"), [true, false, false]);
    sandbox.ok("restore latest:@source -t @two --exclude-xattr user.one --exclude-xattr system.*");
    assert_eq!(restored("two"), [false, true, false]);
    for folder in ["one", "two"] {
        let mode = std::fs::metadata(sandbox.path(folder).join("a")).unwrap().mode();
        assert_eq!(mode & 0o070, 0, "{folder}: without its list, the group must get nothing");
    }
    // Attributes that are not restored are left as they are.
    let there = sandbox.path("all/a");
    rustix::fs::setxattr(&there, "user.one", b"own", rustix::fs::XattrFlags::empty()).unwrap();
    sandbox.ok("restore latest:@source -t @all --exclude-xattr user.one");
    assert_eq!(attribute(&sandbox, "all/a", "user.one").unwrap(), b"own");
    assert_eq!(restored("all"), [true, true, true]);
}

/// A dry run into a folder that does not exist finds nothing there, whatever the names of entries.
#[test]
fn a_dry_run_into_nothing_would_restore_everything() {
    let sandbox = Sandbox::new();
    for name in 0..20 {
        sandbox.write(format!("source/{name}"), "");
    }
    sandbox.backup("@source");
    let outcome = sandbox.ok("restore latest:@source -t @none --dry-run --overwrite never");
    outcome.prints("would restore 20 entries").prints("0 (0 B) unchanged");
}
