//! One database, schema or table, restored next to an application that is left unchanged.

use crate::world::World;

#[test]
fn one_table_goes_into_a_new_database() {
    let world = World::new();
    world.capture();
    world.put_document(21);
    world.cluster.sql("app", "drop table audit;");
    let outcome = world.restore(0, "--table public.audit --into rescue");
    outcome.prints("make     database rescue").prints("1 table with 50 rows");
    assert_eq!((world.count("rescue", "audit"), world.count("app", "document")), (50, 21));
    let tables =
        world.cluster.sql("rescue", "select count(*) from pg_tables where schemaname = 'public';");
    assert_eq!(tables, b"1\n");
    world.restore(0, "--schema public --into whole --only database");
    assert_eq!((world.count("whole", "audit"), world.count("whole", "document")), (50, 20));
    // Also without a part: the whole database under another name.
    world.restore(0, "--into copy --jobs 3");
    assert_eq!((world.count("copy", "audit"), world.count("copy", "document")), (50, 20));
    assert!(!world.databases().contains("_hf_"), "{}", world.databases());
    assert!(world.sandbox.exists("started"), "nothing was stopped");
}

#[test]
fn a_part_never_takes_the_place_of_a_database() {
    let world = World::new();
    world.capture();
    for line in ["--table audit", "--schema public", "--table audit --yes-overwrite app --confirm"]
    {
        let outcome = world.restore(1, line);
        outcome.says("database \"app\" exists and holds 2 tables").says("--into NAME");
    }
    world.restore(1, "--table public.nothing --into rescue").says("has no table public.nothing");
    world.restore(1, "--table audit --into x --only vault").says("is of type files");
    world.restore(1, "--database other --into x").says("have no database \"other\"").says("app");
    world.restore(2, "--jobs 0").says("--jobs");
    assert_eq!(world.databases(), "app postgres template0 template1\n");
}

#[test]
fn several_jobs_restore_the_same() {
    let world = World::new();
    world.capture();
    let before = world.picture("app");
    world.destroy();
    world.restore(0, "--confirm --source database --source certificate --jobs 4");
    assert_eq!(world.picture("app"), before);
    assert!(!world.sandbox.exists("opt/vault"));
}
