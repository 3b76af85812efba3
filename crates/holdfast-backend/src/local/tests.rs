//! The order of changes on disk, crashes and failures at every step, and files that are not ours.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use rustix::io::Errno;
use tempfile::TempDir;

use super::recorder::{self, Trouble};
use super::*;

fn name(text: &str) -> ObjectName {
    ObjectName::new(text).unwrap()
}

fn names(local: &Local) -> Vec<String> {
    local.list("").unwrap().into_iter().map(|listed| listed.name.to_string()).collect()
}

fn temporaries(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path().join("tmp")).map_or(0, Iterator::count)
}

/// Runs `operation` on an empty repository, after `prepare`, and compares the steps.
fn check_steps(
    trouble: Option<Trouble>,
    prepare: impl Fn(&Local),
    operation: impl Fn(&Local) -> Result<(), Error>,
    expected: &[&str],
) -> Result<(), Error> {
    let folder = TempDir::new().unwrap();
    prepare(&Local::create(folder.path()).unwrap());
    let (local, steps) = recorder::open(folder.path(), trouble);
    let outcome = operation(&local);
    assert_eq!(*steps.lock().unwrap(), expected);
    assert_eq!(temporaries(&folder), 0);
    outcome
}

#[test]
fn conforms() {
    let folder = TempDir::new().unwrap();
    let number = std::cell::Cell::new(0);
    crate::conformance::run(&|| {
        number.set(number.get() + 1);
        Arc::new(Local::create(folder.path().join(number.get().to_string())).unwrap())
    });
}

#[test]
fn conforms_without_hard_links() {
    let folder = TempDir::new().unwrap();
    let number = std::cell::Cell::new(0);
    crate::conformance::run(&|| {
        number.set(number.get() + 1);
        let path = folder.path().join(number.get().to_string());
        Local::create(&path).unwrap();
        Arc::new(recorder::open(&path, Some(Trouble::Fails("link", Errno::OPNOTSUPP))).0)
    });
}

#[test]
fn a_put_writes_syncs_links_and_syncs_the_folder() {
    let steps = [
        "create tmp/*",
        "make tmp",
        "create tmp/*",
        "write",
        "sync file",
        "make packs",
        "open .",
        "sync folder",
        "make packs/ab",
        "open packs",
        "sync folder",
        "link tmp/* packs/ab/c",
        "unlink tmp/*",
        "open packs/ab",
        "sync folder",
    ];
    let put = |local: &Local| local.put(&name("packs/ab/c"), &[b"1", b"2"]);
    check_steps(None, |_| (), put, &steps).unwrap();
}

#[test]
fn a_second_put_does_not_look_at_folders_again() {
    let folder = TempDir::new().unwrap();
    let (local, steps) = recorder::open(folder.path(), None);
    local.put(&name("packs/a"), &[b"1"]).unwrap();
    steps.lock().unwrap().clear();
    local.put(&name("packs/b"), &[b"1"]).unwrap();
    let expected = [
        "create tmp/*",
        "write",
        "sync file",
        "link tmp/* packs/b",
        "unlink tmp/*",
        "open packs",
        "sync folder",
    ];
    assert_eq!(*steps.lock().unwrap(), expected);
}

#[test]
fn an_object_that_exists_is_made_durable_before_it_is_reported() {
    let steps = [
        "create tmp/*",
        "write",
        "sync file",
        "link tmp/* a",
        "unlink tmp/*",
        "open .",
        "sync folder",
    ];
    let put = |local: &Local| local.put(&name("a"), &[b"2"]);
    let prepare = |local: &Local| local.put(&name("a"), &[b"1"]).unwrap();
    let outcome = check_steps(None, prepare, put, &steps);
    assert!(matches!(outcome, Err(Error::AlreadyExists { .. })));
    let outcome = check_steps(Some(Trouble::LinkAnswerLost), put_other, put, &steps);
    outcome.unwrap();
}

fn put_other(local: &Local) {
    local.put(&name("other"), &[b"1"]).unwrap();
}

#[test]
fn without_links_a_put_renames() {
    for errno in [Errno::PERM, Errno::OPNOTSUPP, Errno::MLINK, Errno::NOSYS] {
        let steps = [
            "create tmp/*",
            "write",
            "sync file",
            "link tmp/* a",
            "rename tmp/* a",
            "unlink tmp/*",
            "open .",
            "sync folder",
        ];
        let put = |local: &Local| local.put(&name("a"), &[b"1"]);
        check_steps(Some(Trouble::Fails("link", errno)), put_other, put, &steps).unwrap();
    }
}

