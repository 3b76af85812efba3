//! `--only-missing`: missing data is restored; existing data is kept, whatever it is.

use std::fs;

use crate::world::World;

#[test]
fn what_exists_stays() {
    let world = World::new();
    world.capture();
    let vault = world.sandbox.path("opt/vault");
    fs::write(vault.join("3"), "newer").unwrap();
    fs::remove_file(vault.join("7")).unwrap();
    fs::remove_file(world.sandbox.path("opt/cert.p12")).unwrap();
    world.sandbox.write("opt/settings", "theme = light\n");
    world.cluster.sql("app", "delete from audit where id > 10;");
    let plan = world.restore(0, "--only-missing --dry-run");
    plan.prints("already exists (2 tables); kept without comparing");
    plan.prints("1 of 20 files are missing").prints("cp is not run, because");
    plan.prints("cert.p12 does not exist")
        .prints(".env already has them all: 1 file; kept without comparing");
    // Rows and vault no longer match, which is reported.
    let restored = world.restore(3, "--only-missing --confirm");
    restored.prints("wrote 1 of 20 files; the others were kept without comparing");
    assert_eq!(fs::read_to_string(vault.join("3")).unwrap(), "newer");
    assert_eq!(fs::read_to_string(vault.join("7")).unwrap(), "document 7\n".repeat(7));
    assert!(world.sandbox.exists("opt/cert.p12"));
    assert_eq!(world.sandbox.read("opt/settings"), b"theme = light\n");
    assert_eq!(world.count("app", "audit"), 10);
}

#[test]
fn a_database_that_is_missing_is_made() {
    let world = World::new();
    world.capture();
    world.destroy();
    world.restore(0, "--only-missing --confirm --only database --only vault --only certificate");
    assert_eq!((world.count("app", "audit"), world.count("app", "document")), (50, 20));
    world.restore(2, "--only-missing --yes-overwrite app").says("cannot be used with");
}
