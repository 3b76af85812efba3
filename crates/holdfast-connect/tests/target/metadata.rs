//! Metadata is exact.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use holdfast_connect::fs::target::FsTargetOptions;
use holdfast_connect::target_conformance::put;
use holdfast_connect::{Replace, Target, TargetError};
use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata};

use super::{TargetScene, described, is_root, names};

const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
const DEFAULT_LIST: &[u8] = b"system.posix_acl_default";

/// The bytes of an access list: owner as given, user 1234 rw, group r, mask rw, other nothing.
fn access_list(owner: u16) -> Vec<u8> {
    let rows = [(1u16, owner, !0u32), (2, 6, 1234), (4, 4, !0), (0x10, 6, !0), (0x20, 0, !0)];
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, rights, id) in rows {
        bytes.extend_from_slice(&tag.to_le_bytes());
        bytes.extend_from_slice(&rights.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    bytes
}

fn attribute(path: &Path, name: &[u8]) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let bytes = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(bytes);
    Some(value)
}

fn check(path: &Path, wanted: &Metadata) {
    let found = path.symlink_metadata().unwrap();
    assert_eq!(found.mtime(), wanted.mtime.seconds, "{path:?}");
    assert_eq!(found.mtime_nsec(), i64::from(wanted.mtime.nanoseconds), "{path:?}");
    if let Some(atime) = wanted.atime {
        assert_eq!((found.atime(), found.atime_nsec()), (atime.seconds, atime.nanoseconds.into()));
    }
    assert_eq!((found.uid(), found.gid()), (wanted.uid, wanted.gid), "{path:?}");
    if !found.is_symlink() {
        assert_eq!(found.mode() & 0o7777, wanted.mode, "{path:?}");
    }
    for (name, value) in &wanted.xattrs {
        assert_eq!(attribute(path, name).as_ref(), Some(value), "{path:?}");
    }
}

fn with_attributes(mode: u32) -> Metadata {
    let owner = mode as u16 >> 6 & 7;
    let xattrs = vec![
        (ACCESS_LIST.to_vec(), access_list(owner)),
        (b"user.empty".to_vec(), Vec::new()),
        (b"user.name \xff".to_vec(), b"value\0\xff".to_vec()),
    ];
    Metadata { xattrs, ..described(mode) }
}

#[test]
fn files_and_directories() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let before = FileTime { seconds: -1_000_000_000, nanoseconds: 999_999_999 };
    let atime = Some(FileTime { seconds: -1, nanoseconds: 1 });
    for (number, mode) in [0, 0o4755, 0o2755, 0o1777, 0o7777, 0o644, 0o600].into_iter().enumerate()
    {
        let metadata = Metadata { mtime: before, atime, ..described(mode) };
        let (file, directory) = (format!("file-{number}"), format!("directory-{number}"));
        put(&scene.target, file.as_bytes(), b"content", &metadata).unwrap();
        check(&scene.inside(&file), &metadata);
        scene.target.directory(directory.as_bytes()).unwrap();
        scene.target.finish_directory(directory.as_bytes(), &metadata).unwrap();
        check(&scene.inside(&directory), &metadata);
        scene.target.update_metadata(file.as_bytes(), &with_attributes(0o660)).unwrap();
        check(&scene.inside(&file), &with_attributes(0o660));
        scene.target.update_metadata(file.as_bytes(), &metadata).unwrap();
        check(&scene.inside(&file), &metadata);
        assert_eq!(attribute(&scene.inside(&file), b"user.empty"), None);
        assert_eq!(attribute(&scene.inside(&file), ACCESS_LIST), None);
    }
}

