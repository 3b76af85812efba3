//! Services that differ from Amazon's: headers that they reject, orders of listings, outages, and
//! keys that may read objects and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use holdfast_connect::bucket::{
    Bucket, BucketOptions, BucketSourceOptions, BucketTargetOptions, ChecksumHeaders, OnWait,
    Retries, Tags, VersionSelection,
};
use holdfast_connect::{Source, Target};

use super::proxy::{Act, ProxiedRequest, Proxy};
use super::server::{bucket_name, open, options, shared};
use super::{boto, tree};

const REFUSED: &str = "<Error><Code>InvalidArgument</Code>\
    <Message>Unsupported header received for this API call.</Message></Error>";

fn has_checksums(seen: &ProxiedRequest) -> bool {
    seen.headers.iter().any(|(name, _)| name.to_lowercase().starts_with("x-amz-checksum-"))
}

/// Objects with checksums, one of them of several parts.
const WITH_CHECKSUMS: &str = r#"
bucket, = arguments
s3.create_bucket(Bucket=bucket)
for number in range(6):
    s3.put_object(Bucket=bucket, Key=f"a/{number}", Body=b"x" * number, ChecksumAlgorithm="CRC32")
big = dict(Bucket=bucket, Key="big")
upload = s3.create_multipart_upload(**big, ChecksumAlgorithm="CRC32")["UploadId"]
parts = []
for number, size in ((1, 5 << 20), (2, 100)):
    part = s3.upload_part(**big, UploadId=upload, PartNumber=number, Body=b"b" * size,
        ChecksumAlgorithm="CRC32")
    told = {name: part[name] for name in ("ETag", "ChecksumCRC32")}
    parts.append({"PartNumber": number, **told})
s3.complete_multipart_upload(**big, UploadId=upload, MultipartUpload={"Parts": parts})
"#;

