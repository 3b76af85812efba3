//! Dumps made by other tools as sources of an application.

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

/// The application, of which holdfast sees only dumps.
fn world() -> World {
    let world = World::new();
    world.write_file("holdfast.toml", APP_FILE);
    world
}

impl World {
    /// Makes the dump for holdfast.
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
    restored.prints("2 tables with 73 rows match the snapshot, compared by hash");
    assert_eq!(world.picture("app"), before);
    // The destination already matches.
    world.restore(0, "--dry-run").prints("keep     database app");
    // Everything in a foreign dump is run, so that has to be confirmed.
    let refused = world.restore(1, "--table public.audit --into rescue");
    refused.prints("run      statements of dump database: runs the SQL in the dump");
    refused.says("would change existing data");
    world.restore(0, "--table public.audit --into rescue --confirm");
    assert_eq!(world.count("rescue", "audit"), 50);
    let line = "dump -a sql latest /databases/app --source database --repo @data \
                --password-file @key";
    world.sandbox.ok(line).prints("CREATE TABLE public.audit");
}

#[test]
fn a_compressed_script_is_kept_plain_and_restored() {
    let world = world();
    let odd = "insert into document values (99, E'a\\\\b\\n\\t\\\\.', 1); \
        comment on table document is 'it''s; \\ all';";
    world.cluster.sql("app", odd);
    for options in [&["-Fp"][..], &["-Fp", "--inserts"]] {
        let script = world.cluster.dump("app", options);
        let packed = Command::new("gzip").arg("-c").succeed_with(&script);
        world.sandbox.write("app.dump", packed);
        world.capture();
        let line = "dump latest /database.sql --source database --repo @data --password-file @key";
        assert_eq!(world.sandbox.ok(line).stdout.as_bytes(), script);
        let before = world.picture("app");
        // There is nothing to compare the result of a script with, so it never counts as unchanged.
        world.restore(1, "--confirm").says("--yes-overwrite app replaces it");
        world.cluster.sql("postgres", "drop database app;");
        world.restore(1, "").says("would change existing data");
        world.restore(0, "--confirm").prints("the result of a script cannot be compared");
        assert_eq!(world.picture("app"), before);
        assert_eq!(world.databases(), "app postgres template0 template1\n");
    }
}

/// Commands in a foreign script that `psql` would run are not run.
#[test]
fn a_script_of_somebody_else_runs_no_program() {
    let world = world();
    let script = String::from_utf8(world.cluster.dump("app", &["-Fp"])).unwrap();
    world.cluster.sql("postgres", "drop database app;");
    let pwned = world.sandbox.path("pwned");
    let touch = format!("touch {}", pwned.display());
    let (place, rows) = (script.find("CREATE TABLE").unwrap(), script.find("1\t1\t").unwrap());
    for (place, more) in [
        (place, format!("\\! {touch}\n")),
        (place, format!("\\o |{touch}\nSELECT 1;\n\\o\n")),
        (place, format!("\\echo `{touch}`\n")),
        (place, format!("\\setenv X `{touch}`\n")),
        (place, format!("SELECT '{touch}' \\g |sh\n")),
        (place, format!("\\copy document from program '{touch}'\n")),
        (place, format!("-- x\r\\! {touch}\n")),
        (place, format!("SELECT E'a'\n'\\' \\! {touch}\n';\n")),
        (rows, format!("\\.\n\\! {touch}\n")),
        (rows, format!("\\.\r\n\\! {touch}\n")),
        (rows, format!("\\! {touch}\n")),
        (place, "CREATE DATABASE other;\n".to_owned()),
        (place, "\\connect postgres\nCREATE TABLE it ();\n".to_owned()),
    ] {
        let (before, after) = script.split_at(place);
        world.sandbox.write("app.dump", format!("{before}{more}{after}"));
        world.capture();
        world.restore(1, "--confirm").says("script");
        assert!(!pwned.exists(), "{more}");
        assert_eq!(world.databases(), "postgres template0 template1\n", "{more}");
    }
    // All statements are run: a dump is SQL.
    let (before, after) = script.split_at(place);
    world.sandbox.write("app.dump", format!("{before}CREATE TABLE public.more ();\n{after}"));
    world.capture();
    world.restore(0, "--confirm");
    assert_eq!(world.count("app", "more"), 0);
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
    refused("incomplete");
    fs::write(&path, b"pg_dump: error: connection to server failed\n").unwrap();
    refused("not an archive made by pg_dump");
    fs::write(&path, &whole).unwrap();
    let old = Command::new("touch").args(["-d", "3 hours ago"]).arg(&path).status().unwrap();
    assert!(old.success());
    refused("may be at most 2h old; check the program");
    fs::remove_file(&path).unwrap();
    refused("app.dump cannot be read");
    fs::create_dir(&path).unwrap();
    refused("is a folder, as written by pg_dump -Fd");
    let list = world.sandbox.ok("snapshots --repo @data --password-file @key --json");
    assert_eq!(list.json().as_array().unwrap().len(), 1);
}

/// A command in a comment of the database that `psql` would run, if it ran the statements (`exec`).
#[test]
fn a_dump_of_somebody_else_runs_no_program() {
    let world = world();
    let mark = "x".repeat(200);
    world.cluster.sql("app", &format!("comment on database app is '{mark}';"));
    world.dump(&["-Fc", "-Z0"]);
    let dump = fs::read(world.sandbox.path("app.dump")).unwrap();
    let old = format!("IS '{mark}';");
    let place = dump.windows(old.len()).position(|it| it == old.as_bytes()).unwrap();
    let pwned = world.sandbox.path("pwned");
    let mut new = format!("IS 'x';\n\\! touch {}\n--", pwned.display());
    assert!(new.len() <= old.len(), "{new}");
    new.push_str(&"-".repeat(old.len() - new.len()));
    let dump = [&dump[..place], new.as_bytes(), &dump[place + old.len()..]].concat();
    world.sandbox.write("app.dump", dump);
    world.capture();
    for exec in ["", ", exec = [\"env\"]"] {
        let text = APP_FILE.replace("port=5432\" }", &format!("port=5432\"{exec} }}"));
        world.write_file("holdfast.toml", &text);
        world.cluster.sql("postgres", "drop database app;");
        let outcome = world.restore(0, "--confirm");
        outcome.says("settings of the database were not applied");
        assert_eq!(world.count("app", "audit"), 50);
        let line = "dump -a sql latest /databases/app --source database --repo @data \
                    --password-file @key";
        // The comment belongs to the database itself, which a script does not create.
        assert!(!world.sandbox.ok(line).stdout.contains("touch"));
        assert!(!pwned.exists(), "{exec}");
    }
}