#[test]
fn delete_and_quarantine_sync_their_folders() {
    let prepare = |local: &Local| local.put(&name("a/b"), &[b"1"]).unwrap();
    let delete = |local: &Local| local.delete(&name("a/b"));
    check_steps(None, prepare, delete, &["unlink a/b", "open a", "sync folder"]).unwrap();

    let quarantine = |local: &Local| local.quarantine(&name("a/b"));
    let folders = [
        "make quarantine",
        "open .",
        "sync folder",
        "make quarantine/a",
        "open quarantine",
        "sync folder",
    ];
    let syncs = ["open quarantine/a", "sync folder", "open a", "sync folder"];
    let steps = [&folders[..], &["rename a/b quarantine/a/b"], &syncs].concat();
    check_steps(None, prepare, quarantine, &steps).unwrap();

    let two = ["rename a/b quarantine/a/b", "link a/b quarantine/a/b", "unlink a/b"];
    let steps = [&folders[..], &two, &syncs].concat();
    let trouble = Some(Trouble::Fails("rename", Errno::INVAL));
    check_steps(trouble, prepare, quarantine, &steps).unwrap();
}

#[test]
fn a_crashed_put_leaves_nothing_or_the_whole_object() {
    let content: &[&[u8]] = &[b"whole", b" object"];
    let mut last_step = 0;
    for step in 0.. {
        let folder = TempDir::new().unwrap();
        let (local, steps) = recorder::open(folder.path(), Some(Trouble::DiesAt(step)));
        let outcome = local.put(&name("a/b"), content);
        let steps = steps.lock().unwrap();
        let linked = steps.iter().take(step).any(|step| step.starts_with("link"));

        let after = Local::open(folder.path()).unwrap();
        assert_eq!(names(&after).len(), usize::from(linked), "{steps:?}");
        match linked {
            true => assert_eq!(after.get(&name("a/b")).unwrap(), "whole object"),
            false => after.put(&name("a/b"), content).unwrap(),
        }
        after.remove_stale_temporaries(Duration::ZERO, in_a_day(&folder)).unwrap();
        assert_eq!(temporaries(&folder), 0);
        if outcome.is_ok() {
            last_step = step;
            break;
        }
    }
    assert_eq!(last_step, 12, "every step was tried");
}

#[test]
fn a_failed_put_leaves_no_temporary_and_says_why() {
    for (step, errno) in [
        ("write", Errno::NOSPC),
        ("write", Errno::DQUOT),
        ("sync file", Errno::IO),
        ("sync file", Errno::NOSPC),
        ("make a", Errno::NOSPC),
        ("link", Errno::NOSPC),
        ("link", Errno::IO),
    ] {
        let folder = TempDir::new().unwrap();
        let (local, _) = recorder::open(folder.path(), Some(Trouble::Fails(step, errno)));
        match (errno, local.put(&name("a/b"), &[b"1"])) {
            (Errno::IO, Err(Error::Io { .. })) | (_, Err(Error::NoSpace { .. })) => {}
            (errno, other) => panic!("{step} {errno}: {other:?}"),
        }
        assert_eq!((temporaries(&folder), names(&local)), (0, vec![]), "{step} {errno}");
    }
}

#[test]
fn a_failed_sync_is_never_repeated() {
    let folder = TempDir::new().unwrap();
    let (local, steps) =
        recorder::open(folder.path(), Some(Trouble::Fails("sync folder", Errno::IO)));
    // The first put is visible but not acknowledged, and a second attempt cannot change that.
    for _ in 0..2 {
        assert!(matches!(local.put(&name("a"), &[b"1"]), Err(Error::Io { .. })));
    }
    let steps = steps.lock().unwrap();
    assert_eq!(steps.iter().filter(|step| *step == "sync folder").count(), 1);
    assert_eq!(steps.iter().filter(|step| *step == "sync file").count(), 2, "of two files");
}

#[test]
fn short_and_interrupted_writes_are_continued() {
    for most in [1, 3, 100] {
        let folder = TempDir::new().unwrap();
        let (local, _) = recorder::open(folder.path(), Some(Trouble::ShortWrites(most)));
        local.put(&name("a"), &[b"", b"0123", b"", b"4567", b"89", b""]).unwrap();
        assert_eq!(local.get(&name("a")).unwrap(), "0123456789");
    }
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let folder = TempDir::new().unwrap();
    let local = Local::create(folder.path()).unwrap();
    local.put(&name("a/b/c"), &[b"1"]).unwrap();
    std::fs::remove_dir_all(folder.path().join("a")).unwrap();
    local.put(&name("a/b/c"), &[b"2"]).unwrap();
    assert_eq!(local.get(&name("a/b/c")).unwrap(), "2");
}

