//! What exists where a database is restored, and unusual databases.

use holdfast_connect::postgres::{
    Cut, DatabaseRestoreOptions, ErrorKind, GlobalsSelection, TableOutcome, holds, restore,
};

use crate::cluster::{Cluster, installations};
use crate::round_trip::filled;
use crate::tree::{capture, options, script, server};

fn target(cluster: &Cluster, name: &str) -> DatabaseRestoreOptions {
    DatabaseRestoreOptions::new(server(cluster, "demo", "postgres"), name, "t1")
}

/// A session cannot rename its own database, so another database is used.
#[test]
fn the_database_that_every_server_has_is_replaced_too() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.sql("postgres", "CREATE TABLE it (a int); INSERT INTO it VALUES (1);");
    let tree = capture(options(&cluster, "postgres")).unwrap();
    cluster.sql("postgres", "DELETE FROM it;");
    let mut way = target(&cluster, "postgres");
    way.overwrite = Some("postgres".into());
    restore(&tree.stored("postgres"), &way).unwrap();
    assert_eq!(cluster.sql("postgres", "SELECT a FROM it;"), b"1\n");
}

#[test]
fn differences_besides_the_rows_are_detected() {
    for programs in installations() {
        let cluster = filled(&programs);
        cluster.sql(
            "app",
            "CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a';
            CREATE TABLE states (s varchar CHECK (s IN ('on', 'off')), t text);
            CREATE POLICY own ON states USING (t = current_user);
            CREATE ROLE reader; GRANT SELECT ON states TO reader;",
        );
        let tree = capture(options(&cluster, "app")).unwrap();
        let as_captured = |with_owners| {
            let server = server(&cluster, "demo", "app");
            holds(&tree.stored("app"), &server, "app", with_owners).unwrap().is_some()
        };
        assert!(as_captured(true));
        // PostgreSQL writes the CHECK differently after a restore.
        let mut way = target(&cluster, "app");
        way.overwrite = Some("app".into());
        restore(&tree.stored("app"), &way).unwrap();
        assert!(as_captured(true));
        for (change, back) in [
            (
                "CREATE OR REPLACE FUNCTION twice(a int) RETURNS int LANGUAGE sql \
                 AS 'SELECT 3 * a';",
                "CREATE OR REPLACE FUNCTION twice(a int) RETURNS int LANGUAGE sql \
                 AS 'SELECT 2 * a';",
            ),
            ("DROP POLICY own ON states;", "CREATE POLICY own ON states USING (t = current_user);"),
            ("SELECT nextval('counter');", "SELECT setval('counter', 39, true);"),
            ("CREATE VIEW more AS SELECT 1;", "DROP VIEW more;"),
            ("SELECT lo_from_bytea(4711, 'abc');", "SELECT lo_unlink(4711);"),
            ("REVOKE SELECT ON states FROM reader;", "GRANT SELECT ON states TO reader;"),
            ("ALTER VIEW seen OWNER TO reader;", "ALTER VIEW seen OWNER TO demo;"),
        ] {
            cluster.sql("app", change);
            assert!(!as_captured(true), "{change}");
            let is_of_owners = change.starts_with("REVOKE") || change.contains("OWNER");
            assert_eq!(as_captured(false), is_of_owners, "{change}");
            cluster.sql("app", back);
            assert!(as_captured(true), "{back}");
        }
    }
}

/// A subscription prevents the replaced database from being removed.
#[test]
fn a_failed_cleanup_is_reported_and_the_restore_completes() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.create("app");
    cluster.sql("app", "CREATE TABLE it (a int); ALTER DATABASE app SET work_mem = '7MB';");
    let tree = capture(options(&cluster, "app")).unwrap();
    cluster.sql(
        "app",
        "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p
        WITH (connect = false, slot_name = NONE, enabled = false);",
    );
    let mut way = target(&cluster, "app");
    way.overwrite = Some("app".into());
    let report = restore(&tree.stored("app"), &way).unwrap();
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    assert!(report.warnings[0].starts_with("app_hf_old_t1 is no longer needed"));
    assert_eq!(cluster.sql("app", "SHOW work_mem;"), b"7MB\n");
}

