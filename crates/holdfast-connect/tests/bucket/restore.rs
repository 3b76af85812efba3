//! Restoring into a bucket that is not empty.

use holdfast_connect::bucket::{
    Bucket, BucketSourceOptions, BucketTarget, BucketTargetOptions, Restored,
};
use holdfast_connect::{Replace, Target, TargetError};
use tempfile::TempDir;

use super::proxy::{Act, Proxy};
use super::server::{bucket_name, open, options, shared};
use super::{boto, tree};

const WRITE: &str = "
for bucket in arguments:
    s3.create_bucket(Bucket=bucket)
    for key in 'abc':
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType='text/x')";

struct BucketScene {
    tree: tree::BucketTree,
    to: String,
    spool: TempDir,
}

/// Two equal buckets, the first of them captured.
fn scene(what: &str) -> BucketScene {
    let (from, to) = (bucket_name(what), bucket_name(&format!("{what}-back")));
    boto::run(&shared().endpoint(), WRITE, &[&from, &to]);
    let tree = tree::take(&mut open(&from).source(BucketSourceOptions::default()).unwrap(), None);
    BucketScene { tree, to, spool: tempfile::tempdir().unwrap() }
}

impl BucketScene {
    fn change(&self, script: &str) -> String {
        boto::run(&shared().endpoint(), script, &[&self.to])
    }

    fn options(&self, overwrite: bool) -> BucketTargetOptions {
        BucketTargetOptions { overwrite, ..BucketTargetOptions::new(self.spool.path()) }
    }

    fn target(&self, overwrite: bool) -> BucketTarget {
        open(&self.to).target(self.options(overwrite)).unwrap()
    }

    fn contents(&self) -> Vec<String> {
        let tree =
            tree::take(&mut open(&self.to).source(BucketSourceOptions::default()).unwrap(), None);
        let objects = tree.files.iter().filter(|(path, _)| path.starts_with(b"objects/"));
        objects.map(|(_, taken)| String::from_utf8(taken.content.clone()).unwrap()).collect()
    }

    fn is_current(&self, target: &BucketTarget, path: &[u8]) -> Option<bool> {
        target.is_current(path, &self.tree.files[path].entry).unwrap()
    }
}

#[test]
fn existing_objects_are_recognised_without_reading_them() {
    let scene = scene("current");
    scene.change("s3.put_object(Bucket=arguments[0], Key='b', Body=b'B')");
    scene.change("s3.delete_object(Bucket=arguments[0], Key='c')");
    let bucket = open(&scene.to);
    let target = bucket.target(scene.options(false)).unwrap();
    assert_eq!(scene.is_current(&target, b"objects/a"), Some(true));
    assert_eq!(scene.is_current(&target, b"objects/b"), Some(false));
    assert_eq!(target.existing(b"objects/c").unwrap(), None);
    let requests = bucket.requests();
    assert_eq!((requests.list, requests.get), (1, 0), "one listing covers all objects");
}

#[test]
fn nothing_is_overwritten_unless_that_is_allowed() {
    let scene = scene("overwrite");
    scene.change("s3.put_object(Bucket=arguments[0], Key='b', Body=b'mine')");
    scene.change("s3.delete_object(Bucket=arguments[0], Key='c')");
    let failures = tree::give(&scene.target(false), &scene.tree, "objects");
    let refused: Vec<_> = failures.iter().map(|(path, error)| format!("{path}: {error}")).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused[1]
            .contains("objects/b: cannot write the object: another object already has this key")
    );
    assert_eq!(scene.contents(), ["a", "mine", "c"], "what was missing is there");
    let failures = tree::give(&scene.target(true), &scene.tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(scene.contents(), ["a", "b", "c"]);
}

/// The object is written by someone else after the lookup and before our write.
fn race(scene: &BucketScene, target: &BucketTarget) -> Result<(), TargetError> {
    let taken = &scene.tree.files[&b"objects/b"[..]];
    let slot = target.file_with(b"objects/b", 1, &taken.entry.metadata, Replace::Entry)?;
    scene.change("s3.put_object(Bucket=arguments[0], Key='b', Body=b'someone else')");
    slot.write_at(0, b"b")?;
    slot.finish(&taken.entry.metadata)
}

#[test]
fn the_first_writer_wins() {
    let scene = scene("race");
    scene.change("s3.delete_object(Bucket=arguments[0], Key='b')");
    let error = race(&scene, &scene.target(false)).unwrap_err().to_string();
    assert!(error.contains("another object already has this key"), "{error}");
    assert_eq!(scene.contents(), ["a", "someone else", "c"]);
}

#[test]
fn a_server_without_conditional_writes_is_checked_first() {
    let scene = scene("unconditional");
    scene.change("s3.delete_object(Bucket=arguments[0], Key='b')");
    let proxy = Proxy::start(shared().port, |seen| match seen.header("if-none-match") {
        Some(_) => Act::Answer(501, "", "<Error><Code>NotImplemented</Code></Error>"),
        None => Act::Forward,
    });
    let bucket = Bucket::open(options(&proxy.endpoint(), &scene.to)).unwrap();
    let target = bucket.target(scene.options(false)).unwrap();
    let failures = tree::give(&target, &scene.tree, "objects/b");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(scene.contents(), ["a", "b", "c"]);
    scene.change("s3.delete_object(Bucket=arguments[0], Key='b')");
    let target = bucket.target(scene.options(false)).unwrap();
    assert!(race(&scene, &target).unwrap_err().to_string().contains("another object"));
    assert_eq!(scene.contents(), ["a", "someone else", "c"]);
}

