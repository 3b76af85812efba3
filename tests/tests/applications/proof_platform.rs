//! The proof and certificate platform: two databases, four buckets, chained receipts.

use std::fs;

use crate::objects;
use crate::servers;
use crate::tools::{openssl, random};
use crate::world::{TestApplication, World};

pub struct ProofPlatform;

const ENVIRONMENT: &str = "/srv/platform/.env";
const NGINX: &str = "/srv/platform/nginx";
const RELEASE: &str = "/srv/platform/release";

impl TestApplication for ProofPlatform {
    const NAME: &'static str = "proof-platform";
    const SERVICE: &'static str = "api";
    const DATABASES: &'static [(&'static str, &'static str)] =
        &[("wipe", include_str!("proof_platform.sql")), ("keycloak", include_str!("keycloak.sql"))];
    const ROLES: &'static [&'static str] = &["wipe"];
    const BUCKETS: &'static [&'static str] = &["proofs", "certificates", "exports", "binaries"];
    const FILES: &'static [&'static str] = &[ENVIRONMENT, NGINX, RELEASE];
    const REPOSITORY: &'static str = "/srv/backup/proof-platform";
    const KEYS_REPOSITORY: &'static str = "/mnt/vault/proof-platform-keys";
    const RUN_EVERY_HOURS: u32 = 1;
    const PLACES: &'static [(&'static str, &'static str)] =
        &[("http://localhost:9000", "ENDPOINT"), ("http://localhost:8080", "http://WEB")];
    const SAYS: &'static str = "select 'ready' where exists (select from proofs)";

    fn prepare(world: &World<Self>) {
        let environment =
            format!("DB_PASSWORD={}\nSESSION_SECRET={}\n", world.secret(), world.secret());
        world.sandbox.write(&ENVIRONMENT[1..], environment);
        let private = openssl(&["genpkey", "-algorithm", "ed25519"], b"");
        world.sandbox.write("srv/platform/nginx/tls/site.key", private);
        world.sandbox.write("srv/platform/nginx/site.conf", "server { listen 443 ssl; }\n");
        world.sandbox.write("srv/platform/release/sbom.json", "{\"packages\":[]}\n");
        let agent = random(20_000);
        objects::put(
            &world.bucket("binaries"),
            "agent/1.0/agent",
            "application/octet-stream",
            &agent,
        );
    }

    fn live(world: &World<Self>, hour: u32) {
        let report = format!("reports/{hour}.csv");
        objects::put(&world.bucket("exports"), &report, "text/csv", b"tenant,proofs\n1,3\n");
        world.sql(&format!(
            "insert into billing_reports (object_key) values ('{report}');
             insert into jobs (kind, state) values ('report', 'done');
             insert into idempotency_keys values ('hour{hour}', 'done', now() + interval '1 day');
             select add_audit('hour {hour} began')"
        ));
        let user = format!("insert into user_entity values ('new{hour}', 'r1', 'new{hour}')");
        servers::cluster().sql(&world.own("keycloak"), &user);
    }

    fn put_document(world: &World<Self>, number: u32) {
        let proof = random(1_500);
        let keys = ["der", "pdf", "json"].map(|kind| format!("{number}/{number}.{kind}"));
        objects::put(&world.bucket("proofs"), &keys[0], "application/octet-stream", &proof);
        let certificates = world.bucket("certificates");
        let pdf = [b"%PDF-1.7\n".as_slice(), &random(5_000)].concat();
        objects::put(&certificates, &keys[1], "application/pdf", &pdf);
        let json = format!("{{\"proof\":{number}}}");
        objects::put(&certificates, &keys[2], "application/json", json.as_bytes());
        world.sql(&format!(
            "begin;
             insert into proofs values ({number}, '{}', {});
             insert into certificates values ({number}, {number}, '{}', '{}');
             insert into verification_logs (proof_id) values ({number});
             select add_receipt({number});
             select add_audit('proof {number} was taken');
             commit;",
            keys[0],
            proof.len(),
            keys[1],
            keys[2],
        ));
    }

    fn verify(world: &World<Self>) {
        // Login: every user of the platform exists in Keycloak, with the original password.
        let keycloak = |sql: &str| servers::cluster().sql(&world.own("keycloak"), sql);
        for id in world.sql("select keycloak_id from users").lines() {
            let number = id.trim_start_matches("kc");
            let known = keycloak(&format!(
                "select count(*) from credential where user_id = '{id}'
                 and secret_data = encode(sha256('pw{number}'), 'hex')"
            ));
            assert_eq!(known, "1", "{id}");
        }
        // Every proof row has a readable object; PDF and canonical JSON resolve.
        for line in world.sql("select object_key, bytes from proofs").lines() {
            let (key, bytes) = line.split_once('|').unwrap();
            let proof = objects::get(&world.bucket("proofs"), key).expect(key);
            assert_eq!(proof.len().to_string(), bytes);
        }
        for line in world.sql("select pdf_key, json_key from certificates").lines() {
            let (pdf, json) = line.split_once('|').unwrap();
            let certificates = world.bucket("certificates");
            assert!(objects::get(&certificates, pdf).expect(pdf).starts_with(b"%PDF"));
            assert!(objects::get(&certificates, json).expect(json).starts_with(b"{"));
        }
        // Billing report download.
        for key in world.sql("select object_key from billing_reports").lines() {
            assert!(objects::get(&world.bucket("exports"), key).is_some(), "{key}");
        }
        // Sequence continuity and hash chains.
        let gaps = "select max(sequence) - count(*) from consumption_receipts";
        assert_eq!(world.sql(gaps), "0");
        let receipts = "select count(*) from consumption_receipts
            where hash <> encode(sha256((previous_hash || proof_id)::bytea), 'hex')";
        let audit = "select count(*) from audit_log
            where hash <> encode(sha256((previous_hash || event)::bytea), 'hex')";
        assert_eq!((world.sql(receipts), world.sql(audit)), ("0".to_owned(), "0".to_owned()));
    }
}

