//! Passwords that libpq finds by itself, and proof of the server that the tools log in to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_connect::postgres::{
    Cut, ErrorKind, GlobalsSelection, PostgresError, PostgresOptions, PostgresServer,
};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options, script};

/// A cluster where one role needs a password, which has a colon and a backslash.
fn with_password() -> Cluster {
    let cluster = Cluster::start(installations().last().unwrap());
    let rules = cluster.data().join("pg_hba.conf");
    let all = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, format!("local all keeper scram-sha-256\n{all}")).unwrap();
    cluster.create("app");
    cluster.sql(
        "app",
        r"create role keeper login superuser password 'a:b\c'; select pg_reload_conf();
          create table t (id int primary key); insert into t values (1);",
    );
    cluster
}

fn wanted(cluster: &Cluster, passfile: &str) -> PostgresOptions {
    let folder = cluster.folder().display();
    let file = cluster.folder().join(passfile);
    let url = format!("postgres://keeper@/app?host={folder}&port=5432&passfile={}", file.display());
    let mut wanted = PostgresOptions::new(PostgresServer::new(url));
    wanted.server.tools = Some(cluster.programs().to_owned());
    wanted.globals = GlobalsSelection::WithPasswords;
    wanted
}

#[test]
fn a_password_is_found_where_libpq_finds_it() {
    let cluster = with_password();
    let (folder, path) = (cluster.folder().display(), cluster.folder().join("pass"));
    let line = format!("# a comment\n{folder}:5432:other:keeper:no\n{folder}:*:app:keeper:");
    fs::write(&path, format!("{line}a\\:b\\\\c\n*:*:*:*:no\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let tree = capture(wanted(&cluster, "pass")).unwrap();
    assert_eq!(tree.table("app", "t").rows, 1);
    assert!(tree.0.contains_key("globals.sql"));
    // The same, as the surroundings name it.
    let mut named = wanted(&cluster, "none");
    named.server.password_file = Some(path.clone());
    named.server.url = named.server.url.split("&passfile").next().unwrap().to_owned();
    Cut::open(named).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Cut::open(wanted(&cluster, "pass")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Login);
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

/// The tool is with another server, where a snapshot of the same name exists.
#[test]
#[ignore = "takes a minute"]
fn a_tool_that_is_with_another_server_is_refused() {
    let clusters = [(); 2].map(|()| Cluster::start(installations().last().unwrap()));
    for cluster in &clusters {
        cluster.create("app");
        cluster.sql("app", "create table t (id int primary key);");
    }
    let [cluster, other] = &clusters;
    let mut wanted = options(cluster, "app");
    fs::create_dir(cluster.folder().join("tools")).unwrap();
    let programs = cluster.programs().display();
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec {programs}/pg_dump --version\n\
         exec {programs}/pg_dump -Fc -Z0 -h {} -U demo -d app\n",
        other.folder().display()
    );
    script(cluster, "tools/pg_dump", &text);
    wanted.server.tools = Some(cluster.folder().join("tools"));
    let error = capture(wanted).unwrap_err();
    let error = error.get_ref().and_then(|it| it.downcast_ref::<PostgresError>()).unwrap();
    assert_eq!(error.kind, ErrorKind::CutLost);
    assert!(error.to_string().contains("name one of them"), "{error}");
}
