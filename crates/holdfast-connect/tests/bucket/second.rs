//! A second server, which shares no code with the first: s3s, which checks every signature, on a
//! folder. It supports no versions, tags or settings, returns no ETags in listings, and ignores
//! conditions on reading.

use std::path::Path;

use holdfast_connect::bucket::{
    Bucket, BucketOptions, BucketSourceOptions, BucketTargetOptions, CredentialSource, Tags,
    VersionSelection,
};
use holdfast_connect::target_conformance::flat_conformance;
use holdfast_connect::{Replace, Target};
use holdfast_format::entry::Metadata;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::server::options;
use super::serving::Serving;
use super::tree;

/// A server with one bucket, which stops when this is dropped.
struct Second {
    serving: Serving,
    folder: TempDir,
}

impl Second {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let objects = FileSystem::new(folder.path()).unwrap();
        Self { serving: Serving::start(objects, ("AKIATEST", "hunter2-secret")), folder }
    }

    fn options(&self, bucket: &str) -> BucketOptions {
        options(&self.serving.endpoint(), bucket)
    }

    fn open(&self) -> Bucket {
        Bucket::open(self.options("bucket")).unwrap()
    }
}

fn target_options(spool: &Path) -> BucketTargetOptions {
    BucketTargetOptions { overwrite: true, ..BucketTargetOptions::new(spool) }
}

fn take(bucket: &Bucket, parent: Option<&tree::BucketTree>) -> tree::BucketTree {
    let options = BucketSourceOptions {
        versions: VersionSelection::Cut,
        tags: Tags::AskAlways,
        ..BucketSourceOptions::default()
    };
    tree::take(&mut bucket.source(options).unwrap(), parent)
}

#[test]
fn it_is_a_flat_target() {
    let (second, spool) = (Second::start(), tempfile::tempdir().unwrap());
    let target = second.open().target(target_options(spool.path())).unwrap();
    flat_conformance(&target, b"objects", &[b"a.\xffb", b"\x1b[31m", b"..dots", b"-f", b" "]);
}

#[test]
fn objects_and_their_headers_go_there_and_back() {
    let (second, spool) = (Second::start(), tempfile::tempdir().unwrap());
    let mut tree = tree::BucketTree::default();
    let headers = [
        ("s3.cache-control", "no-cache"),
        ("s3.content-disposition", "attachment"),
        ("s3.content-encoding", "gzip"),
        ("s3.content-language", "de"),
        ("s3.content-type", "text/x"),
        ("s3.meta.colour", "red  and green"),
        ("s3.redirect", "/elsewhere"),
    ];
    let large: Vec<u8> = (0..(33usize << 20) + 1).map(|place| (place / 999) as u8).collect();
    // This server stores objects as files, so keys with dots would be different keys; and it claims
    // that keys in listings are encoded, but does not encode them.
    for (key, content) in [("a b/&", &b"small"[..]), ("empty", b""), ("large", &large)] {
        let name = holdfast_format::bucket::name_of_key(key).unwrap();
        let mut taken = tree::made(&name, content);
        let pairs = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        taken.entry.metadata.xattrs =
            pairs.map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        tree.files.insert([b"objects/", &name[..]].concat(), taken);
    }
    let bucket = second.open();
    let failures =
        tree::give(&bucket.target(target_options(spool.path())).unwrap(), &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");

    let taken = take(&bucket, None);
    assert!(taken.unread.is_empty(), "{:?}", taken.unread);
    assert_eq!(taken.keys(), ["a b/&", "empty", "large"]);
    for (path, file) in &tree.files {
        assert!(taken.files[path].content == file.content, "{path:?}");
        for (name, value) in headers {
            assert_eq!(taken.attribute(path, name).as_deref(), Some(value), "{path:?}");
        }
    }
    let again = take(&bucket, Some(&taken));
    assert_eq!(again.read, 0, "size and time tell that nothing changed");
}

#[test]
fn existing_objects_are_not_replaced() {
    let (second, spool) = (Second::start(), tempfile::tempdir().unwrap());
    std::fs::write(second.folder.path().join("bucket/mine"), b"mine").unwrap();
    let bucket = second.open();
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    assert!(target.existing(b"objects/mine").unwrap().is_some());
    let refused = target.file(b"objects/mine", 4, Replace::Entry).err().unwrap().to_string();
    assert!(refused.contains("another object already has this key"), "{refused}");
    // Written by someone else between the check and the write.
    let slot = target.file(b"objects/late", 4, Replace::Entry).unwrap();
    slot.write_at(0, b"else").unwrap();
    std::fs::write(second.folder.path().join("bucket/late"), b"first").unwrap();
    let refused = slot.finish(&Metadata::default()).unwrap_err().to_string();
    assert!(refused.contains("another object already has this key"), "{refused}");
    assert_eq!(std::fs::read(second.folder.path().join("bucket/late")).unwrap(), b"first");
}

#[test]
fn its_refusals_are_reported_like_those_of_others() {
    let second = Second::start();
    let error = |options: BucketOptions| {
        let bucket = Bucket::open(options).unwrap();
        let mut source = bucket.source(BucketSourceOptions::default()).unwrap();
        let error = loop {
            match holdfast_connect::Source::next(&mut source) {
                Ok(item) => assert!(item.is_some(), "no error"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    let missing = error(second.options("missing"));
    assert!(missing.contains("there is no bucket \"missing\""), "{missing}");
    let credentials = CredentialSource::Static {
        key_id: "AKIATEST".to_owned(),
        secret_key: Zeroizing::new("hunter2".to_owned()),
        session_token: None,
    };
    let wrong = error(BucketOptions { credentials, ..second.options("bucket") });
    assert!(wrong.contains("rejected the access key (SignatureDoesNotMatch)"), "{wrong}");
    let clock = || "2001-01-01T00:00:00Z".parse().unwrap();
    let late = error(BucketOptions { clock, ..second.options("bucket") });
    assert!(late.contains("clock is wrong"), "{late}");
}
