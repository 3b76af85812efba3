//! What a server lacks for a restore is reported before anything is created, or does not prevent
//! it.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;

use holdfast_connect::postgres::{
    DatabaseRestoreOptions, ErrorKind, GlobalsSelection, TableOutcome, check, restore,
    restore_globals,
};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options, server};

fn cluster() -> Cluster {
    Cluster::start(installations().last().unwrap())
}

fn target(cluster: &Cluster, role: &str) -> DatabaseRestoreOptions {
    DatabaseRestoreOptions::new(server(cluster, role, "postgres"), "app", "t1")
}

fn databases(cluster: &Cluster) -> Vec<u8> {
    cluster.sql("postgres", "select count(*) from pg_database where datname ~ '^app';")
}

#[test]
fn missing_roles_are_reported_before_anything_is_created() {
    let (from, to) = (cluster(), cluster());
    from.sql("postgres", "create role reader; create role tenant; create role heir;");
    for (sql, role) in [
        ("grant select on t to reader;", "reader"),
        ("alter default privileges grant select on tables to heir;", "heir"),
        (
            "alter table t enable row level security; create policy p on t to tenant using (true);",
            "tenant",
        ),
    ] {
        from.create("app");
        from.sql(
            "app",
            &format!("create table t (id int primary key); insert into t values (1); {sql}"),
        );
        let tree = capture(options(&from, "app")).unwrap();
        from.sql("postgres", "drop database app;");
        let (stored, mut way) = (tree.stored("app"), target(&to, "demo"));
        let error = check(&stored, &way, &[]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Owners);
        assert!(error.to_string().contains(role), "{error}");
        check(&stored, &way, &[role.to_owned()]).unwrap();
        assert!(restore(&stored, &way).unwrap_err().to_string().contains(role));
        assert_eq!(databases(&to), b"0\n");
        way.keep_owners = false;
        // Without privileges no role is missing, but a policy without its roles is none.
        assert_eq!(check(&stored, &way, &[]).is_ok(), role != "tenant");
    }
}

#[test]
fn missing_rights_of_the_role_are_reported_first() {
    let (from, to) = (cluster(), cluster());
    from.create("app");
    from.sql(
        "app",
        "create role app; create table t (id int); alter table t owner to app;
         alter database app owner to app;",
    );
    let tree = capture(options(&from, "app")).unwrap();
    to.sql("postgres", "create role app; create role plain login;");
    let check =
        || check(&tree.stored("app"), &target(&to, "plain"), &[]).map_err(|it| it.to_string());
    assert!(check().unwrap_err().contains("ALTER ROLE \"plain\" CREATEDB"));
    to.sql("postgres", "alter role plain createdb;");
    assert!(check().unwrap_err().contains("GRANT \"app\" TO \"plain\""));
    to.sql("postgres", "grant app to plain;");
    check().unwrap();
    // That is enough.
    let mut way = target(&to, "plain");
    let report = restore(&tree.stored("app"), &way).unwrap();
    assert_eq!(report.unmade, []);
    way.overwrite = Some("app".into());
    assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same));
}

#[test]
fn an_extension_that_the_server_does_not_have_is_missed_first() {
    let cluster = cluster();
    cluster.create("app");
    cluster.sql("app", "create extension cube; create table t (id int);");
    let mut tree = capture(options(&cluster, "app")).unwrap();
    let head = tree.0.get_mut("databases/app/archive.head").unwrap();
    // Wherever the name occurs, it keeps its length.
    while let Some(place) = head.windows(4).position(|it| it == b"cube") {
        head[place..place + 4].copy_from_slice(b"gone");
    }
    cluster.sql("postgres", "drop database app;");
    let error = check(&tree.stored("app"), &target(&cluster, "demo"), &[]).unwrap_err().to_string();
    assert!(error.contains("lacks extension gone"), "{error}");
    assert!(restore(&tree.stored("app"), &target(&cluster, "demo")).is_err());
    assert_eq!(databases(&cluster), b"0\n");
}

/// Gives a cluster a tablespace called `fast`; returns its folder.
fn with_space(cluster: &Cluster) -> PathBuf {
    let space = cluster.data().with_file_name("fast");
    fs::create_dir(&space).unwrap();
    let owner = fs::metadata(cluster.data()).unwrap();
    chown(&space, Some(owner.uid()), Some(owner.gid())).unwrap();
    let create = format!("create tablespace fast location '{}';", space.display());
    cluster.sql("postgres", &create);
    space
}

#[test]
fn tables_go_into_the_usual_tablespace_if_theirs_is_not_there() {
    let (from, to) = (cluster(), cluster());
    let space = with_space(&from);
    from.create("app");
    from.sql(
        "app",
        "create table t (id int primary key using index tablespace fast) tablespace fast;
         insert into t select generate_series(1, 10);",
    );
    let mut wanted = options(&from, "app");
    wanted.globals = GlobalsSelection::WithoutPasswords;
    let tree = capture(wanted).unwrap();
    // The folder does not exist either: another machine.
    from.sql(
        "app",
        "alter table t set tablespace pg_default; alter index t_pkey set tablespace pg_default;",
    );
    from.sql("postgres", "drop tablespace fast;");
    fs::remove_dir_all(&space).unwrap();
    let globals =
        restore_globals(&server(&to, "demo", "postgres"), &tree.0["globals.sql"], true).unwrap();
    assert_eq!(globals.missing_tablespaces, ["fast"]);
    assert!(globals.warnings.iter().any(|it| it.contains("fast")), "{globals:?}");
    let report = restore(&tree.stored("app"), &target(&to, "demo")).unwrap();
    assert_eq!(report.unmade, []);
    assert!(report.warnings.iter().any(|it| it.contains("tablespace \"fast\"")), "{report:?}");
    assert_eq!(to.sql("app", "select count(*) from t;"), b"10\n");
    // Nothing is said of them if none is wanted.
    let (server, script) = (server(&to, "demo", "postgres"), &tree.0["globals.sql"]);
    let globals = restore_globals(&server, script, false).unwrap();
    assert_eq!((globals.missing_tablespaces, globals.warnings), (vec![], vec![]));
    let mut way = target(&to, "demo");
    way.keep_tablespaces = false;
    way.overwrite = Some("app".into());
    assert_eq!(restore(&tree.stored("app"), &way).unwrap().warnings, [""; 0]);
    // Nor is one used that is there.
    with_space(&to);
    let used = "select count(*) from pg_class c join pg_tablespace s on s.oid = c.reltablespace
        where spcname = 'fast';";
    for (keep, count) in [(false, b"0\n"), (true, b"2\n")] {
        way.keep_tablespaces = keep;
        assert_eq!(restore(&tree.stored("app"), &way).unwrap().warnings, [""; 0]);
        assert_eq!(to.sql("app", used), count);
    }
}