/// A time at which every file of a test is a day old.
fn in_a_day(folder: &TempDir) -> SystemTime {
    folder.path().metadata().unwrap().modified().unwrap() + Duration::from_secs(24 * 3600)
}

#[test]
fn only_stale_temporaries_are_removed() {
    let folder = TempDir::new().unwrap();
    let local = Local::create(folder.path()).unwrap();
    let hour = Duration::from_secs(3600);
    let tomorrow = in_a_day(&folder);
    assert_eq!(local.remove_stale_temporaries(hour, tomorrow).unwrap(), 0);
    local.put(&name("a"), &[b"1"]).unwrap();
    std::fs::write(folder.path().join("tmp/half"), "1").unwrap();
    assert_eq!(local.remove_stale_temporaries(hour, tomorrow - 24 * hour).unwrap(), 0);
    assert_eq!(local.remove_stale_temporaries(48 * hour, tomorrow).unwrap(), 0);
    assert_eq!(local.remove_stale_temporaries(hour, SystemTime::UNIX_EPOCH).unwrap(), 0);
    assert_eq!(local.remove_stale_temporaries(hour, tomorrow).unwrap(), 1);
    assert_eq!((temporaries(&folder), names(&local)), (0, vec!["a".to_owned()]));
}

#[test]
fn what_is_no_object_is_not_seen() {
    let folder = TempDir::new().unwrap();
    let local = Local::create(folder.path()).unwrap();
    local.put(&name("a/object"), &[b"1"]).unwrap();
    let path = |text: &str| folder.path().join(text);
    for foreign in [".hidden", "Upper", "a/with space", "tmp/half", "two..dots"] {
        std::fs::write(path(foreign), "foreign").unwrap();
    }
    symlink("a/object", path("link")).unwrap();
    symlink("a", path("folderlink")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    rustix::fs::mkfifoat(&local.root, "pipe", Mode::RWXU).unwrap();
    assert_eq!(names(&local), ["a/object"]);
    assert!(local.list("folderlink").unwrap().is_empty());
    for absent in ["link", "dangling", "pipe", "a", "folderlink"] {
        assert!(matches!(local.get(&name(absent)), Err(Error::NotFound { .. })), "{absent}");
        assert!(matches!(local.size(&name(absent)), Err(Error::NotFound { .. })), "{absent}");
    }
    local.delete(&name("a")).unwrap();
    assert_eq!(names(&local), ["a/object"]);
}

#[test]
fn files_and_folders_are_private() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("repository");
    let local = Local::create(&root).unwrap();
    local.put(&name("a/b"), &[b"1"]).unwrap();
    for (path, mode) in [("", 0o700), ("tmp", 0o700), ("a", 0o700), ("a/b", 0o600)] {
        let metadata = root.join(path).metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{path:?}");
    }
}

#[test]
fn creating_and_opening() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("repository");
    assert!(matches!(Local::open(&root), Err(Error::NotFound { .. })));
    assert!(matches!(Local::create(root.join("deeper")), Err(Error::NotFound { .. })));
    Local::create(&root).unwrap().put(&name("a"), &[b"1"]).unwrap();
    assert_eq!(names(&Local::create(&root).unwrap()), ["a"], "creating again changes nothing");
    assert_eq!(names(&Local::open(&root).unwrap()), ["a"]);
    assert!(matches!(Local::open(root.join("a")), Err(Error::NotFound { .. })));
}

#[test]
fn a_file_cut_short_after_it_was_opened_is_a_short_read() {
    let folder = TempDir::new().unwrap();
    let local = Local::create(folder.path()).unwrap();
    local.put(&name("a"), &[&[7; 100]]).unwrap();
    local.get_range(&name("a"), 0, 1).unwrap();
    std::fs::File::options()
        .write(true)
        .open(folder.path().join("a"))
        .unwrap()
        .set_len(30)
        .unwrap();
    let short = local.get_range(&name("a"), 10, 50);
    assert!(matches!(short, Err(Error::ShortRead { offset: 10, wanted: 50, got: 20, .. })));
}
