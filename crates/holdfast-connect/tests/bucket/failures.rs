//! Errors are reported in one sentence that says what to do, and without secrets.

use holdfast_connect::bucket::{
    Bucket, BucketError, BucketOptions, BucketSourceOptions, BucketTargetOptions, CredentialSource,
    Tags, VersionSelection,
};
use holdfast_connect::{Replace, Source, Target};
use zeroize::Zeroizing;

use super::proxy::{Act, ProxiedRequest, Proxy};
use super::server::{S3TestServer, bucket_name, open, options, shared};
use super::{boto, tree};

/// The error of a source that only lists.
fn listing_error(options: BucketOptions) -> String {
    let source_options =
        BucketSourceOptions { with_configuration: false, ..BucketSourceOptions::default() };
    let text = match Bucket::open(options).and_then(|bucket| bucket.source(source_options)) {
        Err(error) => error.to_string(),
        Ok(mut source) => loop {
            match source.next() {
                Err(error) => break error.to_string(),
                Ok(Some(_)) => {}
                Ok(None) => break "no error".to_owned(),
            }
        },
    };
    assert!(!text.contains("hunter2") && !text.contains("Signature="), "{text}");
    text
}

/// The error when the server answers all requests like this.
fn answered(status: u16, header: &'static str, body: &'static str) -> String {
    let proxy = Proxy::start(shared().port, move |_| Act::Answer(status, header, body));
    listing_error(options(&proxy.endpoint(), "bucket"))
}

#[test]
fn a_missing_bucket_is_named() {
    let text = listing_error(options(&shared().endpoint(), "no-such-bucket"));
    let expected = format!(
        "there is no bucket \"no-such-bucket\" at {}: check its name and the endpoint",
        shared().endpoint()
    );
    assert_eq!(text, expected);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    // A port that was free just now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = listing_error(options(&format!("http://127.0.0.1:{port}"), "bucket"));
    assert!(text.starts_with(&format!("cannot reach http://127.0.0.1:{port} (")), "{text}");
    let text = listing_error(options("http://no-such-host.invalid", "bucket"));
    assert!(text.starts_with("cannot reach http://no-such-host.invalid ("), "{text}");
}

#[test]
fn waiting_for_a_silent_server_can_be_stopped() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let silent = options(&endpoint, "bucket");
    let stop = std::sync::Arc::clone(&silent.stop);
    let server = std::thread::spawn(move || {
        let connection = listener.accept().unwrap();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        connection
    });
    assert_eq!(listing_error(silent), "the work was interrupted");
    drop(server.join().unwrap());
}

#[test]
fn a_server_that_is_not_s3_is_reported() {
    assert!(answered(200, "", "<html></html>").contains("malformed response"));
    assert!(answered(200, "", "hello").contains("malformed response"));
}

#[test]
fn another_region_is_named() {
    let text = answered(301, "x-amz-bucket-region: eu-west-1", "");
    assert_eq!(text, "the bucket is in another region than us-east-1: set the region to eu-west-1");
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-2</Region></Error>";
    assert!(answered(400, "", body).ends_with("set the region to eu-west-2"));
}

#[test]
fn wrong_clocks_and_expired_credentials_are_reported() {
    let skewed = answered(403, "", "<Error><Code>RequestTimeTooSkewed</Code></Error>");
    assert!(skewed.contains("clock is wrong"), "{skewed}");
    let expired = answered(400, "", "<Error><Code>ExpiredToken</Code></Error>");
    assert!(expired.contains("have expired"), "{expired}");
}

#[test]
fn passing_failures_are_tried_again() {
    let name = bucket_name("passing");
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='k', Body=b'x')";
    boto::run(&shared().endpoint(), write, &[&name]);
    let slow = "<Error><Code>SlowDown</Code></Error>";
    let proxy = Proxy::start(shared().port, move |seen: &ProxiedRequest| match seen.earlier {
        0 => Act::Answer(503, "", slow),
        1 => Act::Lose,
        2 => Act::Answer(429, "", ""),
        _ => Act::Forward,
    });
    let bucket = Bucket::open(options(&proxy.endpoint(), &name)).unwrap();
    let tree = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    assert_eq!(tree.keys(), ["k"]);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
}

#[test]
fn lasting_failures_end_with_the_server_s_words() {
    let body = "<Error><Code>InternalError</Code><Message>We are sorry</Message></Error>";
    let proxy = Proxy::start(shared().port, move |_| Act::Answer(500, "", body));
    let text = listing_error(options(&proxy.endpoint(), "bucket"));
    assert_eq!(text, "the server refused to list the bucket: 500 InternalError (We are sorry)");
    assert_eq!(proxy.seen().len(), 4, "as often as the options say");
}

/// A server on which requests must be signed, with a user who may do everything and one who may
/// only list.
struct Guarded {
    server: S3TestServer,
    admin: (String, String),
    lister: (String, String),
}

fn guarded() -> Guarded {
    let script = r#"
iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x",
    aws_secret_access_key="y")
