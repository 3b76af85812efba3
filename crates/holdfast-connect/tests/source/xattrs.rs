//! Extended attributes and access control lists.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::scan;

fn set(path: &Path, name: &str, value: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::lsetxattr(path, name, value, XattrFlags::empty())
}

/// A directory on a file system that supports user attributes.
fn directory() -> tempfile::TempDir {
    let places = ["/tmp", "/dev/shm", env!("CARGO_MANIFEST_DIR")];
    let mut directories = places.iter().map(|place| tempfile::tempdir_in(place).unwrap());
    directories.find(|place| set(place.path(), "user.probe", b"").is_ok()).expect("a place")
}

/// An access control list that lets user 1234 read, as the kernel stores it.
fn access_list() -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    let (owner, user, group, mask, others) = (1_u16, 2_u16, 4_u16, 0x10_u16, 0x20_u16);
    for (tag, rights, id) in [
        (owner, 6_u16, u32::MAX),
        (user, 4, 1234),
        (group, 4, u32::MAX),
        (mask, 4, u32::MAX),
        (others, 0, u32::MAX),
    ] {
        bytes.extend([tag.to_le_bytes(), rights.to_le_bytes()].concat());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[test]
fn attributes_ascend_and_are_exact() {
    let directory = directory();
    let path = directory.path().join("a\nfile");
    fs::write(&path, "").unwrap();
    let large = vec![b'v'; 3000];
    let list = access_list();
    let expected: [(&str, &[u8]); 5] = [
        ("system.posix_acl_access", &list),
        ("user.a", b"\xff\0\n"),
        ("user.b", b""),
        ("user.large", &large),
        ("user.z", b"1"),
    ];
    for (name, value) in expected.iter().rev() {
        set(&path, name, value).unwrap();
    }
    let found = scan(directory.path());
    let attributes = found.opener(&path).xattrs().unwrap();
    let own = attributes.iter().filter(|(name, _)| !name.starts_with(b"security."));
    let own: Vec<(&str, &[u8])> =
        own.map(|(name, value)| (str::from_utf8(name).unwrap(), value.as_slice())).collect();
    assert_eq!(own, expected);
    assert!(attributes.is_sorted());
}

#[test]
fn many_attributes_are_all_read() {
    let directory = directory();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let names: Vec<String> = (0..100).map(|number| format!("user.name-{number:03}")).collect();
    let count = names.iter().take_while(|name| set(&path, name, b"x").is_ok()).count();
    assert!(count > 60, "names of more than 1 KiB, found room for {count}");
    let found = scan(directory.path());
    let attributes = found.opener(&path).xattrs().unwrap();
    let own = attributes.iter().filter(|(name, _)| name.starts_with(b"user.")).count();
    assert_eq!(own, count);
}

#[test]
fn directories_and_links_have_their_own() {
    let directory = directory();
    let (sub, link) = (directory.path().join("sub"), directory.path().join("link"));
    let pipe = directory.path().join("pipe");
    fs::create_dir(&sub).unwrap();
    symlink("sub", &link).unwrap();
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    set(&sub, "user.on", b"directory").unwrap();
    set(&sub, "system.posix_acl_default", &access_list()).unwrap();
    // Only root may set attributes of links and pipes.
    let is_root = set(&link, "trusted.on", b"link").is_ok();
    let found = scan(directory.path());
    let attributes = |path: &Path| found.opener(path).xattrs().unwrap();
    let expected = [
        (b"system.posix_acl_default".to_vec(), access_list()),
        (b"user.on".to_vec(), b"directory".to_vec()),
    ];
    assert_eq!(attributes(&sub), expected);
    assert!(attributes(&pipe).is_empty());
    match is_root {
        true => assert_eq!(attributes(&link), [(b"trusted.on".to_vec(), b"link".to_vec())]),
        false => assert!(attributes(&link).is_empty()),
    }
}

#[test]
fn a_file_system_without_attributes_has_none() {
    let path = Path::new("/proc/version");
    assert!(scan(path).opener(path).xattrs().unwrap().is_empty());
}
