//! Documenso: documents in a bucket, rows that refer to them, a signing certificate.

use std::fs;

use crate::objects;
use crate::tools::{openssl, random, try_openssl, variable};
use crate::world::{TestApplication, World};

pub struct Documenso;

const BUCKET: &str = "your-documenso-bucket";
const CERTIFICATE: &str = "/opt/documenso/cert.p12";
const ENVIRONMENT: &str = "/opt/documenso/.env";

impl TestApplication for Documenso {
    const NAME: &'static str = "documenso";
    const SERVICE: &'static str = "documenso";
    const DATABASES: &'static [(&'static str, &'static str)] =
        &[("documenso", include_str!("documenso.sql"))];
    const ROLES: &'static [&'static str] = &["documenso"];
    const BUCKETS: &'static [&'static str] = &[BUCKET];
    const FILES: &'static [&'static str] = &[CERTIFICATE, ENVIRONMENT];
    const REPOSITORY: &'static str = "/backup/documenso";
    const KEYS_REPOSITORY: &'static str = "/mnt/vault/documenso-keys";
    const RUN_EVERY_HOURS: u32 = 1;
    const PLACES: &'static [(&'static str, &'static str)] =
        &[("https://your-s3-endpoint.com", "ENDPOINT"), ("http://localhost:3000", "http://WEB")];
    const SAYS: &'static str = r#"select '{"status":"ok"}' where exists (select from "User")"#;

    fn prepare(world: &World<Self>) {
        issue_certificate(world);
    }

    fn live(world: &World<Self>, hour: u32) {
        let password = format!("crypt('new in hour {hour}', gen_salt('bf', 4))");
        world.sql(&format!(r#"update "User" set password = {password} where id = {hour} + 1"#));
        if hour == 2 {
            // A new certificate with a new passphrase: another era.
            issue_certificate(world);
        }
    }

    /// Uploads a document; every third one is signed, which creates another object.
    fn put_document(world: &World<Self>, number: u32) {
        let bucket = world.bucket(BUCKET);
        let upload = format!("uploads/{number}/contract.pdf");
        let content = [b"%PDF-1.7\n".as_slice(), &random(9_000)].concat();
        objects::put(&bucket, &upload, "application/pdf", &content);
        let is_signed = number.is_multiple_of(3);
        let (shown, status) = match is_signed {
            true => (format!("signed/{number}/contract.pdf"), "COMPLETED"),
            false => (upload.clone(), "PENDING"),
        };
        if is_signed {
            let signed = [&content, sign(world, &content).as_slice()].concat();
            objects::put(&bucket, &shown, "application/pdf", &signed);
        }
        world.sql(&format!(
            r#"begin;
            insert into "DocumentData" values ('data{number}', 'S3_PATH', '{shown}', '{upload}');
            insert into "Document" (id, "userId", title, status, "documentDataId") values
              ({number}, {number} % 20 + 1, 'Contract {number}', '{status}', 'data{number}');
            insert into "Recipient" (id, "documentId", email, "signedAt") values
              ({number}, {number}, 'r{number}@example.com', now());
            insert into "Signature" ("recipientId", "typedSignature") values ({number}, 'Ada');
            insert into "DocumentAuditLog" ("documentId", type, data) values
              ({number}, 'DOCUMENT_CREATED', '{{}}'), ({number}, 'DOCUMENT_{status}', '{{}}');
            commit;"#
        ));
    }

    fn verify(world: &World<Self>) {
        // Users can log in, with the password of that hour.
        let known = |password: &str| {
            let sql = format!(
                r#"select count(*) from "User" where password = crypt({password}, password)"#
            );
            world.sql(&sql).parse::<u32>().unwrap()
        };
        assert_eq!(known("'password of ' || id") + known("'new in hour ' || (id - 1)"), 20);
        // Documents display correctly.
        let keys =
            r#"select data from "DocumentData" union select "initialData" from "DocumentData""#;
        for key in world.sql(keys).lines() {
            let content = objects::get(&world.bucket(BUCKET), key).expect(key);
            assert!(content.starts_with(b"%PDF-1.7\n"), "{key}");
        }
        // Signing works with the restored certificate.
        assert!(!sign(world, b"a new document").is_empty());
    }
}

/// Creates a certificate with its key, and the passphrase that is needed to use it.
fn issue_certificate(world: &World<Documenso>) {
    let (key, certificate) = (world.path("/tmp/key.pem"), world.path("/tmp/certificate.pem"));
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    let (key, certificate) = (key.to_str().unwrap(), certificate.to_str().unwrap());
    let curve = "ec_paramgen_curve:P-256";
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-days", "30"];
    let files = ["-subj", "/CN=Documenso", "-keyout", key, "-out", certificate];
    openssl(&[request.as_slice(), &files].concat(), b"");
    let passphrase = world.secret();
    let export = ["pkcs12", "-export", "-inkey", key, "-in", certificate, "-passout"];
    let store = openssl(&[export.as_slice(), &[&format!("pass:{passphrase}")]].concat(), b"");
    world.sandbox.write("opt/documenso/cert.p12", store);
    let environment = format!("NEXT_PRIVATE_SIGNING_PASSPHRASE={passphrase}\n");
    world.sandbox.write("opt/documenso/.env", environment);
}

/// Signs with the certificate's file, and verifies the signature.
fn sign(world: &World<Documenso>, document: &[u8]) -> Vec<u8> {
    let environment = fs::read(world.path(ENVIRONMENT)).unwrap();
    let passphrase = variable(&environment, "NEXT_PRIVATE_SIGNING_PASSPHRASE").unwrap();
    let path = world.path(CERTIFICATE);
    let pass = format!("pass:{passphrase}");
    let store = ["pkcs12", "-in", path.to_str().unwrap(), "-nodes", "-passin", &pass];
    let pair = world.sandbox.write("tmp/pair.pem", openssl(&store, b""));
    let pair = pair.to_str().unwrap();
    let how = ["cms", "-sign", "-binary", "-outform", "DER", "-signer", pair, "-nodetach"];
    let signature = openssl(&how, document);
    let verify = ["cms", "-verify", "-noverify", "-binary", "-inform", "DER"];
    assert_eq!(try_openssl(&verify, &signature).as_deref(), Ok(document));
    signature
}

#[test]
fn it_comes_back_as_it_was_in_an_hour() {
    let mut world = World::<Documenso>::start();
    (0..4).for_each(|_| world.advance_hour());
    world.destroy();
    let outcome = world.restore(1, &[]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    world.verify(1);
    // And the newest, over the existing data.
    let database = world.own("documenso");
    let outcome = world.restore(3, &["--yes-overwrite", &database]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    world.verify(3);
}