#[test]
fn attributes_and_access_lists() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let metadata = with_attributes(0o660);
    put(&scene.target, b"file", b"content", &metadata).unwrap();
    check(&scene.inside("file"), &metadata);
    scene.target.directory(b"directory").unwrap();
    let mut metadata = with_attributes(0o760);
    metadata.xattrs.insert(1, (DEFAULT_LIST.to_vec(), access_list(6)));
    scene.target.finish_directory(b"directory", &metadata).unwrap();
    check(&scene.inside("directory"), &metadata);

    // What is created in it inherits a list that was not stored.
    scene.target.directory(b"directory/below").unwrap();
    scene.target.finish_directory(b"directory/below", &described(0o755)).unwrap();
    put(&scene.target, b"directory/file", b"content", &described(0o644)).unwrap();
    scene.target.special(b"directory/fifo", &special(EntryKind::Fifo), Replace::Entry).unwrap();
    for path in ["directory/below", "directory/file", "directory/fifo"] {
        assert_eq!(attribute(&scene.inside(path), ACCESS_LIST), None, "{path}");
        assert_eq!(attribute(&scene.inside(path), DEFAULT_LIST), None, "{path}");
    }
    check(&scene.inside("directory/file"), &described(0o644));
}

#[test]
fn an_attribute_that_cannot_be_set_does_not_cost_the_content() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let mut metadata = with_attributes(0o640);
    metadata.xattrs.insert(1, (b"nonsense.name".to_vec(), b"value".to_vec()));
    let error = put(&scene.target, b"file", b"content", &metadata).unwrap_err();
    assert!(matches!(error, TargetError::Incomplete { .. }));
    assert!(error.to_string().contains("nonsense.name"), "{error}");
    assert_eq!(std::fs::read(scene.inside("file")).unwrap(), b"content");
    assert_eq!(attribute(&scene.inside("file"), b"user.empty"), Some(Vec::new()));
    metadata.xattrs = vec![(ACCESS_LIST.to_vec(), b"nonsense".to_vec())];
    put(&scene.target, b"narrow", b"content", &metadata).unwrap_err();
    assert_eq!(scene.inside("narrow").metadata().unwrap().mode() & 0o7777, 0o600);
    assert_eq!(names(&scene.inside("")), ["file", "narrow"]);
}

fn special(kind: EntryKind) -> Entry {
    let mtime = FileTime { seconds: -5, nanoseconds: 7 };
    let metadata = Metadata { mtime, atime: Some(mtime), ..described(0o2751) };
    Entry { name: b"special".to_vec(), metadata, kind }
}

#[test]
fn links_pipes_sockets_and_devices() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let mut kinds =
        vec![EntryKind::Symlink(b"to/\xff\nnowhere".to_vec()), EntryKind::Fifo, EntryKind::Socket];
    if is_root() {
        kinds.extend([EntryKind::CharDevice(1, 3), EntryKind::BlockDevice(259, 1_000_000)]);
    }
    // The second time it replaces the existing entry.
    for kind in kinds.iter().chain(&kinds) {
        let entry = special(kind.clone());
        scene.target.special(b"entry", &entry, Replace::Entry).unwrap();
        check(&scene.inside("entry"), &entry.metadata);
        let found = scene.inside("entry").symlink_metadata().unwrap();
        let device = rustix::fs::makedev(259, 1_000_000);
        assert!(match kind {
            EntryKind::Symlink(_) => found.is_symlink(),
            EntryKind::Fifo => found.file_type().is_fifo(),
            EntryKind::Socket => found.file_type().is_socket(),
            EntryKind::CharDevice(..) => found.rdev() == rustix::fs::makedev(1, 3),
            _ => found.file_type().is_block_device() && found.rdev() == device,
        });
    }
    assert_eq!(names(&scene.inside("")), ["entry"]);
}

#[test]
fn metadata_that_is_right_is_left_alone() {
    let scene = TargetScene::new(FsTargetOptions::default());
    put(&scene.target, b"file", b"content", &described(0o640)).unwrap();
    let changed = || {
        let found = scene.inside("file").metadata().unwrap();
        (found.ctime(), found.ctime_nsec())
    };
    let before = changed();
    std::thread::sleep(std::time::Duration::from_millis(20));
    scene.target.update_metadata(b"file", &described(0o640)).unwrap();
    assert_eq!(changed(), before);
    scene.target.update_metadata(b"file", &described(0o600)).unwrap();
    assert_ne!(changed(), before);
}
