//! The rights that docs/postgresql.md says are enough, to the letter.

use holdfast_connect::postgres::{
    DatabaseRestoreOptions, ErrorKind, GlobalsSelection, TableOutcome, check, preflight, restore,
};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options, server};

const PAGE: &str = include_str!("../../../../docs/postgresql.md");

/// The statements of the page: what a role needs to capture, the same without the role for all
/// data, and to restore.
fn statements() -> [&'static str; 3] {
    let blocks = PAGE.split("```sql\n").skip(1).map(|it| it.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().try_into().unwrap()
}

/// A database of role `app` with what an ordinary one has, boundaries between tenants included.
fn application() -> Cluster {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.sql("postgres", "create role app login; create database app owner app;");
    cluster.sql(
        "app",
        "alter database app set work_mem = '7MB'; set role app;
         create extension citext;
         create table doc (id serial primary key, name citext unique, tenant text);
         insert into doc (name, tenant) select 'doc ' || i, 't' || i % 3
           from generate_series(1, 60) i;
         alter table doc enable row level security;
         create policy own on doc using (tenant = current_setting('app.tenant', true));
         create function counted() returns bigint language sql stable as 'select count(*) from doc';
         create view seen as select id, name from doc;
         create materialized view totals as select tenant, count(*) from doc group by tenant;
         create index doc_tenant on doc (tenant);
         comment on table doc is 'documents';",
    );
    cluster
}

#[test]
fn the_documented_rights_are_enough_to_capture() {
    let [all_data, plain, _] = statements();
    for rights in [all_data, plain] {
        let cluster = application();
        if cluster.major() < 14 && rights == all_data {
            continue;
        }
        cluster.sql("app", rights);
        let mut wanted = options(&cluster, "app");
        wanted.globals = GlobalsSelection::WithoutPasswords;
        let of_superuser = capture(wanted.clone()).unwrap();
        wanted.server = server(&cluster, "keeper", "app");
        assert_eq!(preflight(&wanted).unwrap().warnings, [""; 0]);
        let tree = capture(wanted.clone()).unwrap();
        assert_eq!(tree.1, [""; 0], "{rights}");
        assert_eq!(tree.content("app").members, of_superuser.content("app").members);
        assert_eq!(tree.table("app", "doc").rows, 60);
        assert!(tree.0.contains_key("globals.sql"));
        // A table that is made later is readable too.
        cluster.sql("app", "set role app; create table later (id serial);");
        capture(wanted).unwrap();
        // And none of it can be taken away.
        for without in [
            "alter role keeper nobypassrls",
            "revoke usage on schema public from public, keeper; \
             revoke pg_read_all_data from keeper",
        ] {
            let mut wanted = options(&cluster, "app");
            wanted.server = server(&cluster, "keeper", "app");
            cluster.sql("app", &format!("{without};"));
            assert!(preflight(&wanted).is_err(), "{without}");
            cluster.sql("app", "alter role keeper bypassrls;");
        }
    }
}

#[test]
fn the_documented_rights_are_enough_to_restore() {
    let tree = capture(options(&application(), "app")).unwrap();
    let to = Cluster::start(installations().last().unwrap());
    to.sql("postgres", "create role app login;");
    to.sql("postgres", statements()[2]);
    let stored = tree.stored("app");
    let mut way = DatabaseRestoreOptions::new(server(&to, "restorer", "postgres"), "app", "t1");
    check(&stored, &way, &[]).unwrap();
    for run in ["t1", "t2"] {
        way.run = run.to_owned();
        let report = restore(&stored, &way).unwrap();
        assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same), "{report:?}");
        assert_eq!((report.unmade, report.warnings), (vec![], vec![]));
        // The second time in place of the first.
        way.overwrite = Some("app".into());
    }
    let owners = "select distinct tableowner from pg_tables where schemaname = 'public';";
    assert_eq!(to.sql("app", owners), b"app\n");
    let rest = "select count(*) from pg_policies; select count(*) from doc;
        select current_setting('work_mem');";
    assert_eq!(to.sql("app", rest), b"1\n60\n7MB\n");
}

/// Rows that the policies of a table hide from its owner could not be compared.
#[test]
fn a_role_that_does_not_see_all_rows_is_refused_before_anything_is_created() {
    let from = application();
    from.sql("app", "alter table doc force row level security;");
    let tree = capture(options(&from, "app")).unwrap();
    let to = Cluster::start(installations().last().unwrap());
    to.sql("postgres", "create role app login;");
    to.sql("postgres", statements()[2]);
    let stored = tree.stored("app");
    let way = DatabaseRestoreOptions::new(server(&to, "restorer", "postgres"), "app", "t1");
    let error = check(&stored, &way, &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Privilege);
    assert!(error.to_string().contains("BYPASSRLS"), "{error}");
    to.sql("postgres", "alter role restorer bypassrls;");
    let report = restore(&stored, &way).unwrap();
    assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same), "{report:?}");
}
