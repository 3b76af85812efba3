//! FirmFlow: an encrypted vault, its keys in the database, and a secret in `.env` that binds both.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::tools::{decrypt, encrypt, random, variable};
use crate::world::{TestApplication, World};

pub struct Firmflow;

const ENVIRONMENT: &str = "/opt/firmflow/.env";
const VAULT: &str = "/opt/firmflow/uploads";

impl TestApplication for Firmflow {
    const NAME: &'static str = "firmflow";
    const SERVICE: &'static str = "app";
    const DATABASES: &'static [(&'static str, &'static str)] =
        &[("firmflow", include_str!("firmflow.sql"))];
    const ROLES: &'static [&'static str] = &["firmflow"];
    const BUCKETS: &'static [&'static str] = &[];
    const FILES: &'static [&'static str] = &[ENVIRONMENT, VAULT];
    const REPOSITORY: &'static str = "/mnt/nfs/backups/firmflow";
    const KEYS_REPOSITORY: &'static str = "/mnt/vault/firmflow-keys";
    const RUN_EVERY_HOURS: u32 = 24;
    const PLACES: &'static [(&'static str, &'static str)] =
        &[("http://localhost:3000", "http://WEB")];
    const SAYS: &'static str = "select 'ok' where exists (select from licenses)";

    fn prepare(world: &World<Self>) {
        let (secret, license) = (world.secret(), world.secret());
        let environment = format!("AUTH_SECRET={secret}\nLICENSE_KEY={license}\n");
        world.sandbox.write(&ENVIRONMENT[1..], environment);
        fs::create_dir_all(world.path(VAULT)).unwrap();
        let sealed = encrypt(&secret, license.as_bytes());
        world.sql(&format!("insert into licenses (sealed_license) values ('{sealed}')"));
    }

    fn live(world: &World<Self>, hour: u32) {
        let secret = auth_secret(world);
        world.sql(&format!(
            "update compliance_records set met = not met where id = {hour} + 1;
             select add_event('hour {hour} began', '{secret}')"
        ));
    }

    /// The file is in the vault before its row is there.
    fn put_document(world: &World<Self>, number: u32) {
        let secret = auth_secret(world);
        let path = format!("client-{}/{number}.enc", number % 2);
        let key = world.secret();
        let text = [format!("document {number}").into_bytes(), random(6_000)].concat();
        let sealed = encrypt(&key, &text).into_bytes();
        world.sandbox.write(format!("{}/{path}", &VAULT[1..]), &sealed);
        let wrapped = encrypt(&secret, key.as_bytes());
        world.sql(&format!(
            "begin;
             insert into documents values ({number}, 'Document {number}', '{path}', {});
             insert into document_keys values ({number}, '{wrapped}');
             select add_event('document {number} was stored', '{secret}');
             commit;",
            sealed.len()
        ));
    }

    fn verify(world: &World<Self>) {
        let environment = fs::read(world.path(ENVIRONMENT)).unwrap();
        let secret = auth_secret(world);
        // The same license as before.
        let sealed = world.sql("select sealed_license from licenses");
        let license = variable(&environment, "LICENSE_KEY").unwrap();
        assert_eq!(decrypt(&secret, &sealed).unwrap(), license.as_bytes());
        // No document points to a missing file, and each can be read.
        let documents = "select id, storage_path, wrapped_key from documents
            join document_keys on document_id = id";
        for line in world.sql(documents).lines() {
            let parts: Vec<_> = line.split('|').collect();
            let key = String::from_utf8(decrypt(&secret, parts[2]).unwrap()).unwrap();
            let sealed = fs::read_to_string(world.path(VAULT).join(parts[1])).unwrap();
            let text = decrypt(&key, &sealed).unwrap();
            assert!(text.starts_with(format!("document {}", parts[0]).as_bytes()));
        }
        // The hash chain, under the secret that was restored.
        let broken = format!(
            "select count(*) from audit_events
             where hmac <> encode(hmac(previous_hmac || event, '{secret}', 'sha256'), 'hex')"
        );
        assert_eq!(world.sql(&broken), "0");
        let users =
            "select count(*) from users where password_hash = crypt('pw' || id, password_hash)";
        assert_eq!(world.sql(users), "10");
    }
}

fn auth_secret(world: &World<Firmflow>) -> String {
    variable(&fs::read(world.path(ENVIRONMENT)).unwrap(), "AUTH_SECRET").unwrap()
}

#[test]
fn it_comes_back_as_it_was_in_an_hour() {
    let mut world = World::<Firmflow>::start();
    (0..4).for_each(|_| world.advance_hour());
    world.destroy();
    let outcome = world.restore(2, &[]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    world.verify(2);
}

/// A transport that ends early and reports success, as `kubectl exec` sometimes does, and a killed
/// `pg_dump`: neither makes a snapshot, and existing ones are kept.
#[test]
fn a_truncated_dump_makes_no_snapshot() {
    let mut world = World::<Firmflow>::start();
    world.advance_hour();
    for cut in ["head -c 9000", "sh -c 'head -c 9000; kill -9 $PPID'"] {
        let docker = world.sandbox.path("bin/docker");
        let whole = fs::read(&docker).unwrap();
        let script = format!(
            "#!/bin/sh\nwhile [ $# -gt 0 ] && [ \"$1\" != db ]; do shift; done\nshift\n\
             case $* in *--version*) exec \"$@\" ;; pg_dump\\ *) \"$@\" | {cut}; exit 0 ;; esac\n\
             exec \"$@\"\n"
        );
        fs::write(&docker, script).unwrap();
        let outcome = world.advance_hour_whatever();
        fs::write(&docker, whole).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stderr.contains("dump"), "{}", outcome.stderr);
        assert_eq!(world.snapshots().len(), 1);
    }
    world.advance_hour();
    assert_eq!(world.snapshots().len(), 2);
}

/// A document missing from the vault although its row exists.
#[test]
fn a_lost_file_of_the_vault_is_named() {
    let mut world = World::<Firmflow>::start();
    world.advance_hour();
    fs::remove_file(world.path(VAULT).join("client-1/1.enc")).unwrap();
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(3), "{}{}", outcome.stdout, outcome.stderr);
    let told = outcome.stdout + &outcome.stderr;
    assert!(told.contains("client-1/1.enc"), "{told}");
}
