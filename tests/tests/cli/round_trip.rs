//! Every kind of entry is backed up and restored exactly.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use holdfast_tests::picture::{EntryShape, assert_same, entries, picture};
use holdfast_tests::sandbox::Sandbox;
use rustix::fs::{CWD, FileType, Mode, XattrFlags, makedev, mknodat, setxattr};

/// Fills `source` with one of everything.
fn fill(sandbox: &Sandbox) {
    fs::create_dir(sandbox.path("source")).unwrap();
    contents(sandbox);
    strange_names(sandbox);
    links_and_nodes(sandbox);
    metadata(sandbox);
    times(&sandbox.path("source"));
}

fn contents(sandbox: &Sandbox) {
    for size in [0, 1, 4095, 4096, 65_537, 300_000, 3 << 20] {
        sandbox.write(format!("source/sizes/{size}"), noise(size));
    }
    sandbox.write("source/sizes/zeros", vec![0; 200_000]);
    sandbox.write("source/sizes/same-1", noise(300_000));
    let sparse = File::create(sandbox.path("source/sizes/sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    sparse.write_all_at(b"in the middle", 20 << 20).unwrap();
    let hole = File::create(sandbox.path("source/sizes/hole")).unwrap();
    hole.set_len(1 << 20).unwrap();
    fs::create_dir_all(sandbox.path("source/empty/below")).unwrap();
    let deep: PathBuf = (0..60).map(|level| format!("folder-{level}")).collect();
    sandbox.write(Path::new("source/deep").join(deep).join("file"), "deep");
    for number in 0..400 {
        sandbox.write(format!("source/flat/{number:04}"), format!("file {number}"));
    }
}

fn strange_names(sandbox: &Sandbox) {
    let long = [b'x'; 255];
    let names: [&[u8]; 12] = [
        b"new\nline",
        b"esc\x1b[31mred",
        b"osc\x1b]52;c;aGVsbG8=\x07",
        b"not utf-8 \xff\xfe",
        "bidi \u{202e}txt".as_bytes(),
        "composed \u{e9}".as_bytes(),
        "composed e\u{301}".as_bytes(),
        b" spaces at both ends ",
        b"back\\slash",
        b"-dash",
        b"CON.",
        &long,
    ];
    for name in names {
        sandbox.write(Path::new("source/names").join(OsStr::from_bytes(name)), name);
    }
}

fn links_and_nodes(sandbox: &Sandbox) {
    let at = |name: &str| sandbox.path("source/nodes").join(name);
    sandbox.write("source/nodes/original", "linked");
    fs::hard_link(at("original"), at("z-second")).unwrap();
    fs::hard_link(at("original"), sandbox.path("source/empty/third")).unwrap();
    symlink("original", at("link")).unwrap();
    symlink("/nowhere/at all", at("dangling")).unwrap();
    symlink("..", at("up")).unwrap();
    symlink(OsStr::from_bytes(b"\xff\n"), at("link-bytes")).unwrap();
    mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o640), 0).unwrap();
    drop(UnixListener::bind(at("socket")).unwrap());
    if is_root() {
        let mode = Mode::from_raw_mode(0o600);
        mknodat(CWD, at("char"), FileType::CharacterDevice, mode, makedev(1, 3)).unwrap();
        mknodat(CWD, at("block"), FileType::BlockDevice, mode, makedev(7, 200)).unwrap();
    }
}

fn metadata(sandbox: &Sandbox) {
    let at = |name: &str| sandbox.path("source/meta").join(name);
    for mode in [0o000, 0o400, 0o640, 0o777, 0o1755, 0o2755, 0o4755, 0o6711] {
        let name = format!("mode-{mode:04o}");
        sandbox.write(format!("source/meta/{name}"), "mode");
        // Without root, even the owner cannot read a file of mode 000.
        let mode = if mode == 0 && !is_root() { 0o400 } else { mode };
        fs::set_permissions(at(&name), Permissions::from_mode(mode)).unwrap();
    }
    fs::create_dir(at("sticky")).unwrap();
    fs::set_permissions(at("sticky"), Permissions::from_mode(0o3777)).unwrap();
    if is_root() {
        sandbox.write("source/meta/owned", "owned");
        chown(at("owned"), Some(12_345), Some(54_321)).unwrap();
        fs::create_dir(at("owned-folder")).unwrap();
        chown(at("owned-folder"), Some(12_345), None).unwrap();
    }
    attributes(sandbox, &at);
}

fn attributes(sandbox: &Sandbox, at: &impl Fn(&str) -> PathBuf) {
    sandbox.write("source/meta/attributes", "attributes");
    fs::create_dir(at("attributes-folder")).unwrap();
    for path in [at("attributes"), at("attributes-folder")] {
        let long = vec![b'v'; 2000];
        for (name, value) in [("user.a", &b"\0\xff"[..]), ("user.empty", b""), ("user.long", &long)]
        {
            setxattr(&path, name, value, XattrFlags::empty()).unwrap();
        }
        setfacl(&["-m", "u:12345:rw,g:54321:r"], &path);
    }
    setfacl(&["-d", "-m", "u:12345:rwx"], &at("attributes-folder"));
}