/// Tables whose names are not UTF-8 are compared, and names of roles do not change.
#[test]
fn other_encodings_are_restored() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.sql(
        "postgres",
        "CREATE ROLE \"r\u{f6}le\";
        CREATE DATABASE app TEMPLATE template0 ENCODING 'EUC_JP';",
    );
    cluster.create("other");
    cluster.sql(
        "app",
        "SET client_encoding = 'UTF8'; CREATE TABLE \"\u{65e5}\u{672c}\" (a text);
        INSERT INTO \"\u{65e5}\u{672c}\" VALUES ('\u{65e5}');",
    );
    let mut both = options(&cluster, "app");
    both.databases = holdfast_connect::postgres::DatabaseSelection::All;
    both.globals = GlobalsSelection::WithoutPasswords;
    let tree = capture(both).unwrap();
    let globals = String::from_utf8(tree.0["globals.sql"].clone()).unwrap();
    assert!(globals.contains("CREATE ROLE \"r\u{f6}le\";"), "{globals}");
    let report = restore(&tree.stored("app"), &target(&cluster, "again")).unwrap();
    assert_eq!(report.tables.len(), 1);
    assert_eq!(report.tables[0].outcome, TableOutcome::Same);
    let mut tree = tree;
    tree.0.iter_mut().filter(|(path, _)| path.starts_with("databases/app/tables/")).for_each(
        |(_, rows)| {
            rows.truncate(0);
            rows.extend_from_slice(b"x\n\\.\n\n\n");
        },
    );
    let error = restore(&tree.stored("app"), &target(&cluster, "wrong")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Differs, "{error}");
}

/// ssh passes its words to a remote shell.
#[test]
fn ssh_passes_its_arguments_on() {
    let cluster = filled(&installations()[0]);
    let direct = capture(options(&cluster, "app")).unwrap();
    std::fs::create_dir(cluster.folder().join("bin")).unwrap();
    let ssh = script(&cluster, "bin/ssh", "#!/bin/sh\nshift\nexec sh -c \"$*\"\n");
    let mut around = options(&cluster, "app");
    around.server.exec = vec![ssh.into_os_string(), "database.example.com".into()];
    let tree = capture(around.clone()).unwrap();
    assert_eq!(direct.content("app").members, tree.content("app").members);
    let mut way = target(&cluster, "it's new & \"odd\"");
    way.server.exec = around.server.exec;
    restore(&tree.stored("app"), &way).unwrap();
}

/// Properties of a database since PostgreSQL 16, and its tablespace.
#[test]
fn collation_and_tablespace_are_restored() {
    for programs in installations() {
        let cluster = Cluster::start(&programs);
        cluster.sql(
            "postgres",
            "SET allow_in_place_tablespaces = on;
            CREATE TABLESPACE fast LOCATION '';",
        );
        let rules = if cluster.major() >= 16 { "ICU_RULES '&V << w <<< W'" } else { "" };
        cluster.sql(
            "postgres",
            &format!(
                "CREATE DATABASE app TEMPLATE template0 TABLESPACE fast
            ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' {rules};"
            ),
        );
        let facts = |name: &str| {
            let query = format!(
                "SELECT to_jsonb(d) ->> 'daticurules', spcname FROM pg_database d
                JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = '{name}';"
            );
            cluster.sql("postgres", &query)
        };
        let tree = capture(options(&cluster, "app")).unwrap();
        let report = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap();
        assert_eq!(report.warnings, [""; 0]);
        assert_eq!(facts("app"), facts("new"));
        cluster.sql("postgres", "DROP DATABASE app; DROP DATABASE new; DROP TABLESPACE fast;");
        let report = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap();
        assert!(report.warnings[0].contains("no tablespace \"fast\""), "{:?}", report.warnings);
    }
}

