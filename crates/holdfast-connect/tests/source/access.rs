//! What the user may not examine, and what vanishes.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::{Source, SourceItem};
use rustix::process::{Gid, Uid};

use crate::{directory, read, scan, scan_with};

/// Runs `act` on a thread without privileges.
fn as_unprivileged_user(act: impl FnOnce() + Send) {
    let drop_rights = || {
        if rustix::process::geteuid().is_root() {
            let (uid, gid) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
            rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
            rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            drop_rights();
            act();
        });
        thread.join().unwrap();
    });
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn unreadable_entries_are_reported_and_the_rest_is_read() {
    let directory = directory();
    let root = directory.path();
    for name in ["closed/x", "nosearch/x", "open/x", "secret"] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    set_mode(&root.join("closed"), 0);
    set_mode(&root.join("nosearch"), 0o444);
    set_mode(&root.join("secret"), 0);
    for scan_threads in [0, 3] {
        as_unprivileged_user(|| {
            let options = FsOptions { scan_threads, ..Default::default() };
            let scan = scan_with(&[root], options, &[]);
            let expected = ["closed", "nosearch", "open", "open/x", "secret"];
            assert_eq!(scan.below(root), expected);
            let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
            let denied = |name| (path(name), ErrorKind::PermissionDenied);
            assert_eq!(scan.unread(), [denied("closed"), denied("nosearch/x")]);
            let opener = scan.opener(&root.join("secret"));
            let error = opener.open().err().expect("it may not be read");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            // The owner may leave access times alone; others can read all the same.
            let opener = scan.opener(&root.join("open/x"));
            assert_eq!(read(&mut *opener.open().unwrap()), b"x");
        });
    }
    set_mode(&root.join("closed"), 0o700);
    set_mode(&root.join("nosearch"), 0o700);
}

#[test]
fn directories_above_a_named_path_need_not_be_readable() {
    let directory = directory();
    let named = directory.path().join("passage/mine");
    fs::create_dir_all(&named).unwrap();
    fs::write(named.join("x"), "x").unwrap();
    set_mode(&directory.path().join("passage"), 0o711);
    as_unprivileged_user(|| {
        let scan = scan_with(&[&named], FsOptions::default(), &[]);
        assert_eq!(scan.below(directory.path()), ["passage", "passage/mine", "passage/mine/x"]);
        assert!(scan.unread().is_empty());
        assert!(scan.opener(&named).xattrs().is_ok());
        assert!(scan.opener(&named.join("x")).open().is_ok());
    });
}

#[test]
fn names_that_vanish_during_the_scan_are_counted() {
    let directory = directory();
    let root = directory.path();
    for number in 0..300 {
        fs::write(root.join(format!("{number:03}")), "").unwrap();
    }
    let options = FsOptions { scan_threads: 0, ..Default::default() };
    let mut source = FsSource::new(vec![root.into()], options, Filter::default()).unwrap();
    while !matches!(source.next().unwrap(), Some(SourceItem::Leaf(_))) {}
    for number in 290..300 {
        fs::remove_file(root.join(format!("{number:03}"))).unwrap();
    }
    let (mut leaves, mut unread_count) = (1, 0);
    while let Some(item) = source.next().unwrap() {
        match item {
            SourceItem::Leaf(_) => leaves += 1,
            SourceItem::Unread(unread) => {
                assert_eq!(unread.error.kind(), ErrorKind::NotFound);
                unread_count += 1;
            }
            _ => {}
        }
    }
    assert_eq!((leaves, unread_count), (290, 10));
}

#[test]
fn a_directory_that_vanishes_before_it_is_listed_is_counted() {
    let directory = directory();
    let sub = directory.path().join("sub");
    fs::create_dir(&sub).unwrap();
    let options = FsOptions { scan_threads: 0, ..Default::default() };
    let paths = vec![directory.path().into()];
    let mut source = FsSource::new(paths, options, Filter::default()).unwrap();
    loop {
        match source.next().unwrap() {
            Some(SourceItem::Enter { name, .. }) if name == b"sub" => break,
            item => assert!(item.is_some()),
        }
    }
    fs::remove_dir(&sub).unwrap();
    let Some(SourceItem::Unread(unread)) = source.next().unwrap() else {
        panic!("no unread entry")
    };
    assert_eq!(unread.path, sub.to_str().unwrap().as_bytes());
    assert!(matches!(source.next().unwrap(), Some(SourceItem::Leave)));
}

#[test]
fn a_source_can_be_dropped_at_any_time() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for count in 0..40 {
        let paths = vec![root.into()];
        let mut source = FsSource::new(paths, FsOptions::default(), Filter::default()).unwrap();
        for _ in 0..count {
            source.next().unwrap();
        }
    }
    assert!(scan(root).unread().is_empty());
}
