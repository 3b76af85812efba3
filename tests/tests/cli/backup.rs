//! What a backup reads, compares, excludes and records.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use holdfast_format::limits::TREE_DEPTH_MAX;
use holdfast_tests::picture::{assert_same, entries};
use holdfast_tests::sandbox::Sandbox;
use rustix::fs::{Mode, OFlags};
use serde_json::Value;

fn counts(summary: &Value, names: [&str; 3]) -> [u64; 3] {
    names.map(|name| summary[name].as_u64().unwrap())
}

const FILES: [&str; 3] = ["files_new", "files_changed", "files_unmodified"];
const DIRECTORIES: [&str; 3] = ["dirs_new", "dirs_changed", "dirs_unmodified"];

/// The parent folder of all sandboxes is in each backup too, and other tests create and remove
/// sandboxes in it: retries while that may be the reason for a failure.
fn undisturbed(mut backup: impl FnMut() -> Value, is_right: impl Fn(&Value) -> bool) -> Value {
    (0..20).find_map(|_| Some(backup()).filter(&is_right)).unwrap_or_else(&mut backup)
}

/// Three files in two folders.
fn small(sandbox: &Sandbox) {
    sandbox.write("source/a", "first");
    sandbox.write("source/b", "second");
    sandbox.write("source/folder/c", "third");
}

#[test]
fn an_unchanged_folder_is_not_read_again() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    let first = sandbox.backup("@source");
    assert_eq!(counts(&first, FILES), [3, 0, 0]);
    let second = undisturbed(|| sandbox.backup("@source"), |it| it["dirs_changed"] == 0);
    assert_eq!(counts(&second, FILES), [0, 0, 3]);
    assert_eq!(counts(&second, DIRECTORIES)[..2], [0, 0]);
    assert_eq!((&second["data_added"], &second["tree_blobs"]), (&0.into(), &0.into()));
    assert_ne!(first["snapshot_id"], second["snapshot_id"]);
}

#[test]
fn changed_and_removed_files_are_noticed() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    sandbox.backup("@source");
    sandbox.write("source/a", "changed");
    sandbox.write("source/d", "new");
    fs::remove_file(sandbox.path("source/folder/c")).unwrap();
    let second = sandbox.backup("@source");
    assert_eq!(counts(&second, FILES), [1, 1, 1]);
    sandbox.ok("restore latest:@source -t @new");
    assert_same(&entries(&sandbox.path("source")), &entries(&sandbox.path("new")));
    sandbox.ok("restore latest~1:@source -t @old");
    assert_eq!(sandbox.read("old/folder/c"), b"third");
    assert_eq!(sandbox.read("old/a"), b"first");
    assert!(!sandbox.exists("old/d"));
}

