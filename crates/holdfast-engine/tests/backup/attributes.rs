//! Unreadable extended attributes do not cost the file, and are not forgotten.

use std::io::ErrorKind::{InvalidData, PermissionDenied};

use holdfast_format::entry::{EntryKind, FileTime, Metadata};

use super::source::{TestAttributes, TestEntry};
use super::support::World;

/// More than is read in one piece.
const LARGE_BYTES: usize = 5 << 20;

/// A directory, a small and a large file, all with these attributes.
fn entries(attributes: &TestAttributes) -> Vec<TestEntry> {
    let large = vec![7; LARGE_BYTES];
    vec![
        TestEntry::directory("directory").with(attributes.clone()),
        TestEntry::file("large", &large).with(attributes.clone()),
        TestEntry::file("small", b"content").with(attributes.clone()),
        TestEntry::file("whole", b"x"),
    ]
}

fn list() -> TestAttributes {
    Ok(vec![(b"system.posix_acl_access".to_vec(), b"list".to_vec())])
}

#[test]
fn files_whose_attributes_cannot_be_read_are_kept_and_counted() {
    let world = World::new();
    let outcome = world.back_up(&entries(&Err(PermissionDenied)));
    let expected = ["/directory", "/large", "/small"].map(|path| (path.into(), "xattr".into()));
    let mut troubles = outcome.troubles;
    troubles.sort();
    assert_eq!(troubles, expected);
    assert_eq!((outcome.summary.errors, outcome.summary.files_new), (3, 3));
    let size = |name: &str| match outcome.entries[name].kind {
        EntryKind::File { size, .. } => size,
        _ => panic!("{name} is no file"),
    };
    assert_eq!((size("small"), size("large")), (7, LARGE_BYTES as u64));
    let is_unread = |name: &str| outcome.entries[name].metadata.xattrs_unread;
    assert!(is_unread("small") && is_unread("large") && is_unread("directory"));
    assert!(!is_unread("whole"));
}

#[test]
fn attributes_that_were_not_read_are_asked_for_again() {
    let world = World::new();
    world.back_up(&entries(&Err(InvalidData)));
    let again = world.back_up(&entries(&Err(InvalidData)));
    assert_eq!(again.summary.errors, 3, "a second failure is reported too");
    assert_eq!(again.summary.files_unmodified, 3, "the content need not be read again");
    let mended = world.back_up(&entries(&list()));
    assert_eq!(mended.summary.errors, 0);
    for name in ["directory", "large", "small"] {
        let metadata = &mended.entries[name].metadata;
        assert_eq!((Ok(metadata.xattrs.clone()), metadata.xattrs_unread), (list(), false));
    }
    let taken_over = world.back_up(&entries(&Err(InvalidData)));
    assert_eq!(taken_over.summary.errors, 0, "attributes that were read once are kept");
}

#[test]
fn attributes_that_no_entry_can_hold_are_left_out() {
    let list = |count: u8| -> TestAttributes {
        Ok((0..count).map(|n| (vec![b'u', n], vec![n; 64 << 10])).collect())
    };
    let entries = [
        TestEntry::file("most", b"1").with(list(14)),
        TestEntry::file("over", b"2").with(list(16)),
    ];
    let outcome = World::new().back_up(&entries);
    assert_eq!(Ok(outcome.entries["most"].metadata.xattrs.clone()), list(14));
    assert!(outcome.entries["over"].metadata.xattrs_unread);
    assert_eq!(outcome.troubles, [("/over".to_owned(), "xattr".to_owned())]);
}

#[test]
fn a_file_that_changed_before_it_was_opened_is_whole() {
    let later = FileTime { seconds: 2_000_000, nanoseconds: 5 };
    let now = Metadata { mtime: later, ctime: later, ..TestEntry::metadata() };
    let made = TestEntry { now: Some(now.clone()), ..TestEntry::file("log", b"as it is now") };
    let changing = Metadata { changed: true, ..now.clone() };
    let busy = TestEntry { now: Some(changing.clone()), ..TestEntry::file("wal", b"half of it") };
    let outcome = World::new().back_up(&[made, busy]);
    assert_eq!(outcome.entries["log"].metadata, now);
    assert_eq!(outcome.entries["wal"].metadata, changing);
    assert_eq!(outcome.troubles, [("/wal".to_owned(), "read".to_owned())]);
}
