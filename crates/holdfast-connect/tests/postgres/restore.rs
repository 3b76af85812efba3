//! Restores into new databases, and in place of one, with every table compared.

use holdfast_connect::postgres::{
    DatabaseRestoreOptions, DatabaseRestoreReport, EmitForm, ErrorKind, PostgresOptions,
    TableOutcome, emit, globals, restore, restore_globals,
};

use crate::cluster::{Cluster, Run, installations};
use crate::round_trip::filled;
use crate::tree::{PostgresTree, capture, options, server};

fn target(cluster: &Cluster, name: &str) -> DatabaseRestoreOptions {
    DatabaseRestoreOptions::new(server(cluster, "demo", "postgres"), name, "t1")
}

fn all_are_the_same(report: &DatabaseRestoreReport) {
    for table in &report.tables {
        assert_eq!(table.outcome, TableOutcome::Same, "{}", table.label);
    }
}

fn databases(cluster: &Cluster) -> String {
    let names = cluster.sql("postgres", "SELECT datname FROM pg_database ORDER BY 1;");
    String::from_utf8(names).unwrap()
}

fn count(cluster: &Cluster, database: &str, table: &str) -> Vec<u8> {
    cluster.sql(database, &format!("SELECT count(*) FROM {table};"))
}

#[test]
fn a_new_database_holds_what_was_captured() {
    for programs in installations() {
        let cluster = filled(&programs);
        let tree = capture(options(&cluster, "app")).unwrap();
        let mut ways = [target(&cluster, "new"), target(&cluster, "jobs"), target(&cluster, "env")];
        ways[1].jobs = Some((3, cluster.folder().to_owned()));
        ways[2].server.exec = vec!["env".into()];
        for way in ways {
            let report = restore(&tree.stored("app"), &way).unwrap();
            assert!(report.tables.len() > 10 && report.tables.iter().any(|it| it.rows == 5000));
            all_are_the_same(&report);
            assert_eq!(count(&cluster, &way.database, "many_rows"), b"5000\n");
            let again = capture(options(&cluster, &way.database)).unwrap();
            let hashes = |tree: &PostgresTree, database| {
                let members = tree.content(database).members.into_iter();
                members.map(|it| (it.path, it.hash)).collect::<std::collections::BTreeMap<_, _>>()
            };
            assert_eq!(hashes(&again, &way.database), hashes(&tree, "app"));
        }
        assert!(!databases(&cluster).contains("hf"), "{}", databases(&cluster));
        assert!(!cluster.folder().join("holdfast-t1").exists());
    }
}

#[test]
fn a_database_is_replaced_only_if_it_is_named() {
    let cluster = filled(&installations()[0]);
    cluster.sql("app", "ALTER DATABASE app SET work_mem = '7MB'; COMMENT ON DATABASE app IS 'it';");
    let tree = capture(options(&cluster, "app")).unwrap();
    cluster.sql("app", "INSERT INTO many_rows SELECT * FROM generate_series(9000, 9001);");
    let mut way = target(&cluster, "app");
    for name in [None, Some("other"), Some("App")] {
        way.overwrite = name.map(str::to_owned);
        let error = restore(&tree.stored("app"), &way).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Exists);
        assert!(error.to_string().contains("already exists"), "{error}");
        assert_eq!(count(&cluster, "app", "many_rows"), b"5002\n");
    }
    way.overwrite = Some("app".into());
    // Someone is still connected.
    let mut sleeper = cluster.client("psql", ["-d", "app", "-c", "SELECT pg_sleep(1000)"]);
    let sleeper = std::thread::spawn(move || sleeper.run_with(b""));
    while cluster.sql("app", "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sl';")
        != b"1\n"
    {}
    let report = restore(&tree.stored("app"), &way).unwrap();
    all_are_the_same(&report);
    assert!(!sleeper.join().unwrap().status.success());
    assert_eq!(count(&cluster, "app", "many_rows"), b"5000\n");
    assert_eq!(cluster.sql("app", "SHOW work_mem;"), b"7MB\n");
    let comment =
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'app';";
    assert_eq!(cluster.sql("app", comment), b"it\n");
    assert_eq!(report.warnings, [""; 0]);
    assert!(!databases(&cluster).contains("hf"), "{}", databases(&cluster));
}