def user(name, statement):
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    print(key["AccessKeyId"], key["SecretAccessKey"])
user("admin", {"Effect": "Allow", "Action": "*", "Resource": "*"})
user("lister", {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"})
s3.create_bucket(Bucket="guarded")
s3.put_object(Bucket="guarded", Key="a b/+", Body=b"x", Metadata={"m": "two  words"})
"#;
    let server = S3TestServer::start(&["--sign", "8"]);
    let output = boto::run(&server.endpoint(), script, &[]);
    let mut keys = output.lines().map(|line| {
        let (id, secret) = line.split_once(' ').unwrap();
        (id.to_owned(), secret.to_owned())
    });
    Guarded { admin: keys.next().unwrap(), lister: keys.next().unwrap(), server }
}

impl Guarded {
    fn options(&self, (key_id, secret): (&str, &str)) -> BucketOptions {
        let credentials = CredentialSource::Static {
            key_id: key_id.to_owned(),
            secret_key: Zeroizing::new(secret.to_owned()),
            session_token: None,
        };
        BucketOptions { credentials, ..options(&self.server.endpoint(), "guarded") }
    }
}

#[test]
fn servers_check_signatures_and_permissions() {
    let guarded = guarded();
    let (id, secret) = (guarded.admin.0.as_str(), guarded.admin.1.as_str());
    let bucket = Bucket::open(guarded.options((id, secret))).unwrap();
    let options = BucketSourceOptions { with_acl: true, ..BucketSourceOptions::default() };
    let tree = tree::take(&mut bucket.source(options).unwrap(), None);
    assert_eq!(tree.keys(), ["a b/+"]);
    assert!(tree.unread.is_empty(), "{:?}", tree.unread);
    let spool = tempfile::tempdir().unwrap();
    let target_options = BucketTargetOptions {
        prefix: "back/".to_owned(),
        ..BucketTargetOptions::new(spool.path())
    };
    let target = bucket.target(target_options).unwrap();
    let failures = tree::give(&target, &tree, "objects");
    assert!(failures.is_empty(), "{failures:?}");

    let text = listing_error(guarded.options((id, "hunter2")));
    assert!(text.contains("rejected the access key (SignatureDoesNotMatch)"), "{text}");
    let text = listing_error(guarded.options(("AKIANOBODY", "hunter2")));
    assert!(text.contains("rejected the access key (InvalidAccessKeyId)"), "{text}");

    let lister = guarded.options((&guarded.lister.0, &guarded.lister.1));
    let bucket = Bucket::open(lister).unwrap();
    let tree = tree::take(&mut bucket.source(BucketSourceOptions::default()).unwrap(), None);
    assert!(tree.keys().is_empty());
    let denied = "access denied: the credentials must allow";
    let read = format!("objects/a b.\u{fffd}+: {denied} s3:GetObject to read the object");
    assert!(tree.unread.contains(&read), "{:?}", tree.unread);
    // Not every version of moto checks each of them.
    let settings = format!("/bucket.json: {denied} s3:GetBucketVersioning, ");
    let leave = "more to read the bucket's configuration; to leave that out, set \
        configuration = false in the app file";
    let is_it = |it: &&String| it.starts_with(&settings) && it.ends_with(leave);
    assert_eq!(tree.unread.iter().filter(is_it).count(), 1, "{:?}", tree.unread);
    let target = bucket.target(BucketTargetOptions::new(spool.path())).unwrap();
    let slot = target.file(b"objects/x", 0, Replace::Entry).unwrap();
    let text = slot.finish(&Default::default()).unwrap_err().to_string();
    assert!(text.ends_with("must allow s3:PutObject to write the object"), "{text}");
}

#[test]
fn archived_objects_are_reported_and_not_awaited() {
    let name = bucket_name("archive");
    let write = "s3.create_bucket(Bucket=arguments[0])\n\
        s3.put_object(Bucket=arguments[0], Key='cold', Body=b'x', StorageClass='GLACIER')\n\
        s3.put_object(Bucket=arguments[0], Key='warm', Body=b'x', StorageClass='STANDARD_IA')";
    boto::run(&shared().endpoint(), write, &[&name]);
    let tree = tree::take(&mut open(&name).source(BucketSourceOptions::default()).unwrap(), None);
    assert_eq!(tree.keys(), ["warm"]);
    assert_eq!(
        tree.unread,
        ["objects/cold: it is in an archive storage class: make it readable first (S3: \
             RestoreObject, Azure: change its tier)"]
    );
}

#[test]
fn missing_credentials_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let with = |name: &str| {
        let credentials = CredentialSource::Profile { file: file.clone(), name: name.to_owned() };
        listing_error(BucketOptions { credentials, ..options(&shared().endpoint(), "profiles") })
    };
    assert!(with("default").contains("credentials cannot be read"), "{}", with("default"));
    let text =
        "[default]\naws_access_key_id=a\naws_secret_access_key=hunter2\n[role]\nrole_arn=x\n";
    std::fs::write(&file, text).unwrap();
    assert!(with("default").starts_with("there is no bucket"), "{}", with("default"));
    assert!(with("other").contains("has no profile \"other\""));
    assert!(with("role").contains("role_arn is not supported"));

    let variables = |pairs: &[(&str, &str)]| {
        let pair =
            |(name, value): &(&str, &str)| (name.to_string(), Zeroizing::new(value.to_string()));
        let credentials = CredentialSource::Variables(pairs.iter().map(pair).collect());
        listing_error(BucketOptions { credentials, ..options(&shared().endpoint(), "variables") })
    };
    let both = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "hunter2"), ("PATH", "/")];
    assert!(variables(&both).starts_with("there is no bucket"), "{}", variables(&both));
    assert!(
        variables(&both[..1]).starts_with("no credentials for the bucket"),
        "{}",
        variables(&both[..1])
    );
    // The service of an instance, which does not exist here.
    let nowhere = [("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")];
    assert!(
        variables(&nowhere).starts_with("no credentials for the bucket"),
        "{}",
        variables(&nowhere)
    );
}

