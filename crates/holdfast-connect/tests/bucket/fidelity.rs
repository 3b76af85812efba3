//! Every field of an object is restored.

use holdfast_connect::bucket::source::BucketDocument;
use holdfast_connect::bucket::{
    BucketError, BucketSourceOptions, BucketTargetOptions, SettingMoment, SettingSelection,
    VersionSelection, Versioning,
};

use super::server::{bucket_name, open, shared};
use super::{boto, tree};

/// One object for each field, one with all, and large ones.
const WRITE: &str = r#"
from datetime import datetime, timezone
bucket, = arguments
s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
put = lambda key, body, **more: s3.put_object(Bucket=bucket, Key=key, Body=body, **more)
every = dict(
    ContentType="text/x-holdfast; charset=utf-8", ContentEncoding="gzip",
    ContentDisposition='attachment; filename="a b.txt"', ContentLanguage="de, en",
    CacheControl="max-age=31536000, immutable", Expires="Wed, 21 Oct 2065 07:28:00 GMT",
    WebsiteRedirectLocation="/elsewhere", StorageClass="STANDARD_IA",
    Metadata={"colour": "red  and   green", "empty": "", "number": "007"},
    Tagging="stage=prod&a%2Fb=c%20d%2Be%3D")
for field, value in every.items():
    put(field, field.encode(), **{field: value})
put("all", b"everything", **every)
put("empty", b"")
put("acl", b"public")
s3.put_object_acl(Bucket=bucket, Key="acl", ACL="public-read")
put("locked", b"x", ObjectLockMode="GOVERNANCE", ObjectLockLegalHoldStatus="ON",
    ObjectLockRetainUntilDate=datetime(2065, 1, 1, tzinfo=timezone.utc), ChecksumAlgorithm="CRC32")
for algorithm in ["CRC32", "SHA1", "SHA256"]:
    put(algorithm, b"checked", ChecksumAlgorithm=algorithm)
def parts(key, *sizes):
    which = dict(Bucket=bucket, Key=key)
    upload = s3.create_multipart_upload(ContentType="video/x", ACL="private", **which)["UploadId"]
    done = []
    for number, size in enumerate(sizes, 1):
        body = hashlib.shake_128(f"{key}{number}".encode()).digest(size)
        part = s3.upload_part(UploadId=upload, PartNumber=number, Body=body, **which)
        done.append({"ETag": part["ETag"], "PartNumber": number})
    s3.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": done}, **which)
MiB = 1 << 20
parts("even", 5 * MiB, 5 * MiB, 123)
parts("one part", 1000)
parts("uneven", 5 * MiB, 7 * MiB, 6 * MiB, 1)
put("single and large", hashlib.shake_128(b"large").digest(20 * MiB + 1))
print(json.dumps(show(bucket), sort_keys=True))
"#;

const SHOW: &str = "print(json.dumps(show(arguments[0]), sort_keys=True))";
const CREATE_LOCKABLE: &str =
    "s3.create_bucket(Bucket=arguments[0], ObjectLockEnabledForBucket=True)";

#[test]
fn every_field_is_restored() {
    let (from, to) = (bucket_name("fields"), bucket_name("fields-back"));
    let endpoint = shared().endpoint();
    let written = boto::run(&endpoint, WRITE, &[&from]);
    boto::run(&endpoint, CREATE_LOCKABLE, &[&to]);

    let options = BucketSourceOptions { with_acl: true, ..BucketSourceOptions::default() };
    let mut source = open(&from).source(options).unwrap();
    let tree = tree::take(&mut source, None);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    assert_eq!(source.cut(), None);
    let even = format!("{}*2,123", 5 << 20);
    assert_eq!(tree.attribute(b"objects/even", "s3.parts"), Some(even));
    let uneven = format!("{},{},{},1", 5 << 20, 7 << 20, 6 << 20);
    assert_eq!(tree.attribute(b"objects/uneven", "s3.parts"), Some(uneven));
    let sum = tree.attribute(b"objects/SHA1", "s3.checksum.sha1");
    assert_eq!(sum.as_deref(), Some("deSu3OSPrzhPNTX/64QumgcYolw="));

    let spool = tempfile::tempdir().unwrap();
    let options = BucketTargetOptions { with_lock: true, ..BucketTargetOptions::new(spool.path()) };
    let target = open(&to).target(options).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let restored = boto::run(&endpoint, SHOW, &[&to]);
    boto::assert_same(&written, &restored);
    drop(target);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "the spool is empty");
}

#[test]
fn unrequested_attributes_are_left_out() {
    let (from, to) = (bucket_name("less"), bucket_name("less-back"));
    let endpoint = shared().endpoint();
    let script = "
bucket, other = arguments
s3.create_bucket(Bucket=other)
s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
s3.put_object(Bucket=bucket, Key='k', Body=b'x', Tagging='a=b', StorageClass='STANDARD_IA',
    ObjectLockLegalHoldStatus='ON', ChecksumAlgorithm='SHA256')
s3.put_object_acl(Bucket=bucket, Key='k', ACL='public-read')";
    boto::run(&endpoint, script, &[&from, &to]);
    let mut source = open(&from).source(BucketSourceOptions::default()).unwrap();
    let tree = tree::take(&mut source, None);
    assert_eq!(
        tree.attribute(b"objects/k", "s3.tag.a").as_deref(),
        Some("b"),
        "the server said so"
    );
    assert_eq!(tree.attribute(b"objects/k", "s3.acl"), None);
    assert_eq!(tree.attribute(b"objects/k", "s3.legal-hold").as_deref(), Some("ON"));

    let spool = tempfile::tempdir().unwrap();
    let options = BucketTargetOptions {
        with_tags: false,
        with_storage_class: false,
        kept_prefix: "k".to_owned(),
        prefix: "new/x".to_owned(),
        ..BucketTargetOptions::new(spool.path())
    };
    let failures = tree::give(&open(&to).target(options).unwrap(), &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let restored = boto::run(&endpoint, SHOW, &[&to]);
    assert!(restored.contains("\"new/x\"") && restored.contains("\"tags\": []"), "{restored}");
    assert!(!restored.contains("LegalHold") && !restored.contains("STANDARD_IA"), "{restored}");
}

#[test]
fn the_bucket_itself_is_restored() {
    let (from, to) = (bucket_name("settings"), bucket_name("settings-back"));
    let endpoint = shared().endpoint();
    let script = r#"
bucket, other = arguments
s3.create_bucket(Bucket=bucket); s3.create_bucket(Bucket=other)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [
    {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}]})
