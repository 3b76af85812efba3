//! Whole trees: in windows of any size, and the remains of damaged ones.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use holdfast_engine::EngineError;
use holdfast_engine::look::SnapshotRoot;
use holdfast_engine::restore::RestoreOptions;
use holdfast_format::BlobId;
use holdfast_format::entry::{EntryKind, Metadata};

use super::support::{ModelEntry, commit, folder, metadata, repository, writer};
use super::target::Lying;
use super::{open, options, restored};

fn noise(seed: u32, bytes: usize) -> Vec<u8> {
    (0..bytes as u32)
        .map(|at| (at.wrapping_mul(seed + 7).wrapping_add(at >> 5) >> 3) as u8)
        .collect()
}

fn linked(bytes: Vec<u8>, inode: u64, links: u64) -> ModelEntry {
    ModelEntry::File(bytes, Metadata { inode, links, ..metadata(0o644) })
}

/// The contents of a folder: files by their paths, and which of them are one file.
fn picture(top: &Path) -> BTreeMap<String, (Vec<u8>, u64)> {
    let (mut found, mut pending) = (BTreeMap::new(), vec![top.to_owned()]);
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let status = entry.metadata().unwrap();
            match status.is_dir() {
                true => pending.push(entry.path()),
                false => {
                    let path = entry.path().strip_prefix(top).unwrap().display().to_string();
                    found.insert(path, (std::fs::read(entry.path()).unwrap(), status.nlink()));
                }
            }
        }
    }
    found
}

/// Of names that are one for the target, only the first is restored: nothing of this restore
/// replaces anything else of it, whatever was there before.
#[test]
fn of_names_that_differ_in_case_only_the_second_is_refused() {
    let repository = repository();
    let below = |name: &str| ModelEntry::directory([("file".to_owned(), ModelEntry::file(name))]);
    let all = ["Name", "Other", "name", "other"].map(|name| (name, ModelEntry::file(name)));
    let all = all.into_iter().chain(["Sub", "sub"].map(|name| (name, below(name))));
    let (root, _) = commit(&repository, &folder(all));
    for (before, window_bytes) in [(false, 1), (false, 1 << 20), (true, 1), (true, 1 << 20)] {
        let place = tempfile::tempdir().unwrap();
        if before {
            for name in ["name", "other", "sub/file"] {
                let path = place.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "before").unwrap();
            }
        }
        let target = Lying { folds_case: true, ..Lying::new(open(place.path())) };
        let options = RestoreOptions { window_bytes, ..options() };
        let report = restored(&repository, &root, &target, &options).unwrap();
        drop(target);
        let found = picture(place.path());
        let expected = [("name", "Name"), ("other", "Other"), ("sub/file", "Sub")];
        let found: Vec<_> = found.iter().map(|(path, (bytes, _))| (&**path, &bytes[..])).collect();
        assert_eq!(found, expected.map(|(path, bytes)| (path, bytes.as_bytes())), "{report:?}");
        assert_eq!(report.errors, 3, "{before} {window_bytes}");
    }
}

/// A window may end anywhere: between two files, between two names of a file, within a file.
#[test]
fn a_restore_is_the_same_whatever_the_size_of_its_windows() {
    let repository = repository();
    let below = |seed| {
        ModelEntry::directory([
            ("large".to_owned(), ModelEntry::file(noise(seed, 20_000))),
            ("small".to_owned(), ModelEntry::file(noise(seed, 10))),
            ("name".to_owned(), linked(noise(1, 5_000), 9, 3)),
            (format!("own-{seed}"), linked(noise(seed + 50, 300), 100 + u64::from(seed), 2)),
            (format!("own-{seed}-again"), linked(noise(seed + 50, 300), 100 + u64::from(seed), 2)),
        ])
    };
    let mut root = folder((1..4).map(|seed| (format!("folder-{seed}"), below(seed))));
    root.insert(b"empty".to_vec(), ModelEntry::file(""));
    let (root, _) = commit(&repository, &root);
    let mut pictures = Vec::new();
    for window_bytes in [1, 2_000, 20_000, 100_000, usize::MAX] {
        let scratch = tempfile::tempdir().unwrap();
        let options = RestoreOptions { window_bytes, verify: true, ..options() };
        let report = restored(&repository, &root, &open(scratch.path()), &options).unwrap();
        assert_eq!(report.errors, 0);
        assert_eq!(report.files_restored, report.total_files, "{window_bytes}");
        let again = restored(&repository, &root, &open(scratch.path()), &options).unwrap();
        assert_eq!((again.errors, again.bytes_restored), (0, 0), "{window_bytes}");
        pictures.push(picture(scratch.path()));
        let dry = tempfile::tempdir().unwrap();
        let options = RestoreOptions { dry_run: true, verify: false, ..options };
        let would = restored(&repository, &root, &open(dry.path()), &options).unwrap();
        assert_eq!(would.files_restored, report.files_restored);
        assert_eq!(would.bytes_restored, report.bytes_restored);
    }
    assert_eq!(pictures[0].len(), 16);
    assert_eq!(pictures[0]["folder-2/name"], (noise(1, 5_000), 3));
    assert_eq!(pictures[0]["folder-2/own-2-again"], (noise(52, 300), 2));
    assert_eq!(pictures[0]["folder-3/large"].0, noise(3, 20_000));
    assert!(pictures.iter().all(|picture| *picture == pictures[0]));
}

