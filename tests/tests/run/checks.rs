//! Checks between a database and the other sources, on a real PostgreSQL.

use std::sync::LazyLock;

use holdfast_tests::cluster::Cluster;
use holdfast_tests::shared;

use crate::world::World;

/// One server for all tests of this file; each has its own database.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| shared::cluster(""));

fn world(database: &str, checks: &str) -> World {
    CLUSTER.create(database);
    CLUSTER.sql(
        database,
        "create table document(id int primary key, path text, bytes bigint); \
         insert into document values (1, 'one.txt', 5), (2, 'two.txt', 6); \
         create table audit(seq bigint primary key, previous text, hash text); \
         insert into audit select i, md5((i - 1)::text), md5(i::text) from generate_series(1, 9) i",
    );
    let socket = CLUSTER.folder().display();
    World::new(&format!(
        "[[source]]\nname = \"database\"\ntype = \"postgres\"\n\
         url = \"postgres://demo@/{database}?host={socket}\"\n\
         [[source]]\nname = \"vault\"\ntype = \"files\"\npaths = [\"data\"]\n{checks}"
    ))
}

fn check(kind: &str) -> String {
    format!("[[check]]\nname = \"it holds\"\nsource = \"database\"\n{kind}\n")
}

const FILES: &str = "sql = \"select path as key, bytes as size from document\"\n\
    objects-in = \"vault\"";

#[test]
fn rows_without_their_file_are_named() {
    let world = world("rows", &check(FILES));
    world.runs();
    CLUSTER.sql("rows", "insert into document values (3, 'three.txt', 1)");
    let outcome = world.fails(3);
    outcome.prints("three.txt\" is missing").says("the snapshot was saved, but 1 check failed");
    world.sandbox.write("data/one.txt", "12345678");
    world.fails(3).prints("has 8 bytes, not 5");
    world.configure(&{
        let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
        let database = text.find("[[source]]\nname = \"database\"").unwrap();
        text[database..].to_owned() + "on-failure = \"fail\"\n"
    });
    let before = world.snapshots().len();
    world.fails(1).says("check \"it holds\" failed, so no snapshot was made");
    assert_eq!(world.snapshots().len(), before);
}

#[test]
fn a_failed_check_removes_nothing() {
    let world = world("retained", &format!("{}[retention]\nlast = 1\n", check(FILES)));
    world.runs();
    let good = world.snapshots()[0]["id"].clone();
    CLUSTER.sql("retained", "insert into document values (3, 'three.txt', 1)");
    for runs in 2..4 {
        world.fails(3).prints("removed none: check \"it holds\" failed");
        assert_eq!((world.snapshots().len(), world.snapshots()[0]["id"] == good), (runs, true));
    }
    world.sandbox.ok("snapshots").prints("check failed");
    world.sandbox.write("data/three.txt", "3");
    world.runs();
    assert_eq!(world.snapshots().len(), 1);
}

#[test]
fn a_gap_in_a_sequence_is_told() {
    let sequence = check("sequence = { table = \"audit\", column = \"seq\" }");
    let chain = check(
        "chain = { table = \"audit\", order = \"seq\", hash = \"hash\", previous = \"previous\" }",
    );
    let world = world("chain", &(sequence + &chain.replace("it holds", "the chain holds")));
    world.runs();
    CLUSTER.sql("chain", "delete from audit where seq = 5");
    let outcome = world.fails(3);
    outcome.prints("check \"it holds\" FAILED: 1 break in 8 rows");
    outcome.prints("check \"the chain holds\" FAILED: 1 break in 8 rows");
}

/// Rows missing at the end leave no gap; this is reported once, and never blocks permanently.
#[test]
fn rows_that_are_gone_from_the_end_are_told() {
    let chain = check(
        "chain = { table = \"audit\", order = \"seq\", hash = \"hash\", previous = \"previous\" }\n\
         on-failure = \"fail\"",
    );
    let world = world("shorter", &chain);
    world.runs();
    CLUSTER.sql("shorter", "delete from audit where seq > 6");
    world.fails(3).prints("FAILED: 0 breaks in 6 rows, 3 fewer than in the previous snapshot");
    world.runs();
    CLUSTER.sql("shorter", "truncate audit");
    world.fails(3).prints("FAILED: 0 breaks in 0 rows, 6 fewer than in the previous snapshot");
    assert_eq!(world.snapshots().len(), 4);
}

