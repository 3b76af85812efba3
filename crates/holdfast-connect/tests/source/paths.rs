//! Which paths were named: merged, missing, links, mount points.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::{LeafKind, SourceItem};

use crate::{directory, scan, scan_with};

fn touch(root: &Path, paths: &[&str]) {
    for path in paths {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
}

#[test]
fn several_paths_become_one_tree() {
    let directory = directory();
    let root = directory.path();
    touch(root, &["b/1", "b/2", "a/x/1", "a/y/1", "c", "d/e/f", "d/e/g"]);
    let named = ["d/e/f", "b", "a/y", "c", "a/y", "b/2"].map(|path| root.join(path));
    let named: Vec<&Path> = named.iter().map(PathBuf::as_path).collect();
    let scan = scan_with(&named, FsOptions::default(), &[]);
    let expected = ["a", "a/y", "a/y/1", "b", "b/1", "b/2", "c", "d", "d/e", "d/e/f"];
    assert_eq!(scan.below(root), expected);
    assert!(scan.unread().is_empty());
    let above = fs::metadata(root.join("d")).unwrap();
    let found = scan.metadata(&root.join("d"));
    assert_eq!(found.inode, std::os::unix::fs::MetadataExt::ino(&above), "real metadata");
}

#[test]
fn each_missing_path_is_reported() {
    let directory = directory();
    let root = directory.path();
    touch(root, &["here/1", "file"]);
    let names = ["here", "gone", "no/such/1", "no/such/2", "file/below", "here/gone"];
    let paths = names.map(|path| root.join(path));
    let named: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let scan = scan_with(&named, FsOptions::default(), &[]);
    let mut expected: Vec<(String, ErrorKind)> = Vec::new();
    for (path, name) in paths.iter().zip(names).skip(1) {
        let is_below_file = name == "file/below";
        let kind = if is_below_file { ErrorKind::NotADirectory } else { ErrorKind::NotFound };
        expected.push((path.to_str().unwrap().to_owned(), kind));
    }
    expected.sort();
    let mut unread = scan.unread();
    unread.sort();
    assert_eq!(unread, expected);
    assert_eq!(scan.below(root), ["here", "here/1"]);
}

#[test]
fn a_path_below_a_named_file_is_reported() {
    let directory = directory();
    let root = directory.path();
    touch(root, &["file"]);
    let paths = ["file", "file/x/y"].map(|path| root.join(path));
    let scan = scan_with(&[&paths[0], &paths[1]], FsOptions::default(), &[]);
    assert_eq!(scan.below(root), ["file"]);
    assert_eq!(scan.unread(), [(paths[1].to_str().unwrap().into(), ErrorKind::NotADirectory)]);
}

#[test]
fn links_are_followed_above_named_paths_only() {
    let directory = directory();
    let root = directory.path();
    touch(root, &["real/data/1"]);
    symlink("real", root.join("link")).unwrap();
    symlink("data", root.join("real/alias")).unwrap();
    let named = root.join("link/data");
    let found = scan(&named);
    assert_eq!(found.below(root), ["link", "link/data", "link/data/1"]);
    let SourceItem::Enter { .. } = found.item(&root.join("link")) else {
        panic!("not a directory")
    };
    let opener = found.opener(&root.join("link"));
    assert!(opener.xattrs().is_ok(), "those of the directory");
    assert!(found.leaf(&named.join("1")).opener.open().is_ok());

    let named = root.join("real/alias");
    let found = scan(&named);
    assert_eq!(found.leaf(&named).kind, LeafKind::Symlink(b"data".to_vec()));
}

#[test]
fn unclean_paths_are_refused() {
    for path in ["relative", "/a/../b", ""] {
        let new = FsSource::new(vec![path.into()], FsOptions::default(), Filter::default());
        assert!(new.is_err(), "{path:?}");
    }
    let nothing = scan_with(&[], FsOptions::default(), &[]);
    assert!(nothing.items.is_empty());
}

#[test]
fn other_file_systems_are_not_entered() {
    let inside = tempfile::tempdir_in("/dev/shm").unwrap();
    touch(inside.path(), &["x"]);
    let options = FsOptions { one_file_system: true, ..Default::default() };
    // All of the root, including other devices, would take long.
    let patterns = ["/*", "!/proc", "!/dev"];
    let root = Path::new("/");
    let scan = scan_with(&[root], options.clone(), &patterns);
    assert!(scan.below(root).starts_with(&["dev".to_owned(), "proc".to_owned()]));
    assert!(!scan.below(root).iter().any(|path| path.starts_with("proc/")), "it is empty");
    assert_ne!(scan.metadata(Path::new("/proc")).device, scan.metadata(Path::new("/dev")).device);

    // A path that is named itself is wanted wherever it is.
    let scan = scan_with(&[root, inside.path()], options, &patterns);
    let below: Vec<String> = scan.below(Path::new("/dev/shm"));
    let name = inside.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(below, [name.to_owned(), format!("{name}/x")]);
}

#[test]
fn a_named_path_is_its_own_file_system() {
    let options = FsOptions { one_file_system: true, ..Default::default() };
    let inside = tempfile::tempdir_in("/dev/shm").unwrap();
    touch(inside.path(), &["a/x"]);
    let scan = scan_with(&[inside.path()], options, &[]);
    assert_eq!(scan.below(inside.path()), ["a", "a/x"]);
}
