//! Databases that read each other, as `postgres_fdw` and `dblink` let them.

use crate::killed::{KillMoment, kill_at, waiting};
use crate::world::World;

const APP_FILE: &str = r#"
[app]
name = "across"
[repository]
url = "@across"
password-file = "@key"
[[source]]
name = "databases"
type = "postgres"
url = "postgres://demo@/alpha?host=SOCKET&port=5432"
databases = [DATABASES]
globals = "no"
"#;

/// Alpha shows what beta shows of gamma, and gamma what alpha has: no order would do.
fn world(databases: &str) -> World {
    let world = World::new();
    world.write_file("holdfast.toml", &APP_FILE.replace("DATABASES", databases));
    let socket = world.cluster.folder().display().to_string();
    let run = |database: &str, sql: &str| {
        drop(world.cluster.sql(database, &sql.replace("SOCKET", &socket)));
    };
    for name in ["alpha", "beta", "gamma"] {
        world.cluster.create(name);
        let rows = "create table own (id int primary key); insert into own
            select generate_series(1, length(current_database()) * 3);";
        run(name, rows);
    }
    let far = |of: &str, table: &str| {
        format!(
            "create extension postgres_fdw;
             create server far foreign data wrapper postgres_fdw
               options (host 'SOCKET', dbname '{of}');
             create user mapping for public server far options (user 'demo');
             create foreign table far (n bigint) server far options (table_name '{table}');"
        )
    };
    run(
        "beta",
        "create extension dblink;
         create materialized view shows as select * from dblink(
           'host=SOCKET dbname=gamma user=demo', 'select count(*) from own') as it(n bigint);",
    );
    // Through a view of a table that has a foreign partition.
    let shows = "create table whole (n bigint) partition by range (n);
        alter table whole attach partition far for values from (0) to (1000);
        create view between as select n from whole;
        create materialized view shows as select n from between;";
    run("alpha", &(far("beta", "shows") + shows));
    let counts = "create view counted as select count(*) as n from own;";
    run("alpha", counts);
    let shows = "create materialized view shows as select n from far;";
    run("gamma", &(far("alpha", "counted") + shows));
    world
}

/// What each shows of another one.
fn shown(world: &World) -> [u32; 3] {
    ["alpha", "beta", "gamma"].map(|name| {
        let shown = world.cluster.sql(name, "select sum(n) from shows;");
        String::from_utf8(shown).unwrap().trim().parse().unwrap()
    })
}

#[test]
fn databases_that_read_each_other_come_back() {
    let world = world("\"alpha\", \"beta\", \"gamma\"");
    assert_eq!(shown(&world), [15, 15, 15]);
    world.capture();
    for name in ["alpha", "beta", "gamma"] {
        world.cluster.sql("postgres", &format!("drop database {name};"));
    }
    let outcome = world.restore(0, "--confirm");
    outcome.prints("references between databases").prints("3 of 3 databases");
    assert_eq!(shown(&world), [15, 15, 15]);
    // In place of others: what they show must not be what was there before.
    spoil(&world);
    world.restore(0, "--confirm --yes-overwrite alpha --yes-overwrite beta --yes-overwrite gamma");
    assert_eq!(shown(&world), [15, 15, 15]);
    let comments = "select count(*) from pg_shdescription where description ~ 'holdfast';";
    assert_eq!(world.cluster.sql("postgres", comments), b"0\n");
    world.restore(0, "--confirm").prints("keep     database alpha");
}

/// Removes rows of each, and shows that.
fn spoil(world: &World) {
    for name in ["alpha", "beta", "gamma"] {
        world.cluster.sql(name, "delete from own where id > 2;");
    }
    for name in ["beta", "alpha", "gamma"] {
        world.cluster.sql(name, "refresh materialized view shows;");
    }
    assert_eq!(shown(world), [2, 2, 2]);
}

/// Killed before the step that finishes the databases, in its first and in its last round, and when
/// only one database is left to finish.
#[test]
fn a_restore_that_was_killed_among_references_is_finished_by_the_next_one() {
    const LINE: &str = "restore-app --config @holdfast.toml --confirm \
        --yes-overwrite alpha --yes-overwrite beta --yes-overwrite gamma";
    let world = world("\"alpha\", \"beta\", \"gamma\"");
    world.capture();
    spoil(&world);
    let never = KillMoment { call: 0, is_filled: false };
    assert!(waiting(&world, LINE, never).output().unwrap().status.success());
    // The step fills each of three views in each of three rounds.
    let before = world.sandbox.read("calls").len() as u32 - 9;
    for (call, is_filled) in [(0, true), (1, true), (3, false), (7, true), (9, true)] {
        spoil(&world);
        let moment = KillMoment { call: before + call, is_filled };
        kill_at(&world, LINE, moment);
        let outcome = world.sandbox.ok(LINE);
        outcome.prints("keep     database alpha").prints("keep     database beta");
        assert_eq!(shown(&world), [15, 15, 15], "{moment:?}");
        assert_eq!(world.databases(), "alpha app beta gamma postgres template0 template1\n");
        let comments = "select count(*) from pg_shdescription where description ~ 'holdfast';";
        assert_eq!(world.cluster.sql("postgres", comments), b"0\n", "{moment:?}");
    }
}

#[test]
fn a_database_whose_peer_is_gone_lacks_only_what_needs_it() {
    let world = world("\"alpha\", \"gamma\"");
    world.capture();
    for name in ["alpha", "beta", "gamma"] {
        world.cluster.sql("postgres", &format!("drop database {name};"));
    }
    let outcome = world.restore(3, "--confirm");
    outcome.prints("MATERIALIZED VIEW DATA public.shows in database alpha").prints("\"beta\"");
    let gamma = world.cluster.sql("gamma", "select sum(n) from shows;");
    assert_eq!((gamma, world.count("alpha", "own")), (b"15\n".to_vec(), 15));
}
