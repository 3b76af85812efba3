//! Owners that do not exist at the destination, and owner and mode of keys.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::world::World;

#[test]
fn owners_who_do_not_exist_are_named_before_anything_is_made() {
    let world = World::new();
    world.capture();
    world.destroy();
    let without = [("port=5432\"\n", "port=5432\"\nglobals = \"no\"\n")];
    world.write_file("holdfast.toml", &world.app_file_with(&without));
    let outcome = world.restore(1, "--confirm --only database");
    outcome.says("the server has no role app, which owns restored objects").says("--no-owner");
    assert_eq!(world.databases(), "postgres template0 template1\n");
    world.restore(0, "--confirm --only database --no-owner");
    let owners = "select distinct tableowner from pg_tables where schemaname = 'public';";
    assert_eq!(world.cluster.sql("app", owners), b"demo\n");
    assert_eq!(world.count("app", "document"), 20);
}

#[test]
fn objects_of_another_owner_are_another_state() {
    let world = World::new();
    world.capture();
    // Another role now owns the application's tables; the rows are the same.
    world
        .cluster
        .sql("app", "alter table document owner to reader; alter database app owner to reader;");
    world.restore(1, "--confirm").prints("REPLACE  database app").says("--yes-overwrite app");
    world.restore(0, "--confirm --no-owner").prints("keep     database app");
    world.restore(0, "--into fresh");
    let owner = "select tableowner from pg_tables where tablename = 'document';";
    assert_eq!(world.cluster.sql("fresh", owner), b"app\n");
    let of_database = "select pg_get_userbyid(datdba) from pg_database where datname = 'fresh';";
    assert_eq!(world.cluster.sql("postgres", of_database), b"app\n");
}

#[test]
fn a_certificate_gets_the_owner_and_the_mode_that_the_app_file_says() {
    let world = World::new();
    let rule =
        [("restore = { mode = \"0600\" }", "restore = { owner = \"1001:1001\", mode = \"0644\" }")];
    world.write_file("holdfast.toml", &world.app_file_with(&rule));
    world.capture();
    let path = world.sandbox.path("opt/cert.p12");
    let is_root = nix::unistd::geteuid().is_root();
    for is_there in [false, true] {
        match is_there {
            false => fs::remove_file(&path).unwrap(),
            true => fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap(),
        }
        let outcome = world.restore(if is_root { 0 } else { 1 }, "--confirm --only certificate");
        if !is_root {
            // Only root may change the owner of a file.
            return;
        }
        outcome.prints(&format!("owner and mode of {}: 1001:1001 0644", path.display()));
        let found = path.symlink_metadata().unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (1001, 1001, 0o644));
        assert_eq!(world.sandbox.read("opt/cert.p12"), b"certificate of first");
    }
}
