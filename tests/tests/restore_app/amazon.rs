//! An S3 bucket that is missing or changed: recreated, with its configuration and the locks of its
//! objects.

use holdfast_tests::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::scene::Scene;

const SOURCE: &str = r#"
url = "s3://BUCKET"
endpoint = "ENDPOINT"
credentials = { access-key-id = "AKIATEST", secret-access-key-file = "secret" }
restore = { locks = true }
"#;

/// A bucket with a configuration, a locked object and an unlocked one.
const MAKE: &str = r#"
from datetime import datetime, timezone
s3.create_bucket(Bucket="letters", ObjectLockEnabledForBucket=True)
s3.put_bucket_lifecycle_configuration(Bucket="letters", LifecycleConfiguration={"Rules": [
    {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}]})
s3.put_bucket_tagging(Bucket="letters", Tagging={"TagSet": [{"Key": "of", "Value": "letters"}]})
s3.put_object(Bucket="letters", Key="2026/1", Body=b"one")
s3.put_object(Bucket="letters", Key="2026/2", Body=b"two", ObjectLockMode="GOVERNANCE",
    ObjectLockRetainUntilDate=datetime(2065, 1, 1, tzinfo=timezone.utc))
"#;

/// What must be restored of it.
const SHOW: &str = r#"
shown = {"lifecycle": s3.get_bucket_lifecycle_configuration(Bucket="letters")["Rules"],
    "versioning": s3.get_bucket_versioning(Bucket="letters")["Status"],
    "tags": s3.get_bucket_tagging(Bucket="letters")["TagSet"]}
for key in ["2026/1", "2026/2"]:
    got = s3.get_object(Bucket="letters", Key=key)
    lock = [got.get("ObjectLockMode"), str(got.get("ObjectLockRetainUntilDate"))]
    shown[key] = [got["Body"].read().decode(), *lock]
print(json.dumps(shown, sort_keys=True))
"#;

/// Removes the bucket and all its versions.
const LOSE: &str = r#"
for version in s3.list_object_versions(Bucket="letters")["Versions"]:
    s3.delete_object(Bucket="letters", Key=version["Key"], VersionId=version["VersionId"],
        BypassGovernanceRetention=True)
s3.delete_bucket(Bucket="letters")
"#;

const RESTORE: &str = "restore-app --config @holdfast.toml";

fn captured() -> Scene {
    let scene = Scene::start("s3-server", "", SOURCE, "hunter2-secret");
    scene.amazon(MAKE);
    scene.sandbox.ok("run --config @holdfast.toml --init-missing");
    scene
}

#[test]
fn a_bucket_that_is_gone_is_made_again_with_its_configuration_and_its_locks() {
    let scene = captured();
    let before = scene.amazon(SHOW);
    scene.amazon(LOSE);
    let plan = scene.sandbox.ok(&format!("{RESTORE} --dry-run"));
    plan.prints("make     configuration of s3://letters/: sets versioning, acl, object-lock, ");
    plan.prints("s3://letters/ does not exist; objects: 2");
    // No existing data is changed, so no confirmation is needed.
    let restored = scene.sandbox.ok(RESTORE);
    restored.prints("s3://letters/, which was created").prints("set: ").prints("0 failed");
    assert_eq!(scene.amazon(SHOW), before);
    let again = scene.sandbox.ok(&format!("{RESTORE} --dry-run"));
    again.prints("keep     configuration of s3://letters").prints("has them all: 2 objects");
}

#[test]
fn a_configuration_that_was_changed_is_told_and_given_back_unless_it_is_to_stay() {
    let mut scene = captured();
    let before = scene.amazon(SHOW);
    scene.amazon(
        "s3.put_bucket_tagging(Bucket='letters', Tagging={'TagSet': []})\n\
         s3.delete_bucket_lifecycle(Bucket='letters')",
    );
    let refused = scene.sandbox.fails(1, RESTORE);
    refused.prints("sets lifecycle, tagging").says("would change existing data");
    scene.change("locks = true", "configuration = false");
    let left = scene.sandbox.ok(&format!("{RESTORE} --confirm"));
    left.prints_nothing_of("configuration").says("are restored without their locks");
    scene.change("configuration = false", "locks = true");
    scene.sandbox.ok(&format!("{RESTORE} --confirm")).prints("set: lifecycle, tagging");
    assert_eq!(scene.amazon(SHOW), before);
}

#[test]
fn another_bucket_gets_objects_and_no_policy_of_this_one() {
    let scene = captured();
    scene.write_file("drill.toml", "drill", "unused");
    scene.sandbox.ok(&format!("{RESTORE} --to @drill.toml")).prints_nothing_of("configuration");
    let tags = "print(s3.get_bucket_versioning(Bucket='drill'))\n\
                print(s3.get_object(Bucket='drill', Key='2026/2')['ObjectLockMode'])";
    assert!(scene.amazon(tags).ends_with("GOVERNANCE\n"), "the locks were asked for");
}

#[test]
fn only_missing_objects_come_back_beside_others() {
    let scene = captured();
    let script = "s3.put_object(Bucket='letters', Key='2026/1', Body=b'newer')\n\
                  s3.delete_object(Bucket='letters', Key='2026/2')";
    scene.amazon(script);
    let plan = scene.sandbox.ok(&format!("{RESTORE} --only-missing --dry-run"));
    plan.prints("1 of 2 are missing");
    scene.sandbox.ok(&format!("{RESTORE} --only-missing --confirm")).prints("1 of 2 objects");
    let shown = scene.amazon(SHOW);
    assert!(shown.contains("newer") && shown.contains("two"), "{shown}");
}

/// Runs this many days and seconds from now; returns the state of its snapshot.
fn run_later(scene: &Scene, (days, seconds): (i64, i64)) -> Value {
    let later = SignedDuration::from_hours(24 * days) + SignedDuration::from_secs(seconds);
    let time = (Timestamp::now() + later).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut command = scene.sandbox.command(["run", "--config", "holdfast.toml"]);
    clock::set(&mut command, &time);
    let outcome = scene.sandbox.finish(command.output().unwrap());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let snapshots = scene.sandbox.ok("snapshots --repo @data --password-file @key --json");
    snapshots.json().as_array().unwrap().last().unwrap().clone()
}

#[test]
fn what_no_listing_shows_is_looked_at_once_a_week_and_no_content_is_read_for_it() {
    let scene = Scene::start("s3-server", "", SOURCE, "hunter2-secret");
    scene.amazon(MAKE);
    scene.sandbox.ok("init --repo @data --password-file @key");
    let first = run_later(&scene, (0, 0));
    assert_eq!(first["summary"]["files_new"], 3, "both objects and bucket.json: {first}");
    let tag = "s3.put_object_tagging(Bucket='letters', Key='2026/1', \
               Tagging={'TagSet': [{'Key': 'read', 'Value': 'yes'}]})";
    scene.amazon(tag);
    let second = run_later(&scene, (6, 0));
    assert_eq!(second["tree"], first["tree"], "it is in no listing");
    let third = run_later(&scene, (7, 0));
    assert_ne!(third["tree"], first["tree"], "it is listed now");
    assert_eq!(third["summary"]["files_unmodified"], 3, "nothing was read: {third}");
    scene.amazon(LOSE);
    scene.sandbox.ok(RESTORE);
    let tags = "print(s3.get_object_tagging(Bucket='letters', Key='2026/1')['TagSet'])";
    assert_eq!(scene.amazon(tags), "[{'Key': 'read', 'Value': 'yes'}]\n");
}
