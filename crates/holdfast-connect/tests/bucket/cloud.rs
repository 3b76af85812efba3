//! What every service but S3 must do the same, for its own tests to call.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use holdfast_connect::bucket::{Bucket, BucketOptions, BucketSourceOptions, BucketTargetOptions};
use holdfast_connect::conformance::drain;
use holdfast_connect::target_conformance::flat_conformance;
use holdfast_connect::{Leaf, Replace, Source, SourceItem, Target};
use serde_json::{Value, json};

use super::server::bucket_name;
use super::tree::{self, BucketTree};

/// A server of one service, and its vendor's own client.
pub struct Cloud {
    child: Child,
    pub port: u16,
    script: PathBuf,
    /// What follows the port in the address of the account.
    path: &'static str,
    options: fn(&str, &str) -> BucketOptions,
}

impl Cloud {
    /// Starts a server with a script below `tests/`.
    pub fn start(
        script: &str,
        path: &'static str,
        options: fn(&str, &str) -> BucketOptions,
    ) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(script);
        let mut child = Command::new(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the script installs a server and prints its port");
        Self { child, port, script, path, options }
    }

    /// Its address, or that of a proxy in front of it.
    pub fn endpoint(&self, port: u16) -> String {
        format!("http://127.0.0.1:{port}{}", self.path)
    }

    pub fn options(&self, bucket: &str) -> BucketOptions {
        (self.options)(&self.endpoint(self.port), bucket)
    }

    pub fn open(&self, bucket: &str) -> Bucket {
        Bucket::open(self.options(bucket)).unwrap()
    }

