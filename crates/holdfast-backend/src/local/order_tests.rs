//! The order of the changes on disk, and crashes and failures at every single one of them.

use rustix::io::Errno;
use tempfile::TempDir;

use super::Local;
use super::maker::TemporaryOwner;
use super::recorder::{self, RecorderFault};
use super::tests::{name, names, temporaries};
use crate::{Backend, BackendError};

/// Runs `operation` on an empty repository, after `prepare`, and compares the steps.
fn check_steps(
    trouble: Option<RecorderFault>,
    prepare: impl Fn(&Local),
    operation: impl Fn(&Local) -> Result<(), BackendError>,
    expected: &[&str],
) -> Result<(), BackendError> {
    let folder = TempDir::new().unwrap();
    prepare(&Local::create(folder.path()).unwrap());
    let (local, steps) = recorder::open(folder.path(), trouble);
    let outcome = operation(&local);
    assert_eq!(*steps.lock().unwrap(), expected);
    assert_eq!(temporaries(&folder), 0);
    outcome
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
    assert!(matches!(outcome, Err(BackendError::AlreadyExists { .. })));
    let outcome = check_steps(Some(RecorderFault::LinkAnswerLost), put_other, put, &steps);
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
        check_steps(Some(RecorderFault::Fails("link", errno)), put_other, put, &steps).unwrap();
    }
}

#[test]
fn without_links_and_exclusive_renames_a_put_says_so() {
    for errno in [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP] {
        let folder = TempDir::new().unwrap();
        let trouble = Some(RecorderFault::NeitherLinksNorRenames(errno));
        let (local, _) = recorder::open(folder.path(), trouble);
        let outcome = local.put(&name("a"), &[b"1"]);
        assert!(matches!(outcome, Err(BackendError::NoExclusiveCreate { .. })), "{outcome:?}");
        assert_eq!((temporaries(&folder), names(&local)), (0, vec![]));
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
    let trouble = Some(RecorderFault::Fails("rename", Errno::INVAL));
    check_steps(trouble, prepare, quarantine, &steps).unwrap();
}

#[test]
fn a_crashed_put_leaves_nothing_or_the_whole_object() {
    let content: &[&[u8]] = &[b"whole", b" object"];
    let mut last_step = 0;
    for step in 0.. {
        let folder = TempDir::new().unwrap();
        let (mut local, steps) = recorder::open(folder.path(), Some(RecorderFault::DiesAt(step)));
        local.maker = TemporaryOwner::that_ended();
        let outcome = local.put(&name("a/b"), content);
        let steps = steps.lock().unwrap();
        let linked = steps.iter().take(step).any(|step| step.starts_with("link"));

        let after = Local::open(folder.path()).unwrap();
        assert_eq!(names(&after).len(), usize::from(linked), "{steps:?}");
        match linked {
            true => assert_eq!(after.get(&name("a/b"), u64::MAX).unwrap(), "whole object"),
            false => after.put(&name("a/b"), content).unwrap(),
        }
        after.remove_temporaries(&mut |_, _| false).unwrap();
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
        let (local, _) = recorder::open(folder.path(), Some(RecorderFault::Fails(step, errno)));
        match (errno, local.put(&name("a/b"), &[b"1"])) {
            (Errno::IO, Err(BackendError::Io { .. })) | (_, Err(BackendError::NoSpace { .. })) => {}
            (errno, other) => panic!("{step} {errno}: {other:?}"),
        }
        assert_eq!((temporaries(&folder), names(&local)), (0, vec![]), "{step} {errno}");
    }
}

#[test]
fn a_failed_sync_is_never_repeated() {
    let folder = TempDir::new().unwrap();
    let (local, steps) =
        recorder::open(folder.path(), Some(RecorderFault::Fails("sync folder", Errno::IO)));
    // The first put is visible but not acknowledged, and a second attempt cannot change that.
    for _ in 0..2 {
        assert!(matches!(local.put(&name("a"), &[b"1"]), Err(BackendError::Io { .. })));
    }
    let steps = steps.lock().unwrap();
    assert_eq!(steps.iter().filter(|step| *step == "sync folder").count(), 1);
    assert_eq!(steps.iter().filter(|step| *step == "sync file").count(), 2, "of two files");
}

#[test]
fn short_and_interrupted_writes_are_continued() {
    for most in [1, 3, 100] {
        let folder = TempDir::new().unwrap();
        let (local, _) = recorder::open(folder.path(), Some(RecorderFault::ShortWrites(most)));
        local.put(&name("a"), &[b"", b"0123", b"", b"4567", b"89", b""]).unwrap();
        assert_eq!(local.get(&name("a"), u64::MAX).unwrap(), "0123456789");
    }
}
