//! What a dump lacks is reported, and how long anything waits and is held.

use std::sync::Arc;
use std::time::Duration;

use holdfast_connect::postgres::{Cut, PostgresSource};

use crate::cluster::{Cluster, Run, installations};
use crate::tree::{capture, capture_cut, options, read, server};

/// `pg_dump` leaves out subscriptions, and options of user mappings, that the role may not see.
#[test]
fn what_a_role_cannot_see_is_reported() {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.restart("-c wal_level=logical");
    cluster.sql("postgres", "create role keeper login bypassrls in role pg_read_all_data;");
    cluster.create("app");
    cluster.sql(
        "app",
        "create table t (id int primary key);
         create subscription news connection 'host=127.0.0.1 dbname=none' publication p
           with (connect = false, slot_name = none);
         create extension postgres_fdw;
         create server far foreign data wrapper postgres_fdw options (host '127.0.0.1');
         create user mapping for demo server far options (user 'x', password 'hunter2');",
    );
    let mut wanted = options(&cluster, "app");
    assert_eq!(capture(wanted.clone()).unwrap().1, [""; 0]);
    wanted.server = server(&cluster, "keeper", "app");
    let lacks = capture(wanted).unwrap().1;
    assert_eq!(lacks.len(), 2, "{lacks:?}");
    assert!(lacks[0].contains("the user mapping for demo on foreign server far"), "{lacks:?}");
    assert!(lacks[1].contains("subscriptions not dumped"), "{lacks:?}");
    assert!(lacks.iter().all(|it| it.starts_with("/databases/app: ")), "{lacks:?}");
}

#[test]
fn no_lock_is_awaited_forever() {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.create("app");
    cluster.sql("app", "create table doc (id int primary key);");
    let mut wanted = options(&cluster, "app");
    wanted.lock_timeout = Duration::from_millis(300);
    let mut holder = cluster.client("psql", ["-q", "-d", "app"]);
    let holder = std::thread::spawn(move || {
        holder.run_with(b"begin; lock table doc; select pg_sleep(1000);")
    });
    while cluster.sql(
        "app",
        "select count(*) from pg_locks where mode ~ '^AccessExcl' and relation = 'doc'::regclass;",
    ) != b"1\n"
    {}
    let cut = Cut::open(wanted.clone()).unwrap();
    let error = cut.query("app", "select id from doc", &mut |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("lock timeout"), "{error}");
    drop(cut);
    let error = capture(wanted).unwrap_err().to_string();
    assert!(error.contains("doc"), "{error}");
    let end =
        "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^select pg_sl';";
    cluster.sql("postgres", end);
    holder.join().unwrap();
}

/// A dump may take as long as it takes: here it waits for a lock for longer than a question may.
#[test]
fn no_query_exceeds_its_time_limit() {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.create("app");
    cluster.sql("app", "create table doc (id int primary key); insert into doc values (1);");
    let mut wanted = options(&cluster, "app");
    wanted.server.statement_timeout = Some(Duration::from_secs(2));
    let cut = Cut::open(wanted.clone()).unwrap();
    let mut holder = cluster.client("psql", ["-q", "-d", "app"]);
    let holder = std::thread::spawn(move || {
        holder.run_with(b"begin; lock table doc; select pg_sleep(5); commit;")
    });
    let locked = "select count(*) from pg_locks where mode ~ '^AccessExcl'
        and relation = 'doc'::regclass;";
    while cluster.sql("app", locked) != b"1\n" {}
    let tree = capture_cut(Arc::new(cut)).unwrap();
    assert_eq!(tree.table("app", "doc").rows, 1);
    holder.join().unwrap();
    let cut = Cut::open(wanted).unwrap();
    let error = cut.query("app", "select pg_sleep(60)", &mut |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("raise statement-timeout"), "{error}");
}

/// Vacuum can clean up again, and a restart has no further effect.
#[test]
fn a_database_is_released_once_it_is_dumped() {
    let cluster = Cluster::start(installations().last().unwrap());
    for name in ["app", "other"] {
        cluster.create(name);
        cluster.sql(name, "create table t (id int primary key); insert into t values (1);");
    }
    let mut wanted = options(&cluster, "app");
    wanted.databases =
        holdfast_connect::postgres::DatabaseSelection::Named(vec!["app".into(), "other".into()]);
    let cut = Arc::new(Cut::open(wanted).unwrap());
    let held = "select count(*) from pg_stat_activity
        where application_name = 'holdfast' and backend_xmin is not null;";
    assert_eq!(cluster.sql("postgres", held), b"2\n");
    read(&mut PostgresSource::new(Arc::clone(&cut))).unwrap();
    let sessions = held.replace(" and backend_xmin is not null", "");
    while cluster.sql("postgres", &sessions) != b"0\n" {}
    cluster.restart("");
    cut.check().unwrap();
}
