//! Obstacles to a restore, and limitations of file systems.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_tests::sandbox::Sandbox;
use holdfast_tests::strace;

#[test]
fn modes_that_spare_replace_nothing_of_another_kind() {
    let sandbox = Sandbox::new();
    sandbox.write("source/folder/file", "stored");
    std::os::unix::fs::symlink("nowhere", sandbox.path("source/link")).unwrap();
    sandbox.backup("@source");
    for mode in ["never", "if-newer"] {
        let _ = fs::remove_dir_all(sandbox.path("source"));
        sandbox.write("source/folder", "a file of the user");
        sandbox.write("source/link", "a file of the user");
        let outcome =
            sandbox.fails(1, &format!("restore latest:@source -t @source --overwrite {mode}"));
        outcome.says("/folder: ").says("1 entry could not be restored");
        assert_eq!(sandbox.read("source/folder"), b"a file of the user");
        assert_eq!(sandbox.read("source/link"), b"a file of the user", "it is newer");
    }
    sandbox.ok("restore latest:@source -t @source");
    assert_eq!(sandbox.read("source/folder/file"), b"stored");
}

#[test]
fn success_is_said_after_everything_is_on_the_disk() {
    let sandbox = Sandbox::new();
    sandbox.write("source/file", "stored");
    sandbox.backup("@source");
    let words = sandbox.words("restore latest:@source -t @out");
    let options = ["--inject=syncfs:error=EIO"];
    let output = strace::command(&sandbox, "syncfs", options, words).output().unwrap();
    let outcome = sandbox.finish(output);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("may be lost").prints_nothing_of("restored 1");
    let words = sandbox.words("restore latest:@source -t @out --dry-run");
    let options = ["--inject=syncfs:error=EIO"];
    let output = strace::command(&sandbox, "syncfs", options, words).output().unwrap();
    assert_eq!(sandbox.finish(output).code, Some(0), "a dry run has nothing to write there");
}

/// A target that accepts a change of times and ignores it, as some FUSE file systems do.
#[test]
fn times_that_are_not_taken_are_named() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("source/file", "stored");
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
    fs::File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
    sandbox.backup("@source");
    let words = sandbox.words("restore latest:@source -t @out");
    let options = ["--inject=utimensat:retval=0"];
    let output = strace::command(&sandbox, "utimensat", options, words).output().unwrap();
    let outcome = sandbox.finish(output);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("/file: it was restored, but cannot set the times");
    assert_eq!(sandbox.read("out/file"), b"stored");
}

/// A target without hard links: each name gets a copy, and is reported.
#[test]
fn where_there_are_no_hard_links_names_become_copies() {
    let sandbox = Sandbox::new();
    let first = sandbox.write("source/a", "stored");
    for name in ["b", "c"] {
        fs::hard_link(&first, sandbox.path("source").join(name)).unwrap();
    }
    sandbox.backup("@source");
    let words = sandbox.words("restore latest:@source -t @out");
    let options = ["--inject=linkat:error=EPERM"];
    let output = strace::command(&sandbox, "linkat", options, words).output().unwrap();
    let outcome = sandbox.finish(output);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("/b: restored as a copy").says("/c: restored as a copy");
    for name in ["a", "b", "c"] {
        assert_eq!(sandbox.read(format!("out/{name}")), b"stored");
    }
}

#[test]
fn a_dry_run_names_what_would_be_written() {
    let sandbox = Sandbox::new();
    for name in ["new", "changed", "same"] {
        sandbox.write(format!("source/{name}"), name);
    }
    sandbox.backup("@source");
    fs::remove_file(sandbox.path("source/new")).unwrap();
    sandbox.write("source/changed", "other");
    let outcome = sandbox.ok("restore latest:@source -t @source --dry-run -vv");
    outcome.prints("restored  /new").prints("updated   /changed").prints("unchanged /same");
    let outcome = sandbox.ok("restore latest:@source -t @source --dry-run -vv --json");
    outcome.prints("\"item\":\"/new\"").prints("\"item\":\"/changed\"");
    // Also where nothing exists yet.
    let outcome = sandbox.ok("restore latest:@source -t @nowhere --dry-run -vv");
    outcome.prints("restored  /new").prints("restored  /changed").prints("restored  /same");
    assert!(!sandbox.exists("nowhere"));
}

fn mode(sandbox: &Sandbox, path: &str) -> u32 {
    fs::metadata(sandbox.path(path)).unwrap().permissions().mode() & 0o7777
}

fn set_mode(sandbox: &Sandbox, path: &str, mode: u32) {
    fs::set_permissions(sandbox.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

/// The paths given to the backup are restored; the folders above them are not its business.
#[test]
fn folders_above_what_was_backed_up_stay_as_they_are() {
    let sandbox = Sandbox::new();
    sandbox.write("above/named/inner/file", "stored");
    for (path, bits) in [("above", 0o751), ("above/named", 0o710), ("above/named/inner", 0o711)] {
        set_mode(&sandbox, path, bits);
    }
    sandbox.ok("backup @above/named");
    let tree = sandbox.path("above").strip_prefix("/").unwrap().to_owned();
    // Missing ones are recreated with their metadata.
    sandbox.ok("restore latest -t @new");
    let at = |place: &str, below: &str| format!("{place}/{}{below}", tree.display());
    assert_eq!(mode(&sandbox, &at("new", "")), 0o751);
    // Existing ones are kept unchanged, unlike the given path.
    for include in ["", " --include inner", " --source files", " --overwrite never"] {
        set_mode(&sandbox, &at("new", ""), 0o770);
        set_mode(&sandbox, &at("new", "/named"), 0o770);
        sandbox.ok(&format!("restore latest -t @new{include}"));
        assert_eq!(mode(&sandbox, &at("new", "")), 0o770, "{include}");
        // A pattern that matches below a folder does not include the folder itself.
        let is_taken = !include.contains("--include");
        let expected = if is_taken { 0o710 } else { 0o770 };
        assert_eq!(mode(&sandbox, &at("new", "/named")), expected, "{include}");
        assert_eq!(mode(&sandbox, &at("new", "/named/inner")), 0o711);
    }
    set_mode(&sandbox, "above", 0o700);
    sandbox.ok("restore latest:@ -t @");
    assert_eq!(mode(&sandbox, "above"), 0o700);
}
