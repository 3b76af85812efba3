//! Databases whose extensions have tables of their own, or depend on the name of the database:
//! PostGIS, pg_cron and pgvector as in Debian.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast_connect::postgres::{
    DatabaseRestoreOptions, DatabaseRestoreReport, DatabaseState, StoredDatabase, TableOutcome,
    holds, restore, standing,
};

use crate::cluster::{Cluster, installations};
use crate::tree::{PostgresTree, capture, options, server};

/// A cluster of a version that has an extension.
fn with(extension: &str) -> Cluster {
    let clusters = installations().into_iter().rev().map(|programs| Cluster::start(&programs));
    let found = clusters.into_iter().find(|cluster| cluster.has_extension(extension));
    found.unwrap_or_else(|| panic!("{extension} is missing: `./dev test` installs it"))
}

fn target(cluster: &Cluster, name: &str) -> DatabaseRestoreOptions {
    DatabaseRestoreOptions::new(server(cluster, "demo", "postgres"), name, "t1")
}

fn restored(cluster: &Cluster, tree: &PostgresTree, name: &str) -> DatabaseRestoreReport {
    let report = restore(&tree.stored("app"), &target(cluster, name)).unwrap();
    for table in &report.tables {
        assert_eq!(table.outcome, TableOutcome::Same, "{}", table.label);
    }
    report
}

fn text(cluster: &Cluster, database: &str, query: &str) -> String {
    String::from_utf8(cluster.sql(database, &format!("{query};"))).unwrap().trim().to_owned()
}

/// Rows that PostGIS provides itself are in no dump, but those of the user are.
#[test]
fn tables_of_postgis_hold_what_a_dump_has_of_them() {
    let cluster = with("postgis");
    cluster.create("app");
    cluster.sql(
        "app",
        "create extension postgis; create extension postgis_topology;
         create table well (id int primary key, spot geometry(Point, 4326));
         insert into well select i, st_setsrid(st_makepoint(i, i), 4326)
           from generate_series(1, 80) i;
         create index well_spot on well using gist (spot);
         insert into spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
           values (990001, 'own', 990001, 'LOCAL_CS[\"own\"]', '+proj=longlat');
         select topology.createtopology('net', 4326);",
    );
    let tree = capture(options(&cluster, "app")).unwrap();
    assert_eq!(tree.table("app", "spatial_ref_sys").rows, 1);
    let report = restored(&cluster, &tree, "again");
    assert_eq!(report.unmade, []);
    let query = "select (select count(*) from well), (select count(*) from spatial_ref_sys) > 8000,
        (select count(*) from spatial_ref_sys where srid = 990001),
        (select count(*) from topology.topology)";
    assert_eq!(text(&cluster, "again", query), "80|t|1|1");
    let held = holds(&tree.stored("app"), &server(&cluster, "demo", "postgres"), "again", true);
    assert!(held.unwrap().is_some());
    // A row that differs is noticed among those that are compared.
    cluster.sql("again", "update spatial_ref_sys set auth_name = 'other' where srid = 990001;");
    let held = holds(&tree.stored("app"), &server(&cluster, "demo", "postgres"), "again", true);
    assert!(held.unwrap().is_none());
}

/// The geocoder keeps rules and settings in tables, and dumps what users have changed of them.
#[test]
fn tables_of_the_geocoder_hold_what_a_dump_has_of_them() {
    let cluster = with("postgis_tiger_geocoder");
    cluster.create("app");
    cluster.sql(
        "app",
        "create extension postgis; create extension fuzzystrmatch;
         create extension postgis_tiger_geocoder;
         create table place (id int primary key, spot geometry(Point, 4269));
         insert into place select i, st_setsrid(st_makepoint(i, i), 4269)
           from generate_series(1, 30) i;
         insert into tiger.pagc_lex (seq, word, stdword, token, is_custom)
           values (1, 'holdfast', 'HF', 1, true);
         select tiger.set_geocode_setting('debug_normalize_address', 'true');",
    );
    let query = "select (select count(*) from place),
        (select count(*) from tiger.loader_platform), (select count(*) from tiger.pagc_lex),
        (select count(*) from tiger.pagc_lex where is_custom),
        (select count(*) from tiger.street_type_lookup), (select count(*) from tiger.pagc_rules),
        tiger.get_geocode_setting('debug_normalize_address')";
    let before = text(&cluster, "app", query);
    let tree = capture(options(&cluster, "app")).unwrap();
    let report = restored(&cluster, &tree, "again");
    assert_eq!(report.unmade, []);
    assert_eq!(text(&cluster, "again", query), before);
}

/// Files of an extension in the folder of a server, which are removed again.
struct Installed([PathBuf; 2]);

impl Installed {
    /// None if that folder cannot be written to.
    fn new(cluster: &Cluster, name: &str, sql: &str) -> Option<Self> {
        let shared =
            text(cluster, "postgres", "select setting from pg_config where name = 'SHAREDIR'");
        let folder = Path::new(&shared).join("extension");
        let files = [format!("{name}.control"), format!("{name}--1.0.sql")];
        let files = files.map(|file| folder.join(file));
        let control = "default_version = '1.0'\nrelocatable = false\nschema = own\n";
        fs::write(&files[0], control).ok()?;
        let installed = Self(files);
        fs::write(&installed.0[1], sql).ok()?;
        Some(installed)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        self.0.iter().for_each(|file| drop(fs::remove_file(file)));
    }
}