#[test]
fn a_changed_row_is_found_and_the_live_database_stays() {
    let cluster = filled(&installations()[0]);
    let mut tree = capture(options(&cluster, "app")).unwrap();
    let rows = tree.0.get_mut("databases/app/tables/public.many_rows").unwrap();
    let digit = rows.iter_mut().rev().find(|byte| byte.is_ascii_digit()).unwrap();
    *digit = if *digit == b'1' { b'2' } else { b'1' };
    let mut way = target(&cluster, "app");
    way.overwrite = Some("app".into());
    cluster.sql("app", "CREATE TABLE live_only ();");
    let error = restore(&tree.stored("app"), &way).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Differs);
    let text = error.to_string();
    assert!(text.contains("public.many_rows") && text.contains("app_hf_t1"), "{text}");
    assert_eq!(count(&cluster, "app", "live_only"), b"0\n");
    assert_eq!(count(&cluster, "app_hf_t1", "many_rows"), b"5000\n");
}

#[test]
fn a_changed_large_object_is_found() {
    let cluster = filled(&installations()[0]);
    let mut tree = capture(options(&cluster, "app")).unwrap();
    tree.0.get_mut("databases/app/blobs/70002").unwrap()[99_999] ^= 1;
    let error = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap_err();
    assert!(error.to_string().contains("large object 70002"), "{error}");
}

#[test]
fn an_interrupted_restore_leaves_nothing() {
    let cluster = filled(&installations()[0]);
    let whole = capture(options(&cluster, "app")).unwrap();
    let before = databases(&cluster);
    // A malformed row, and a missing member.
    let mut tree = whole.clone();
    let path = "databases/app/tables/public.many_rows";
    tree.0.get_mut(path).unwrap().splice(0..0, *b"no number\tx\n");
    let error = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap_err();
    assert!(error.to_string().contains("no number"), "{error}");
    tree.0.remove(path);
    let error = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap_err();
    assert!(error.to_string().contains("public.many_rows"), "{error}");
    assert_eq!(databases(&cluster), before);
}

#[test]
fn one_table_or_schema_is_restored_alone() {
    let cluster = filled(&installations()[0]);
    let tree = capture(options(&cluster, "app")).unwrap();
    let mut way = target(&cluster, "one");
    way.selection.table = Some("many_rows".into());
    let report = restore(&tree.stored("app"), &way).unwrap();
    all_are_the_same(&report);
    assert_eq!(report.tables.len(), 1);
    assert_eq!(count(&cluster, "one", "pg_tables WHERE schemaname = 'public'"), b"1\n");
    let mut way = target(&cluster, "schema");
    way.selection.schema = Some("Other schema".into());
    let report = restore(&tree.stored("app"), &way).unwrap();
    all_are_the_same(&report);
    assert_eq!(count(&cluster, "schema", "\"Other schema\".no_rows"), b"1\n");
    way.selection.table = Some("nothing".into());
    way.database = "none".into();
    let error = restore(&tree.stored("app"), &way).unwrap_err();
    assert!(error.to_string().contains("no table Other schema.nothing"), "{error}");
}

#[test]
fn roles_come_first_and_those_that_exist_are_left_alone() {
    let programs = &installations()[0];
    let cluster = filled(programs);
    cluster.sql("app", "CREATE ROLE keeper; ALTER TABLE many_rows OWNER TO keeper;");
    let tree = capture(PostgresOptions::new(server(&cluster, "demo", "app"))).unwrap();
    let other = Cluster::start(programs);
    let error = restore(&tree.stored("app"), &target(&other, "app")).unwrap_err();
    assert!(error.to_string().contains("no role keeper"), "{error}");
    let report = restore_globals(&server(&other, "demo", "postgres"), &tree.0["globals.sql"], true);
    assert_eq!(report.unwrap().existing_roles, ["demo"]);
    all_are_the_same(&restore(&tree.stored("app"), &target(&other, "app")).unwrap());
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'many_rows';";
    assert_eq!(other.sql("app", owner), b"keeper\n");
    other.sql("app", "REASSIGN OWNED BY keeper TO demo; DROP ROLE keeper;");
    let mut way = target(&other, "without");
    way.keep_owners = false;
    all_are_the_same(&restore(&tree.stored("app"), &way).unwrap());
    let half = &tree.0["globals.sql"][..tree.0["globals.sql"].len() / 2];
    assert!(restore_globals(&server(&other, "demo", "postgres"), half, true).is_err());
}