#[test]
fn it_comes_back_as_it_was_in_an_hour() {
    let mut world = World::<ProofPlatform>::start();
    (0..4).for_each(|_| world.advance_hour());
    world.destroy();
    let outcome = world.restore(2, &[]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    world.verify(2);
    // The API runs again; the workers wait until the queue was inspected.
    assert!(!world.sandbox.exists("state/api.stopped"));
    assert!(world.sandbox.exists("state/worker.stopped"));
    assert!(!world.sandbox.exists("state/keycloak.stopped"));
}

/// The guide forbids private keys in application backups.
#[test]
fn a_private_key_in_an_ordinary_source_makes_no_snapshot() {
    let mut world = World::<ProofPlatform>::start();
    world.advance_hour();
    let key = fs::read(world.path(NGINX).join("tls/site.key")).unwrap();
    world.sandbox.write("srv/platform/nginx/old/site.key", key);
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("nginx/old/site.key"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("private key"), "{}", outcome.stderr);
    assert_eq!(world.snapshots().len(), 1);
}

/// Queues and keys in progress are reported; the snapshot is made.
#[test]
fn what_must_be_looked_at_before_workers_resume_is_told() {
    let mut world = World::<ProofPlatform>::start();
    world.advance_hour();
    world.sql(
        "insert into dead_letters (job) values ('issue 7');
         insert into idempotency_keys values ('stuck', 'in_progress', now() - interval '2 hours');
         delete from consumption_receipts where sequence = 2",
    );
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(3), "{}{}", outcome.stdout, outcome.stderr);
    let told = outcome.stdout + &outcome.stderr;
    for check in [
        "nothing in the dead-letter queue is unreviewed",
        "no idempotency key is left in progress",
        "receipts have no gap",
        "the chain of receipts is whole",
    ] {
        assert!(told.contains(check), "{check}: {told}");
    }
    assert_eq!(world.snapshots().len(), 2);
}
