//! Objects that change while they are backed up.

use std::io::ErrorKind;

use holdfast_connect::bucket::{Bucket, BucketSourceOptions, VersionSelection};
use holdfast_connect::conformance::drain;
use holdfast_connect::{Leaf, SourceItem};

use super::proxy::{Act, Proxy};
use super::server::{bucket_name, open, options, shared};
use super::{boto, tree};

const WRITE: &str = "
bucket, = arguments
s3.create_bucket(Bucket=bucket)
for key in 'abc': s3.put_object(Bucket=bucket, Key=key, Body=key.encode())";

fn leaves(items: Vec<SourceItem>) -> Vec<Leaf> {
    let leaves = items.into_iter().filter_map(|item| match item {
        SourceItem::Leaf(leaf) => Some(leaf),
        _ => None,
    });
    leaves.collect()
}

/// The leaves of a bucket, listed and not yet read.
fn listed(bucket: &Bucket) -> Vec<Leaf> {
    let mut source = bucket.source(BucketSourceOptions::default()).unwrap();
    let leaves = leaves(drain(&mut source).unwrap());
    leaves.into_iter().filter(|leaf| leaf.name != b"bucket.json").collect()
}

#[test]
fn an_object_that_was_replaced_is_read_as_it_is_now() {
    let name = bucket_name("replaced");
    let endpoint = shared().endpoint();
    boto::run(&endpoint, WRITE, &[&name]);
    let leaves = listed(&open(&name));
    let replace =
        "s3.put_object(Bucket=arguments[0], Key='b', Body=b'replaced', Metadata={'new': 'yes'})";
    boto::run(&endpoint, replace, &[&name]);
    let mut content = leaves[1].opener.open().unwrap();
    assert_eq!(tree::read_all(&mut *content).unwrap(), b"replaced");
    let now = content.changed().unwrap().expect("it is not what was listed");
    assert!(!now.changed, "what was read is whole");
    let again = listed(&open(&name));
    assert_eq!(now, again[1].metadata, "the next backup will find it unchanged");
    let xattrs = leaves[1].opener.xattrs().unwrap();
    assert!(xattrs.contains(&(b"s3.meta.new".to_vec(), b"yes".to_vec())), "{xattrs:?}");
    let etag =
        |leaf: &Leaf| leaf.opener.xattrs().unwrap().into_iter().find(|it| it.0 == b"s3.etag");
    assert_eq!(xattrs.iter().find(|it| it.0 == b"s3.etag").cloned(), etag(&again[1]));
    assert!(leaves[0].opener.open().unwrap().changed().unwrap().is_none(), "others are as listed");
}

#[test]
fn a_deleted_object_is_reported() {
    let name = bucket_name("deleted");
    let endpoint = shared().endpoint();
    boto::run(&endpoint, WRITE, &[&name]);
    let leaves = listed(&open(&name));
    boto::run(&endpoint, "s3.delete_object(Bucket=arguments[0], Key='b')", &[&name]);
    let error = leaves[1].opener.open().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("deleted after it was listed"), "{error}");
}

#[test]
fn attributes_of_a_replaced_object_are_not_taken() {
    let name = bucket_name("attributes");
    let endpoint = shared().endpoint();
    boto::run(&endpoint, WRITE, &[&name]);
    let leaves = listed(&open(&name));
    boto::run(&endpoint, "s3.put_object(Bucket=arguments[0], Key='b', Body=b'x')", &[&name]);
    let error = leaves[1].opener.xattrs().unwrap_err().to_string();
    assert!(error.contains("replaced while it was being read"), "{error}");
}

#[test]
fn an_object_that_keeps_changing_is_abandoned() {
    let name = bucket_name("restless");
    let endpoint = shared().endpoint();
    boto::run(&endpoint, WRITE, &[&name]);
    let proxy = Proxy::start(shared().port, |seen| match seen.header("if-match") {
        Some(_) => Act::Answer(412, "", "<Error><Code>PreconditionFailed</Code></Error>"),
        None => Act::Forward,
    });
    let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
    let leaves = listed(&bucket);
    let error = leaves[0].opener.open().err().unwrap().to_string();
    assert!(error.contains("replaced while it was being read"), "{error}");
}

#[test]
fn a_large_object_that_is_replaced_while_it_is_read_is_an_error() {
    let name = bucket_name("torn");
    let endpoint = shared().endpoint();
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='k', Body=bytes(70 << 20))";
    boto::run(&endpoint, write, &[&name]);
    let leaves = listed(&open(&name));
    let mut content = leaves[0].opener.open().unwrap();
    let mut buffer = vec![1; 1 << 20];
    content.read(&mut buffer).unwrap();
    boto::run(
        &endpoint,
        "s3.put_object(Bucket=arguments[0], Key='k', Body=b'\\1' * (70 << 20))",
        &[&name],
    );
    let error = tree::read_all(&mut *content).unwrap_err().to_string();
    assert!(error.contains("replaced while it was being read"), "{error}");
}

#[test]
fn an_interrupted_transfer_resumes_where_it_stopped() {
    let name = bucket_name("broken");
    let endpoint = shared().endpoint();
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='small', Body=bytes(range(256)) * 4000)\n\
        s3.put_object(Bucket=arguments[0], Key='large', Body=bytes(range(256)) * 90000)";
    boto::run(&endpoint, write, &[&name]);
    let proxy = Proxy::start(shared().port, |seen| {
        let is_content = seen.method == "GET" && !seen.target.contains('?');
        let is_first = seen.earlier == 0 || seen.header("range") == Some("bytes=8388608-16777215");
        if is_content && is_first && seen.earlier < 2 { Act::Cut(100_000) } else { Act::Forward }
    });
    let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
    let tree = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    let expected = |times: usize| (0..=255u8).collect::<Vec<_>>().repeat(times);
    assert!(tree.files[&b"objects/small"[..]].content == expected(4000));
    assert!(tree.files[&b"objects/large"[..]].content == expected(90_000));
    let seen = proxy.seen();
    let resumed: Vec<_> = seen.iter().filter(|seen| seen.target.ends_with("/small")).collect();
    assert_eq!(resumed.len(), 2);
    assert!(resumed[1].header("range").unwrap().ends_with("-1023999"), "{resumed:?}");
    assert!(resumed.iter().all(|seen| seen.header("if-match").is_some()));
}

#[test]
fn versions_are_read_by_their_ids_so_nothing_can_change() {
    let name = bucket_name("cut-race");
    let endpoint = shared().endpoint();
    let write = "
bucket, = arguments
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
for key in 'abc': s3.put_object(Bucket=bucket, Key=key, Body=key.encode())";
    boto::run(&endpoint, write, &[&name]);
    let options =
        BucketSourceOptions { versions: VersionSelection::Cut, ..BucketSourceOptions::default() };
    let mut source = open(&name).source(options).unwrap();
    let leaves = leaves(drain(&mut source).unwrap());
    let change = "
bucket, = arguments
s3.put_object(Bucket=bucket, Key='b', Body=b'replaced')
s3.delete_object(Bucket=bucket, Key='c')";
    boto::run(&endpoint, change, &[&name]);
    for (leaf, expected) in leaves[1..].iter().zip(["a", "b", "c"]) {
        let mut content = leaf.opener.open().unwrap();
        assert_eq!(tree::read_all(&mut *content).unwrap(), expected.as_bytes());
        assert!(content.changed().unwrap().is_none());
    }
}