/// A membership revoked after the capture stays revoked.
#[test]
fn a_membership_that_was_revoked_stays_revoked() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.sql(
        "postgres",
        "CREATE ROLE admins SUPERUSER; CREATE ROLE shop LOGIN; CREATE ROLE gone;
         GRANT admins TO shop; GRANT admins TO gone; ALTER ROLE shop SET work_mem = '7MB';",
    );
    cluster.create("app");
    let tree = capture(PostgresOptions::new(server(&cluster, "demo", "app"))).unwrap();
    cluster.sql("postgres", "REVOKE admins FROM shop; ALTER ROLE shop RESET ALL; DROP ROLE gone;");
    let state = "SELECT rolname, rolsuper, rolconfig, pg_has_role(oid, 'admins', 'MEMBER')
        FROM pg_roles WHERE rolname IN ('admins', 'shop', 'demo') ORDER BY 1;";
    let before = cluster.sql("postgres", state);
    let planned =
        globals(&server(&cluster, "demo", "postgres"), &tree.0["globals.sql"], true).unwrap();
    let report =
        restore_globals(&server(&cluster, "demo", "postgres"), &tree.0["globals.sql"], true);
    assert_eq!(report.unwrap(), planned);
    assert_eq!(planned.missing_roles, ["gone"]);
    assert_eq!(planned.other_memberships, [("admins".to_owned(), "shop".to_owned())]);
    assert_eq!(cluster.sql("postgres", state), before);
    let gone = "SELECT pg_has_role('gone', 'admins', 'MEMBER');";
    assert_eq!(cluster.sql("postgres", gone), b"t\n");
}

#[test]
fn files_for_other_tools_are_written() {
    let cluster = filled(&installations()[0]);
    let tree = capture(options(&cluster, "app")).unwrap();
    for (name, form) in
        [("custom", EmitForm::Custom), ("folder", EmitForm::Directory), ("sql", EmitForm::Sql)]
    {
        let (path, stored) = (cluster.folder().join(name), tree.stored("app"));
        emit(&stored, form, &path, &server(&cluster, "demo", "app")).unwrap();
        assert!(emit(&stored, form, &path, &server(&cluster, "demo", "app")).is_err());
        cluster.create(name);
        match form {
            EmitForm::Sql => {
                let options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", name];
                cluster.client("psql", options).arg("-f").arg(&path).succeed();
            }
            _ => {
                let options = ["-j", "2", "--exit-on-error", "-d", name];
                cluster.client("pg_restore", options).arg(&path).succeed();
            }
        }
        let again = capture(options(&cluster, name)).unwrap();
        assert_eq!(again.table(name, "many_rows").hash, tree.table("app", "many_rows").hash);
    }
}

#[test]
fn an_older_server_than_the_backup_is_reported() {
    let cluster = filled(&installations()[0]);
    let mut tree = capture(options(&cluster, "app")).unwrap();
    // As if a version of the distant future had been captured.
    let head = tree.0.get_mut("databases/app/archive.head").unwrap();
    let version = format!("{}.", cluster.major());
    let place = head.windows(version.len()).position(|it| it == version.as_bytes()).unwrap();
    head[place..place + 2].copy_from_slice(b"99");
    let report = restore(&tree.stored("app"), &target(&cluster, "new")).unwrap();
    let told = |text: &str| text.contains("is from PostgreSQL 99 and this server is");
    assert!(report.warnings.iter().any(|it| told(it)), "{:?}", report.warnings);

    let rows = tree.0.get_mut("databases/app/tables/public.many_rows").unwrap();
    *rows = b"neither a number nor a row\n".to_vec();
    let error = restore(&tree.stored("app"), &target(&cluster, "worse")).unwrap_err().to_string();
    assert!(told(&error) && error.contains("restore into 99 or newer"), "{error}");
}