s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.org"]}]})
s3.put_bucket_policy(Bucket=bucket, Policy='{"Version": "2012-10-17", "Statement": []}')
s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "owner", "Value": "a & b"}]})
rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True,
    "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False})
website = {"IndexDocument": {"Suffix": "index.html"}}
s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=website)
ownership = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=ownership)
"#;
    boto::run(&endpoint, script, &[&from, &to]);
    let show = r#"
bucket, = arguments
shown = {}
for name in ["versioning", "lifecycle_configuration", "cors", "policy", "tagging", "encryption",
        "website", "ownership_controls"]:
    shown[name] = getattr(s3, "get_bucket_" + name)(Bucket=bucket)
shown["block"] = s3.get_public_access_block(Bucket=bucket)
for answer in shown.values(): del answer["ResponseMetadata"]
print(json.dumps(shown, sort_keys=True))
"#;
    let before = boto::run(&endpoint, show, &[&from]);
    let bucket = open(&from);
    let take = || tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    let tree = take();
    assert_eq!(tree.files, take().files, "the same bucket yields the same tree");

    let document = BucketDocument::decode(&tree.files[&b"bucket.json"[..]].content).unwrap();
    let other = open(&to);
    assert_eq!(
        other.unlike(&document, SettingSelection::Missing),
        other.unlike(&document, SettingSelection::Different)
    );
    let (set, refused) =
        other.configure(&document, SettingSelection::Different, SettingMoment::BeforeObjects);
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(set, ["versioning", "ownershipControls", "encryption"]);
    assert_eq!(other.versioning().unwrap(), Versioning::Enabled);
    let after = ["lifecycle", "cors", "website", "tagging", "policy", "publicAccessBlock"];
    assert_eq!(other.unlike(&document, SettingSelection::Different), after);
    let (set, refused) =
        other.configure(&document, SettingSelection::Different, SettingMoment::AfterObjects);
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(set, after);
    assert!(other.unlike(&document, SettingSelection::Different).is_empty());
    boto::assert_same(&before, &boto::run(&endpoint, show, &[&to]));
}

#[test]
fn an_existing_setting_is_replaced_only_on_request() {
    let (from, to) = (bucket_name("stands"), bucket_name("stands-back"));
    let endpoint = shared().endpoint();
    let script = r#"
for bucket, owner in zip(arguments, ["one", "other"]):
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "owner", "Value": owner}]})
s3.put_bucket_versioning(Bucket=arguments[0], VersioningConfiguration={"Status": "Enabled"})
"#;
    boto::run(&endpoint, script, &[&from, &to]);
    let mut source = open(&from).source(BucketSourceOptions::default()).unwrap();
    let tree = tree::take(&mut source, None);
    let document = BucketDocument::decode(&tree.files[&b"bucket.json"[..]].content).unwrap();
    let other = open(&to);
    assert_eq!(other.unlike(&document, SettingSelection::Missing), ["versioning"]);
    assert_eq!(other.unlike(&document, SettingSelection::Different), ["versioning", "tagging"]);
}

#[test]
fn a_bucket_that_is_gone_is_made_again() {
    let (from, to) = (bucket_name("gone"), bucket_name("gone-back"));
    let endpoint = shared().endpoint();
    boto::run(&endpoint, CREATE_LOCKABLE, &[&from]);
    let mut source = open(&from).source(BucketSourceOptions::default()).unwrap();
    let tree = tree::take(&mut source, None);
    let document = BucketDocument::decode(&tree.files[&b"bucket.json"[..]].content).unwrap();
    let other = open(&to);
    assert!(matches!(other.look(), Err(BucketError::NoSuchBucket { .. })));
    assert!(other.can_be_made());
    other.make(Some(&document)).unwrap();
    other.make(Some(&document)).unwrap();
    other.look().unwrap();
    let locked = "print(s3.get_object_lock_configuration(Bucket=arguments[0]))";
    assert!(boto::run(&endpoint, locked, &[&to]).contains("'ObjectLockEnabled': 'Enabled'"));
}

#[test]
fn a_prefix_selects() {
    let bucket = bucket_name("prefix");
    let script = "
bucket, = arguments
s3.create_bucket(Bucket=bucket)
for key in ['a', 'logs', 'logs/1', 'logs/2', 'logz']:
    s3.put_object(Bucket=bucket, Key=key, Body=b'')";
    boto::run(&shared().endpoint(), script, &[&bucket]);
    for versions in [VersionSelection::Newest, VersionSelection::Cut] {
        let prefix = "logs/".to_owned();
        let options = BucketSourceOptions { prefix, versions, ..BucketSourceOptions::default() };
        let tree = tree::take(&mut open(&bucket).source(options).unwrap(), None);
        assert_eq!(tree.keys(), ["logs/1", "logs/2"]);
    }
}