#[test]
fn a_value_is_compared() {
    let expect =
        |value: &str| check(&format!("sql = \"select count(*) from document\"\nexpect = {value}"));
    let world = world("value", &expect("2"));
    world.runs();
    CLUSTER.sql("value", "delete from document where id = 1");
    world.fails(3).prints("returned 1, expected 2");
}

#[test]
fn a_question_that_makes_no_sense_prevents_the_snapshot() {
    let world = world("question", &check("sql = \"select nothing from nowhere\"\nexpect = 1"));
    world.fails(1).says("check \"it holds\" could not be evaluated").says("nowhere");
    assert_eq!(world.snapshots().len(), 0);
}

#[test]
fn roles_go_to_the_keys_and_the_database_to_the_data() {
    let world = world("globals", "");
    world.runs();
    let listing = world.sandbox.ok("ls latest").stdout;
    assert!(listing.contains("postgres.json") && !listing.contains("globals.sql"), "{listing}");
    let keys = world.sandbox.ok("-r @vault -p @vault-key ls latest").stdout;
    assert!(keys.contains("/database/globals.sql"), "{keys}");
}

/// An application with a source that counts its captures, and a hook that adds a row to the
/// database before it is captured, and then ends its sessions, once.
fn world_that_loses(database: &str, checks: &str) -> World {
    let world = world(database, checks);
    let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
    let (programs, socket) = (CLUSTER.programs().display(), CLUSTER.folder().display());
    let script = format!(
        "mkdir {once} || exit 0\n\
         ask() {{ {programs}/psql -h {socket} -U demo -d $1 -c \"$2\"; }}\n\
         ask {database} \"insert into document values (3, 'three.txt', 1)\"\n\
         ask postgres \"select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = '{database}'\"\n",
        once = world.sandbox.path("once").display()
    );
    world.sandbox.write("end.sh", script);
    let hook = format!(
        "[[hook]]\nbefore = \"source\"\nsource = \"database\"\ncommand = [\"sh\", \"{}\"]\n",
        world.sandbox.path("end.sh").display()
    );
    let counted = format!(
        "[[source]]\nname = \"counted\"\ntype = \"command\"\nfile = \"counted\"\n\
         command = [\"sh\", \"-c\", \"echo 1 | tee -a {}\"]\n",
        world.sandbox.path("count").display()
    );
    let text = text.replace(
        "[[source]]\nname = \"database\"",
        &format!("{counted}[[source]]\nname = \"database\""),
    );
    world.sandbox.write("holdfast.toml", text + &hook);
    world
}

/// If a server restarts during a run, only its database is captured again; its checks are evaluated
/// as of the new cut.
#[test]
fn a_database_that_is_lost_meanwhile_is_captured_again() {
    let world = world_that_loses("lost", &check(FILES));
    let outcome = world.fails(3);
    outcome.says("source \"database\" was captured again").prints("three.txt\" is missing");
    assert!(!outcome.stderr.contains("the run was restarted"), "{}", outcome.stderr);
    assert_eq!(world.sandbox.read("count"), b"1\n");
    assert_eq!(world.snapshots().len(), 1);
    let listing = world.sandbox.ok("ls latest").stdout;
    assert!(listing.contains("postgres.json"), "{listing}");
}

/// A check that ends its own session, once: nothing has been captured by then.
#[test]
fn a_run_is_restarted_if_a_cut_is_lost_before_anything_is_captured() {
    let world = world("lost_early", &check("sql = \"select once()\"\nexpect = 1"));
    let once = CLUSTER.folder().join("once");
    CLUSTER.sql(
        "lost_early",
        &format!(
            "create function once() returns int language plpgsql as $$ begin
               begin
                 copy (select 1) to program 'cat >/dev/null; mkdir {}';
               exception when others then return 1;
               end;
               perform pg_terminate_backend(pg_backend_pid());
               return 1;
             end $$;",
            once.display()
        ),
    );
    world.sandbox.ok("run --init-missing").says("the run was restarted");
    assert!(once.exists());
    assert_eq!(world.snapshots().len(), 1);
}
