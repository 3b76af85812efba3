//! Google Cloud Storage: a server of our own, whose objects are written and inspected with Google's
//! own client.

use std::sync::OnceLock;

use holdfast_connect::Target;
use holdfast_connect::bucket::{
    Bucket, BucketOptions, BucketTargetOptions, CredentialSource, Service,
};
use serde_json::json;

use super::cloud::{self, Cloud};
use super::proxy::{Act, Proxy};
use super::server::{clock, short_waits};
use super::tree;

fn options(endpoint: &str, bucket: &str) -> BucketOptions {
    BucketOptions {
        endpoint: Some(endpoint.to_owned()),
        retries: short_waits(),
        ..BucketOptions::new(Service::Google, bucket, CredentialSource::Anonymous, clock)
    }
}

fn shared() -> &'static Cloud {
    static SERVER: OnceLock<Cloud> = OnceLock::new();
    SERVER.get_or_init(|| Cloud::start("google-server", "", options))
}

/// The server behind a proxy.
fn behind(proxy: &Proxy, bucket: &str) -> Bucket {
    Bucket::open(options(&proxy.endpoint(), bucket)).unwrap()
}

#[test]
fn a_bucket_is_restored_with_all_its_objects() {
    let attributes = json!({
        "headers": cloud::cloud_headers(),
        "metadata": {"Colour": "r\u{e9}d", "other": "a b"},
        "class": "NEARLINE",
    });
    cloud::everything_is_restored(shared(), &attributes);
}

#[test]
fn unchanged_objects_are_not_read() {
    cloud::unchanged_objects_are_not_read(shared());
}

#[test]
fn replaced_objects_are_read_as_they_are() {
    cloud::replaced_objects_are_read_as_they_are(shared());
}

#[test]
fn nothing_is_overwritten_unless_that_is_allowed() {
    cloud::nothing_is_overwritten(shared());
}

#[test]
fn attributes_are_given_back_without_the_content() {
    cloud::attributes_are_given_back(shared());
}

#[test]
fn a_bucket_is_a_flat_target() {
    let long = [b'x'; 1024];
    let names = [&b"a.\xffb"[..], b".\x01", b"..\xff", b"\x1b[31m", b"..dots", b"-f", b" ", &long];
    cloud::is_a_flat_target(shared(), &names);
}

#[test]
fn changed_attributes_of_unchanged_content_are_detected() {
    let bucket = shared().make("relabelled");
    shared().client(&["put", &bucket, "a", "A"]);
    let first = shared().take(&bucket, None);
    let mut wanted = first.files[&b"objects/a"[..]].entry.metadata.clone();
    wanted.xattrs = vec![(b"google.meta.new".to_vec(), b"yes".to_vec())];
    let spool = tempfile::tempdir().unwrap();
    let options = BucketTargetOptions { overwrite: true, ..BucketTargetOptions::new(spool.path()) };
    let target = shared().open(&bucket).target(options).unwrap();
    target.update_metadata(b"objects/a", &wanted).unwrap();
    let opened = shared().open(&bucket);
    let second = cloud::take(&opened, Some(&first));
    assert_eq!(second.attribute(b"objects/a", "google.meta.new").as_deref(), Some("yes"));
    assert_eq!(opened.requests().get, 0, "the content is known");
}