#[test]
fn a_lost_answer_is_no_refusal() {
    let scene = scene("lost");
    scene.change("s3.delete_object(Bucket=arguments[0], Key='b')");
    let proxy = Proxy::start(shared().port, |seen| match seen.method.as_str() {
        "PUT" if seen.earlier == 0 => Act::Lose,
        _ => Act::Forward,
    });
    let bucket = Bucket::open(options(&proxy.endpoint(), &scene.to)).unwrap();
    let target = bucket.target(scene.options(false)).unwrap();
    let failures = tree::give(&target, &scene.tree, "objects/b");
    assert!(failures.is_empty(), "{failures:?}");
    let puts = proxy.seen().iter().filter(|seen| seen.method == "PUT").count();
    assert_eq!(puts, 2, "the second one found the first one's object");
}

const LARGE_BYTES: usize = (33 << 20) + 1;

#[test]
fn an_abandoned_upload_leaves_nothing() {
    let scene = scene("given-up");
    let target = scene.target(true);
    let slot = target.file(b"objects/large", LARGE_BYTES as u64, Replace::Entry).unwrap();
    slot.write_at(0, &vec![1; 17 << 20]).unwrap();
    let uploads = "print(len(s3.list_multipart_uploads(Bucket=arguments[0]).get('Uploads', [])))";
    assert_eq!(scene.change(uploads).trim(), "1");
    drop(slot);
    assert_eq!(scene.change(uploads).trim(), "0");
    assert_eq!(scene.contents(), ["a", "b", "c"]);
}

#[test]
fn large_objects_of_unknown_parts_are_uploaded_in_parts() {
    let scene = scene("unknown-parts");
    let mut tree = tree::BucketTree::default();
    let content: Vec<u8> = (0..LARGE_BYTES).map(|place| (place / 1000) as u8).collect();
    tree.files.insert(b"objects/large".to_vec(), tree::made(b"large", &content));
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::<Restored>::new()));
    let log = std::sync::Arc::clone(&told);
    let on_restored = move |restored: &Restored| log.lock().unwrap().push(restored.clone());
    let options = BucketTargetOptions {
        on_restored: Some(std::sync::Arc::new(on_restored)),
        ..scene.options(false)
    };
    let target = open(&scene.to).target(options).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let taken =
        tree::take(&mut open(&scene.to).source(BucketSourceOptions::default()).unwrap(), None);
    assert!(taken.files[&b"objects/large"[..]].content == content);
    let parts = format!("{}*2,{}", 16 << 20, 1 + (1 << 20));
    assert_eq!(taken.attribute(b"objects/large", "s3.parts"), Some(parts));
    let told = told.lock().unwrap();
    assert!(told[0].etag.1.as_ref().unwrap().ends_with("-3"), "{told:?}");
}

#[test]
fn metadata_of_an_object_with_the_right_content_is_corrected() {
    let scene = scene("correct");
    let change = "
s3.put_object(Bucket=arguments[0], Key='b', Body=b'b', ContentType='wrong', Tagging='a=b',
    Metadata={'x': 'y'})";
    scene.change(change);
    let metadata = &scene.tree.files[&b"objects/b"[..]].entry.metadata;
    scene.target(false).update_metadata(b"objects/b", metadata).unwrap();
    let show = "print(json.dumps(show(arguments[0])['b'], sort_keys=True))";
    assert!(scene.change(show).contains("\"wrong\""), "that would be overwriting");
    scene.target(true).update_metadata(b"objects/b", metadata).unwrap();
    let shown = scene.change(show);
    assert!(
        shown.contains("\"ContentType\": \"text/x\"") && shown.contains("\"tags\": []"),
        "{shown}"
    );
    assert!(shown.contains("\"Metadata\": {}"), "{shown}");
}

#[test]
fn finding_many_objects_takes_few_requests() {
    let name = bucket_name("lookups");
    let write = "
bucket, = arguments
s3.create_bucket(Bucket=bucket)
for number in range(2100): s3.put_object(Bucket=bucket, Key=f'{number:04}', Body=b'x')";
    boto::run(&shared().endpoint(), write, &[&name]);
    let spool = tempfile::tempdir().unwrap();
    let bucket = open(&name);
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    for number in 0..2100 {
        let path = format!("objects/{number:04}");
        assert!(target.existing(path.as_bytes()).unwrap().is_some(), "{path}");
        let path = format!("objects/{number:04}-not");
        assert!(target.existing(path.as_bytes()).unwrap().is_none(), "{path}");
    }
    let requests = bucket.requests();
    assert!(requests.list <= 6 && requests.look == 0, "{requests:?}");
}
