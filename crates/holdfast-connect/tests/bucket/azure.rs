//! Azure Blob Storage: Azurite, whose blobs are written and inspected with Microsoft's own client.

use std::sync::OnceLock;

use holdfast_connect::bucket::{
    Bucket, BucketOptions, BucketTargetOptions, CredentialSource, Service,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::cloud::{self, Cloud};
use super::proxy::{Act, Proxy};
use super::server::{clock, short_waits};
use super::tree;

/// The account and the key that every Azurite knows.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn options(endpoint: &str, container: &str) -> BucketOptions {
    let service = Service::Azure { account: ACCOUNT.to_owned() };
    let credentials = CredentialSource::AccountKey(Zeroizing::new(KEY.to_owned()));
    BucketOptions {
        endpoint: Some(endpoint.to_owned()),
        with_tags: true,
        retries: short_waits(),
        ..BucketOptions::new(service, container, credentials, clock)
    }
}

pub fn shared() -> &'static Cloud {
    static SERVER: OnceLock<Cloud> = OnceLock::new();
    SERVER.get_or_init(|| Cloud::start("azure-server", "/devstoreaccount1", options))
}

#[test]
fn a_container_is_restored_with_all_its_blobs() {
    let attributes = json!({
        "headers": cloud::cloud_headers(),
        "metadata": {"colour": "red", "other": "a b"},
        "tags": {"project": "x/y", "b": "c d"},
        "tier": "Cool",
    });
    cloud::everything_is_restored(shared(), &attributes);
}

#[test]
fn unchanged_blobs_are_not_read() {
    cloud::unchanged_objects_are_not_read(shared());
}