#[test]
fn errors_are_one_sentence() {
    let text = cloud::listing_error(shared().options("no-such-bucket"));
    let expected = format!(
        "there is no bucket \"no-such-bucket\" at {}: check its name and the endpoint",
        shared().endpoint(shared().port)
    );
    assert_eq!(text, expected);
    let answered = |status, body| {
        let proxy = Proxy::start(shared().port, move |_| Act::Answer(status, "", body));
        cloud::listing_error(options(&proxy.endpoint(), "bucket"))
    };
    let text = answered(
        403,
        r#"{"error": {"code": 403, "message": "x does not have storage.objects.list access.",
            "errors": [{"reason": "forbidden"}]}}"#,
    );
    let denied =
        "access denied: the credentials must allow storage.objects.list to list the bucket";
    assert_eq!(text, denied);
    let text = answered(
        401,
        r#"{"error": {"code": 401, "message": "Invalid CredentialSource",
            "errors": [{"reason": "authError"}]}}"#,
    );
    assert!(text.starts_with("the server rejected the access key (authError)"), "{text}");
    assert!(answered(200, "hello").contains("malformed response"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    let with_file = || {
        let credentials = CredentialSource::KeyFile(file.clone());
        cloud::listing_error(BucketOptions { credentials, ..shared().options("bucket") })
    };
    assert!(with_file().contains("key.json cannot be read"), "{}", with_file());
    for (content, part) in [
        ("hunter2", "it is not JSON"),
        (r#"{"private_key": "hunter2"}"#, "it has no type"),
        (r#"{"type": "external_account"}"#, "its type is \"external_account\""),
        (r#"{"type": "service_account", "private_key": "hunter2"}"#, "no credentials"),
        (
            r#"{"type": "service_account", "private_key": "hunter2", "private_key_id": "1",
                "client_email": "a@b"}"#,
            "no credentials",
        ),
    ] {
        std::fs::write(&file, content).unwrap();
        let text = with_file();
        assert!(text.contains(part) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn content_that_is_not_what_the_server_keeps_is_an_error() {
    let name = shared().make("damaged");
    shared().client(&["put", &name, "a", "A"]);
    let proxy = Proxy::start(shared().port, |seen| match seen.target.contains("alt=media") {
        true => Act::Answer(200, "x-goog-hash: crc32c=4waSgw==,md5=x", "B"),
        false => Act::Forward,
    });
    let tree = cloud::take(&behind(&proxy, &name), None);
    assert_eq!(tree.unread.len(), 1, "{:?}", tree.unread);
    assert!(tree.unread[0].contains("does not match the checksum"), "{:?}", tree.unread);
}

#[test]
fn lost_answers_and_broken_transfers_do_no_harm() {
    let name = shared().make("broken");
    shared().client(&["put", &name, "a", "zeros:20000001"]);
    shared().client(&["put", &name, "b", "B"]);
    let tree = shared().take(&name, None);
    let proxy = Proxy::start(shared().port, |seen| match (seen.method.as_str(), seen.earlier) {
        ("GET", 0) if seen.target.contains("alt=media") => Act::Cut(100_000),
        ("POST" | "PUT", 0) => Act::Lose,
        _ => Act::Forward,
    });
    let to = shared().make("broken-back");
    let spool = tempfile::tempdir().unwrap();
    let target = behind(&proxy, &to).target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(shared().show(&to), shared().show(&name));
    let read = cloud::take(&behind(&proxy, &name), None);
    assert!(read.unread.is_empty(), "{:?}", read.unread);
    assert!(read.files[&b"objects/a"[..]].content == vec![0; 20_000_001]);
}

#[test]
fn blobs_of_azure_become_objects_of_google() {
    let azure = super::azure::shared();
    let from = azure.make("moving");
    let attributes = json!({
        "headers": cloud::cloud_headers(),
        "metadata": {"colour": "red"},
        "tier": "Cool",
    });
    azure.client(&["put", &from, "a/b", "A", &attributes.to_string()]);
    let tree = azure.take(&from, None);
    let to = shared().make("moved");
    let spool = tempfile::tempdir().unwrap();
    let target = shared().open(&to).target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let moved = shared().take(&to, None);
    let path = &b"objects/a.\xffb"[..];
    assert_eq!(moved.files[path].content, b"A");
    for name in ["content-type", "content-encoding", "content-language", "cache-control"] {
        let before = tree.attribute(path, &format!("azure.{name}"));
        assert!(before.is_some(), "{name}");
        assert_eq!(moved.attribute(path, &format!("google.{name}")), before, "{name}");
    }
    assert_eq!(moved.attribute(path, "google.meta.colour").as_deref(), Some("red"));
    let class = moved.attribute(path, "google.storage-class");
    assert_eq!(class.as_deref(), Some("STANDARD"), "Google has no tier called Cool");
}

#[test]
fn many_objects_are_listed_in_pages_side_by_side() {
    let name = shared().make("many");
    let mut tree = tree::BucketTree::default();
    for number in 0..2_500 {
        let key = format!("{number:05}");
        let path = format!("objects/{key}").into_bytes();
        tree.files.insert(path, tree::made(key.as_bytes(), key.as_bytes()));
    }
    let spool = tempfile::tempdir().unwrap();
    let bucket = shared().open(&name);
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let read = shared().take(&name, None);
    assert_eq!(read.keys().len(), 2_500);
    let requests = bucket.requests();
    assert_eq!(requests.list, 1, "one listing showed that the bucket is empty");
}
