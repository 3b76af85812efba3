//! Captures that would fail or turn out wrong: refused before they begin, with what to do.

use holdfast_connect::postgres::{Cut, ErrorKind, PostgresError, PostgresOptions, preflight};
use zeroize::Zeroizing;

use crate::cluster::{Cluster, installations};
use crate::round_trip::filled;
use crate::tree::{options, script, server};

/// The error that both the check and the capture itself return.
fn refused(options: PostgresOptions) -> PostgresError {
    let (checked, opened) = (preflight(&options).unwrap_err(), Cut::open(options).unwrap_err());
    assert_eq!(checked.to_string(), opened.to_string());
    opened
}

fn says(error: &PostgresError, kind: ErrorKind, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind, kind, "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
}

#[test]
fn rows_hidden_by_row_security_are_named() {
    let cluster = filled(&installations()[0]);
    cluster.sql(
        "app",
        "CREATE ROLE \"Backup\" LOGIN; GRANT pg_read_all_data TO \"Backup\"; \
         CREATE TABLE letters (owner text); ALTER TABLE letters ENABLE ROW LEVEL SECURITY; \
         INSERT INTO letters VALUES ('a'), ('b');",
    );
    let mut options = options(&cluster, "app");
    options.server = server(&cluster, "Backup", "app");
    let words = ["public.letters, public.no_rows", "\"app\"", "ALTER ROLE \"Backup\" BYPASSRLS;"];
    says(&refused(options.clone()), ErrorKind::RowSecurity, &words);
    cluster.sql("app", "ALTER ROLE \"Backup\" BYPASSRLS;");
    Cut::open(options).unwrap();
}

#[test]
fn tables_that_the_role_may_not_read_are_named() {
    let cluster = filled(&installations()[0]);
    cluster.sql("app", "CREATE ROLE plain LOGIN BYPASSRLS;");
    let mut options = options(&cluster, "app");
    options.server = server(&cluster, "plain", "app");
    let words = ["plain", "public.child", "GRANT pg_read_all_data"];
    says(&refused(options), ErrorKind::Privilege, &words);
    let mut options = PostgresOptions::new(server(&cluster, "plain", "postgres"));
    says(&refused(options.clone()), ErrorKind::Privilege, &["passwords of roles"]);
    options.globals = holdfast_connect::postgres::GlobalsSelection::WithoutPasswords;
    Cut::open(options).unwrap();
}

/// Makes the server require a password from one role.
pub fn with_password(cluster: &Cluster) {
    cluster.sql(
        "postgres",
        "CREATE ROLE locked SUPERUSER LOGIN PASSWORD 'hunter2'; \
         COPY (SELECT unnest(ARRAY['local all locked scram-sha-256', 'local all all trust'])) \
         TO PROGRAM 'cat > pg_hba.conf'; SELECT pg_reload_conf();",
    );
}

#[test]
fn logins_that_fail_say_why_and_never_the_password() {
    let cluster = filled(&installations()[0]);
    with_password(&cluster);
    for exec in [vec![], vec!["env".into()]] {
        let mut options = options(&cluster, "app");
        options.server = server(&cluster, "locked", "app");
        options.server.exec = exec;
        let none = refused(options.clone());
        says(&none, ErrorKind::Login, &["provide a password", "docker exec -e PGPASSWORD"]);
        options.server.password = Some(Zeroizing::new("hunter2hunter2".into()));
        says(&refused(options.clone()), ErrorKind::Login, &["locked", "check the role name"]);
        options.server.password = Some(Zeroizing::new("hunter2".into()));
        assert!(!format!("{options:?}").contains("hunter2"));
        Cut::open(options).unwrap();
    }
}

#[test]
fn servers_and_databases_that_are_not_there_are_named() {
    let cluster = filled(&installations()[0]);
    for exec in [vec![], vec!["env".into()]] {
        let mut options = options(&cluster, "app");
        options.server = server(&cluster, "demo", "nowhere");
        options.server.exec = exec.clone();
        says(&refused(options.clone()), ErrorKind::NoDatabase, &["nowhere", "does not exist"]);
        options.server.url = "postgres://demo:hunter2@127.0.0.1:1/app?sslmode=disable".into();
        says(&refused(options.clone()), ErrorKind::Unreachable, &["127.0.0.1", "check host"]);
        cluster.sql("app", "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 0;");
        options.server = server(&cluster, "few", "app");
        options.server.exec = exec;
        let words = ["too many connections", "max_connections"];
        says(&refused(options), ErrorKind::TooManyConnections, &words);
    }
}

#[test]
fn tools_that_are_missing_or_old_are_named() {
    let cluster = filled(&installations()[0]);
    let folder = cluster.folder().join("tools");
    std::fs::create_dir(&folder).unwrap();
    let mut options = options(&cluster, "app");
    options.server.tools = Some(folder.clone());
    says(&refused(options.clone()), ErrorKind::Tool, &["pg_dump is not installed", "package"]);
    script(&cluster, "tools/pg_dump", "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n");
    let server = format!("postgresql-client-{}", cluster.major());
    says(&refused(options.clone()), ErrorKind::Version, &["version 9 ", &server]);
    options.server.tools = None;
    options.server.exec = vec!["/nonexistent/docker".into(), "exec".into()];
    says(&refused(options), ErrorKind::Tool, &["/nonexistent/docker", "exec"]);
}

#[test]
fn options_that_cannot_be_right_are_refused() {
    let cluster = filled(&installations()[0]);
    for url in ["host=x", "postgres://demo@/app?sslmode=sometimes", "postgres://h/d?service=x"] {
        let mut options = options(&cluster, "app");
        options.server.url = url.into();
        says(&refused(options), ErrorKind::Options, &[]);
    }
}
