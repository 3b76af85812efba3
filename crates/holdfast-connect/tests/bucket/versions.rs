//! Versions, delete markers and the cut.

use std::sync::{Arc, Mutex};

use holdfast_connect::bucket::{
    Bucket, BucketOptions, BucketSourceOptions, BucketTargetOptions, Restored, VersionSelection,
};
use holdfast_format::entry::FileTime;
use jiff::{SignedDuration, Timestamp};

use super::server::{bucket_name, open, options, shared};
use super::{boto, tree};

/// A history; prints the moment in the middle of it. Listings report whole seconds.
const WRITE: &str = r#"
import time
from datetime import datetime, timezone
bucket, = arguments
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
def put(key, body):
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), Metadata={"of": body})
put("changed", "first"); put("deleted", "gone"); put("kept", "kept")
put("back", "before"); put("many/a", "a0")
time.sleep(1.1)
s3.delete_object(Bucket=bucket, Key="back"); put("many/a", "a1")
print(datetime.now(timezone.utc).timestamp())
time.sleep(1.1)
put("changed", "second"); s3.delete_object(Bucket=bucket, Key="deleted"); put("new", "new")
put("back", "after"); put("many/a", "a2")
"#;

fn moment(seconds: &str) -> FileTime {
    let seconds: f64 = seconds.trim().parse().unwrap();
    FileTime {
        seconds: seconds as i64,
        nanoseconds: ((seconds.fract() * 1000.0) as u32) * 1_000_000,
    }
}

fn take(bucket: &str, versions: VersionSelection, cut: Option<FileTime>) -> tree::BucketTree {
    let options = BucketSourceOptions { versions, cut, ..BucketSourceOptions::default() };
    let mut source = open(bucket).source(options).unwrap();
    let expected = (versions != VersionSelection::Newest).then_some(cut).flatten();
    assert!(expected.is_none() || source.cut() == expected);
    let tree = tree::take(&mut source, None);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    tree
}

fn contents(tree: &tree::BucketTree, folder: &str) -> Vec<String> {
    let files = tree.files.iter().filter(|(path, _)| path.starts_with(folder.as_bytes()));
    files.map(|(_, taken)| String::from_utf8(taken.content.clone()).unwrap()).collect()
}

#[test]
fn a_cut_shows_the_bucket_at_one_moment() {
    let bucket = bucket_name("cut");
    let cut = moment(&boto::run(&shared().endpoint(), WRITE, &[&bucket]));
    let tree = take(&bucket, VersionSelection::Cut, Some(cut));
    assert_eq!(tree.keys(), ["changed", "deleted", "kept", "many/a"]);
    assert_eq!(contents(&tree, "objects/"), ["first", "gone", "kept", "a1"]);
    assert!(!tree.files.keys().any(|path| path.starts_with(b"versions")));

    let now = take(&bucket, VersionSelection::Cut, None);
    assert_eq!(contents(&now, "objects/"), ["after", "second", "kept", "a2", "new"]);
    let newest = take(&bucket, VersionSelection::Newest, None);
    assert_eq!(newest.keys(), now.keys());
    assert_eq!(
        newest.attribute(b"objects/new", "s3.version"),
        now.attribute(b"objects/new", "s3.version")
    );
}

#[test]
fn a_clock_behind_that_of_the_server_loses_nothing() {
    let bucket = bucket_name("late");
    let write = "
bucket, = arguments
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
s3.put_object(Bucket=bucket, Key='new', Body=b'here')";
    boto::run(&shared().endpoint(), write, &[&bucket]);
    let behind = || Timestamp::now() - SignedDuration::from_mins(10);
    let options = BucketOptions { clock: behind, ..options(&shared().endpoint(), &bucket) };
    let late = Bucket::open(options).unwrap();
    let options =
        BucketSourceOptions { versions: VersionSelection::Cut, ..BucketSourceOptions::default() };
    let mut source = late.source(options).unwrap();
    assert!(source.cut().unwrap().seconds >= Timestamp::now().as_second() - 60);
    assert_eq!(tree::take(&mut source, None).keys(), ["new"]);
}

#[test]
fn without_versioning_there_is_no_cut() {
    let bucket = bucket_name("uncut");
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='k', Body=b'here')";
    boto::run(&shared().endpoint(), write, &[&bucket]);
    let long_ago = FileTime { seconds: 1_000_000_000, nanoseconds: 0 };
    let options = BucketSourceOptions {
        versions: VersionSelection::All,
        cut: Some(long_ago),
        ..BucketSourceOptions::default()
    };
    let mut source = open(&bucket).source(options).unwrap();
    assert_eq!(source.cut(), None, "the caller can tell");
    assert_eq!(tree::take(&mut source, None).keys(), ["k"], "what is there is kept");
}