#[test]
fn a_file_may_become_a_folder_and_back() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    sandbox.backup("@source");
    fs::remove_file(sandbox.path("source/a")).unwrap();
    sandbox.write("source/a/inside", "x");
    fs::remove_dir_all(sandbox.path("source/folder")).unwrap();
    symlink("a", sandbox.path("source/folder")).unwrap();
    sandbox.backup("@source");
    sandbox.ok("restore latest:@source -t @out");
    assert_same(&entries(&sandbox.path("source")), &entries(&sandbox.path("out")));
    let refused = sandbox.fails(1, "restore latest~1:@source -t @out");
    refused.says("a folder with files in it is in the way");
    sandbox.ok("restore latest~1:@source -t @out --delete");
    assert_eq!(sandbox.read("out/a"), b"first");
    assert_eq!(sandbox.read("out/folder/c"), b"third");
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen_by_the_time_of_the_change() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    // Dated long ago: recently written files are read again whatever their times.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for name in ["a", "b", "folder/c"] {
        let file = fs::File::open(sandbox.path("source").join(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    sandbox.backup("@source");
    let path = sandbox.path("source/a");
    fs::write(&path, "FIRST").unwrap();
    fs::File::open(&path).unwrap().set_modified(time).unwrap();
    let ignored = sandbox.backup("@source --ignore-ctime --dry-run");
    assert_eq!(counts(&ignored, FILES), [0, 0, 3]);
    let seen = sandbox.backup("@source");
    assert_eq!(counts(&seen, FILES), [0, 1, 2]);
    let forced = sandbox.backup("@source --force");
    assert_eq!(counts(&forced, FILES), [3, 0, 0]);
    // Nodes of parent folders may be new: their times change while the test runs.
    assert_eq!(forced["data_blobs"], 0);
}

#[test]
fn what_is_left_out() {
    let cases: [(&str, &[&str]); 10] = [
        ("--exclude *.tmp", &["keep", "big", "cache", "marked", "sub"]),
        ("-e @source/sub", &["a.tmp", "B.TMP", "big", "cache", "keep", "marked"]),
        ("--iexclude *.tmp", &["big", "cache", "keep", "marked", "sub"]),
        ("--exclude-file @patterns", &["B.TMP", "a.tmp", "big", "cache", "marked", "sub"]),
        ("--iexclude-file @patterns", &["B.TMP", "a.tmp", "big", "cache", "marked", "sub"]),
        ("--exclude-larger-than 1K", &["B.TMP", "a.tmp", "cache", "keep", "marked", "sub"]),
        ("--exclude-if-present .nobackup", &["marked/.nobackup", "!marked/x"]),
        ("--exclude-if-present .nobackup:no", &["marked/.nobackup", "marked/x"]),
        ("--exclude-caches", &["cache/CACHEDIR.TAG", "!cache/x"]),
        ("--gitignore", &["sub/.gitignore", "!sub/ignored"]),
    ];
    let sandbox = Sandbox::new();
    for name in ["keep", "a.tmp", "B.TMP", "sub/ignored", "marked/x", "cache/x"] {
        sandbox.write(format!("source/{name}"), "x");
    }
    sandbox.write("source/big", vec![b'x'; 5000]);
    sandbox.write("source/marked/.nobackup", "yes");
    sandbox.write("source/sub/.gitignore", "ignored\n");
    let signature = "Signature: 8a477f597d28d172789f06886806bc55\n";
    sandbox.write("source/cache/CACHEDIR.TAG", signature);
    sandbox.write("patterns", "# a comment\n\nkeep\n");
    for (number, (flags, wanted)) in cases.into_iter().enumerate() {
        sandbox.ok(&format!("backup @source {flags}"));
        sandbox.ok(&format!("restore latest:@source -t @out{number}"));
        for name in wanted {
            let (name, is_wanted) =
                name.strip_prefix('!').map_or((*name, true), |name| (name, false));
            assert_eq!(sandbox.exists(format!("out{number}/{name}")), is_wanted, "{flags}: {name}");
        }
        if wanted.len() > 2 {
            let found = fs::read_dir(sandbox.path(format!("out{number}"))).unwrap().count();
            let all = usize::from(flags == "--exclude *.tmp");
            assert_eq!(found, wanted.len() + all, "{flags}");
        }
    }
}

#[test]
fn a_dry_run_adds_nothing() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    let before = sandbox.objects("");
    let summary = sandbox.backup("@source --dry-run");
    assert_eq!((&summary["dry_run"], counts(&summary, FILES)), (&true.into(), [3, 0, 0]));
    assert_eq!(summary.get("snapshot_id"), None);
    assert_eq!(sandbox.objects(""), before);
    sandbox.ok("backup @source -n -vv").prints("new").prints("source/folder/c");
    sandbox.backup("@source");
    let summary = sandbox.backup("@source -n");
    assert_eq!(counts(&summary, FILES), [0, 0, 3]);
}

#[test]
fn a_snapshot_of_nothing_new_can_be_left_out() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    let backup = || sandbox.backup("@source --skip-if-unchanged");
    backup();
    let before = sandbox.objects("w").len();
    // Changes the parent folder, which is in the snapshot but was not given to the backup.
    sandbox.write("beside", "x");
    assert_eq!(backup().get("snapshot_id"), None);
    assert_eq!(sandbox.objects("w").len(), before);
    sandbox.write("source/a", "changed");
    let made = sandbox.backup("@source --skip-if-unchanged");
    assert!(made["snapshot_id"].is_string());
}

#[test]
fn parents() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    let first = sandbox.backup("@source");
    let unmodified = |line: &str| counts(&sandbox.backup(line), FILES)[2];
    assert_eq!(unmodified("@source --host other"), 0);
    assert_eq!(unmodified("@source --host third --group-by paths"), 3);
    assert_eq!(unmodified("@source/folder"), 0);
    assert_eq!(unmodified("@source --tag x --group-by tags"), 0);
    assert_eq!(unmodified("@source --tag x --group-by tags"), 3);
    let id = first["snapshot_id"].as_str().unwrap();
    assert_eq!(unmodified(&format!("@source --host fourth --parent {}", &id[..8])), 3);
    sandbox.fails(1, "backup @source --parent ffffffff");
    sandbox.ok("backup @source").prints("using parent snapshot");
}