#[test]
fn options_that_cannot_be_right_are_refused() {
    let error = |options| Bucket::open(options).err().map(|error: BucketError| error.to_string());
    let endpoint = BucketOptions { endpoint: Some("host".to_owned()), ..options("", "bucket") };
    assert!(error(endpoint).unwrap().contains("is not a URL"));
    assert!(
        error(options("http://127.0.0.1:1", "a/b")).unwrap().contains("is not a valid bucket name")
    );
}

/// The policies of docs/buckets.md for a bucket, in their order: to capture objects, to capture
/// everything, to restore.
fn documented_policies(bucket: &str) -> Vec<String> {
    let page = include_str!("../../../../docs/buckets.md");
    let blocks = page.split("```json\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    // moto requires another permission for HEAD of a bucket, which Amazon does not have.
    let blocks =
        blocks.map(|block| block.replace("s3:ListBucket\"", "s3:ListBucket\", \"s3:HeadBucket\""));
    blocks.map(|block| block.replace("BUCKET", bucket).replace('\n', " ")).collect()
}

#[test]
fn documented_permissions_are_enough() {
    let policies = documented_policies("permitted");
    let script = r#"
iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x",
    aws_secret_access_key="y")
s3.create_bucket(Bucket="permitted")
s3.put_bucket_versioning(Bucket="permitted", VersioningConfiguration={"Status": "Enabled"})
for text in ("one", "two"):
    s3.put_object(Bucket="permitted", Key="a", Body=text.encode(), Tagging="t=v")
s3.put_object(Bucket="permitted", Key="large", Body=b"l" * (17 << 20))
for number, policy in enumerate(arguments):
    name = f"user{number}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    print(key["AccessKeyId"], key["SecretAccessKey"])
"#;
    let count = 5 + 3 * policies.len();
    let server = S3TestServer::start(&["--sign", &count.to_string()]);
    let arguments: Vec<&str> = policies.iter().map(String::as_str).collect();
    let output = boto::run(&server.endpoint(), script, &arguments);
    let keys: Vec<_> = output.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let open = |(key_id, secret): (&str, &str)| {
        let credentials = CredentialSource::Static {
            key_id: key_id.to_owned(),
            secret_key: Zeroizing::new(secret.to_owned()),
            session_token: None,
        };
        let options = BucketOptions { credentials, ..options(&server.endpoint(), "permitted") };
        Bucket::open(options).unwrap()
    };
    let [least, all, restore] = keys[..] else { panic!("three policies: {keys:?}") };
    let objects = BucketSourceOptions {
        versions: VersionSelection::Cut,
        tags: Tags::LeaveOut,
        with_configuration: false,
        ..BucketSourceOptions::default()
    };
    let taken = tree::take(&mut open(least).source(objects).unwrap(), None);
    assert_eq!((taken.keys().len(), taken.unread.as_slice()), (2, &[][..]));
    let everything = BucketSourceOptions {
        versions: VersionSelection::All,
        tags: Tags::AskAlways,
        with_acl: true,
        ..BucketSourceOptions::default()
    };
    let taken = tree::take(&mut open(all).source(everything).unwrap(), None);
    assert_eq!((taken.keys().len(), taken.unread.as_slice()), (2, &[][..]));
    assert_eq!(taken.attribute(b"objects/a", "s3.tag.t").as_deref(), Some("v"));
    let spool = tempfile::tempdir().unwrap();
    let wanted = BucketTargetOptions {
        prefix: "back/".to_owned(),
        with_acl: false,
        ..BucketTargetOptions::new(spool.path())
    };
    let target = open(restore).target(wanted).unwrap();
    let failures = tree::give(&target, &taken, "objects");
    assert!(failures.is_empty(), "{failures:?}");
    let mut buffer = [0; 3];
    assert_eq!(target.read_at(b"objects/a", 0, &mut buffer).unwrap(), 3);
}