#[test]
fn all_versions_and_delete_markers_are_restored_in_order() {
    let (from, to) = (bucket_name("history"), bucket_name("history-back"));
    let endpoint = shared().endpoint();
    boto::run(&endpoint, WRITE, &[&from]);
    let tree = take(&from, VersionSelection::All, None);
    assert_eq!(contents(&tree, "objects/"), ["after", "second", "kept", "a2", "new"]);
    assert_eq!(contents(&tree, "versions/"), ["before", "", "first", "gone", "", "a0", "a1"]);
    let markers: Vec<_> = tree
        .files
        .keys()
        .filter(|path| tree.attribute(path, "s3.delete-marker").as_deref() == Some("true"))
        .collect();
    assert_eq!(markers.len(), 2, "{markers:?}");

    let create = "
bucket, = arguments
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})";
    boto::run(&endpoint, create, &[&to]);
    let spool = tempfile::tempdir().unwrap();
    let told: Arc<Mutex<Vec<Restored>>> = Arc::default();
    let log = Arc::clone(&told);
    let options = BucketTargetOptions {
        on_restored: Some(Arc::new(move |restored| log.lock().unwrap().push(restored.clone()))),
        ..BucketTargetOptions::new(spool.path())
    };
    let target = open(&to).target(options).unwrap();
    for folder in ["versions", "objects"] {
        let failures = tree::give(&target, &tree, folder);
        assert!(failures.is_empty(), "{failures:?}");
    }
    let show = r#"
bucket, = arguments
shown = {}
page = s3.list_object_versions(Bucket=bucket)
for version in page["Versions"]:
    which = dict(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    body = s3.get_object(**which)["Body"].read().decode()
    shown.setdefault(version["Key"], []).append((body, version["IsLatest"]))
for marker in page.get("DeleteMarkers", []):
    shown.setdefault(marker["Key"], []).append(("deleted", marker["IsLatest"]))
print(json.dumps(shown))
"#;
    let (before, after) =
        (boto::run(&endpoint, show, &[&from]), boto::run(&endpoint, show, &[&to]));
    boto::assert_same(&before, &after);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 12);
    // Times in whole seconds do not reveal the order of the writes.
    let of_back: Vec<_> = told.iter().filter(|it| it.key == "back").collect();
    let kept = tree.files.keys().filter(|path| path.starts_with(b"versions/back/"));
    let kept: Vec<_> = kept.map(|path| tree.attribute(path, "s3.version")).collect();
    assert_eq!([&of_back[0].version.0, &of_back[1].version.0], [&kept[0], &kept[1]]);
    assert_eq!(of_back[2].version.0, tree.attribute(b"objects/back", "s3.version"));
    assert!(told.iter().all(|it| it.version.0.is_some() && it.version.1.is_some()), "{told:?}");
    assert!(told.iter().all(|it| it.version.0 != it.version.1), "ids cannot be restored");
}

#[test]
fn versions_need_a_bucket_that_keeps_them() {
    let (from, to) = (bucket_name("no-room"), bucket_name("no-room-back"));
    let endpoint = shared().endpoint();
    boto::run(&endpoint, WRITE, &[&from]);
    boto::run(&endpoint, "s3.create_bucket(Bucket=arguments[0])", &[&to]);
    let tree = take(&from, VersionSelection::All, None);
    let spool = tempfile::tempdir().unwrap();
    let target = open(&to).target(BucketTargetOptions::new(spool.path())).unwrap();
    let refused = holdfast_connect::Target::directory(&target, b"versions/back").unwrap_err();
    assert!(refused.to_string().contains("enable versioning"), "{refused}");
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn unchanged_versions_are_recognised() {
    let bucket = bucket_name("again");
    boto::run(&shared().endpoint(), WRITE, &[&bucket]);
    let first = take(&bucket, VersionSelection::All, None);
    let change = "s3.put_object(Bucket=arguments[0], Key='kept', Body=b'changed')";
    boto::run(&shared().endpoint(), change, &[&bucket]);
    let options =
        BucketSourceOptions { versions: VersionSelection::All, ..BucketSourceOptions::default() };
    let second = tree::take(&mut open(&bucket).source(options).unwrap(), Some(&first));
    // The new version, and the one that it replaced, which now has a different path.
    assert_eq!(second.read, 2, "{:?}", second.files.keys());
}
