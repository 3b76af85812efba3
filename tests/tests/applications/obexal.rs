//! Obexal: secrets in the database, encrypted with a key in `.env.prod` that is rotated.

use std::fs;

use argon2::Argon2;
use data_encoding::BASE64_NOPAD;

use crate::objects;
use crate::tools::{decrypt, encrypt, openssl, random, variable};
use crate::world::{TestApplication, World};

pub struct Obexal;

const BUCKET: &str = "obexal-logos";
const ENVIRONMENT: &str = "/opt/obexal/.env.prod";
/// As cheap as argon2id can be: passwords are not what this test is about.
const COST: &str = "$argon2id$v=19$m=8,t=1,p=1";

impl TestApplication for Obexal {
    const NAME: &'static str = "obexal";
    const SERVICE: &'static str = "auth-service";
    const DATABASES: &'static [(&'static str, &'static str)] =
        &[("obexal", include_str!("obexal.sql"))];
    const ROLES: &'static [&'static str] = &["obexal", "obexal_auditor"];
    const BUCKETS: &'static [&'static str] = &[BUCKET];
    const FILES: &'static [&'static str] = &[ENVIRONMENT];
    const REPOSITORY: &'static str = "/var/backups/obexal";
    const KEYS_REPOSITORY: &'static str = "/mnt/vault/obexal-keys";
    const RUN_EVERY_HOURS: u32 = 24;
    const PLACES: &'static [(&'static str, &'static str)] =
        &[("http://localhost:9000", "ENDPOINT"), ("http://localhost:8080", "http://WEB")];
    const SAYS: &'static str = "select json_build_object('keys', json_agg(kid)) from oidc_keys
        where retired_at is null having count(*) > 0";

    fn prepare(world: &World<Self>) {
        let environment = format!("ENCRYPTION_KEY={}\nKEY_ERA=1\n", world.secret());
        world.sandbox.write(&ENVIRONMENT[1..], environment);
        add_signing_key(world, 1);
    }

    /// The key is rotated in the third hour, and secrets are re-encrypted in the fourth.
    fn live(world: &World<Self>, hour: u32) {
        world.sql(&format!("select add_audit('hour {hour} began')"));
        let logo = format!("tenants/1/logo-{hour}.svg");
        objects::put(&world.bucket(BUCKET), &logo, "image/svg+xml", b"<svg/>");
        world.sql(&format!("update tenants set logo_key = '{logo}' where id = 1"));
        match hour {
            2 => rotate(world),
            3 => encrypt_anew(world),
            _ => {}
        }
    }

    /// Opens an account with a password and a second factor.
    fn put_document(world: &World<Self>, number: u32) {
        let salt = random(16);
        let hash = argon2id(format!("password {number}").as_bytes(), &salt);
        let credential =
            format!("{COST}${}${}", BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&hash));
        let (key, era) = current_key(world);
        let sealed = encrypt(&key, format!("TOTP{number}").as_bytes());
        world.sql(&format!(
            "begin;
             insert into accounts values ({number}, 1, 'a{number}@example.com');
             insert into credentials values ({number}, '{credential}');
             insert into mfa_secrets values ({number}, {era}, '{sealed}');
             select add_audit('account {number} was opened');
             commit;"
        ));
    }

    fn verify(world: &World<Self>) {
        // A password login.
        let stored = world.sql("select hash from credentials where account_id = 1");
        let mut parts = stored.rsplit('$');
        let hash = BASE64_NOPAD.decode(parts.next().unwrap().as_bytes()).unwrap();
        let salt = BASE64_NOPAD.decode(parts.next().unwrap().as_bytes()).unwrap();
        assert_eq!(argon2id(b"password 1", &salt), hash);
        // The signing keys are present, and their private keys work.
        for line in world.sql("select kid, key_era, sealed_private_key from oidc_keys").lines() {
            let parts: Vec<_> = line.split('|').collect();
            let private = decrypt(&key_of_era(world, parts[1]), parts[2]).unwrap();
            let public = openssl(&["pkey", "-pubout"], &private);
            let known = format!("select public_key from oidc_keys where kid = '{}'", parts[0]);
            assert_eq!(String::from_utf8(public).unwrap().trim_end(), world.sql(&known));
        }
        // An MFA completion of every account.
        let secrets = world.sql("select account_id, key_era, sealed from mfa_secrets");
        for line in secrets.lines() {
            let parts: Vec<_> = line.split('|').collect();
            let secret = decrypt(&key_of_era(world, parts[1]), parts[2]).unwrap();
            assert_eq!(secret, format!("TOTP{}", parts[0]).as_bytes());
        }
        // The audit log is still immutable.
        let database = world.own("obexal");
        let change = crate::servers::cluster().try_sql(&database, "delete from audit_log");
        assert!(String::from_utf8_lossy(&change.stderr).contains("cannot be changed"));
    }
}