#[test]
fn two_repositories_that_share_a_cache_do_not_mix() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    sandbox.backup("@source");
    sandbox.ok("init -r @second");
    let there = sandbox.backup("@source -r @second");
    assert_eq!(counts(&there, FILES), [3, 0, 0]);
    assert!(there["data_added"].as_u64().unwrap() > 0);
    sandbox.ok("restore -r @second latest:@source -t @out");
    assert_same(&entries(&sandbox.path("source")), &entries(&sandbox.path("out")));
}

#[test]
fn every_way_to_compress_and_cut_gives_the_same_back() {
    let sandbox = Sandbox::new();
    sandbox.write("source/text", "many words, many times. ".repeat(20_000));
    let ways = ["--compression off", "--compression max", "--compression fastest"];
    let cuts = ["--chunk-profile dump", "--chunk-profile media", "--no-extra-verify --pack-size 4"];
    for (number, way) in ways.into_iter().chain(cuts).enumerate() {
        sandbox.ok(&format!("backup @source --force --read-concurrency 1 {way}"));
        sandbox.ok(&format!("restore latest:@source -t @out{number}"));
        let restored = entries(&sandbox.path(format!("out{number}")));
        assert_same(&entries(&sandbox.path("source")), &restored);
    }
    sandbox.ok("check --read-data");
}

#[test]
fn several_paths_become_one_snapshot() {
    let sandbox = Sandbox::new();
    small(&sandbox);
    sandbox.write("other/x", "x");
    sandbox.write("single", "a file of its own");
    sandbox.ok("backup source @other @single source/folder ./source/../other");
    sandbox.ok("restore latest -t @out");
    for (name, content) in
        [("source/a", "first"), ("other/x", "x"), ("single", "a file of its own")]
    {
        assert_eq!(fs::read(sandbox.within("out", name)).unwrap(), content.as_bytes(), "{name}");
    }
}

/// Folders named `d`, nested `depth` levels deep, with a file at the end.
fn nest(above: &std::path::Path, depth: usize) {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = rustix::fs::open(above, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&folder, "d", Mode::RWXU).unwrap();
        folder = rustix::fs::openat(&folder, "d", flags, Mode::empty()).unwrap();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(&folder, "f", flags, Mode::RUSR).unwrap();
}

/// Removes folders at any depth.
fn unnest(sandbox: &Sandbox, name: &str) {
    let path = sandbox.path(name);
    assert!(sandbox.program("rm").arg("-rf").arg(path).status().unwrap().success());
}

/// Entries nested too deeply for readers are reported and skipped, and affect nothing else.
#[test]
fn folders_that_are_nested_too_deep_cost_only_themselves() {
    let sandbox = Sandbox::new();
    sandbox.write("source/z/data", "important");
    let folder = sandbox.path("source");
    let above = folder.components().count() - 1;
    nest(&folder, TREE_DEPTH_MAX - above + 3);
    let outcome = sandbox.fails(3, "backup @source");
    outcome.says("no snapshot can hold it").says("1 entry could not be read").prints("saved");
    let listed = sandbox.ok("ls latest").stdout;
    assert_eq!(listed.lines().filter(|line| line.ends_with("/d")).count(), TREE_DEPTH_MAX - above);
    sandbox.ok("check --read-data");
    sandbox.fails(3, "restore latest -t @out").says("is incomplete");
    assert_eq!(fs::read(sandbox.within("out", "source/z/data")).unwrap(), b"important");
    sandbox.fails(3, "backup @source").prints("saved");
    sandbox.ok("forget --keep-last 1 --prune");
    sandbox.ok("check --read-data");
    unnest(&sandbox, "source");
    unnest(&sandbox, "out");
}

/// A dump into a new file does not make the content readable to more users.
#[test]
fn a_dump_is_as_private_as_what_it_is_of() {
    let sandbox = Sandbox::new();
    for (name, mode) in [("private", 0o600), ("script", 0o755)] {
        let path = sandbox.write(format!("source/{name}"), name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    sandbox.ok("backup @source");
    let mode = |name: &str| fs::metadata(sandbox.path(name)).unwrap().permissions().mode() & 0o777;
    sandbox.ok("dump -t @private latest @source/private");
    sandbox.ok("dump -t @script latest @source/script");
    assert_eq!((mode("private"), mode("script") & 0o700), (0o600, 0o700));
    for form in ["tar", "zip"] {
        sandbox.ok(&format!("dump -a {form} -t @archive.{form} latest @source"));
        assert_eq!(mode(&format!("archive.{form}")), 0o600);
    }
}
