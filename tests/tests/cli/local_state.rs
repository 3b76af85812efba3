//! Local state: it saves time, and never affects results.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast_tests::sandbox::{Outcome, Sandbox};

/// Copies a folder as `cp -a` does.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

fn noise(seed: u8, bytes: usize) -> Vec<u8> {
    let mut hash = u64::from(seed) | 1 << 40;
    let mut next = || {
        hash ^= hash << 13;
        hash ^= hash >> 7;
        hash ^= hash << 17;
        hash as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        }
    }
    found
}

/// Runs commands that read everything from this repository.
fn all_commands(sandbox: &Sandbox, repository: &str) {
    for command in ["snapshots", "ls latest", "stats", "find f1", "check --read-data", "prune"] {
        sandbox.ok(&format!("-r @{repository} {command}"));
    }
    let _none_yet = fs::remove_dir_all(sandbox.path("target"));
    sandbox.ok(&format!("-r @{repository} restore latest --target @target"));
    let repaired = sandbox.ok(&format!("-r @{repository} repair snapshots --forget"));
    repaired.prints("0 snapshots are damaged");
}

/// Uses two copies of a repository under the paths `names`.
fn two_copies(sandbox: &Sandbox, use_copy: &dyn Fn(usize) -> &'static str) {
    sandbox.write("source/f0", "first");
    sandbox.ok("backup @source");
    fs::rename(sandbox.path("repository"), sandbox.path("disk0")).unwrap();
    copy(&sandbox.path("disk0"), &sandbox.path("disk1"));
    for round in 0..2 {
        for number in 0..4 {
            let content = noise(round * 10 + number, 30_000);
            sandbox.write(format!("source/f{round}{number}"), content);
        }
        // The same files to both, in separate packs.
        for disk in 0..2 {
            let repository = use_copy(disk);
            sandbox.ok(&format!("-r @{repository} backup @source"));
        }
    }
    for disk in 0..2 {
        all_commands(sandbox, use_copy(disk));
    }
}

#[test]
fn two_copies_side_by_side_do_not_spoil_each_other() {
    let sandbox = Sandbox::new();
    two_copies(&sandbox, &|disk| ["disk0", "disk1"][disk]);
}

/// Two disks mounted at the same path on alternate days. The file systems' identities of the
/// folders distinguish them, so that neither is taken for an older state of the other.
#[test]
fn two_copies_at_one_place_do_not_spoil_each_other() {
    let sandbox = Sandbox::new();
    let mounted = std::cell::Cell::new(None);
    two_copies(&sandbox, &|disk| {
        if let Some(before) = mounted.replace(Some(disk)) {
            fs::rename(sandbox.path("mnt"), sandbox.path(format!("disk{before}"))).unwrap();
        }
        fs::rename(sandbox.path(format!("disk{disk}")), sandbox.path("mnt")).unwrap();
        // On one file system, a copy that replaces another could be an older state until it is
        // known.
        let met = format!("met{disk}");
        if !sandbox.exists(&met) {
            sandbox.write(&met, "");
            sandbox.ok("-r @mnt snapshots --accept-rollback");
        }
        "mnt"
    });
}

fn rolled_back(outcome: &Outcome) {
    outcome.says("in an older state than when this machine last used it");
    outcome.says("--accept-rollback");
}

#[test]
fn an_older_state_is_told_and_may_be_accepted() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.ok("backup @source");
    copy(&sandbox.path("repository"), &sandbox.path("copy"));
    sandbox.write("source/b", "2");
    sandbox.ok("backup @source");
    fs::remove_dir_all(sandbox.path("repository")).unwrap();
    fs::rename(sandbox.path("copy"), sandbox.path("repository")).unwrap();
    for line in ["snapshots", "check", "backup @source", "restore latest -t @out", "prune"] {
        rolled_back(&sandbox.fails(14, line));
    }
    assert!(!sandbox.exists("out"), "something was restored");
    let error = sandbox.fails(14, "snapshots --json").errors().pop().unwrap();
    assert_eq!((&error["code"], error["hints"].as_array().unwrap().len()), (&14.into(), 2));
    sandbox.ok("--accept-rollback snapshots");
    assert_eq!(sandbox.snapshots().len(), 1);
    sandbox.ok("backup @source");
    sandbox.ok("check --read-data");
}

#[test]
fn a_state_that_went_on_otherwise_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.ok("backup @source");
    copy(&sandbox.path("repository"), &sandbox.path("copy"));
    sandbox.ok("backup @source");
    let mut elsewhere = sandbox.command(sandbox.words("-r @copy backup @source"));
    elsewhere.env("HOLDFAST_CACHE_DIR", sandbox.path("elsewhere"));
    assert!(elsewhere.status().unwrap().success());
    fs::remove_dir_all(sandbox.path("repository")).unwrap();
    fs::rename(sandbox.path("copy"), sandbox.path("repository")).unwrap();
    sandbox.fails(14, "snapshots").says("was replaced");
    sandbox.ok("--accept-rollback check --read-data");
    sandbox.ok("snapshots");
}

