//! `resolve`, `ls`, `find`, `walk`.

use holdfast_connect::fs::filter::IncludeFilter;
use holdfast_engine::look::{FindOptions, SnapshotRoot, Walk, find, ls, resolve, walk_each};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind, FileTime};
use holdfast_format::limits::TREE_DEPTH_MAX;
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryWriter;
use holdfast_repo::write::BlobWriter;
use proptest::prelude::*;

use crate::support::*;

fn listed(repository: &Repository, root: &SnapshotRoot, paths: &[&str], all: bool) -> Vec<Vec<u8>> {
    let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    let mut found = Vec::new();
    ls(&mut BlobReader::new(repository), root, &paths, all, &Silent, &mut |path, _| {
        found.push(path.to_vec());
        Ok(())
    })
    .unwrap();
    found
}

fn sample() -> ModelFolder {
    let inner = ModelEntry::directory([
        ("x", ModelEntry::file("1")),
        ("y", ModelEntry::directory([("z", ModelEntry::file("2"))])),
    ]);
    folder([
        ("a", inner),
        ("a.txt", ModelEntry::file("3")),
        ("b", ModelEntry::directory::<&str>([])),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn lists_what_the_model_has(model in any_folder()) {
        let repository = repository();
        let (root, _) = commit(&repository, &model);
        let mut reader = BlobReader::new(&repository);
        let expected = flatten(&model);
        let mut found = Vec::new();
        ls(&mut reader, &root, &[], false, &Silent, &mut |path, entry| {
            found.push((path.to_vec(), entry.clone()));
            Ok(())
        }).unwrap();
        prop_assert_eq!(found.len(), expected.len());
        for ((path, entry), (wanted, model)) in found.iter().zip(&expected) {
            prop_assert_eq!(path, wanted);
            prop_assert_eq!(&entry.metadata, model.metadata());
            let place = root.resolve(&mut reader, path).unwrap();
            prop_assert_eq!(place.path(), path);
            prop_assert_eq!(place.entry(), Some(entry));
        }
    }
}

#[test]
fn lists_as_restic_does() {
    let repository = repository();
    let (root, _) = commit(&repository, &sample());
    let text = |paths: &[&str], all| -> Vec<String> {
        let paths = listed(&repository, &root, paths, all);
        paths.into_iter().map(|path| String::from_utf8(path).unwrap()).collect()
    };
    assert_eq!(text(&[], false), ["/a", "/a/x", "/a/y", "/a/y/z", "/a.txt", "/b"]);
    assert_eq!(text(&["/"], false), ["/a", "/a.txt", "/b"]);
    assert_eq!(text(&["a/"], false), ["/a", "/a/x", "/a/y"]);
    assert_eq!(text(&["/a"], true), ["/a", "/a/x", "/a/y", "/a/y/z"]);
    assert_eq!(text(&["/a/y", "/a"], true), ["/a", "/a/x", "/a/y", "/a/y/z"]);
    assert_eq!(text(&["/a/y", "//a/."], false), ["/a", "/a/x", "/a/y", "/a/y/z"]);
    assert_eq!(text(&["/a/y/../x"], false), ["/a/x"]);
}

#[test]
fn says_what_is_not_there() {
    let repository = repository();
    let (root, _) = commit(&repository, &sample());
    let mut reader = BlobReader::new(&repository);
    for path in ["/c", "/a/x/deeper", "/a/xx", "/a\0"] {
        let error = root.resolve(&mut reader, path.as_bytes()).unwrap_err();
        assert!(matches!(error, EngineError::NoSuchPath { .. }), "{path}: {error}");
    }
    let mut told = 0;
    let paths = [b"/a".to_vec(), b"/c".to_vec()];
    let result = ls(&mut reader, &root, &paths, false, &Silent, &mut |_, _| {
        told += 1;
        Ok(())
    });
    assert!(result.is_err() && told == 0);
}

#[test]
fn several_sources_lie_beside_each_other() {
    let repository = repository();
    let mut blobs = writer(&repository);
    let one = store_folder(&repository, &mut blobs, &folder([("f", ModelEntry::file("1"))]));
    let two = store_folder(&repository, &mut blobs, &folder([("f", ModelEntry::file("2"))]));
    let names = [("db", one), ("a/b", two), ("db", two), ("..", one)];
    let snapshot = record(&mut blobs, &names);
    let root = SnapshotRoot::of(&snapshot);
    let found = listed(&repository, &root, &[], false);
    let found: Vec<&str> = found.iter().map(|path| std::str::from_utf8(path).unwrap()).collect();
    let expected = ["/a_b", "/a_b/f", "/db", "/db/f", "/db~2", "/db~2/f", "/source", "/source/f"];
    assert_eq!(found, expected);
    let mut reader = BlobReader::new(&repository);
    assert!(resolve(&mut reader, &snapshot, b"/db~2/f").is_ok());
    let below = SnapshotRoot::below(&mut reader, &snapshot, b"db").unwrap();
    assert_eq!(listed(&repository, &below, &[], false), [b"/f"]);
    let error = SnapshotRoot::below(&mut reader, &snapshot, b"db/f").unwrap_err();
    assert!(matches!(error, EngineError::WrongKind { wanted: "directory", .. }));
}

#[test]
fn a_walk_can_skip_and_stop() {
    let repository = repository();
    let (root, _) = commit(&repository, &sample());
    let walked = |choose: &dyn Fn(&[u8]) -> Walk| {
        let mut seen = Vec::new();
        let mut reader = BlobReader::new(&repository);
        walk_each(&mut reader, root.folder(), b"", &Silent, |path, _| {
            seen.push(String::from_utf8(path.to_vec()).unwrap());
            Ok(choose(path))
        })
        .unwrap();
        seen
    };
    assert_eq!(walked(&|_| Walk::Skip), ["/a", "/a.txt", "/b"]);
    let stop = |path: &[u8]| if path == b"/a/x" { Walk::Stop } else { Walk::Descend };
    assert_eq!(walked(&stop), ["/a", "/a/x"]);
}

/// A chain of this many directories called `d`, the last of which has a file.
fn chain(blobs: &mut BlobWriter<'_>, depth: usize, file: &EntryKind) -> BlobId {
    let mut kind = file.clone();
    let mut name = b"f".to_vec();
    let mut root = None;
    for _ in 0..=depth {
        let mut directory = DirectoryWriter::new();
        let entry = Entry { name, metadata: metadata(0o755), kind };
        directory.push(blobs, &entry).unwrap();
        let id = directory.finish(blobs).unwrap();
        (name, kind, root) = (b"d".to_vec(), EntryKind::Directory(id), Some(id));
    }
    root.unwrap()
}

/// Entries deeper than the limit are reported and skipped, and everything else is there: for one
/// source, and next to other sources, whose directories are not part of the tree.
#[test]
fn a_subtree_that_is_too_deep_costs_only_itself() {
    let repository = repository();
    let mut blobs = writer(&repository);
    let file = store_file(&repository, &mut blobs, b"x");
    for (depth, reached) in [(TREE_DEPTH_MAX, true), (TREE_DEPTH_MAX + 1, false)] {
        let tree = chain(&mut blobs, depth, &file);
        let other = store_folder(&repository, &mut blobs, &folder([("z", ModelEntry::file("z"))]));
        for sources in [&[("files", tree)][..], &[("deep", tree), ("other", other)]] {
            let root = SnapshotRoot::of(&record(&mut blobs, sources));
            let troubles = SeenTroubles::default();
            let (mut files, mut directories) = (0, 0);
            let mut reader = BlobReader::new(&repository);
            walk_each(&mut reader, root.folder(), b"", &troubles, |_, entry| {
                match entry.kind {
                    EntryKind::Directory(_) => directories += 1,
                    _ => files += 1,
                }
                Ok(Walk::Descend)
            })
            .unwrap();
            let beside = sources.len() - 1;
            assert_eq!(files, usize::from(reached) + beside);
            assert_eq!(directories, depth + if beside > 0 { 2 } else { 0 });
            assert_eq!(troubles.0.lock().unwrap().len(), usize::from(!reached));
        }
    }
}

#[test]
fn finds_by_name_and_time() {
    let repository = repository();
    let mut model = sample();
    let mut early = metadata(0o644);
    early.mtime.seconds = 5;
    model.insert(b"X.TXT".to_vec(), ModelEntry::File(Vec::new(), early));
    let (root, _) = commit(&repository, &model);
    let found = |exact: &[&str], any_case: &[&str], oldest, newest| {
        let patterns = IncludeFilter::new(exact, any_case).unwrap();
        let time = |seconds: i64| FileTime { seconds, nanoseconds: 0 };
        let (oldest, newest): (Option<i64>, Option<i64>) = (oldest, newest);
        let options = FindOptions { patterns, oldest: oldest.map(time), newest: newest.map(time) };
        let mut found = Vec::new();
        let mut reader = BlobReader::new(&repository);
        find(&mut reader, &root, &options, &Silent, &mut |path, _| {
            found.push(String::from_utf8(path.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
        found
    };
    assert_eq!(found(&["*.txt"], &[], None, None), ["/a.txt"]);
    assert_eq!(found(&[], &["*.txt"], None, None), ["/X.TXT", "/a.txt"]);
    assert_eq!(found(&["y"], &[], None, None), ["/a/y", "/a/y/z"]);
    assert_eq!(found(&["/a/*"], &[], None, None), ["/a/x", "/a/y", "/a/y/z"]);
    assert_eq!(found(&["z", "b"], &[], None, None), ["/a/y/z", "/b"]);
    assert_eq!(found(&[], &[], None, Some(5)), ["/X.TXT"]);
    assert_eq!(found(&["*.TXT"], &[], Some(6), None), [""; 0]);
}
