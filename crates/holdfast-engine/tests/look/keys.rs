//! Objects of buckets by their keys: every looking verb, and restores into folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use holdfast_connect::fs::filter::IncludeFilter;
use holdfast_connect::fs::target::{FsTarget, FsTargetOptions};
use holdfast_engine::look::{
    ArchiveFormat, DiffOptions, FindOptions, SnapshotRoot, Visitor, Walk, diff, dump, dump_file,
    find, ls, walk,
};
use holdfast_engine::restore::{
    Overwrite, RestoreOptions, RestoreReport, Selection, WINDOW_BYTES, restore,
};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::BlobId;
use holdfast_format::bucket::name_of_key;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::record::Snapshot;
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;
use proptest::prelude::*;

use crate::support::*;
use crate::tar_reader::read_tar;

/// Keys and contents.
type ModelBucket = BTreeMap<String, Vec<u8>>;

const TAKE_ALL: &(dyn Fn(&[u8], bool) -> Selection + Sync) = &|_, _| Selection::Take;

fn bucket(keys: &[&str]) -> ModelBucket {
    keys.iter().map(|key| (key.to_string(), key.as_bytes().to_vec())).collect()
}

fn snapshot(repository: &Repository, bucket: &ModelBucket) -> Snapshot {
    let name = |key: &String| name_of_key(key).unwrap();
    let objects = folder(bucket.iter().map(|(key, bytes)| (name(key), ModelEntry::file(bytes))));
    let metadata = metadata(0o755);
    let tree = folder([
        ("bucket.json", ModelEntry::file("{}")),
        ("objects", ModelEntry::Directory(objects, metadata)),
    ]);
    let mut blobs = writer(repository);
    let tree = store_folder(repository, &mut blobs, &tree);
    let mut snapshot = record(&mut blobs, &[("documents", tree)]);
    snapshot.sources[0].connector = "bucket".to_owned();
    snapshot
}

fn root(repository: &Repository, bucket: &ModelBucket) -> SnapshotRoot {
    SnapshotRoot::by_keys(&snapshot(repository, bucket), None).unwrap()
}

/// Path, kind and name of everything listed.
fn listed(
    repository: &Repository,
    root: &SnapshotRoot,
    paths: &[&str],
    is_recursive: bool,
) -> Vec<(String, bool)> {
    let paths: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    let mut found = Vec::new();
    let mut reader = BlobReader::new(repository);
    ls(&mut reader, root, &paths, is_recursive, &Silent, &mut |path, entry| {
        assert!(path.ends_with(&entry.name));
        let is_folder = matches!(entry.kind, EntryKind::Directory(_));
        found.push((String::from_utf8(path.to_vec()).unwrap(), is_folder));
        Ok(())
    })
    .unwrap();
    found
}