#[test]
fn a_request_refused_for_its_checksum_headers_is_repeated_without() {
    let (name, back) = (bucket_name("refusing"), bucket_name("refusing-back"));
    boto::run(&shared().endpoint(), WITH_CHECKSUMS, &[&name]);
    boto::run(&shared().endpoint(), "s3.create_bucket(Bucket=arguments[0])", &[&back]);
    let rule = |seen: &ProxiedRequest| match has_checksums(seen) {
        true => Act::Answer(400, "", REFUSED),
        false => Act::Forward,
    };
    let proxy = Proxy::start(shared().port, rule);
    let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
    let refused = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    assert!(refused.unread.is_empty(), "{:?}", refused.unread);
    let seen = proxy.seen();
    let with = seen.iter().filter(|seen| has_checksums(seen)).count();
    assert_eq!(with, 1, "the refusal is remembered");

    // Objects with checksums are captured from a server that has them, and restored to one that
    // rejects them.
    let whole = tree::take(&mut open(&name).source(BucketSourceOptions::default()).unwrap(), None);
    assert_eq!(whole.keys(), refused.keys());
    assert!(whole.attribute(b"objects/big", "s3.checksum.crc32").is_some());
    let spool = tempfile::tempdir().unwrap();
    let bucket = Bucket::open(options(&proxy.endpoint(), &back)).unwrap();
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    let failures = tree::give(&target, &whole, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let again = tree::take(&mut open(&back).source(BucketSourceOptions::default()).unwrap(), None);
    for (path, taken) in whole.files.iter().filter(|(path, _)| path.starts_with(b"objects/")) {
        assert!(again.files[path].content == taken.content, "{path:?}");
    }
}

#[test]
fn checksums_can_be_left_out_from_the_start() {
    let name = bucket_name("never");
    boto::run(&shared().endpoint(), WITH_CHECKSUMS, &[&name]);
    let proxy = Proxy::start(shared().port, |_| Act::Forward);
    let never =
        BucketOptions { checksums: ChecksumHeaders::Never, ..options(&proxy.endpoint(), &name) };
    let bucket = Bucket::open(never).unwrap();
    let taken = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    assert_eq!(taken.keys().len(), 7);
    assert!(!proxy.seen().iter().any(has_checksums));
}

#[test]
fn content_with_a_wrong_checksum_stays_refused() {
    let name = bucket_name("digest");
    boto::run(&shared().endpoint(), WITH_CHECKSUMS, &[&name]);
    let whole = tree::take(&mut open(&name).source(BucketSourceOptions::default()).unwrap(), None);
    let bad = "<Error><Code>BadDigest</Code></Error>";
    let proxy =
        Proxy::start(shared().port, move |seen: &ProxiedRequest| match seen.method.as_str() {
            "PUT" if has_checksums(seen) => Act::Answer(400, "", bad),
            _ => Act::Forward,
        });
    let spool = tempfile::tempdir().unwrap();
    let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
    let other = BucketTargetOptions {
        prefix: "back/".to_owned(),
        ..BucketTargetOptions::new(spool.path())
    };
    let failures = tree::give(&bucket.target(other).unwrap(), &whole, "objects");
    let paths: BTreeSet<_> = failures.iter().map(|(path, _)| path).collect();
    assert_eq!(paths.len(), 7, "{failures:?}");
    let text = format!("{failures:?}");
    assert!(text.matches("BadDigest").count() >= 7, "{text}");
}

/// Keys whose order differs with and without directories in between, more than a page of them.
fn odd_keys() -> Vec<String> {
    let photos = (0..1200).map(|number| format!("photos/{number:04}"));
    photos.chain(["photos-old", "photos.zip", "a", "z"].map(str::to_owned)).collect()
}

/// Lists all keys in this order, in pages that continue properly.
fn listed_so(keys: Vec<String>) -> impl FnMut(&ProxiedRequest) -> Act + Send {
    move |seen: &ProxiedRequest| {
        let Some((_, query)) = seen.target.split_once('?') else { return Act::Forward };
        if seen.method != "GET" || !query.contains("list-type=2") {
            return Act::Forward;
        }
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(it, _)| *it == name).map(|(_, value)| value);
            found.unwrap_or_default().replace("%2F", "/")
        };
        let prefix = value("prefix");
        let keys: Vec<_> = keys.iter().filter(|key| key.starts_with(&prefix)).collect();
        let after = value("start-after");
        let after = keys.iter().position(|key| **key == after).map_or(0, |place| place + 1);
        let start = value("continuation-token").parse().unwrap_or(after);
        let end = (start + value("max-keys").parse::<usize>().unwrap()).min(keys.len());
        let objects: String = keys[start.min(end)..end]
            .iter()
            .map(|key| {
                let bytes = key.len();
                format!(
                    "<Contents><Key>{key}</Key><Size>{bytes}</Size>\
                     <LastModified>2026-08-01T12:00:00Z</LastModified></Contents>"
                )
            })
            .collect();
        let more = match end < keys.len() {
            true => format!(
                "<IsTruncated>true</IsTruncated>\
                 <NextContinuationToken>{end}</NextContinuationToken>"
            ),
            false => String::new(),
        };
        Act::Document(format!("<ListBucketResult>{more}{objects}</ListBucketResult>"))
    }
}

const WRITE_ODD: &str = r#"
bucket, *keys = arguments
s3.create_bucket(Bucket=bucket)
for key in keys: s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
"#;

