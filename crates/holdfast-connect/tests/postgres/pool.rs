//! Addresses that leave a choice, and servers behind PgBouncer.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_connect::postgres::{PostgresOptions, PostgresServer};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options};

fn server(cluster: &Cluster, url: String) -> PostgresOptions {
    let mut wanted = options(cluster, "app");
    wanted.server =
        PostgresServer { tools: Some(cluster.programs().to_owned()), ..PostgresServer::new(url) };
    wanted
}

fn filled() -> Cluster {
    let cluster = Cluster::start(installations().last().unwrap());
    cluster.create("app");
    cluster.sql("app", "create table t (id int primary key); insert into t values (1), (2);");
    cluster
}

/// The session that holds the cut and `pg_dump` use the same one of several hosts.
#[test]
fn one_of_several_hosts_is_chosen_for_all() {
    let primary = filled();
    let standby = primary.standby();
    let ends = Instant::now() + Duration::from_secs(60);
    while standby.client("psql", ["-d", "app", "-c", "table t"]).output().unwrap().stdout.is_empty()
    {
        assert!(Instant::now() < ends, "the standby does not follow");
        thread::sleep(Duration::from_millis(20));
    }
    let folders = [&primary, &standby].map(|cluster| cluster.folder().display().to_string());
    let nowhere = primary.data().display().to_string();
    for (hosts, wanted, is_standby) in [
        ([&folders[1], &folders[0]], "read-write", false),
        ([&folders[1], &folders[0]], "primary", false),
        ([&folders[0], &folders[1]], "prefer-standby", true),
        ([&folders[0], &folders[1]], "standby", true),
        ([&nowhere, &folders[0]], "prefer-standby", false),
        ([&nowhere, &folders[1]], "any", true),
    ] {
        let url = format!(
            "postgres://demo@/app?host={},{}&target_session_attrs={wanted}",
            hosts[0], hosts[1]
        );
        let tree = capture(server(&primary, url)).unwrap();
        assert_eq!(tree.json("postgres.json")["is-standby"], is_standby, "{wanted}");
        assert_eq!(tree.table("app", "t").rows, 2);
    }
    let url = format!("postgres://demo@/app?host={}&target_session_attrs=standby", folders[0]);
    let error = capture(server(&primary, url)).unwrap_err().to_string();
    assert!(error.contains("target_session_attrs=standby"), "{error}");
}

struct PgBouncer(Child, u16);

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// PgBouncer in front of a cluster, with extra lines for its configuration.
fn pool(cluster: &Cluster, more: &str) -> PgBouncer {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = cluster.folder();
    let (file, users) = (folder.join("pool.ini"), folder.join("users"));
    fs::write(&users, "\"demo\" \"\"\n").unwrap();
    let text = format!(
        "[databases]\n* = host={} port=5432\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
         pool_mode = session\n{more}\n",
        folder.display(),
        users.display()
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new("pgbouncer");
    if nix::unistd::geteuid().is_root() {
        command.args(["-u", "postgres"]);
    }
    let child = command.arg("-q").arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
    let child = child.stderr(Stdio::null()).spawn();
    let pool = PgBouncer(child.expect("pgbouncer is missing: `./dev test` installs it"), port);
    let ends = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < ends, "pgbouncer does not answer");
        thread::sleep(Duration::from_millis(20));
    }
    pool
}

#[test]
fn a_pooled_server_is_captured_or_the_reason_is_reported() {
    let cluster = filled();
    let url =
        |pool: &PgBouncer| format!("postgres://demo@127.0.0.1:{}/app?sslmode=disable", pool.1);
    let strict = pool(&cluster, "");
    let error = capture(server(&cluster, url(&strict))).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("ignore_startup_parameters"), "{error}");
    drop(strict);
    let open = pool(&cluster, "ignore_startup_parameters = options, extra_float_digits");
    assert_eq!(capture(server(&cluster, url(&open))).unwrap().table("app", "t").rows, 2);
}
