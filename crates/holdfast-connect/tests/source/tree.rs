//! Every kind of entry, every kind of name.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use holdfast_connect::LeafKind;
use holdfast_connect::fs::source::FsOptions;
use rustix::fs::{CWD, FileType, Mode};

use crate::{CompletedScan, directory, read, scan, scan_with};

#[test]
fn a_real_tree_is_as_the_standard_library_sees_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scan = scan(root);
    let mut expected = Vec::new();
    walk(root, root, &mut expected);
    expected.sort_by(|left, right| left.split('/').cmp(right.split('/')));
    assert_eq!(scan.below(root), expected);
    assert!(scan.unread().is_empty());
    for path in &expected {
        compare(&scan, &root.join(path));
    }
}

fn walk(root: &Path, directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        if path.is_dir() {
            walk(root, &path, found);
        }
    }
}

fn compare(scan: &CompletedScan, path: &Path) {
    let (found, expected) = (scan.metadata(path), fs::symlink_metadata(path).unwrap());
    assert_eq!(found.mode, expected.mode() & 0o7777);
    assert_eq!((found.uid, found.gid), (expected.uid(), expected.gid()));
    assert_eq!(found.mtime.seconds, expected.mtime());
    assert_eq!(i64::from(found.mtime.nanoseconds), expected.mtime_nsec());
    assert_eq!(i64::from(found.ctime.nanoseconds), expected.ctime_nsec());
    assert_eq!((found.inode, found.device), (expected.ino(), expected.dev()));
    assert_eq!((found.links, found.atime), (expected.nlink(), None));
    if expected.is_file() {
        let leaf = scan.leaf(path);
        assert_eq!(leaf.kind, LeafKind::File { size: expected.len() });
        assert_eq!(read(&mut *leaf.opener.open().unwrap()), fs::read(path).unwrap());
    }
}

#[test]
fn all_threads_give_the_same_stream() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let describe = |scan_threads| {
        let scan = scan_with(&[&root], FsOptions { scan_threads, ..Default::default() }, &[]);
        format!("{:?}", scan.entries().iter().map(|(path, _)| path).collect::<Vec<_>>())
    };
    let expected = describe(0);
    for scan_threads in 1..6 {
        assert_eq!(describe(scan_threads), expected);
    }
}

#[test]
fn special_entries_are_not_opened() {
    let directory = directory();
    let root = directory.path();
    let make = |name: &str, kind, device| {
        rustix::fs::mknodat(CWD, root.join(name), kind, Mode::from_raw_mode(0o640), device)
    };
    make("pipe", FileType::Fifo, 0).unwrap();
    let _listener = UnixListener::bind(root.join("socket")).unwrap();
    symlink("nowhere/at all\n", root.join("dangling")).unwrap();
    symlink(OsStr::from_bytes(b"\xff/.."), root.join("bytes")).unwrap();
    fs::create_dir(root.join("sub")).unwrap();
    symlink("sub", root.join("to-directory")).unwrap();
    symlink("x".repeat(4000), root.join("very-long")).unwrap();
    // Only root creates devices; the machines that run this test are root.
    let is_root = make("block", FileType::BlockDevice, rustix::fs::makedev(7, 300)).is_ok();
    if is_root {
        make("character", FileType::CharacterDevice, rustix::fs::makedev(1, 3)).unwrap();
    }

    let scan = scan(root);
    let kind = |name: &str| scan.leaf(&root.join(name)).kind.clone();
    assert_eq!(kind("pipe"), LeafKind::Fifo);
    assert_eq!(kind("socket"), LeafKind::Socket);
    assert_eq!(kind("dangling"), LeafKind::Symlink(b"nowhere/at all\n".to_vec()));
    assert_eq!(kind("bytes"), LeafKind::Symlink(b"\xff/..".to_vec()));
    assert_eq!(kind("to-directory"), LeafKind::Symlink(b"sub".to_vec()));
    assert_eq!(kind("very-long"), LeafKind::Symlink(vec![b'x'; 4000]));
    if is_root {
        assert_eq!(kind("block"), LeafKind::BlockDevice(7, 300));
        assert_eq!(kind("character"), LeafKind::CharDevice(1, 3));
    }
    for name in scan.below(root) {
        let opener = scan.opener(&root.join(&name));
        assert!(opener.open().is_err(), "{name} has no content");
        assert!(opener.xattrs().is_ok(), "{name}");
    }
}

#[test]
fn hard_links_share_device_and_inode() {
    let directory = directory();
    let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
    fs::write(&first, "same").unwrap();
    fs::hard_link(&first, &second).unwrap();
    let scan = scan(directory.path());
    let (first, second) = (scan.metadata(&first), scan.metadata(&second));
    assert_eq!((first.device, first.inode, first.links), (second.device, second.inode, 2));
}

#[test]
fn names_are_exact_bytes_in_order() {
    let directory = directory();
    let longest = [b'n'; 255];
    let names: [&[u8]; 12] = [
        b"\xff\xfe",
        b"new\nline",
        b"\x1b]52;c;x\x07",
        b" ",
        b"\\",
        b"\"",
        b"-",
        b"a",
        b"a.b",
        "\u{202e}bidi".as_bytes(),
        b"\x01",
        &longest,
    ];
    for name in names {
        fs::write(directory.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    // A directory comes where its name says, not where its path would.
    fs::create_dir(directory.path().join("a!")).unwrap();
    fs::write(directory.path().join("a!/z"), "").unwrap();
    let scan = scan(directory.path());
    for name in names {
        let leaf = scan.leaf(&directory.path().join(OsStr::from_bytes(name)));
        assert_eq!(read(&mut *leaf.opener.open().unwrap()), name);
    }
    let (directories, files) = (directory.path().components().count() - 1, names.len() + 2);
    assert_eq!(scan.entries().len(), directories + files);
}

#[test]
fn modes_times_and_owners_are_kept() {
    let directory = directory();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    file.set_permissions(PermissionsExt::from_mode(0o6751)).unwrap();
    let time = std::time::UNIX_EPOCH - std::time::Duration::new(5, 250);
    file.set_times(fs::FileTimes::new().set_modified(time).set_accessed(time)).unwrap();
    let options = FsOptions { with_atime: true, ..Default::default() };
    let scan = scan_with(&[directory.path()], options, &[]);
    let metadata = scan.metadata(&path);
    assert_eq!(metadata.mode, 0o6751);
    assert_eq!((metadata.mtime.seconds, metadata.mtime.nanoseconds), (-6, 999_999_750));
    assert_eq!(metadata.atime, Some(metadata.mtime));
    if metadata.uid == 0 {
        assert_eq!(metadata.user, b"root");
    }
    // Reading leaves the access time alone.
    drop(scan.leaf(&path).opener.open().unwrap());
    assert_eq!(fs::metadata(&path).unwrap().accessed().unwrap(), time);
}

#[test]
fn owners_without_a_name_have_none() {
    let directory = directory();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    if std::os::unix::fs::chown(&path, Some(3_999_999_999), Some(3_999_999_998)).is_ok() {
        let scan = scan(directory.path());
        let found = scan.metadata(&path);
        assert_eq!((found.uid, found.gid), (3_999_999_999, 3_999_999_998));
        assert_eq!((found.user.len(), found.group.len()), (0, 0));
    }
}