    /// Runs the client; returns what it prints.
    pub fn client(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.script)
            .args(["--client", &self.endpoint(self.port)])
            .args(arguments)
            .output()
            .expect("the script runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Creates a bucket that no other test has.
    pub fn make(&self, what: &str) -> String {
        let bucket = bucket_name(what);
        self.client(&["make", &bucket]);
        bucket
    }

    /// Creates a bucket with small objects with these keys.
    fn make_with(&self, what: &str, keys: &[&str]) -> String {
        let bucket = self.make(what);
        keys.iter().for_each(|key| drop(self.client(&["put", &bucket, key, key])));
        bucket
    }

    /// Everything that the client sees in a bucket.
    pub fn show(&self, bucket: &str) -> Value {
        serde_json::from_str(&self.client(&["show", bucket])).unwrap()
    }

    /// Everything that a source sees in it.
    pub fn take(&self, bucket: &str, parent: Option<&BucketTree>) -> BucketTree {
        take(&self.open(bucket), parent)
    }

    /// The objects of a bucket, listed and not yet read.
    fn listed(&self, bucket: &str) -> Vec<Leaf> {
        let mut source = self.open(bucket).source(BucketSourceOptions::default()).unwrap();
        let leaves = drain(&mut source).unwrap().into_iter().filter_map(|item| match item {
            SourceItem::Leaf(leaf) if leaf.name != b"bucket.json" => Some(leaf),
            _ => None,
        });
        leaves.collect()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It exits at the end of its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

pub fn take(bucket: &Bucket, parent: Option<&BucketTree>) -> BucketTree {
    tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), parent)
}

/// The error of a bucket that is only listed.
pub fn listing_error(options: BucketOptions) -> String {
    let source =
        Bucket::open(options).and_then(|bucket| bucket.source(BucketSourceOptions::default()));
    let mut source = match source {
        Err(error) => return error.to_string(),
        Ok(source) => source,
    };
    loop {
        match source.next() {
            Err(error) => return error.to_string(),
            Ok(Some(_)) => {}
            Ok(None) => return "no error".to_owned(),
        }
    }
}

/// Everything captured from one bucket and restored to another looks the same to the client.
pub fn everything_is_restored(cloud: &Cloud, attributes: &Value) {
    let (from, to) = (cloud.make("from"), cloud.make("to"));
    let attributes = attributes.to_string();
    for (key, text) in [("a", "A"), ("a/b", "AB"), ("a//b", ""), ("z \u{e9}+%2F&?#", "Z")] {
        cloud.client(&["put", &from, key, text, &attributes]);
    }
    cloud.client(&["put", &from, "large", "zeros:20000001"]);
    let tree = cloud.take(&from, None);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    let mut keys = vec!["a", "a//b", "a/b", "large", "z \u{e9}+%2F&?#"];
    keys.sort_unstable();
    assert_eq!(tree.keys(), keys);
    assert_eq!(tree.files[&b"objects/large"[..]].content.len(), 20_000_001);
    let spool = tempfile::tempdir().unwrap();
    let target = cloud.open(&to).target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let (mut written, shown) = (cloud.show(&to), cloud.show(&from));
    // An object that was uploaded in blocks had no checksum, but has one now.
    if shown["large"]["md5"].is_null() {
        written["large"].as_object_mut().unwrap().remove("md5");
    }
    assert_eq!(written, shown);
    let again = cloud.open(&to).target(BucketTargetOptions::new(spool.path())).unwrap();
    for (path, taken) in tree.files.iter().filter(|(path, _)| path.starts_with(b"objects/")) {
        let is_current = again.is_current(path, &taken.entry).unwrap();
        let is_known = taken.entry.metadata.xattrs.iter().any(|it| it.0.ends_with(b"checksum.md5"));
        assert_eq!(is_current, is_known.then_some(true), "{path:?}");
    }
}

/// The listing alone shows what did not change.
pub fn unchanged_objects_are_not_read(cloud: &Cloud) {
    let bucket = cloud.make_with("unchanged", &["a", "b", "c", "d"]);
    let first = cloud.take(&bucket, None);
    cloud.client(&["put", &bucket, "b", "B"]);
    cloud.client(&["delete", &bucket, "c"]);
    let opened = cloud.open(&bucket);
    let second = take(&opened, Some(&first));
    assert_eq!(second.keys(), ["a", "b", "d"]);
    assert_eq!(second.files[&b"objects/b"[..]].content, b"B");
    let requests = opened.requests();
    assert_eq!((requests.list, requests.get, requests.look), (1, 1, 0), "only b is read");
}

/// An object that changes between listing and reading is read as it is, or reported.
pub fn replaced_objects_are_read_as_they_are(cloud: &Cloud) {
    let bucket = cloud.make_with("replaced", &["a", "b", "c"]);
    let leaves = cloud.listed(&bucket);
    cloud.client(&["put", &bucket, "b", "replaced", r#"{"metadata": {"new": "yes"}}"#]);
    cloud.client(&["delete", &bucket, "c"]);
    assert!(leaves[0].opener.open().unwrap().changed().unwrap().is_none(), "it is as listed");
    let mut content = leaves[1].opener.open().unwrap();
    assert_eq!(tree::read_all(&mut *content).unwrap(), b"replaced");
    let now = content.changed().unwrap().expect("it is not what was listed");
    assert_eq!(now, cloud.listed(&bucket)[1].metadata, "the next backup finds it unchanged");
    let xattrs = leaves[1].opener.xattrs().unwrap();
    assert!(xattrs.iter().any(|(name, _)| name.ends_with(b".meta.new")), "{xattrs:?}");
    let error = leaves[2].opener.open().err().unwrap().to_string();
    assert!(error.contains("deleted after it was listed"), "{error}");
}

/// Nothing is replaced unless that is allowed, and the first writer wins.
pub fn nothing_is_overwritten(cloud: &Cloud) {
    let bucket = cloud.make_with("overwrite", &["a", "b", "c"]);
    let tree = cloud.take(&bucket, None);
    cloud.client(&["put", &bucket, "b", "mine"]);
    cloud.client(&["delete", &bucket, "c"]);
    let spool = tempfile::tempdir().unwrap();
    let target = |overwrite| {
        let options = BucketTargetOptions { overwrite, ..BucketTargetOptions::new(spool.path()) };
        cloud.open(&bucket).target(options).unwrap()
    };
    let contents = || {
        let tree = cloud.take(&bucket, None);
        let objects = tree.files.iter().filter(|(path, _)| path.starts_with(b"objects/"));
        let text = |content: &[u8]| String::from_utf8(content.to_vec()).unwrap();
        objects.map(|(_, taken)| text(&taken.content)).collect::<Vec<_>>()
    };
    let careful = target(false);
    let taken = &tree.files[&b"objects/c"[..]];
    let slot = careful.file_with(b"objects/c", 1, &taken.entry.metadata, Replace::Entry).unwrap();
    cloud.client(&["put", &bucket, "c", "someone else"]);
    slot.write_at(0, b"c").unwrap();
    let error = slot.finish(&taken.entry.metadata).unwrap_err().to_string();
    assert!(error.contains("another object already has this key"), "{error}");
    let failures = tree::give(&target(false), &tree, "objects");
    assert_eq!(failures.len(), 3, "{failures:?}");
    assert_eq!(contents(), ["a", "mine", "someone else"]);
    let failures = tree::give(&target(true), &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(contents(), ["a", "b", "c"]);
}

/// Changed attributes are restored without the content.
pub fn attributes_are_given_back(cloud: &Cloud) {
    let bucket = cloud.make("attributes");
    let attributes = json!({"headers": cloud_headers(), "metadata": {"colour": "red"}});
    cloud.client(&["put", &bucket, "a", "A", &attributes.to_string()]);
    let (tree, shown) = (cloud.take(&bucket, None), cloud.show(&bucket));
    cloud.client(&["put", &bucket, "a", "A", r#"{"metadata": {"other": "x"}}"#]);
    assert_ne!(cloud.show(&bucket), shown);
    let spool = tempfile::tempdir().unwrap();
    let options = BucketTargetOptions { overwrite: true, ..BucketTargetOptions::new(spool.path()) };
    let opened = cloud.open(&bucket);
    let target = opened.target(options).unwrap();
    let metadata = &tree.files[&b"objects/a"[..]].entry.metadata;
    target.update_metadata(b"objects/a", metadata).unwrap();
    assert_eq!(cloud.show(&bucket), shown);
    let requests = opened.requests();
    assert_eq!(requests.get, 0, "the content stayed where it was");
}

/// Headers by the names that the clients of all services use for them.
pub fn cloud_headers() -> Value {
    json!({
        "blobContentType": "text/x; charset=x",
        "blobContentEncoding": "br",
        "blobContentLanguage": "de",
        "blobContentDisposition": "attachment; filename=x",
        "blobCacheControl": "no-cache",
    })
}

/// It is a target like any flat one.
pub fn is_a_flat_target(cloud: &Cloud, names: &[&[u8]]) {
    let bucket = cloud.make("conformance");
    let spool = tempfile::tempdir().unwrap();
    let options = BucketTargetOptions { overwrite: true, ..BucketTargetOptions::new(spool.path()) };
    flat_conformance(&cloud.open(&bucket).target(options).unwrap(), b"objects", names);
}