fn argon2id(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let params = argon2::Params::new(8, 1, 1, Some(32)).unwrap();
    let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut hash = vec![0; 32];
    argon2.hash_password_into(password, salt, &mut hash).unwrap();
    hash
}

fn current_key(world: &World<Obexal>) -> (String, u32) {
    let environment = fs::read(world.path(ENVIRONMENT)).unwrap();
    let era = variable(&environment, "KEY_ERA").unwrap().parse().unwrap();
    (variable(&environment, "ENCRYPTION_KEY").unwrap(), era)
}

/// The key that a row of an era needs: the current or the previous one.
fn key_of_era(world: &World<Obexal>, era: &str) -> String {
    let (key, current) = current_key(world);
    if era == current.to_string() {
        return key;
    }
    let environment = fs::read(world.path(ENVIRONMENT)).unwrap();
    variable(&environment, "ENCRYPTION_KEY_OLD").expect("the key of that era")
}

fn add_signing_key(world: &World<Obexal>, number: u32) {
    let (key, era) = current_key(world);
    let private = openssl(&["genpkey", "-algorithm", "ed25519"], b"");
    let public = String::from_utf8(openssl(&["pkey", "-pubout"], &private)).unwrap();
    let sealed = encrypt(&key, &private);
    world.sql(&format!(
        "insert into oidc_keys values ('kid{number}', {era}, '{}', '{sealed}')",
        public.trim_end()
    ));
}

fn rotate(world: &World<Obexal>) {
    let (old, era) = current_key(world);
    let new = world.secret();
    let next = era + 1;
    let environment = format!("ENCRYPTION_KEY={new}\nENCRYPTION_KEY_OLD={old}\nKEY_ERA={next}\n");
    world.sandbox.write(&ENVIRONMENT[1..], environment);
    add_signing_key(world, next);
}

/// What `reencrypt-secrets` does; then the old key is removed.
fn encrypt_anew(world: &World<Obexal>) {
    let (key, era) = current_key(world);
    let columns =
        [("mfa_secrets", "account_id::text", "sealed"), ("oidc_keys", "kid", "sealed_private_key")];
    for (table, name, column) in columns {
        let rows = format!("select {name}, key_era, {column} from {table} where key_era < {era}");
        for line in world.sql(&rows).lines() {
            let parts: Vec<_> = line.split('|').collect();
            let plain = decrypt(&key_of_era(world, parts[1]), parts[2]).unwrap();
            let sealed = encrypt(&key, &plain);
            world.sql(&format!(
                "update {table} set {column} = '{sealed}', key_era = {era} where {name} = '{}'",
                parts[0]
            ));
        }
    }
    world.sandbox.write(&ENVIRONMENT[1..], format!("ENCRYPTION_KEY={key}\nKEY_ERA={era}\n"));
}

/// Before, during and after a rotation: each with the key of its era.
#[test]
fn it_comes_back_with_the_key_of_its_era() {
    let mut world = World::<Obexal>::start();
    (0..4).for_each(|_| world.advance_hour());
    let database = world.own("obexal");
    for hour in [1, 2, 3] {
        world.destroy();
        let outcome = world.restore(hour, &["--yes-overwrite", &database]);
        assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
        world.verify(hour);
    }
}

/// The key snapshot of that era is missing from its repository.
#[test]
fn a_restore_without_the_key_of_its_era_does_not_begin() {
    let mut world = World::<Obexal>::start();
    (0..3).for_each(|_| world.advance_hour());
    let keys = world.path(Obexal::KEYS_REPOSITORY);
    let password = world.path("/etc/holdfast/obexal-keys.key");
    let (keys, password) = (keys.to_str().unwrap(), password.to_str().unwrap());
    // The oldest one with the key of the first era.
    let place = ["--repo", keys, "--password-file", password];
    let listed = world.holdfast(3, &[&["snapshots", "--json"], place.as_slice()].concat()).json();
    for snapshot in &listed.as_array().unwrap()[..2] {
        let id = snapshot["id"].as_str().unwrap();
        let outcome = world.holdfast(3, &[&["forget", id], place.as_slice()].concat());
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let environment = world.sandbox.read(&ENVIRONMENT[1..]);
    let database = world.own("obexal");
    let outcome = world.restore(1, &["--yes-overwrite", &database]);
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("which holds the keys of"), "{}", outcome.stderr);
    // Nothing was touched.
    world.verify(2);
    assert_eq!(world.sandbox.read(&ENVIRONMENT[1..]), environment);
    let calls = fs::read_to_string(world.sandbox.path("state/calls")).unwrap_or_default();
    assert!(!calls.contains("stop auth-service"), "{calls}");
}
