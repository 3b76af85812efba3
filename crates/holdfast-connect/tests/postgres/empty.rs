//! Whether a database is empty, and what happens to one that no longer is.

use std::os::unix::fs::symlink;

use holdfast_connect::postgres::{
    DatabaseRestoreOptions, DatabaseState, ErrorKind, restore, standing,
};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options, script, server};

/// What may have been put into a database, one of each kind.
const THINGS: [&str; 30] = [
    "CREATE TABLE t ();",
    "CREATE VIEW v AS SELECT 1;",
    "CREATE SEQUENCE s;",
    "CREATE MATERIALIZED VIEW m AS SELECT 1;",
    "CREATE TYPE pair AS (a int, b int);",
    "CREATE TYPE mood AS ENUM ('ok');",
    "CREATE DOMAIN d AS int;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
    "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';",
    "CREATE AGGREGATE a (int) (sfunc = int4pl, stype = int);",
    "CREATE SCHEMA s;",
    "CREATE COLLATION c FROM \"C\";",
    "CREATE CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;",
    "CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq);",
    "CREATE OPERATOR FAMILY o USING btree;",
    "CREATE CAST (int AS json) WITH INOUT;",
    "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple);",
    "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple);",
    "CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler;",
    "CREATE LANGUAGE l HANDLER plpgsql_call_handler;",
    "CREATE EXTENSION hstore;",
    "CREATE FOREIGN DATA WRAPPER w;",
    "CREATE PUBLICATION everything FOR ALL TABLES;",
    "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p \
     WITH (connect = false, slot_name = NONE);",
    "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
     CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION e();",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;",
    "SELECT lo_from_bytea(0, 'abc');",
    "GRANT CREATE ON SCHEMA public TO other;",
    "ALTER SCHEMA public OWNER TO other;",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 1000', current_database()); \
     END $$;",
];

#[test]
fn anything_beyond_a_new_database_counts_as_content() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.sql("postgres", "CREATE ROLE other LOGIN;");
    // A role without privileges must see the same.
    let there = |name: &str| {
        let as_role = |role| standing(&server(&cluster, role, "postgres"), name).unwrap();
        let found = as_role("demo");
        assert_eq!(as_role("other"), found, "{name}");
        found
    };
    assert_eq!(there("app"), DatabaseState::Absent);
    for (number, thing) in THINGS.iter().enumerate() {
        let name = format!("app{number}");
        cluster.sql("postgres", &format!("CREATE DATABASE {name};"));
        // A session with a temporary table leaves nothing.
        cluster.sql(&name, "CREATE TEMPORARY TABLE t (); DROP TABLE t;");
        assert_eq!(there(&name), DatabaseState::Empty);
        cluster.sql(&name, thing);
        assert!(matches!(there(&name), DatabaseState::Filled(_)), "{thing}");
    }
}

/// A user mapping, which only a superuser may read, and a row in a table of an extension.
#[test]
fn what_cannot_be_read_counts_and_is_named() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.sql("postgres", "CREATE ROLE other LOGIN;");
    cluster.create("app");
    cluster.sql(
        "app",
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER live FOREIGN DATA WRAPPER w;
         CREATE USER MAPPING FOR demo SERVER live OPTIONS (password 'nowhere else');",
    );
    for role in ["demo", "other"] {
        let DatabaseState::Filled(holding) =
            standing(&server(&cluster, role, "postgres"), "app").unwrap()
        else {
            panic!("it holds something");
        };
        let text = holding.to_string();
        assert_eq!(holding.tables, 0);
        assert_eq!(holding.others.get("pg_user_mapping"), Some(&1), "{text}");
        assert!(text.contains("pg_foreign_server") && text.contains("pg_user_mapping"), "{text}");
    }
}

/// Rows are committed into a database that was empty while another one is filled to replace it.
#[test]
fn rows_that_are_written_meanwhile_stay() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.create("app");
    cluster.sql("app", "CREATE TABLE it (a int); INSERT INTO it VALUES (1);");
    let tree = capture(options(&cluster, "app")).unwrap();
    cluster.sql("postgres", "DROP DATABASE app;");
    cluster.create("app");
    let folder = cluster.folder().join("tools");
    std::fs::create_dir(&folder).unwrap();
    symlink(cluster.programs().join("psql"), folder.join("psql")).unwrap();
    let real = cluster.programs().display();
    let text = format!(
        "#!/bin/sh\ncase \" $* \" in *--version*) exec {real}/pg_restore --version;; esac\n\
         {real}/pg_restore \"$@\" || exit\n\
         {real}/psql -X -q -h {} -U demo -d app \
         -c 'CREATE TABLE IF NOT EXISTS orders (a int); INSERT INTO orders VALUES (42);'\n",
        cluster.folder().display()
    );
    script(&cluster, "tools/pg_restore", &text);
    for exec in [&[][..], &["env"]] {
        let mut way =
            DatabaseRestoreOptions::new(server(&cluster, "demo", "postgres"), "app", "t1");
        way.server.tools = Some(folder.clone());
        way.server.exec = exec.iter().map(Into::into).collect();
        (way.overwrite, way.only_empty) = (Some("app".into()), true);
        let error = restore(&tree.stored("app"), &way).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Changed, "{error}");
        assert!(error.to_string().contains("now has 1 table"), "{error}");
    }
    // The second one had been filled before it began.
    assert_eq!(cluster.sql("app", "SELECT count(*) FROM orders;"), b"1\n");
    let names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database;";
    assert_eq!(cluster.sql("postgres", names), b"app postgres template0 template1\n");
}
