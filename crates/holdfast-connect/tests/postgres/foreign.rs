//! Databases that read others through foreign servers.

use holdfast_connect::postgres::{DatabaseRestoreOptions, TableOutcome, restore};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options, server};

/// Definitions that name a server do not ask it, but filling a view and `ANALYZE` of a partition
/// do.
#[test]
fn a_peer_that_is_gone_costs_only_what_needs_it() {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.create("app");
    cluster.create("peer");
    cluster.sql("peer", "create table t (id int); insert into t values (7);");
    let socket = cluster.folder().display();
    cluster.sql(
        "app",
        &format!(
            "create extension postgres_fdw;
             create server far foreign data wrapper postgres_fdw
               options (host '{socket}', dbname 'peer');
             create user mapping for public server far options (user 'demo');
             create foreign table far (id int) server far options (table_name 't');
             create view through as select id from far;
             create materialized view shows as select id from through;
             create unique index shows_id on shows (id);
             create table whole (id int) partition by range (id);
             create table whole_1 partition of whole for values from (0) to (5);
             create foreign table whole_2 partition of whole for values from (5) to (9)
               server far options (table_name 't');
             insert into whole values (1), (2);
             create materialized view of_whole as select count(*) as n from whole;
             create table t (id int primary key); insert into t select generate_series(1, 40);"
        ),
    );
    let tree = capture(options(&cluster, "app")).unwrap();
    cluster.sql("postgres", "drop database peer;");
    let way = DatabaseRestoreOptions::new(server(&cluster, "demo", "postgres"), "again", "t1");
    let report = restore(&tree.stored("app"), &way).unwrap();
    assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same), "{report:?}");
    let unmade: Vec<&str> = report.unmade.iter().map(|it| it.label.as_str()).collect();
    let expected =
        ["MATERIALIZED VIEW DATA public.of_whole", "MATERIALIZED VIEW DATA public.shows"];
    assert_eq!(unmade, expected);
    assert!(report.unmade.iter().all(|it| it.reason.contains("peer")), "{report:?}");
    assert!(report.warnings.iter().any(|it| it.contains("ANALYZE")), "{report:?}");
    assert_eq!(cluster.sql("again", "select count(*) from t;"), b"40\n");
    assert_eq!(cluster.sql("again", "select count(*) from whole_1;"), b"2\n");
}