/// The same as text, folders with a trailing slash.
fn text(repository: &Repository, root: &SnapshotRoot, paths: &[&str], all: bool) -> String {
    let found = listed(repository, root, paths, all);
    let lines = found.iter().map(|(path, is_folder)| match is_folder {
        true => format!("{path}/"),
        false => path.clone(),
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// Keys made of everything that could go wrong.
fn keys() -> impl Strategy<Value = ModelBucket> {
    let special = prop::sample::select(vec!['.', '/', '/', '-', '\u{1}', '0', 'a', '\u{e9}']);
    let key = prop_oneof![
        9 => prop::collection::vec(special, 1..7).prop_map(String::from_iter),
        1 => Just("x".repeat(300)),
        1 => Just(format!("{}/y", "x".repeat(300))),
    ];
    prop::collection::btree_set(key, 0..24).prop_map(|keys| {
        let content = |key: String| (key.clone(), key.into_bytes());
        keys.into_iter().map(content).collect()
    })
}

/// True if a file can have this key as its name, in this bucket.
fn is_plain(bucket: &ModelBucket, key: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255;
    let inside = format!("{key}/");
    key.split('/').all(is_plain) && !bucket.keys().any(|other| other.starts_with(&inside))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn each_key_leads_to_its_object(bucket in keys()) {
        let repository = repository();
        let root = root(&repository, &bucket);
        let found = listed(&repository, &root, &[], true);
        let (folders, files): (Vec<_>, Vec<_>) =
            found.iter().skip(2).partition(|(_, is_folder)| *is_folder);
        let paths: Vec<_> = bucket.keys().map(|key| (format!("/objects/{key}"), false)).collect();
        prop_assert!(files.into_iter().eq(&paths));
        let slashes = |key: &String| -> Vec<String> {
            key.match_indices('/').map(|(at, _)| format!("/objects/{}", &key[..at])).collect()
        };
        let expected: BTreeSet<_> = bucket.keys().flat_map(slashes).collect();
        prop_assert_eq!(folders.len(), expected.len());
        let folders: BTreeSet<_> = folders.into_iter().map(|it| it.0.clone()).collect();
        prop_assert_eq!(folders, expected);

        let mut reader = BlobReader::new(&repository);
        for (key, bytes) in &bucket {
            let key_path = format!("/objects/{key}");
            let stored_path = [b"objects/", &name_of_key(key).unwrap()[..]].concat();
            let is_folder = key.ends_with('/');
            prop_assert_eq!(
                root.resolve(&mut reader, key_path.as_bytes()).unwrap().folder().is_some(),
                is_folder
            );
            // The stored name always means the object, unless it looks like a key itself.
            let path = if is_folder { &stored_path } else { key_path.as_bytes() };
            let place = root.resolve(&mut reader, path).unwrap();
            prop_assert_eq!(place.path(), key_path.as_bytes());
            let mut out = Vec::new();
            dump_file(&repository, path, place.entry().unwrap(), &mut out, &Silent).unwrap();
            prop_assert_eq!(&out, bytes);
            // A folder lists its contents, at any depth.
            for (at, _) in key.match_indices('/') {
                let below = listed(&repository, &root, &[&key_path[..=at + 9]], true);
                let start = &key[..=at];
                let count = bucket.keys().filter(|other| other.starts_with(start)).count();
                prop_assert_eq!(below.iter().filter(|(_, is_folder)| !is_folder).count(), count);
            }
        }
        for missing in ["/objects/no", "/objects/no/", "/objects/a/no/", "/x/../objects/no"] {
            prop_assert!(root.resolve(&mut reader, missing.as_bytes()).is_err());
        }
    }

    #[test]
    fn archives_and_folders_have_each_object_once(bucket in keys()) {
        let repository = repository();
        let root = root(&repository, &bucket);
        let mut out = Vec::new();
        let stats =
            dump(&repository, &root, b"/objects", ArchiveFormat::Tar, &mut out, &Silent).unwrap();
        let is_folder = |kind| kind == tar::EntryType::Directory;
        let entries = read_tar(&out);
        let files: Vec<_> = entries.iter().filter(|(_, entry)| !is_folder(entry.kind)).collect();
        check_files(&bucket, files.iter().map(|(name, entry)| (&name[..], &entry.data[..])));
        let odd = bucket.keys().filter(|key| !is_plain(&bucket, key)).count();
        prop_assert_eq!(stats.renamed, odd as u64);

        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("target");
        let report = restored(&repository, &root, &target);
        prop_assert_eq!((report.errors, report.renamed), (0, odd as u64));
        prop_assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing outside");
        let mut files = Vec::new();
        read_files(&target, b"", &mut files);
        files.retain(|(name, _)| name != b"bucket.json");
        check_files(&bucket, files.iter().map(|(name, data)| (&name[..], &data[..])));
        let again = restored(&repository, &root, &target);
        prop_assert_eq!((again.errors, again.files_deleted), (0, 0));
        prop_assert_eq!(again.files_skipped, bucket.len() as u64 + 1);
    }
}

/// Each object appears once, under its key if possible.
fn check_files<'a>(bucket: &ModelBucket, files: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
    let mut names = BTreeMap::new();
    for (name, data) in files {
        let rest = name.strip_prefix(b"objects/").unwrap();
        let is_safe = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && part.len() <= 255;
        assert!(rest.split(|byte| *byte == b'/').all(is_safe), "{}", name.escape_ascii());
        let key = std::str::from_utf8(data).unwrap();
        assert!(names.insert(rest.to_vec(), key).is_none());
        match is_plain(bucket, key) {
            true => assert_eq!(rest, key.as_bytes()),
            false => assert!(rest.contains(&0xff), "{key:?} is {}", rest.escape_ascii()),
        }
    }
    let keys: BTreeSet<&str> = names.values().copied().collect();
    assert!(keys.iter().copied().eq(bucket.keys().map(String::as_str)), "{names:?}");
    let is_below =
        |(one, other): (&Vec<u8>, &Vec<u8>)| other.starts_with(&[one, &b"/"[..]].concat());
    assert!(!names.keys().any(|one| names.keys().any(|other| is_below((one, other)))));
}

fn read_files(folder: &Path, above: &[u8], found: &mut Vec<(Vec<u8>, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = [above, entry.file_name().as_bytes()].concat();
        match entry.file_type().unwrap().is_dir() {
            true => read_files(&entry.path(), &[&path, &b"/"[..]].concat(), found),
            false => found.push((path, fs::read(entry.path()).unwrap())),
        }
    }
}

fn restored(repository: &Repository, root: &SnapshotRoot, target: &Path) -> RestoreReport {
    let target = FsTarget::open(target, FsTargetOptions::default()).unwrap();
    let options = RestoreOptions {
        overwrite: Overwrite::Always,
        delete: None,
        dry_run: false,
        verify: true,
        window_bytes: WINDOW_BYTES,
    };
    let folder = root.folder().clone();
    restore(repository, folder, &target, TAKE_ALL, &options, &Silent).unwrap()
}

#[test]
fn folders_of_keys_are_folders() {
    let repository = repository();
    let keys = ["2024/01/a", "2024/b.pdf", "2024", "2024-x", "c/", "d//e", "../up", "2025/z"];
    let mut bucket = bucket(&keys);
    bucket.insert("c/".to_owned(), Vec::new());
    let root = root(&repository, &bucket);
    let text = |paths: &[&str], all| text(&repository, &root, paths, all);
    assert_eq!(
        text(&["/objects"], false),
        "/objects/ /objects/../ /objects/2024 /objects/2024-x /objects/2024/ /objects/2025/ \
         /objects/c/ /objects/d/"
    );
    let of_2024 = "/objects/2024 /objects/2024/ /objects/2024/01/ /objects/2024/b.pdf";
    assert_eq!(text(&["/objects/2024"], false), of_2024);
    assert_eq!(text(&["objects//2024"], false), of_2024, "no key begins so");
    assert_eq!(text(&["/objects/2024/"], false), &of_2024["/objects/2024 ".len()..]);
    assert_eq!(
        text(&["/objects/2024/01", "/objects/2024/"], true),
        "/objects/2024/ /objects/2024/01/ /objects/2024/01/a /objects/2024/b.pdf"
    );
    assert_eq!(
        text(&["/objects/2024/b.pdf", "/objects/2024-x"], true),
        "/objects/2024-x /objects/2024/b.pdf"
    );
    assert_eq!(text(&["/objects/d//"], false), "/objects/d// /objects/d//e");
    assert_eq!(text(&["/objects/c"], false), "/objects/c/ /objects/c/");
    assert_eq!(text(&["/objects/../bucket.json"], false), "/bucket.json", "as elsewhere");
    assert_eq!(text(&["/objects/../up"], false), "/objects/../up", "it is a key");
    let below = root.enter(&mut BlobReader::new(&repository), b"objects/2024").unwrap();
    assert_eq!(self::text(&repository, &below, &[], true), "/01/ /01/a /b.pdf");
    assert_eq!(self::text(&repository, &below, &["01/a", "/b.pdf"], true), "/01/a /b.pdf");
    let target = tempfile::tempdir().unwrap();
    let report = restored(&repository, &below, target.path());
    assert_eq!((report.errors, report.renamed, report.files_restored), (0, 0, 3));
    assert_eq!(fs::read(target.path().join("01/a")).unwrap(), b"2024/01/a");
}

#[test]
fn what_is_stored_is_called_as_it_is_stored_elsewhere() {
    let repository = repository();
    let snapshot = snapshot(&repository, &bucket(&["a/b"]));
    for root in
        [SnapshotRoot::of(&snapshot), SnapshotRoot::of_source(&snapshot, "documents").unwrap()]
    {
        let mut reader = BlobReader::new(&repository);
        assert!(root.resolve(&mut reader, b"/objects/a.\xffb").is_ok());
        assert!(root.resolve(&mut reader, b"/objects/a/b").is_err());
    }
    // A folder of files is not a bucket, whatever its name.
    let mut files = snapshot;
    files.sources[0].connector = "files".to_owned();
    let root = SnapshotRoot::by_keys(&files, None).unwrap();
    let mut paths = Vec::new();
    ls(&mut BlobReader::new(&repository), &root, &[], true, &Silent, &mut |path, _| {
        paths.push(path.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(paths, [&b"/bucket.json"[..], b"/objects", b"/objects/a.\xffb"]);
}

#[test]
fn find_and_diff_speak_of_keys() {
    let repository = repository();
    let old = bucket(&["2024/a.pdf", "2024/b.txt", "2025/a.pdf", "a.pdf"]);
    let new = bucket(&["2024/a.pdf", "2025/a.pdf", "2025/c//d", "a.pdf"]);
    let (old, new) = (root(&repository, &old), root(&repository, &new));
    let found = |pattern: &str| {
        let patterns = IncludeFilter::new(&[pattern], &[]).unwrap();
        let options = FindOptions { patterns, ..FindOptions::default() };
        let (mut found, mut reader) = (Vec::new(), BlobReader::new(&repository));
        find(&mut reader, &old, &options, &Silent, &mut |path, _| {
            found.push(String::from_utf8(path.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
        found
    };
    assert_eq!(found("a.pdf"), ["/objects/2024/a.pdf", "/objects/2025/a.pdf", "/objects/a.pdf"]);
    assert_eq!(found("2024/*.pdf"), ["/objects/2024/a.pdf"]);
    assert_eq!(found("/objects/2025/**"), ["/objects/2025", "/objects/2025/a.pdf"]);
    let compared = |left: &SnapshotRoot, right: &SnapshotRoot| {
        let (mut found, options) = (Vec::new(), DiffOptions::default());
        diff(&repository, left, right, options, &Silent, &mut |change| {
            found.push(format!("{}{}", change.modifier, String::from_utf8_lossy(change.path)));
            Ok(())
        })
        .unwrap();
        found.join(" ")
    };
    assert_eq!(compared(&old, &new), "-/objects/2024/b.txt +/objects/2025/c//d");
    let enter = |root: &SnapshotRoot, path: &str| {
        root.enter(&mut BlobReader::new(&repository), path.as_bytes()).unwrap()
    };
    let years = (enter(&old, "/objects/2024"), enter(&new, "/objects/2025"));
    assert_eq!(compared(&years.0, &years.1), "M?/a.pdf -/b.txt +/c//d");
    let years = (enter(&old, "/objects/2025"), enter(&new, "/objects/2025"));
    assert_eq!(compared(&years.0, &years.1), "+/c//d");
}

/// Counts nodes as they are read.
struct CountingObserver {
    nodes: u32,
    after: Walk,
}

impl Visitor for CountingObserver {
    fn entry(&mut self, _: &[u8], _: &Entry) -> Result<Walk, EngineError> {
        Ok(self.after)
    }

    fn too_deep(&mut self, _: &[u8], error: &EngineError) {
        panic!("{error}");
    }

    fn node(&mut self, path: &[u8], _: &BlobId) -> Result<bool, EngineError> {
        assert!(matches!(path, b"" | b"/objects"), "no folder of keys is stored");
        self.nodes += 1;
        Ok(true)
    }
}

/// Each node is read once, however many folders the keys are in, and none of a folder that is
/// skipped.
#[test]
fn a_large_bucket_is_walked_through_once() {
    let repository = repository();
    let key = |number: u32| format!("{:03}/{:04}/{number}", number % 50, number % 700);
    let bucket: ModelBucket = (0..20_000).map(|number| (key(number), Vec::new())).collect();
    let root = root(&repository, &bucket);
    let files = |found: Vec<(String, bool)>| found.iter().filter(|(_, folder)| !folder).count();
    assert_eq!(listed(&repository, &root, &["/objects"], false).len(), 51);
    assert_eq!(listed(&repository, &root, &["/objects/007"], false).len(), 15);
    assert_eq!(files(listed(&repository, &root, &["/objects/007"], true)), 400);
    assert_eq!(files(listed(&repository, &root, &[], true)), 20_001);
    let nodes = |root: &SnapshotRoot, path: &[u8], after| {
        let mut reader = BlobReader::new(&repository);
        let root = root.enter(&mut reader, path).unwrap();
        let mut counting = CountingObserver { nodes: 0, after };
        walk(&mut reader, root.folder(), b"", &mut counting).unwrap();
        counting.nodes
    };
    let stored = nodes(&root.clone().as_stored(), b"/", Walk::Descend);
    assert_eq!(nodes(&root, b"/", Walk::Descend), stored);
    let (skipped, part) =
        (nodes(&root, b"/objects", Walk::Skip), nodes(&root, b"/objects/007", Walk::Descend));
    assert!(
        stored > 500 && skipped < stored / 3 && part < stored / 20,
        "{stored} {skipped} {part}"
    );
}