/// An extension of one's own: a table dumped in part, one dumped whole, one not at all, a sequence.
#[test]
fn tables_of_an_extension_of_ones_own_hold_what_a_dump_has_of_them() {
    let cluster = Cluster::start(installations().last().unwrap());
    let name = format!("holdfast_{}", std::process::id());
    let sql = "create table rule (id int primary key, text text, is_own bool default true);
        insert into rule values (1, 'brought', false), (2, 'too', false);
        create sequence next start 7;
        create table note (id int default nextval('next'), text text);
        create table lookup (id int); insert into lookup values (1), (2), (3);
        select pg_extension_config_dump('rule', 'where is_own');
        select pg_extension_config_dump('note', '');
        select pg_extension_config_dump('next', '');";
    let Some(_installed) = Installed::new(&cluster, &name, sql) else {
        eprintln!("not tested: the folder of extensions can be written by root only");
        return;
    };
    cluster.create("app");
    cluster.sql(
        "app",
        &format!(
            "create schema own; create extension {name};
             insert into own.rule values (3, 'mine');
             insert into own.note (text) values ('a'), ('b');
             insert into own.lookup values (4); update own.rule set text = 'changed' where id = 2;"
        ),
    );
    let tree = capture(options(&cluster, "app")).unwrap();
    assert_eq!((tree.table("app", "rule").rows, tree.table("app", "note").rows), (1, 2));
    let report = restored(&cluster, &tree, "again");
    assert_eq!(report.unmade, []);
    let query = "select (select string_agg(text, ' ' order by id) from own.rule),
        (select string_agg(id || text, ' ' order by id) from own.note),
        (select count(*) from own.lookup), nextval('own.next')";
    // What the extension brings is as it brings it: no dump has more of it.
    assert_eq!(text(&cluster, "again", query), "brought too mine|7a 8b|3|9");
    let server = server(&cluster, "demo", "postgres");
    let held = || holds(&tree.stored("app"), &server, "again", true).unwrap().is_some();
    cluster.sql("again", "select setval('own.next', 8);");
    assert!(held());
    cluster.sql("again", "update own.rule set text = 'other' where is_own;");
    assert!(!held());
}

fn with_cron() -> (Cluster, PostgresTree) {
    let cluster = with("pg_cron");
    cluster.restart("-c shared_preload_libraries=pg_cron -c cron.database_name=app");
    cluster.create("app");
    cluster.sql(
        "app",
        "create table t (id int primary key); insert into t select generate_series(1, 100);
         create role reader; create extension pg_cron; grant usage on schema cron to reader;
         select cron.schedule('nightly', '0 3 * * *', 'vacuum');
         create materialized view here as
           select current_database()::text as name, count(*) as rows from t;
         create function whose() returns text language sql stable as 'select current_database()';
         create materialized view also as select whose() as name;
         create view between as select name from also;
         create materialized view third as select name from between;",
    );
    let tree = capture(options(&cluster, "app")).unwrap();
    (cluster, tree)
}

const OF_CRON: &str =
    "select (select count(*) from t), (select string_agg(command, '') from cron.job),
    (select nextval('cron.jobid_seq')), (select name || rows from here), (select name from also),
    (select name from third), has_schema_privilege('reader', 'cron', 'usage')";

#[test]
fn objects_bound_to_the_database_name_are_restored() {
    let (cluster, tree) = with_cron();
    let expected = "100|vacuum|2|app100|app|app|t";
    assert_eq!(text(&cluster, "app", OF_CRON), expected);
    cluster.sql("postgres", "drop database app with (force);");
    assert_eq!(restored(&cluster, &tree, "app").unmade, []);
    assert_eq!(text(&cluster, "app", OF_CRON), expected);
    // In place of one that also has the extension.
    cluster.sql("app", "delete from t where id > 50;");
    let mut way = target(&cluster, "app");
    way.overwrite = Some("app".into());
    let report = restore(&tree.stored("app"), &way).unwrap();
    assert_eq!(report.unmade, []);
    assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same));
    assert!(report.tables.iter().any(|it| it.label == "table cron.job" && it.rows == 1));
    assert_eq!(text(&cluster, "app", OF_CRON), expected);
}

#[test]
fn an_extension_that_wants_another_name_costs_only_itself() {
    let (cluster, tree) = with_cron();
    let report = restored(&cluster, &tree, "drill");
    let unmade: Vec<&str> = report.unmade.iter().map(|it| it.label.as_str()).collect();
    assert!(
        unmade.contains(&"EXTENSION pg_cron") && unmade.contains(&"table cron.job"),
        "{unmade:?}"
    );
    let reason = &report.unmade[0].reason;
    assert!(reason.contains("can only create extension"), "{reason}");
    let query = "select (select count(*) from t), (select name || rows from here)";
    assert_eq!(text(&cluster, "drill", query), "100|drill100");
    let server = server(&cluster, "demo", "postgres");
    assert!(matches!(standing(&server, "drill").unwrap(), DatabaseState::Filled(_)));
    let stored = tree.stored("app");
    assert!(holds(&stored as &dyn StoredDatabase, &server, "drill", true).unwrap().is_none());
}

/// Debian has pgvector since version 13.
#[test]
fn vectors_are_restored() {
    let clusters = installations().into_iter().map(|programs| Cluster::start(&programs));
    for cluster in clusters.filter(|cluster| cluster.has_extension("vector")) {
        cluster.create("app");
        cluster.sql(
            "app",
            "create extension vector; create table item (id int primary key, at vector(3));
             insert into item select i, array[i, i % 7, i % 3]::vector
               from generate_series(1, 90) i;
             create index item_at on item using hnsw (at vector_l2_ops);",
        );
        let tree = capture(options(&cluster, "app")).unwrap();
        assert_eq!(restored(&cluster, &tree, "again").unmade, []);
        let query = "select id from item order by at <-> '[5,5,2]' limit 1";
        assert_eq!(text(&cluster, "again", query), "5");
    }
}