/// In the same folder, as left by a program that copies files back.
#[test]
fn records_that_are_gone_are_told() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.ok("backup @source");
    let before = sandbox.objects("w");
    sandbox.ok("backup @source");
    let last = sandbox.objects("w").into_iter().find(|name| !before.contains(name)).unwrap();
    let path = sandbox.path("repository").join(&last);
    let record = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    sandbox.fails(14, "snapshots").says(&last);
    // It is only reported later: nothing permanent was recorded.
    fs::write(&path, record).unwrap();
    sandbox.ok("check");
    assert_eq!(sandbox.snapshots().len(), 2);
    // A damaged repository is not an older state.
    fs::write(&path, b"damage").unwrap();
    sandbox.fails(13, "check").says(&last);
}

#[test]
fn without_a_memory_nothing_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.ok("backup @source");
    copy(&sandbox.path("repository"), &sandbox.path("copy"));
    sandbox.ok("backup @source");
    fs::remove_dir_all(sandbox.path("repository")).unwrap();
    fs::rename(sandbox.path("copy"), sandbox.path("repository")).unwrap();
    sandbox.ok("--no-cache snapshots");
    fs::remove_dir_all(sandbox.path("cache")).unwrap();
    sandbox.ok("snapshots");
    sandbox.ok("backup @source");
}

#[test]
fn what_was_verified_on_another_copy_is_read() {
    let sandbox = Sandbox::new();
    sandbox.write("source/f", noise(1, 60_000));
    sandbox.ok("backup @source");
    copy(&sandbox.path("repository"), &sandbox.path("disk2"));
    sandbox.ok("check --read-data");
    sandbox.ok("check --read-data --max-age 30d").prints("read and verified 0 packs");
    let packs = sandbox.objects("packs");
    let largest = packs
        .iter()
        .max_by_key(|name| fs::metadata(sandbox.path("disk2").join(name)).unwrap().len());
    let path = sandbox.path("disk2").join(largest.unwrap());
    let mut bytes = fs::read(&path).unwrap();
    bytes[20_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    sandbox.fails(13, "-r @disk2 check --read-data --max-age 30d");
    // Nor does a copy that replaces the one that was read.
    fs::remove_dir_all(sandbox.path("repository")).unwrap();
    fs::rename(sandbox.path("disk2"), sandbox.path("repository")).unwrap();
    sandbox.fails(13, "check --read-data --max-age 30d");
}

#[test]
fn nobody_else_may_look_into_it() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.ok("backup @source");
    sandbox.ok("check --read-data --with-cache");
    let cache = sandbox.path("cache");
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    let all = files_below(&cache);
    assert!(all.len() > 4);
    for path in &all {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), wanted, "{}", path.display());
    }
    let tag = all.iter().find(|path| path.ends_with("CACHEDIR.TAG")).unwrap();
    assert!(fs::read(tag).unwrap().starts_with(b"Signature: 8a477f597d28d172789f06886806bc55"));
    // Permissions of caches from earlier versions are tightened; caches others could write are not
    // used.
    let repository = fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    fs::set_permissions(&repository, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(sandbox.ok("snapshots").stderr, "");
    assert_eq!(mode(&repository), 0o700);
    fs::set_permissions(&repository, Permissions::from_mode(0o777)).unwrap();
    let outcome = sandbox.ok("backup @source");
    outcome.says("it is writable by other users; continuing without it");
    assert_eq!(outcome.stderr.matches("continuing without it").count(), 1);
}

/// Runs commands that must work with any cache.
fn work_all_the_same(sandbox: &Sandbox, why: &str) {
    let _none_yet = fs::remove_dir_all(sandbox.path("target"));
    let lines = [
        "snapshots",
        "backup @source",
        "check --read-data",
        "ls latest",
        "restore latest -t @target",
        "forget --keep-last 2 --prune --max-unused 0",
        "repair index",
    ];
    for line in lines {
        let outcome = sandbox.run(line);
        assert_eq!(outcome.code, Some(0), "{why}: {line}: {outcome:?}");
        let told = outcome.stderr.lines().count();
        assert!(told <= 1, "{why}: {line}: {}", outcome.stderr);
    }
}