#[test]
fn replaced_blobs_are_read_as_they_are() {
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
fn a_container_is_a_flat_target() {
    let long = [b'x'; 1024];
    cloud::is_a_flat_target(shared(), &[b"a.\xffb", b"..dots", b"-f", b"a+%", &long]);
}

#[test]
fn errors_are_one_sentence() {
    let container = shared().make("wrong");
    let text = cloud::listing_error(shared().options("no-such-container"));
    let expected = format!(
        "there is no bucket \"no-such-container\" at http://127.0.0.1:{}: check its name and the \
         endpoint",
        shared().port
    );
    assert_eq!(text, expected);
    let with = |credentials| BucketOptions { credentials, ..shared().options(&container) };
    let other = CredentialSource::AccountKey(Zeroizing::new("aHVudGVyMg==".to_owned()));
    let text = cloud::listing_error(with(other));
    assert!(text.starts_with("the server rejected the access key ("), "{text}");
    let bad = CredentialSource::AccountKey(Zeroizing::new("hunter2 is no base64".to_owned()));
    let text = cloud::listing_error(with(bad));
    assert!(text.contains("is not base64") && !text.contains("hunter2"), "{text}");
    // A signature that allows reading, but not listing.
    let signature = shared().client(&["sign", &container, "r"]);
    let text = cloud::listing_error(with(CredentialSource::Signature(Zeroizing::new(signature))));
    let denied = "access denied: the credentials must allow Storage Blob Data Owner to list the \
                  container with the tags of its blobs";
    assert_eq!(text, denied);
}

#[test]
fn a_signature_is_enough() {
    let container = shared().make("signature");
    shared().client(&["put", &container, "a", "A"]);
    let signature = Zeroizing::new(shared().client(&["sign", &container, "rlt"]));
    let credentials = CredentialSource::Signature(signature);
    let options = BucketOptions { credentials, ..shared().options(&container) };
    let tree = cloud::take(&Bucket::open(options).unwrap(), None);
    assert_eq!(tree.files[&b"objects/a"[..]].content, b"A");
}

#[test]
fn lost_answers_and_broken_transfers_do_no_harm() {
    let container = shared().make("broken");
    shared().client(&["put", &container, "a", "zeros:20000001"]);
    let proxy = Proxy::start(shared().port, |seen| match (seen.method.as_str(), seen.earlier) {
        ("GET", 0) if !seen.target.contains("comp=list") => Act::Cut(100_000),
        ("PUT", 0) => Act::Lose,
        _ => Act::Forward,
    });
    let options = BucketOptions {
        endpoint: Some(shared().endpoint(proxy.port)),
        ..shared().options(&container)
    };
    let bucket = Bucket::open(options).unwrap();
    let mut tree = cloud::take(&bucket, None);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    assert!(tree.files[&b"objects/a"[..]].content == vec![0; 20_000_001]);
    let small = tree::made(b"b", b"B");
    tree.files.insert(b"objects/b".to_vec(), small);
    tree.files.remove(&b"objects/a"[..]);
    let spool = tempfile::tempdir().unwrap();
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn large_blobs_are_written_in_blocks() {
    let (from, to) = (shared().make("blocks"), shared().make("blocks-back"));
    shared().client(&["put", &from, "large", "zeros:70000001", r#"{"metadata": {"a": "b"}}"#]);
    let tree = shared().take(&from, None);
    let spool = tempfile::tempdir().unwrap();
    let bucket = shared().open(&to);
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(shared().show(&to), shared().show(&from));
    assert_eq!(bucket.requests().change, 6, "five blocks and their list");
    let failures = tree::give(&target, &tree, "objects");
    assert!(
        failures[0].1.to_string().contains("another object already has this key"),
        "{failures:?}"
    );
}

#[test]
fn an_account_with_folders_may_list_in_another_order() {
    let container = shared().make("hierarchy");
    for key in ["a-b", "a/b"] {
        shared().client(&["put", &container, key, key]);
    }
    // Azurite has no such accounts.
    const LISTING: &str = "<EnumerationResults><Blobs>\
        <Blob><Name>a</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>\
        <Blob><Name>a/b</Name><Properties><Content-Length>3</Content-Length>\
        <Last-Modified>Sat, 21 Nov 2026 13:14:23 GMT</Last-Modified></Properties></Blob>\
        <Blob><Name>a-b</Name><Properties><Content-Length>3</Content-Length>\
        <Last-Modified>Sat, 21 Nov 2026 13:14:23 GMT</Last-Modified></Properties></Blob>\
        </Blobs></EnumerationResults>";
    let proxied = |says: &'static str| {
        let proxy = Proxy::start(shared().port, move |seen| {
            match (seen.target.contains("comp=properties"), seen.target.contains("comp=list")) {
                (true, _) => Act::Answer(200, says, ""),
                (_, true) => Act::Answer(200, "", LISTING),
                _ => Act::Forward,
            }
        });
        let endpoint = Some(shared().endpoint(proxy.port));
        (proxy, BucketOptions { endpoint, ..shared().options(&container) })
    };
    let (_proxy, options) = proxied("x-ms-is-hns-enabled: true");
    let tree = cloud::take(&Bucket::open(options).unwrap(), None);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    assert_eq!(tree.keys(), ["a-b", "a/b"]);
    assert_eq!(tree.files[&b"objects/a.\xffb"[..]].content, b"a/b");
    let (_proxy, options) = proxied("x-ms-is-hns-enabled: false");
    let text = cloud::listing_error(options);
    assert!(text.contains("not the order of the keys"), "{text}");
}

#[test]
fn folders_of_many_blobs_are_listed_once() {
    let container = shared().make("folders");
    for key in ["a/1", "a/2", "b/1"] {
        shared().client(&["put", &container, key, "x"]);
    }
    let bucket = shared().open(&container);
    let tree = shared().take(&container, None);
    let spool = tempfile::tempdir().unwrap();
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    for (path, taken) in tree.files.iter().filter(|(path, _)| path.starts_with(b"objects/")) {
        let is_current = holdfast_connect::Target::is_current(&target, path, &taken.entry);
        assert_eq!(is_current.unwrap(), Some(true));
    }
    assert_eq!(bucket.requests().list, 2, "one for each folder");
}
