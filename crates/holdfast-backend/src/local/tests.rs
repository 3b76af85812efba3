//! Whole repositories in a folder, and files in them that are not ours.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use rustix::io::Errno;
use tempfile::TempDir;

use super::recorder::{self, Trouble};
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
        Arc::new(recorder::open(&path, Some(Trouble::Fails("link", Errno::OPNOTSUPP))).0)
    });
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
pub(super) fn in_a_day(folder: &TempDir) -> SystemTime {
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
    assert!(matches!(Local::open(root.join("a")), Err(Error::Io { .. })), "a file is no folder");
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
