//! OrthID: tenants separated by row-level security, fields encrypted with keys of a keystore, and a
//! chained audit log.

use std::fs;

use crate::objects;
use crate::servers;
use crate::tools::{decrypt, encrypt, openssl, random};
use crate::world::{TestApplication, World};

pub struct Orthid;

const BUCKET: &str = "orthid-au-syd-1";
const KEYSTORE: &str = "/var/lib/orthid/keystore";

impl TestApplication for Orthid {
    const NAME: &'static str = "orthid";
    const SERVICE: &'static str = "orthid";
    const DATABASES: &'static [(&'static str, &'static str)] =
        &[("orthid", include_str!("orthid.sql"))];
    const ROLES: &'static [&'static str] = &["orthid_backup", "orthid"];
    const BUCKETS: &'static [&'static str] = &[BUCKET];
    const FILES: &'static [&'static str] = &[KEYSTORE];
    const REPOSITORY: &'static str = "/backup/orthid";
    const KEYS_REPOSITORY: &'static str = "/backup-keys/orthid";
    const RUN_EVERY_HOURS: u32 = 24;
    const PLACES: &'static [(&'static str, &'static str)] = &[
        ("region = \"ap-southeast-2\"", "endpoint = \"ENDPOINT\"\nregion = \"us-east-1\""),
        ("http://orthid.orthid.svc", "http://WEB"),
    ];
    const SAYS: &'static str = "select 'ok' where exists (select from users)";

    fn prepare(world: &World<Self>) {
        // The application's own role is limited to its tenant.
        let role = world.own("orthid");
        servers::cluster().sql("postgres", &format!("alter role {role} nosuperuser"));
        world.sandbox.write(
            format!("{}/signing.key", &KEYSTORE[1..]),
            openssl(&["genpkey", "-algorithm", "ed25519"], b""),
        );
        let private = world.path(KEYSTORE).join("signing.key");
        let public = openssl(&["pkey", "-in", private.to_str().unwrap(), "-pubout"], b"");
        let public = String::from_utf8(public).unwrap();
        world.sql(&format!("insert into signing_keys values ('signing', '{public}')"));
    }

    /// Each hour has a new key, and a field encrypted with it.
    fn live(world: &World<Self>, hour: u32) {
        let key = world.secret();
        world.sandbox.write(format!("{}/field-{hour}.key", &KEYSTORE[1..]), &key);
        let sealed = encrypt(&key, format!("passport of hour {hour}").as_bytes());
        world.sql(&format!(
            "insert into encrypted_fields (tenant_id, user_id, name, key_id, sealed)
             values ({hour} % 2 + 1, 1, 'passport', 'field-{hour}', '{sealed}');
             update users set email = 'new{hour}@example.com' where id = {hour} + 1;
             select add_audit({hour} % 2 + 1, 'key field-{hour} was made')"
        ));
    }

    fn put_document(world: &World<Self>, number: u32) {
        let bucket = world.bucket(BUCKET);
        let (bundle, avatar) = (random(8_000), random(2_000));
        let keys = [format!("bundles/{number}.zip"), format!("avatars/{number}.png")];
        objects::put(&bucket, &keys[0], "application/zip", &bundle);
        objects::put(&bucket, &keys[1], "image/png", &avatar);
        world.sql(&format!(
            "insert into document_bundles (object_key, bytes) values ('{}', {});
             update users set avatar_key = '{}' where id = {number};
             select add_audit(1, 'bundle {number} was signed')",
            keys[0],
            bundle.len(),
            keys[1],
        ));
    }

    fn verify(world: &World<Self>) {
        // Sign in.
        let wrong = "select count(*) from users
            where password_hash is distinct from encode(sha256(('pw' || id)::bytea), 'hex')";
        assert_eq!(world.sql(wrong), "0");
        // Verify a token.
        let private = world.path(KEYSTORE).join("signing.key");
        let token = world.sandbox.write("tmp/token", "a token");
        let public = world.sql("select public_key from signing_keys where key_id = 'signing'");
        let public = world.sandbox.write("tmp/public.pem", public);
        let [private, token, public] = [&private, &token, &public].map(|it| it.to_str().unwrap());
        let sign = ["pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", token];
        let signature = world.sandbox.write("tmp/signature", openssl(&sign, b""));
        let verify = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", token];
        openssl(&[verify.as_slice(), &["-sigfile", signature.to_str().unwrap()]].concat(), b"");
        // Read the audit log: every row's hash matches its content.
        let broken = "select count(*) from audit_log
            where hash <> encode(sha256((previous_hash || event)::bytea), 'hex')";
        assert_eq!(world.sql(broken), "0");
        // Decrypted fields render.
        for line in world.sql("select key_id, sealed from encrypted_fields").lines() {
            let (key, sealed) = line.split_once('|').unwrap();
            let path = world.path(KEYSTORE).join(format!("{key}.key"));
            let plain = decrypt(&fs::read_to_string(path).unwrap(), sealed).unwrap();
            assert!(plain.starts_with(b"passport of hour "), "{key}");
        }
        // The boundary between tenants applies to the application's role.
        let role = world.own("orthid");
        let seen = format!("set role {role}; set orthid.tenant = 1; select count(*) from users");
        assert_eq!(world.sql(&seen), "15");
    }
}

#[test]
fn it_comes_back_as_it_was_in_an_hour() {
    let mut world = World::<Orthid>::start();
    (0..4).for_each(|_| world.advance_hour());
    world.destroy();
    let outcome = world.restore(2, &[]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    world.verify(2);
    // The keystore is restored before the database: nothing was started in between.
    let calls = String::from_utf8(world.sandbox.read("state/calls")).unwrap();
    let scaled: Vec<_> = calls.lines().filter(|line| line.contains("scale")).collect();
    assert!(scaled[0].ends_with("--replicas=0") && scaled[1].ends_with("--replicas=1"), "{calls}");
    assert_eq!(scaled.len(), 2, "{calls}");
}

/// A superuser removes a row from the audit log.
#[test]
fn a_row_that_is_gone_from_the_audit_log_is_told() {
    let mut world = World::<Orthid>::start();
    world.advance_hour();
    world.sql("delete from audit_log where seq = 2");
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(3), "{}{}", outcome.stdout, outcome.stderr);
    let told = outcome.stdout + &outcome.stderr;
    assert!(told.contains("the audit log is whole"), "{told}");
    assert!(told.contains("the audit log has no gap"), "{told}");
    assert_eq!(world.snapshots().len(), 2);
}

/// A dump without its keys is useless.
#[test]
fn a_key_that_is_missing_makes_no_snapshot() {
    let mut world = World::<Orthid>::start();
    world.advance_hour();
    fs::remove_file(world.path(KEYSTORE).join("field-0.key")).unwrap();
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("field-0.key"), "{}", outcome.stderr);
    assert_eq!(world.snapshots().len(), 1);
}
