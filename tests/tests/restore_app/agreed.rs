//! A restore changes only what its plan listed: whatever changed since then is left alone.

use std::fs;

use crate::world::World;

/// A file of the same size and time may have different content.
#[test]
fn a_file_that_seems_right_is_not_written_without_a_confirmation() {
    let world = World::new();
    world.capture();
    let path = world.sandbox.path("opt/vault/7");
    let before = path.metadata().unwrap().modified().unwrap();
    let mine = "d0cument 7\n".repeat(7);
    fs::write(&path, &mine).unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(before).unwrap();
    let plan = world.restore(0, "--only vault --dry-run");
    plan.prints(
        "looks unchanged by size and time; contents are compared, and differences overwritten",
    );
    assert!(!plan.stdout.contains("keep     files vault"), "{}", plan.stdout);
    world.restore(1, "--only vault").says("would change existing data");
    assert_eq!(fs::read_to_string(&path).unwrap(), mine);
    world.restore(0, "--only vault --confirm");
    assert_eq!(fs::read_to_string(&path).unwrap(), "document 7\n".repeat(7));
}

impl World {
    /// The stop command, which runs between the plan and the steps.
    fn stop_by(&self, command: &str) {
        let script = format!("#!/bin/sh\n{command}\n");
        let path = self.sandbox.write("stop", script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).unwrap();
        let old = "stop = [\"rm\", \"-f\", \"@started\"]";
        let text = self.app_file_with(&[(old, "stop = [\"@stop\"]")]);
        self.write_file("holdfast.toml", &text);
    }

    /// A command line that runs SQL.
    fn psql(&self, database: &str, sql: &str) -> String {
        let (psql, host) = (self.cluster.programs().join("psql"), self.cluster.folder());
        let (psql, host) = (psql.display(), host.display());
        format!("{psql} -X -q -h {host} -U demo -d {database} -c '{sql}'")
    }
}

#[test]
fn a_database_that_was_right_and_is_not_any_longer_is_left_alone() {
    let world = World::new();
    world.capture();
    world.stop_by(&world.psql("app", "delete from audit where id = 50"));
    let outcome = world.restore(1, "--confirm --yes-overwrite app --only database");
    outcome.prints("keep     database app").says("matched the snapshot when the plan was made");
    assert_eq!(world.count("app", "audit"), 49);
    assert!(!world.databases().contains("_hf_"), "{}", world.databases());
}

#[test]
fn a_database_that_has_come_to_be_is_left_alone() {
    let world = World::new();
    world.capture();
    world.cluster.sql("postgres", "drop database app;");
    let create = world.psql("postgres", "create database app");
    let insert = world.psql("app", "create table mine ()");
    world.stop_by(&format!("{create}; {insert}"));
    let outcome = world.restore(1, "--confirm --yes-overwrite app --only database");
    outcome.prints("make     database app").says("did not exist when the plan was made");
    assert_eq!(world.count("app", "mine"), 0);
}

#[test]
fn an_empty_database_that_has_been_filled_is_left_alone() {
    let world = World::new();
    world.capture();
    world.cluster.sql("postgres", "drop database app; create database app;");
    world.stop_by(&world.psql("app", "create publication everything for all tables"));
    let outcome = world.restore(1, "--confirm --only database");
    outcome.prints("REPLACE  database app: exists and is empty");
    outcome.says("was empty when the plan was made and now holds 0 tables");
    outcome.says("pg_publication");
    let there = world.cluster.sql("app", "select count(*) from pg_publication;");
    assert_eq!(there, b"1\n");
    // From now on it must be named.
    world.restore(1, "--confirm --only database").says("--yes-overwrite app replaces it");
}

#[test]
fn a_path_that_has_come_to_be_is_left_alone() {
    let world = World::new();
    world.capture();
    let vault = world.sandbox.path("opt/vault");
    fs::remove_dir_all(&vault).unwrap();
    world.stop_by(&format!("mkdir -p {0} && echo mine > {0}/7", vault.display()));
    let outcome = world.restore(1, "--confirm --only vault");
    outcome.prints("make     files vault").says("did not exist when the plan was made");
    assert_eq!(fs::read_to_string(vault.join("7")).unwrap(), "mine\n");
    assert_eq!(fs::read_dir(vault).unwrap().count(), 1);
}

/// One server under two addresses.
#[test]
fn a_drill_over_what_is_live_under_another_address_is_refused() {
    let mut world = World::new();
    let port = world.cluster.listen("");
    let here = format!("port={port}");
    world.write_file("holdfast.toml", &world.app_file_with(&[("port=5432", &here)]));
    world.capture();
    let url = "postgres://demo@/app?host=SOCKET&port=5432";
    let elsewhere = |address: &str| {
        let drill = [
            (url, address),
            ("@opt/", "@drill/"),
            ("@started", "@drill-started"),
            ("@data", "@unused"),
            ("@keys\"", "@unused-keys\""),
        ];
        world.write_file("drill.toml", &world.app_file_with(&drill));
    };
    for host in ["127.0.0.1", "localhost"] {
        elsewhere(&format!("postgres://demo@{host}:{port}/app"));
        let outcome = world.restore(1, "--to @drill.toml --confirm --yes-overwrite app");
        outcome.says("the application's own server, under another address").says("database app");
    }
    // A role without permission to query the identifier cannot distinguish servers.
    world.cluster.sql(
        "app",
        "create role plain login createdb; \
         revoke execute on function pg_control_system() from public;",
    );
    elsewhere(&format!("postgres://127.0.0.1:{port}/app?user=plain"));
    world.restore(1, "--to @drill.toml --confirm").says("does not reveal its system identifier");
    assert!(!world.sandbox.exists("drill"));
    // Another database of the same server does not belong to the application.
    elsewhere(&format!("postgres://demo@127.0.0.1:{port}/app_drill"));
    world.restore(0, "--to @drill.toml --confirm");
    // Another server is recognized, whether the application's own answers or not.
    let other = World::new();
    other.cluster.sql("postgres", "drop database app;");
    let socket = other.cluster.folder().display().to_string();
    elsewhere(&format!("postgres://demo@/app?host={socket}&port=5432"));
    fs::remove_dir_all(world.sandbox.path("drill")).unwrap();
    world.restore(0, "--to @drill.toml --confirm");
    assert_eq!(other.count("app", "audit"), 50);
    let gone = world.app_file_with(&[("port=5432", "port=1")]);
    world.write_file("holdfast.toml", &gone);
    world.restore(0, "--to @drill.toml --confirm").prints("keep     database app");
}
