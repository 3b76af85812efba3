//! Whole repositories in a folder, and foreign files in them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use tempfile::TempDir;

use super::recorder::{self, RecorderFault};
use super::temporary::Temporary;
use super::*;

pub(super) fn name(text: &str) -> ObjectName {
    ObjectName::new(text).unwrap()
}

pub(super) fn names(local: &Local) -> Vec<String> {
    local.list("").unwrap().into_iter().map(|listed| listed.name.to_string()).collect()
}

pub(super) fn temporaries(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path().join("tmp")).map_or(0, Iterator::count)
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
        Arc::new(recorder::open(&path, Some(RecorderFault::Fails("link", Errno::OPNOTSUPP))).0)
    });
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let folder = TempDir::new().unwrap();
    let local = Local::create(folder.path()).unwrap();
    local.put(&name("a/b/c"), &[b"1"]).unwrap();
    std::fs::remove_dir_all(folder.path().join("a")).unwrap();
    local.put(&name("a/b/c"), &[b"2"]).unwrap();
    assert_eq!(local.get(&name("a/b/c"), u64::MAX).unwrap(), "2");
}

/// Opens a repository as another process does.
fn open_as(folder: &TempDir, maker: TemporaryOwner) -> Local {
    Local { maker, ..Local::open(folder.path()).unwrap() }
}

/// Leaves what a process leaves that dies in the middle of a put; returns its name.
fn leave_half(local: &Local) -> String {
    let (half, _) = Temporary::create(local.disk.as_ref(), &local.maker).unwrap();
    let path = half.path().to_owned();
    std::mem::forget(half);
    path
}

#[test]
fn only_what_processes_left_that_ended_is_removed() {
    let folder = TempDir::new().unwrap();
    let this = Local::create(folder.path()).unwrap();
    let keep = |_: &str, _: u64| false;
    assert_eq!(this.remove_temporaries(&mut { keep }).unwrap(), 0, "there is no folder yet");
    let [own, ended, elsewhere] = [
        leave_half(&this),
        leave_half(&open_as(&folder, TemporaryOwner::that_ended())),
        leave_half(&open_as(&folder, TemporaryOwner::elsewhere())),
    ];
    let foreign = ["notes.txt", "0123456789abcdef0123456789abcdef", "holdfast", "holdfast.1.2.3"];
    for file in foreign {
        std::fs::write(folder.path().join("tmp").join(file), "mine").unwrap();
        // Years ago, according to the clock.
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = std::fs::File::open(folder.path().join("tmp").join(file)).unwrap();
        file.set_modified(old).unwrap();
    }
    let link = folder.path().join("tmp").join(TemporaryOwner::that_ended().file_name(7));
    symlink("notes.txt", &link).unwrap();

    let is_there = |path: &str| folder.path().join(path).exists();
    let mut asked = Vec::new();
    let mut ask = |file: &str, bytes: u64| {
        asked.push((format!("tmp/{file}"), bytes));
        false
    };
    assert_eq!(this.remove_temporaries(&mut ask).unwrap(), 1);
    assert_eq!(asked, [(elsewhere.clone(), 0)]);
    assert_eq!([is_there(&own), is_there(&ended), is_there(&elsewhere)], [true, false, true]);

    assert_eq!(this.remove_temporaries(&mut |_, _| true).unwrap(), 1);
    assert_eq!([is_there(&own), is_there(&elsewhere)], [true, false]);
    assert!(foreign.iter().all(|file| is_there(&format!("tmp/{file}"))) && link.is_symlink());
}

#[test]
fn a_put_whose_file_is_taken_away_writes_it_again() {
    for times in [1, 2, 3] {
        let folder = TempDir::new().unwrap();
        Local::create(folder.path()).unwrap();
        let (local, _) = recorder::open(folder.path(), Some(RecorderFault::FileTaken(times)));
        let outcome = local.put(&name("a/b"), &[b"whole", b" object"]);
        match times {
            3 => assert!(matches!(outcome, Err(BackendError::Io { .. })), "{outcome:?}"),
            _ => assert_eq!(local.get(&name("a/b"), u64::MAX).unwrap(), "whole object"),
        }
        assert_eq!(temporaries(&folder), 0);
    }
}

#[test]
fn a_sparse_file_costs_nothing() {
    let folder = TempDir::new().unwrap();
    let local = Local::create(folder.path()).unwrap();
    local.put(&name("a"), &[b"1"]).unwrap();
    let bytes = 1 << 40;
    let file = std::fs::File::create(folder.path().join("a")).unwrap();
    file.set_len(bytes).unwrap();
    match local.get(&name("a"), 1 << 24) {
        Err(BackendError::TooLarge { bytes: found, .. }) => assert_eq!(found, bytes),
        outcome => panic!("{outcome:?}"),
    }
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
        assert!(
            matches!(local.get(&name(absent), u64::MAX), Err(BackendError::NotFound { .. })),
            "{absent}"
        );
        assert!(
            matches!(local.size(&name(absent)), Err(BackendError::NotFound { .. })),
            "{absent}"
        );
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
    assert!(matches!(Local::open(&root), Err(BackendError::NotFound { .. })));
    assert!(matches!(Local::create(root.join("deeper")), Err(BackendError::NotFound { .. })));
    Local::create(&root).unwrap().put(&name("a"), &[b"1"]).unwrap();
    assert_eq!(names(&Local::create(&root).unwrap()), ["a"], "creating again changes nothing");
    assert_eq!(names(&Local::open(&root).unwrap()), ["a"]);
    assert!(
        matches!(Local::open(root.join("a")), Err(BackendError::Io { .. })),
        "a file is not a folder"
    );
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
    assert!(matches!(short, Err(BackendError::ShortRead { offset: 10, wanted: 50, got: 20, .. })));
}
