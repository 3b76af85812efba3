//! Amazon's own client, to write what is backed up and to inspect what was restored.

use std::process::Command;

use serde_json::Value;

use super::server::script;

/// The start of all scripts. `s3` is a client, `show` prints everything in a bucket.
const BEGIN: &str = r#"
import hashlib, json, sys, boto3
from botocore.config import Config
endpoint, arguments = sys.argv[1], sys.argv[2:]
config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"},
    request_checksum_calculation="when_required", response_checksum_validation="when_required")
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config,
    aws_access_key_id="AKIATEST", aws_secret_access_key="hunter2-secret")

def grants(**which):
    try:
        grants = s3.get_object_acl(**which)["Grants"]
    except s3.exceptions.ClientError:
        # moto forgets that an object which was uploaded in parts has a list.
        grants = s3.get_bucket_acl(Bucket=which["Bucket"])["Grants"]
    grantee = lambda grant: grant["Grantee"].get("ID") or grant["Grantee"].get("URI")
    return sorted((grantee(grant), grant["Permission"]) for grant in grants)

fields = ["ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage",
    "CacheControl", "ExpiresString", "WebsiteRedirectLocation", "Metadata", "StorageClass", "ETag",
    "ObjectLockMode", "ObjectLockLegalHoldStatus"]

def show(bucket):
    shown = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for listed in page.get("Contents", []):
            which = dict(Bucket=bucket, Key=listed["Key"])
            got = s3.get_object(**which)
            tags = s3.get_object_tagging(**which)["TagSet"]
            shown[listed["Key"]] = {
                "body": hashlib.sha256(got["Body"].read()).hexdigest(),
                "tags": sorted((tag["Key"], tag["Value"]) for tag in tags),
                "acl": grants(**which),
                **{field: got[field] for field in fields if field in got},
            }
    return shown
"#;

/// Runs a script with these arguments; returns what it prints.
pub fn run(endpoint: &str, script_text: &str, arguments: &[&str]) -> String {
    let output = Command::new(script())
        .args(["--python", "-c", &format!("{BEGIN}\n{script_text}"), endpoint])
        .args(arguments)
        .output()
        .expect("tests/s3-server runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the script failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Compares what `show` printed; reports only the differences.
pub fn assert_same(one: &str, other: &str) {
    let parse = |text| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap();
    let (one, other) = (parse(one), parse(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (key, value) in one {
        assert_eq!(value, other[&key], "{key}");
    }
}
