//! Dumps that somebody else makes, as sources of an application.

use std::fs;
use std::process::Command;

use holdfast_tests::cluster::Run;

use crate::world::World;

const APP_FILE: &str = r#"
[app]
name = "app"
[repository]
url = "@data"
password-file = "@key"
[[source]]
name = "database"
type = "dump"
file = "@app.dump"
max-age = "2h"
restore = { url = "postgres://demo@/app?host=SOCKET&port=5432" }
"#;

/// The application, of which holdfast sees dumps only.
fn world() -> World {
    let world = World::new();
    world.write_file("holdfast.toml", APP_FILE);
    world
}

impl World {
    /// Makes the dump that holdfast finds.
    fn dump(&self, options: &[&str]) {
        self.sandbox.write("app.dump", self.cluster.dump("app", options));
    }
}

#[test]
fn an_archive_is_taken_apart_and_restored_and_compared() {
    let world = world();
    for (number, options) in [(21, &["-Fc"][..]), (22, &["-Fc", "-Z0"]), (23, &["-Fc", "-Z9"])] {
        world.put_document(number);
        world.dump(options);
        world.capture();
    }
    let listed = world.sandbox.ok("ls latest --recursive --repo @data --password-file @key");
    listed.prints("/databases/app/tables/public.document");
    let before = world.picture("app");
    world.cluster.sql("postgres", "drop database app;");
    let restored = world.restore(0, "--confirm");
    restored.prints("2 tables with 73 rows hold what was captured, compared by hash");
    assert_eq!(world.picture("app"), before);
    // What stands there is that already.
    world.restore(0, "--dry-run").prints("keep     database app");
    world.restore(0, "--table public.audit --into rescue");
    assert_eq!(world.count("rescue", "audit"), 50);
    let line = "dump -a sql latest /databases/app --source database --repo @data \
                --password-file @key";
    world.sandbox.ok(line).prints("CREATE TABLE public.audit");
}

#[test]
fn a_compressed_script_is_kept_plain_and_printed() {
    let world = world();
    let script = world.cluster.dump("app", &["-Fp"]);
    let packed = Command::new("gzip").arg("-c").succeed_with(&script);
    world.sandbox.write("app.dump", packed);
    world.capture();
    let line = "dump latest /database.sql --source database --repo @data --password-file @key";
    assert_eq!(world.sandbox.ok(line).stdout.as_bytes(), script);
    let plan = world.restore(0, "--dry-run");
    plan.prints("it is a script, which nothing restores by itself").prints("| psql runs it");
}

#[test]
fn a_dump_that_is_not_whole_not_new_or_not_there_makes_no_snapshot() {
    let world = world();
    world.dump(&["-Fc", "-Z0"]);
    world.capture();
    let path = world.sandbox.path("app.dump");
    let whole = fs::read(&path).unwrap();
    let refused = |why: &str| {
        world.sandbox.fails(1, "run --config @holdfast.toml").says("source database").says(why);
    };
    fs::write(&path, &whole[..whole.len() - 200]).unwrap();
    refused("whole");
    fs::write(&path, b"pg_dump: error: connection to server failed\n").unwrap();
    refused("not an archive made by pg_dump");
    fs::write(&path, &whole).unwrap();
    let old = Command::new("touch").args(["-d", "3 hours ago"]).arg(&path).status().unwrap();
    assert!(old.success());
    refused("may be 2h old: whatever makes it has stopped");
    fs::remove_file(&path).unwrap();
    refused("app.dump cannot be read");
    fs::create_dir(&path).unwrap();
    refused("is a folder, as pg_dump -Fd writes it");
    let list = world.sandbox.ok("snapshots --repo @data --password-file @key --json");
    assert_eq!(list.json().as_array().unwrap().len(), 1);
}