/// Tools newer than the server, as when a server runs in a container: since version 17 they set
/// something that older servers do not know.
#[test]
fn newer_tools_restore_into_the_server_that_they_dumped() {
    let installed = installations();
    let clusters: Vec<Cluster> = installed.iter().map(|programs| filled(programs)).collect();
    for cluster in &clusters {
        for tools in clusters.iter().filter(|tools| tools.major() > cluster.major()) {
            let mut captured = options(cluster, "app");
            captured.server.tools = Some(tools.programs().to_owned());
            let tree = capture(captured).unwrap();
            let name = format!("by_{}", tools.major());
            let mut way = target(cluster, &name);
            // The server's own tools cannot read what newer ones wrote.
            if tools.major() >= 17 && cluster.major() < 17 {
                let error = restore(&tree.stored("app"), &way).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Version, "{error}");
                assert!(error.to_string().contains("postgresql-client-17"), "{error}");
            }
            for jobs in [None, Some((3, cluster.folder().to_owned()))] {
                way.server.tools = Some(tools.programs().to_owned());
                (way.database, way.jobs) = (format!("{name}_{}", jobs.is_some()), jobs);
                let report = restore(&tree.stored("app"), &way).unwrap();
                assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same));
            }
            // A different error must not be ignored.
            let mut tree = tree;
            let rows = tree.0.get_mut("databases/app/tables/public.many_rows").unwrap();
            rows.splice(0..0, *b"no number\tx\n");
            way.database = "wrong".into();
            let error = restore(&tree.stored("app"), &way).unwrap_err();
            assert!(error.to_string().contains("no number"), "{error}");
        }
    }
}

/// Limits of a database or a role would end the cut before the dump does.
#[test]
fn no_limit_ends_the_cut() {
    for programs in installations() {
        let cluster = filled(&programs);
        let mut limits = vec!["idle_in_transaction_session_timeout"];
        limits.extend((cluster.major() >= 14).then_some("idle_session_timeout"));
        limits.extend((cluster.major() >= 17).then_some("transaction_timeout"));
        for limit in &limits {
            cluster.sql("app", &format!("ALTER DATABASE app SET {limit} = '600s';"));
        }
        let cut = Cut::open(options(&cluster, "app")).unwrap();
        for limit in &limits {
            let mut found = Vec::new();
            let query = format!("SELECT current_setting('{limit}')");
            cut.query("app", &query, &mut |row| {
                found.push(row);
                Ok(())
            })
            .unwrap();
            assert_eq!(found, [[Some("0".to_owned())]], "{limit}");
        }
    }
}

/// Rows of partitions by the hash of an enumeration may move to others: all are compared together.
#[test]
fn partitions_that_are_filled_through_their_root_are_compared() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.create("app");
    cluster.sql(
        "app",
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
         CREATE TABLE \"felt (so)\" (m mood, \"a (b)\" int) PARTITION BY HASH (m);
         CREATE TABLE f0 PARTITION OF \"felt (so)\" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE f1 PARTITION OF \"felt (so)\" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         INSERT INTO \"felt (so)\" SELECT m, g FROM generate_series(1, 50) g,
             unnest(enum_range(NULL::mood)) m;",
    );
    cluster.create("mixed");
    cluster.sql(
        "mixed",
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
         CREATE TABLE felt (m mood, a int) PARTITION BY RANGE (a);
         CREATE TABLE f0 PARTITION OF felt FOR VALUES FROM (0) TO (10);
         CREATE TABLE f1 PARTITION OF felt FOR VALUES FROM (10) TO (99) PARTITION BY HASH (m);
         CREATE TABLE f2 PARTITION OF f1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
         INSERT INTO felt SELECT 'ok', g FROM generate_series(1, 50) g;",
    );
    // Only some of the partitions went through the root.
    let tree = capture(options(&cluster, "mixed")).unwrap();
    let report = restore(&tree.stored("mixed"), &target(&cluster, "again")).unwrap();
    let outcomes: Vec<_> = report.tables.iter().map(|it| &it.outcome).collect();
    assert!(matches!(outcomes[..], [TableOutcome::Same, TableOutcome::NotCompared { .. }]));
    let mut tree = capture(options(&cluster, "app")).unwrap();
    let report = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap();
    assert_eq!(report.tables.len(), 2);
    assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same));
    let tables = tree.0.iter_mut().filter(|(path, _)| path.contains("/tables/public.f"));
    for (_, rows) in tables {
        let digit = rows.iter_mut().find(|byte| byte.is_ascii_digit());
        digit.into_iter().for_each(|digit| *digit ^= 1);
    }
    let error = restore(&tree.stored("app"), &target(&cluster, "wrong")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Differs, "{error}");
}