#[test]
fn what_cannot_be_read_of_a_tree_is_lost_and_nothing_else() {
    // The model of the tree is stored and dropped level by level.
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(restore_what_is_left).unwrap().join().unwrap();
}

fn restore_what_is_left() {
    let repository = repository();
    let lost =
        ModelEntry::Other(EntryKind::Directory(BlobId::from_bytes([7; 32])), metadata(0o755));
    let mut deep = ModelEntry::file("too deep");
    for _ in 0..4097 {
        deep = ModelEntry::directory([("d", deep)]);
    }
    let root = folder([
        ("a", ModelEntry::file("a")),
        ("deep", deep),
        ("lost", lost),
        ("z", ModelEntry::file("z")),
    ]);
    let (root, _) = commit(&repository, &root);
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let report = restored(&repository, &root, &open(scratch.path()), &options()).unwrap();
    assert_eq!(report.errors, 2);
    for name in ["a", "z"] {
        assert_eq!(std::fs::read(scratch.path().join(name)).unwrap(), name.as_bytes());
    }
    assert!(scratch.path().join("deep/d/d/d").is_dir());
    // The standard library would open them all at once.
    std::process::Command::new("rm").arg("-rf").arg(scratch.path().join("deep")).status().unwrap();
}

#[test]
fn a_file_whose_parts_do_not_make_up_its_size_is_not_written() {
    let repository = repository();
    let mut blobs = writer(&repository);
    let kind = super::support::store_file(&repository, &mut blobs, b"some content");
    let EntryKind::File { codec, main, second, .. } = kind else { panic!("a file") };
    let wrong = |size| EntryKind::File { size, codec, main: main.clone(), second: second.clone() };
    let root = folder([
        ("long", ModelEntry::Other(wrong(13), metadata(0o644))),
        ("right", ModelEntry::Other(wrong(12), metadata(0o644))),
        ("short", ModelEntry::Other(wrong(11), metadata(0o644))),
    ]);
    let tree = super::support::store_folder(&repository, &mut blobs, &root);
    let root = SnapshotRoot::of(&super::support::record(&mut blobs, &[("files", tree)]));
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("long"), "of the user").unwrap();
    let report = restored(&repository, &root, &open(scratch.path()), &options()).unwrap();
    assert_eq!(report.errors, 2);
    let found = picture(scratch.path());
    assert_eq!(found["right"].0, b"some content");
    assert_eq!(found["long"].0, b"of the user");
    assert!(!found.contains_key("short"));
}

#[test]
fn what_does_not_reach_the_disk_is_no_success() {
    let repository = repository();
    let (root, _) = commit(&repository, &folder([("a", ModelEntry::file("a"))]));
    let scratch = tempfile::tempdir().unwrap();
    let target = Lying { fails_to_sync: true, ..Lying::new(open(scratch.path())) };
    let outcome = restored(&repository, &root, &target, &options());
    assert!(matches!(outcome, Err(EngineError::NotDurable(_))), "{outcome:?}");
    let options = RestoreOptions { dry_run: true, ..options() };
    assert!(restored(&repository, &root, &target, &options).is_ok());
}