#[test]
fn objects_are_captured_in_any_listing_order() {
    let name = bucket_name("order");
    let mut keys = odd_keys();
    let arguments: Vec<&str> =
        std::iter::once(name.as_str()).chain(keys.iter().map(String::as_str)).collect();
    boto::run(&shared().endpoint(), WRITE_ODD, &arguments);
    let mut sorted = keys.clone();
    sorted.sort();
    // As a server with directories lists them, and as one that lists by time.
    let by_time = keys.clone();
    keys.sort_by_key(|key| key.split('/').map(str::to_owned).collect::<Vec<_>>());
    for (what, order) in [("directories", keys), ("time", by_time)] {
        let proxy = Proxy::start(shared().port, listed_so(order));
        let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
        let mut source = bucket.source(BucketSourceOptions::default()).unwrap();
        let error = loop {
            match source.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{what}: the listing appears to be in order"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("not the order of the keys"), "{what}: {error}");
        // It is remembered, and the keys are all sorted here.
        let taken = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
        assert_eq!(taken.keys(), sorted, "{what}");
        assert!(taken.unread.is_empty(), "{what}: {:?}", taken.unread);
        // And existing objects are found in it, so that nothing is written twice.
        let spool = tempfile::tempdir().unwrap();
        let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
        for path in [&b"objects/a"[..], b"objects/photos-old", b"objects/photos.\xff1199"] {
            let found = target.existing(path).unwrap();
            let bytes = taken.files[path].content.len() as u64;
            assert_eq!(found.map(|it| it.bytes), Some(bytes), "{path:?}");
        }
        assert!(target.existing(b"objects/photos.\xff0000x").unwrap().is_none());
    }
}

#[test]
fn a_server_is_awaited_as_long_as_it_requests() {
    let name = bucket_name("storm");
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='k', Body=b'x')";
    boto::run(&shared().endpoint(), write, &[&name]);
    let slow = "<Error><Code>SlowDown</Code></Error>";
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let proxy =
        Proxy::start(shared().port, move |_| match counted.fetch_add(1, Ordering::SeqCst) {
            ..12 => Act::Answer(503, "Retry-After: 1", slow),
            _ => Act::Forward,
        });
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let on_wait = OnWait(Arc::new(move |why, _| heard.lock().unwrap().push(why.to_owned())));
    let patient = BucketOptions {
        retries: Retries {
            attempts: 2,
            patience: Duration::from_secs(600),
            first_wait: Duration::from_millis(1),
            wait_max: Duration::from_millis(2),
        },
        on_wait: Some(on_wait),
        ..options(&proxy.endpoint(), &name)
    };
    let bucket = Bucket::open(patient).unwrap();
    bucket.look().unwrap();
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(told[0].contains("503 SlowDown"), "{told:?}");
    // Without patience it gives up after the attempts.
    count.store(0, Ordering::SeqCst);
    let error = Bucket::open(options(&proxy.endpoint(), &name)).unwrap().look().unwrap_err();
    assert!(error.to_string().contains("503 SlowDown"), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

/// Nothing but listing objects and reading them.
fn reading_only(seen: &ProxiedRequest) -> Act {
    let parts = [
        "versioning",
        "versions",
        "tagging",
        "acl",
        "policy",
        "lifecycle",
        "cors",
        "website",
        "notification",
        "logging",
        "encryption",
        "object-lock",
        "ownershipControls",
        "publicAccessBlock",
    ];
    let query = seen.target.split_once('?').map_or("", |(_, query)| query);
    let names: Vec<_> = query.split('&').map(|it| it.split('=').next().unwrap()).collect();
    let is_more = parts.iter().any(|part| names.contains(part)) || names.contains(&"versionId");
    match is_more || !matches!(seen.method.as_str(), "GET" | "HEAD") {
        true => Act::Answer(403, "", "<Error><Code>AccessDenied</Code></Error>"),
        false => Act::Forward,
    }
}

#[test]
fn a_key_that_may_list_and_read_is_enough() {
    let name = bucket_name("least");
    let write = r#"
s3.create_bucket(Bucket=arguments[0])
s3.put_bucket_versioning(Bucket=arguments[0], VersioningConfiguration={"Status": "Enabled"})
for number in range(5):
    s3.put_object(Bucket=arguments[0], Key=f"k{number}", Body=b"x", Tagging="a=b")
"#;
    boto::run(&shared().endpoint(), write, &[&name]);
    let take = |rule: fn(&ProxiedRequest) -> Act, with_configuration, tags| {
        let proxy = Proxy::start(shared().port, rule);
        let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
        let wanted = BucketSourceOptions {
            versions: VersionSelection::Cut,
            with_configuration,
            tags,
            ..BucketSourceOptions::default()
        };
        let mut source = bucket.source(wanted).unwrap();
        let remarks = source.remarks();
        let taken = tree::take(&mut source, None);
        assert_eq!(taken.keys().len(), 5);
        let tagging = proxy.seen().iter().filter(|it| it.target.contains("tagging")).count();
        (taken, remarks, tagging)
    };
    let (taken, remarks, _) = take(reading_only, false, Tags::LeaveOut);
    assert!(taken.unread.is_empty(), "{:?}", taken.unread);
    let said = "objects are captured as listed, not as of a single moment: the \
        credentials do not allow s3:GetBucketVersioning";
    assert_eq!(remarks.sentences(), [said]);

    // What is requested but may not be read is reported once, not for each object.
    let (taken, remarks, tagging) = take(reading_only, true, Tags::AskAlways);
    assert_eq!(taken.unread.len(), 2, "{:?}", taken.unread);
    assert!(
        taken.unread[0].contains("configuration; to leave that out, set configuration = false")
    );
    let tags = "/objects: access denied: the credentials must allow s3:GetObjectTagging to read \
        the tags of objects; to leave that out, set tags = false in the app file";
    assert_eq!(taken.unread[1], tags);
    assert!(remarks.lacks_attributes());
    assert_eq!(tagging, 2, "of the bucket and of one object");

    // Versions may be known to exist without being readable.
    let known = |seen: &ProxiedRequest| match seen.target.contains("?versioning") {
        true => Act::Forward,
        false => reading_only(seen),
    };
    let (taken, remarks, _) = take(known, false, Tags::LeaveOut);
    assert!(taken.unread.is_empty(), "{:?}", taken.unread);
    assert!(remarks.sentences()[0].ends_with("do not allow s3:ListBucketVersions"));
}

#[test]
fn suspended_versioning_still_has_versions() {
    let name = bucket_name("suspended");
    let write = r#"
bucket, = arguments
s3.create_bucket(Bucket=bucket)
def versioning(status):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
versioning("Enabled")
for text in ("one", "two"): s3.put_object(Bucket=bucket, Key="contract", Body=text.encode())
s3.put_object(Bucket=bucket, Key="gone", Body=b"was here")
s3.delete_object(Bucket=bucket, Key="gone")
versioning("Suspended")
s3.put_object(Bucket=bucket, Key="letter", Body=b"now")
"#;
    boto::run(&shared().endpoint(), write, &[&name]);
    let options =
        BucketSourceOptions { versions: VersionSelection::All, ..BucketSourceOptions::default() };
    let taken = tree::take(&mut open(&name).source(options).unwrap(), None);
    assert_eq!(taken.keys(), ["contract", "letter"]);
    let versions = taken.files.iter().filter(|(path, _)| path.starts_with(b"versions/"));
    let contents: Vec<_> = versions.map(|(_, taken)| taken.content.as_slice()).collect();
    assert_eq!(contents, [&b"one"[..], b"was here", b""]);
    // New ones would replace each other.
    let spool = tempfile::tempdir().unwrap();
    let target = open(&name).target(BucketTargetOptions::new(spool.path())).unwrap();
    let refused = Target::directory(&target, b"versions/contract").unwrap_err();
    assert!(refused.to_string().contains("enable versioning"), "{refused}");
}

#[test]
fn the_requester_may_agree_to_pay() {
    let name = bucket_name("paid");
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='k', Body=b'x')";
    boto::run(&shared().endpoint(), write, &[&name]);
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    let proxy = Proxy::start(shared().port, move |seen: &ProxiedRequest| {
        match seen.header("x-amz-request-payer") {
            Some("requester") => Act::Forward,
            _ => Act::Answer(403, "", denied),
        }
    });
    assert!(Bucket::open(options(&proxy.endpoint(), &name)).unwrap().look().is_err());
    let paying = BucketOptions { requester_pays: true, ..options(&proxy.endpoint(), &name) };
    let bucket = Bucket::open(paying).unwrap();
    let taken = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    assert_eq!(taken.keys(), ["k"]);
}