fn setfacl(arguments: &[&str], path: &Path) {
    let status =
        Command::new("setfacl").args(arguments).arg(path).status().expect("acl is installed");
    assert!(status.success());
}

/// Times with nanoseconds, before 1970 and far away; folders last, from the inside out.
fn times(folder: &Path) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    entries.sort();
    for (number, path) in (1..).zip(&entries) {
        if path.is_dir() && !path.is_symlink() {
            times(path);
        } else {
            set_time(path, 1_000_000_000 + number * 86_400, 123_456_789 - number);
        }
    }
    set_time(
        folder,
        if entries.len().is_multiple_of(2) { -86_400 } else { 4_000_000_000 },
        999_999_999,
    );
}

fn set_time(path: &Path, seconds: i64, nanoseconds: i64) {
    use rustix::fs::{AtFlags, Timespec, Timestamps, utimensat};
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Incompressible bytes.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&length.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn everything_comes_back_exactly() {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let before = picture(&sandbox.path("source"));
    assert!(before.len() > 500, "{}", before.len());
    sandbox.ok("backup @source");
    assert_same(&before, &picture(&sandbox.path("source")));
    sandbox.ok("restore latest --target @out");
    assert_same(&before, &picture(&sandbox.within("out", "source")));
    sandbox.ok("restore latest:@source --target @part --verify");
    assert_same(&entries(&sandbox.path("source")), &entries(&sandbox.path("part")));
    sandbox.ok("check --read-data");
}

#[test]
fn a_restore_over_what_is_right_changes_nothing() {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    sandbox.ok("backup @source");
    sandbox.ok("restore latest:@source --target @out");
    let before = entries(&sandbox.path("out"));
    let inode = |name: &str| sandbox.path("out/sizes").join(name).metadata().unwrap().ino();
    let inodes = [inode("300000"), inode("sparse")];
    let summary = sandbox.ok("restore latest:@source -t @out --json").message("summary");
    assert_eq!(summary["bytes_restored"].as_u64().unwrap_or(0), 0, "{summary}");
    assert_same(&before, &entries(&sandbox.path("out")));
    assert_eq!(inodes, [inode("300000"), inode("sparse")]);
}

#[test]
fn holes_are_neither_read_nor_stored_nor_filled() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("source")).unwrap();
    let file = File::create(sandbox.path("source/huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    file.write_all_at(b"x", 1 << 39).unwrap();
    let summary = sandbox.backup("@source");
    assert_eq!(summary["total_bytes_processed"], 1_u64 << 40);
    assert!(summary["data_added"].as_u64().unwrap() < 1 << 20, "{summary}");
    sandbox.ok("restore latest:@source -t @out");
    let restored = sandbox.path("out/huge").metadata().unwrap();
    assert_eq!(restored.len(), 1 << 40);
    assert!(restored.blocks() * 512 < 1 << 20);
}

#[test]
fn sparse_makes_holes_of_zeros() {
    let sandbox = Sandbox::new();
    sandbox.write("source/zeros", vec![0; 8 << 20]);
    sandbox.ok("backup @source");
    sandbox.ok("restore latest:@source -t @plain");
    sandbox.ok("restore latest:@source -t @sparse --sparse");
    let blocks = |name: &str| sandbox.path(name).join("zeros").metadata().unwrap().blocks() * 512;
    assert!(blocks("plain") >= 8 << 20);
    assert!(blocks("sparse") < 1 << 20);
    assert_same(&entries(&sandbox.path("plain")), &entries(&sandbox.path("sparse")));
}

#[test]
fn all_kinds_are_in_the_picture() {
    let sandbox = Sandbox::empty();
    fill(&sandbox);
    let picture = picture(&sandbox.path("source"));
    let has = |wanted: fn(&EntryShape) -> bool| picture.values().any(|look| wanted(&look.kind));
    assert!(
        has(|kind| matches!(kind, EntryShape::Fifo))
            && has(|kind| matches!(kind, EntryShape::Socket))
    );
    assert_eq!(
        has(|kind| matches!(kind, EntryShape::Block(_) | EntryShape::Character(_))),
        is_root()
    );
    assert_eq!(picture.values().filter(|look| look.same_as.is_some()).count(), 3);
    assert!(
        picture.values().any(|look| look.attributes.contains_key(&b"system.posix_acl_default"[..]))
    );
}

#[test]
fn owners_are_found_by_name_where_that_is_asked_for() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "a");
    chown(sandbox.path("source/a"), Some(1), Some(1)).unwrap();
    let old = UNIX_EPOCH + Duration::from_secs(1);
    File::open(sandbox.path("source/a")).unwrap().set_modified(old).unwrap();
    sandbox.ok("backup @source");
    sandbox.ok("restore latest:@source -t @out --ownership-by-name");
    let restored = sandbox.path("out/a").metadata().unwrap();
    assert_eq!((restored.uid(), restored.gid()), (1, 1));
}
