//! Deliberate losses of every application, which must be reported: an object that a row refers to
//! disappears between the dump and the listing, a dump is truncated, the keys of an era are lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::documenso::Documenso;
use crate::firmflow::Firmflow;
use crate::obexal::Obexal;
use crate::objects;
use crate::orthid::Orthid;
use crate::proof_platform::ProofPlatform;
use crate::servers;
use crate::world::{TestApplication, World};

/// What an application can lose: created in the first or second hour, and referred to by a row.
struct ApplicationLoss {
    /// The bucket, or `None` for a file.
    bucket: Option<&'static str>,
    /// Key of the object, or path of the file.
    name: &'static str,
    /// The text that reports it.
    told: &'static str,
    /// The check that detects it.
    check: &'static str,
    /// A file with keys of several eras.
    keys: &'static str,
}

trait CanLose: TestApplication {
    const LOSS: ApplicationLoss;
}

impl CanLose for Documenso {
    const LOSS: ApplicationLoss = ApplicationLoss {
        bucket: Some("your-documenso-bucket"),
        name: "uploads/2/contract.pdf",
        told: "uploads/2/contract.pdf",
        check: "every document has its object",
        keys: "/opt/documenso/.env",
    };
}

impl CanLose for Orthid {
    const LOSS: ApplicationLoss = ApplicationLoss {
        bucket: Some("orthid-au-syd-1"),
        name: "bundles/2.zip",
        told: "bundles/2.zip",
        check: "every profile picture, archive and bundle has its object",
        keys: "/var/lib/orthid/keystore/field-0.key",
    };
}

impl CanLose for Obexal {
    const LOSS: ApplicationLoss = ApplicationLoss {
        bucket: Some("obexal-logos"),
        name: "tenants/1/logo-1.svg",
        told: "tenants/1/logo-1.svg",
        check: "tenants have their logos",
        keys: "/opt/obexal/.env.prod",
    };
}

impl CanLose for ProofPlatform {
    const LOSS: ApplicationLoss = ApplicationLoss {
        bucket: Some("proofs"),
        name: "2/2.der",
        told: "2/2.der",
        check: "every recent proof has its object",
        keys: "/srv/platform/.env",
    };
}

impl CanLose for Firmflow {
    const LOSS: ApplicationLoss = ApplicationLoss {
        bucket: None,
        name: "/opt/firmflow/uploads/client-0/2.enc",
        told: "client-0/2.enc",
        check: "every document has its file in the vault",
        keys: "/opt/firmflow/.env",
    };
}

/// The command that removes it, run by a hook after the dump.
fn removal<A: CanLose>(world: &World<A>) -> String {
    let Some(bucket) = A::LOSS.bucket else {
        return format!("[\"rm\", \"{}\"]", world.path(A::LOSS.name).display());
    };
    let port = servers::object_server().port;
    let url = format!("http://127.0.0.1:{port}/{}/{}", world.bucket(bucket), A::LOSS.name);
    let (name, login) = objects::LOGIN.split_once(": ").unwrap();
    let delete = format!(
        "import urllib.request as r\n\
         r.urlopen(r.Request('{url}', method='DELETE', headers={{'{name}': '{login}'}}))\n"
    );
    format!("[\"python3\", \"{}\"]", world.sandbox.write("tmp/delete.py", delete).display())
}

/// The row is in the dump, but the object is missing when its source is read.
fn gone_between_dump_and_listing<A: CanLose>() {
    let mut world = World::<A>::start();
    world.advance_hour();
    let command = removal(&world);
    world.write_app_file(&format!(
        "\n[[hook]]\nafter = \"source\"\nsource = \"database\"\ncommand = {command}\n"
    ));
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(3), "{}{}", outcome.stdout, outcome.stderr);
    let told = outcome.stdout + &outcome.stderr;
    assert!(told.contains(A::LOSS.told) && told.contains(A::LOSS.check), "{told}");
    // Everything else was captured.
    assert_eq!(world.snapshots().len(), 2);
}

/// A transport that drops the end of a dump and reports success makes no snapshot.
fn a_dump_is_cut_off<A: CanLose>() {
    let mut world = World::<A>::start();
    world.advance_hour();
    let script = "#!/bin/sh\nPATH=${PATH#*:}\ncase $* in *--version*) exec pg_dump \"$@\" ;; esac\n\
        pg_dump \"$@\" >\"$STATE/dump\" || exit 1\n\
        head -c $(($(wc -c <\"$STATE/dump\") - 300)) \"$STATE/dump\"\n";
    let broken = world.sandbox.write("bin/pg_dump", script);
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = world.advance_hour_whatever();
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(
        outcome.stderr.contains("is incomplete although pg_dump reported no error"),
        "{}",
        outcome.stderr
    );
    assert_eq!(world.snapshots().len(), 1);
    fs::remove_file(broken).unwrap();
    world.advance_hour();
    assert_eq!(world.snapshots().len(), 2);
}

/// The data belongs to an era whose keys are lost: the restore is not started.
fn the_keys_of_an_era_are_gone<A: CanLose>() {
    let mut world = World::<A>::start();
    world.advance_hour();
    let keys = world.path(A::LOSS.keys);
    let era = fs::read_to_string(&keys).unwrap();
    fs::write(&keys, format!("{era}# of another era\n")).unwrap();
    world.advance_hour();
    let repository = world.path(A::KEYS_REPOSITORY);
    let password = world.path("/etc/holdfast").join(format!("{}-keys.key", A::NAME));
    let (repository, password) = (repository.to_str().unwrap(), password.to_str().unwrap());
    let place = ["--repo", repository, "--password-file", password];
    let listed = world.holdfast(2, &[&["snapshots", "--json"], place.as_slice()].concat()).json();
    let first = listed.as_array().unwrap()[0]["id"].as_str().unwrap().to_owned();
    let forgotten = world.holdfast(2, &[&["forget", &first], place.as_slice()].concat());
    assert_eq!(forgotten.code, Some(0), "{}", forgotten.stderr);
    let overwrite =
        A::DATABASES.iter().flat_map(|(name, _)| ["--yes-overwrite".to_owned(), world.own(name)]);
    let overwrite: Vec<String> = overwrite.collect();
    let overwrite: Vec<&str> = overwrite.iter().map(String::as_str).collect();
    let outcome = world.restore(0, &overwrite);
    assert_eq!(outcome.code, Some(1), "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("which holds the keys of"), "{}", outcome.stderr);
    let calls = fs::read_to_string(world.sandbox.path("state/calls")).unwrap_or_default();
    let stopped = calls.lines().any(|line| line.contains(" stop ") || line.contains("replicas=0"));
    assert!(!stopped, "{calls}");
    assert!(fs::read_to_string(&keys).unwrap().ends_with("# of another era\n"));
}

macro_rules! each_application {
    ($($name:ident: $application:ty,)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn names_what_went_between_dump_and_listing() {
                gone_between_dump_and_listing::<$application>();
            }

            #[test]
            fn makes_no_snapshot_of_a_dump_that_is_cut_off() {
                a_dump_is_cut_off::<$application>();
            }

            #[test]
            fn begins_no_restore_without_the_keys_of_its_era() {
                the_keys_of_an_era_are_gone::<$application>();
            }
        }
    )*};
}

each_application! {
    documenso: Documenso,
    orthid: Orthid,
    obexal: Obexal,
    proof_platform: ProofPlatform,
    firmflow: Firmflow,
}
