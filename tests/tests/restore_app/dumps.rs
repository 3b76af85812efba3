//! A captured database as a dump for PostgreSQL's own tools.

use holdfast_tests::cluster::Run;

use crate::world::World;

const DUMP: &str = "dump --repo @data --password-file @key --source database";

/// Loads an archive into a new database, which then equals the captured one.
fn holds_the_same(world: &World, database: &str, options: &[&str], path: &str, picture: &str) {
    world.cluster.create(database);
    let path = world.sandbox.path(path);
    let mut restore = world.cluster.client("pg_restore", ["--exit-on-error", "-d", database]);
    restore.args(options).arg(path).succeed();
    assert_eq!(world.picture(database), picture, "{database}");
}

#[test]
fn every_form_gives_what_was_captured() {
    let world = World::new();
    let large = "select lo_from_bytea(0, decode(repeat('c0ffee', 5000), 'hex'));";
    world.cluster.sql("app", large);
    world.capture();
    let picture = world.picture("app");
    world.put_document(21);
    assert_ne!(world.picture("app"), picture);

    let dump = |form: &str, target: &str| {
        let line = format!("{DUMP} -a {form} -t @{target} latest /databases/app");
        world.sandbox.ok(&line).prints(target);
    };
    dump("custom", "app.dump");
    holds_the_same(&world, "custom", &[], "app.dump", &picture);
    holds_the_same(&world, "by_jobs", &["-j", "3"], "app.dump", &picture);
    dump("directory", "app.folder");
    holds_the_same(&world, "directory", &["-j", "3"], "app.folder", &picture);
    dump("sql", "app.sql");
    world.cluster.create("script");
    let script = world.sandbox.read("app.sql");
    world.cluster.sql("script", std::str::from_utf8(&script).unwrap());
    assert_eq!(world.picture("script"), picture);

    // The same to a pipe.
    let print = |form: &str| {
        let words = world.sandbox.words(&format!("{DUMP} -a {form} latest /databases/app"));
        world.sandbox.command(words).succeed()
    };
    std::fs::write(world.sandbox.path("piped.dump"), print("custom")).unwrap();
    holds_the_same(&world, "piped", &[], "piped.dump", &picture);
    let lines = |script: &[u8]| {
        let text = String::from_utf8(script.to_vec()).unwrap();
        text.lines().filter(|it| !it.contains("restrict ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(&print("sql")), lines(&script));
}

#[test]
fn what_is_no_database_is_not_dumped_and_nothing_is_overwritten() {
    let world = World::new();
    world.capture();
    for path in ["/databases", "/postgres.json", "/"] {
        let outcome = world.sandbox.fails(1, &format!("{DUMP} -a custom -t @x latest {path}"));
        outcome.says(&format!("{path} is not a captured database")).says("/databases/app");
    }
    let line =
        |form: &str, target: &str| format!("{DUMP} -a {form} {target} latest /databases/app");
    world.sandbox.fails(2, &line("directory", "")).says("cannot be printed").says("-t FOLDER");
    world.sandbox.write("there", "already");
    for form in ["custom", "directory", "sql"] {
        world.sandbox.fails(1, &line(form, "-t @there")).says("there").says("exists");
    }
    assert_eq!(world.sandbox.read("there"), b"already");
    assert!(!world.sandbox.exists("x"));
}
