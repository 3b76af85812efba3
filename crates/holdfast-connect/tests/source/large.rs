//! Many names, deep trees, many directories at once.

use std::fs::{self, File};
use std::path::Path;

use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::{Source, SourceItem};

use crate::{large_directory, read, scan};

#[test]
fn ten_thousand_names_come_in_order() {
    let directory = large_directory();
    let mut expected: Vec<String> = (0..10_000).map(|number| format!("n{number}")).collect();
    for name in &expected {
        File::create(directory.path().join(name)).unwrap();
    }
    expected.sort();
    assert_eq!(scan(directory.path()).below(directory.path()), expected);
}

#[test]
fn three_hundred_levels_are_more_than_a_path_may_have() {
    const LEVELS: usize = 300;
    let directory = large_directory();
    let name = "a-name-of-20-letters";
    let mut handle = rustix::fs::open(
        directory.path(),
        rustix::fs::OFlags::DIRECTORY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    for _ in 0..LEVELS {
        rustix::fs::mkdirat(&handle, name, rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY;
        handle = rustix::fs::openat(&handle, name, flags, rustix::fs::Mode::empty()).unwrap();
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    let file = rustix::fs::openat(&handle, "end", flags, rustix::fs::Mode::RUSR).unwrap();
    rustix::io::write(&file, b"deep").unwrap();

    let scan = scan(directory.path());
    assert!(scan.unread().is_empty());
    assert_eq!(scan.below(directory.path()).len(), LEVELS + 1);
    let (path, item) = scan.entries().pop().unwrap();
    assert!(path.len() > 4096);
    let SourceItem::Leaf(leaf) = item else { panic!("the file is last") };
    // By now the descriptors of many directories above have been closed again.
    assert_eq!(read(&mut *leaf.opener.open().unwrap()), b"deep");
    assert!(leaf.opener.xattrs().is_ok());
}

fn open_below(root: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
    targets.filter(|target| target.starts_with(root)).count()
}

#[test]
fn few_directories_are_open_at_a_time() {
    let directory = large_directory();
    for number in 0..1_000 {
        let path = directory.path().join(format!("{number:04}/sub"));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("file"), number.to_string()).unwrap();
    }
    let mut source =
        FsSource::new(vec![directory.path().into()], FsOptions::default(), Filter::default())
            .unwrap();
    let mut leaves = Vec::new();
    while let Some(item) = source.next().unwrap() {
        if let SourceItem::Leaf(leaf) = item {
            leaves.push(leaf);
            // The check is slow while other tests have many files open.
            let is_time_to_look = leaves.len() % 50 == 0;
            assert!(!is_time_to_look || open_below(directory.path()) <= 150);
        }
    }
    assert_eq!(leaves.len(), 1_000);
    for (number, leaf) in leaves.iter().enumerate() {
        let mut content = leaf.opener.open().unwrap();
        assert_eq!(read(&mut *content), number.to_string().as_bytes());
        assert_eq!(content.changed().unwrap(), None);
    }
    assert!(open_below(directory.path()) <= 150);
    drop((leaves, source));
    assert_eq!(open_below(directory.path()), 0, "none is left behind");
}

#[test]
fn a_directory_that_was_moved_away_is_not_reached_by_its_old_path() {
    let directory = large_directory();
    for number in 0..200 {
        let path = directory.path().join(format!("{number:03}"));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("file"), "right").unwrap();
    }
    let scan = scan(directory.path());
    // The first ones have lost their descriptors.
    let first = directory.path().join("000");
    fs::rename(&first, directory.path().join("moved")).unwrap();
    fs::create_dir(&first).unwrap();
    fs::write(first.join("file"), "wrong").unwrap();
    let error = scan.opener(&first.join("file")).open().err().expect("another directory");
    assert!(error.to_string().contains("replaced"), "{error}");
    assert!(scan.opener(&directory.path().join("001/file")).open().is_ok());
}
