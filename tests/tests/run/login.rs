//! Databases whose password is where libpq looks for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_tests::cluster::{Cluster, installations};

use crate::world::World;

#[test]
fn the_password_file_of_libpq_is_read() {
    let cluster = Cluster::start(installations().last().unwrap());
    let rules = cluster.data().join("pg_hba.conf");
    let all = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, format!("local all keeper scram-sha-256\n{all}")).unwrap();
    let roles = "create role keeper login superuser password 'hunter2'; select pg_reload_conf();";
    cluster.sql("postgres", roles);
    let socket = cluster.folder().display();
    let mut world = World::new(&format!(
        "[[source]]\nname = \"database\"\ntype = \"postgres\"\n\
         url = \"postgres://keeper@/postgres?host={socket}\"\n"
    ));
    world.fails(1).says("password missing").says("source database failed");
    let file = world.sandbox.write("pass", format!("{socket}:5432:*:keeper:hunter2\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    world.sandbox = world.sandbox.with("PGPASSFILE", file);
    let plan = world.sandbox.ok("run --dry-run");
    plan.prints("postgres; 2 connections at once");
    world.runs();
}