#[test]
fn a_cache_that_cannot_be_made_is_done_without() {
    let made = || {
        let sandbox = Sandbox::new();
        sandbox.write("source/a", noise(3, 5000));
        sandbox.ok("backup @source");
        sandbox
    };
    for folder in ["/dev/null/x", "/dev/null", "/proc/holdfast"] {
        let sandbox = made().with("HOLDFAST_CACHE_DIR", folder);
        work_all_the_same(&sandbox, folder);
        sandbox.ok("snapshots").says("continuing without it");
        let told = sandbox.ok("snapshots --json").errors();
        assert_eq!(told[0]["message_type"], "warning");
    }
    let sandbox = made();
    let file = sandbox.write("file", "");
    let sandbox = sandbox.with("HOLDFAST_CACHE_DIR", &file);
    work_all_the_same(&sandbox, "a file");
    let sandbox = made().with("TMPDIR", "/dev/null");
    work_all_the_same(&sandbox, "no TMPDIR");
    let sandbox = made().with("HOME", "/dev/null").with("HOLDFAST_CACHE_DIR", "");
    work_all_the_same(&sandbox, "no home");
}

#[test]
fn a_cache_that_is_broken_is_made_anew() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", noise(4, 5000));
    sandbox.ok("backup @source");
    sandbox.ok("check --read-data");
    type Break<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Break<'_>); 5] = [
        ("garbage", &|file| fs::write(file, noise(5, 5000)).unwrap()),
        ("empty", &|file| fs::write(file, b"").unwrap()),
        ("cut short", &|file| {
            let half = fs::metadata(file).unwrap().len() / 2;
            fs::OpenOptions::new().write(true).open(file).unwrap().set_len(half).unwrap();
        }),
        ("a link", &|file| {
            fs::remove_file(file).unwrap();
            symlink("/etc/hostname", file).unwrap();
        }),
        ("open to others", &|file| {
            fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
        }),
    ];
    for (why, spoil) in cases {
        files_below(&sandbox.path("cache")).iter().filter(|path| !path.is_dir()).for_each(|file| {
            spoil(file);
        });
        work_all_the_same(&sandbox, why);
    }
}

/// A limit on file sizes simulates a full disk; the repository's files are smaller.
#[test]
fn a_cache_that_cannot_grow_is_done_without() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", noise(6, 5000));
    sandbox.ok("backup @source");
    for kib in [0, 16, 200] {
        fs::remove_dir_all(sandbox.path("cache")).unwrap();
        for line in ["backup @source", "snapshots", "check", "prune --max-unused 0"] {
            let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
            let mut command = sandbox.program("bash");
            command.args(["-c", &script]).arg(holdfast_tests::binary::holdfast());
            // The records and packs of a backup are files too.
            let line = if kib == 0 && line != "snapshots" { "ls latest" } else { line };
            let outcome = sandbox.finish(command.args(sandbox.words(line)).output().unwrap());
            assert_eq!(outcome.code, Some(0), "{kib} KiB: {line}: {outcome:?}");
        }
    }
    sandbox.ok("check --read-data");
}

#[test]
fn a_backup_leaves_out_what_is_holdfasts_own() {
    let sandbox = Sandbox::new();
    sandbox.write("documents/a", "1");
    sandbox.write("state/app.lock", "");
    symlink(sandbox.path("repository"), sandbox.path("link")).unwrap();
    let all = sandbox.path("").display().to_string();
    for repository in ["@repository", "@link"] {
        let outcome = sandbox.ok(&format!("-r {repository} backup {all}"));
        for own in ["repository", "state"] {
            outcome.says(&format!("{}, which belongs to holdfast", sandbox.path(own).display()));
        }
        outcome.says(&format!("{}/", sandbox.path("cache").display()));
        let listed = sandbox.ok("ls latest").stdout;
        assert!(listed.contains("documents/a") && listed.contains("/link"), "{listed}");
        for own in ["repository/config", "app.lock", "index-0.redb"] {
            assert!(!listed.contains(own), "{own} is in {listed}");
        }
    }
    // Another repository is a folder like any other.
    fs::create_dir(sandbox.path("other")).unwrap();
    sandbox.ok("-r @other init");
    sandbox.ok("-r @other backup @repository");
    let listed = sandbox.ok("-r @other ls latest").stdout;
    assert!(listed.contains("repository/config"), "{listed}");
}

#[test]
fn the_command_knows_the_cache_of_each_place() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.ok("backup @source");
    copy(&sandbox.path("repository"), &sandbox.path("disk2"));
    sandbox.ok("-r @disk2 snapshots");
    let caches = sandbox.ok("cache --json").json();
    assert_eq!(caches.as_array().unwrap().len(), 2);
    sandbox.ok("cache --cleanup --max-age 0").prints("removed 2 caches");
    assert_eq!(fs::read_dir(sandbox.path("cache")).unwrap().count(), 0);
}
