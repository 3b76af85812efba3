//! Keys that file systems, URLs, XML and terminals could trip over.

use holdfast_connect::bucket::{BucketSourceOptions, BucketTargetOptions};

use super::server::{bucket_name, open, shared};
use super::tree;

/// Without line feeds: moto's rules for mapping paths do not handle them.
fn keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "a",
        "a/",
        "a//b",
        "a/../b",
        "a/./b",
        "./a",
        "../a",
        ".",
        "..",
        "...",
        "/",
        "/a",
        "//",
        "a.",
        "a.b",
        "a0",
        "a-b",
        " ",
        " a ",
        "a  b",
        "+",
        "+%",
        "%2F",
        "%",
        "a+b c",
        "&<>\"'",
        "?x=y",
        "#",
        "a=b&c",
        ";",
        ":",
        "*",
        "\\",
        "~",
        "tab\t",
        "\u{1}",
        ".\u{1}",
        "..\u{1}\u{1}",
        "\u{7f}",
        "\u{1b}[31m",
        "\u{e9}",
        "e\u{301}",
        "\u{fffd}",
        "\u{1f600}",
        "\u{ffff}",
        "\u{10ffff}",
        "Z",
        "z",
        "CON",
        "-rf",
        "$(id)",
        "'; drop",
        "{}",
        "[1]",
        "bucket.json",
        "objects/x",
        "versions",
    ]
    .map(str::to_owned)
    .into();
    keys.push("k".repeat(1024));
    keys.push("\u{20ac}".repeat(341));
    keys.push("/".repeat(1024));
    keys.sort();
    keys
}

#[test]
fn hostile_keys_go_there_and_back() {
    let (from, to) = (bucket_name("keys"), bucket_name("keys-back"));
    let script = "for bucket in arguments: s3.create_bucket(Bucket=bucket)";
    super::boto::run(&shared().endpoint(), script, &[&from, &to]);
    let spool = tempfile::tempdir().unwrap();
    let target = || open(&from).target(BucketTargetOptions::new(spool.path())).unwrap();

    // Written by ourselves: Amazon's client removes dots from paths, like any URL library.
    let mut tree = tree::BucketTree::default();
    for key in keys() {
        let name = holdfast_format::bucket::name_of_key(&key).unwrap();
        let path = [b"objects/", &name[..]].concat();
        let taken = tree::made(&name, key.as_bytes());
        tree.files.insert(path, taken);
    }
    let failures = tree::give(&target(), &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let taken = tree::take(&mut open(&from).source(BucketSourceOptions::default()).unwrap(), None);
    assert!(taken.unread.is_empty(), "{:?}", taken.unread);
    assert_eq!(taken.keys(), keys(), "in the order of the keys");
    for (path, file) in &taken.files {
        if let Some(name) = path.strip_prefix(b"objects/") {
            let key = holdfast_format::bucket::key_of_name(name).unwrap();
            assert_eq!(file.content, key.as_bytes(), "{key:?}");
        }
    }

    let target = open(&to).target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &taken, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let list = "for bucket in arguments:\n\
        \tkeys = [o['Key'] for o in s3.list_objects_v2(Bucket=bucket)['Contents']]\n\
        \tprint(hashlib.sha256(json.dumps(keys).encode()).hexdigest(), len(keys))";
    let lists = super::boto::run(&shared().endpoint(), list, &[&from, &to]);
    let lists: Vec<_> = lists.lines().collect();
    assert_eq!(lists[0], lists[1]);
    assert!(lists[0].ends_with(&format!(" {}", keys().len())));
}

#[test]
fn a_key_with_a_nul_is_named_and_left_out() {
    let bucket = bucket_name("nul");
    let script = "s3.create_bucket(Bucket=arguments[0])\n\
        for key in ['a', 'b\\0c', 'd']: s3.put_object(Bucket=arguments[0], Key=key, Body=b'')";
    super::boto::run(&shared().endpoint(), script, &[&bucket]);
    let tree = tree::take(&mut open(&bucket).source(BucketSourceOptions::default()).unwrap(), None);
    assert_eq!(tree.keys(), ["a", "d"]);
    assert_eq!(tree.unread.len(), 1);
    assert!(tree.unread[0].starts_with("/objects/b\0c: its key"), "{:?}", tree.unread);
}
