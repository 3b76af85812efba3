//! A run that could not read everything, or found far less than before: reported wherever its
//! snapshot is used, and never a reason to remove the last complete one.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::world::World;

/// A world whose files are `data` and `more`.
fn world(sections: &str) -> World {
    let world = World::new(sections);
    let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
    let text = text.replace("[\"data\"]", "[\"data\", \"more\"]");
    world.sandbox.write("holdfast.toml", text);
    world.sandbox.write("more/three.txt", "third");
    world
}

fn ids(world: &World) -> Vec<String> {
    let id = |snapshot: &Value| snapshot["short_id"].as_str().unwrap().to_owned();
    world.snapshots().iter().map(id).collect()
}

fn take_away(world: &World, name: &str) {
    std::fs::rename(world.sandbox.path(name), world.sandbox.path("away")).unwrap();
}

fn bring_back(world: &World, name: &str) {
    std::fs::rename(world.sandbox.path("away"), world.sandbox.path(name)).unwrap();
}

#[test]
fn the_last_complete_snapshot_stays_however_many_incomplete_ones_follow() {
    let world = world("[retention]\nlast = 1\n");
    world.runs();
    let complete = ids(&world).remove(0);
    take_away(&world, "more");
    for number in 0..3 {
        world.sandbox.write("data/one.txt", format!("content {number}"));
        world.fails(3).says("1 entry could not be read");
        let all = ids(&world);
        assert_eq!((all.len(), all[0] == complete), (2, true), "{all:?}");
    }
    assert_eq!(world.key_snapshots().len(), 2, "its keys are kept too");
    bring_back(&world, "more");
    world.runs();
    let all = ids(&world);
    assert_eq!((all.len(), all.contains(&complete)), (1, false), "there is a newer one");
}

#[test]
fn an_incomplete_snapshot_is_named_wherever_it_is_used() {
    let world = world("");
    world.runs();
    let complete = ids(&world).remove(0);
    take_away(&world, "more");
    world.fails(3);
    let sandbox = &world.sandbox;
    sandbox.ok("snapshots").prints("incomplete");
    let lacks = world.snapshots()[1]["lacks"].clone();
    assert_eq!((&lacks[0]["kind"], &lacks[0]["entries"]), (&"entries".into(), &1.into()));
    assert!(lacks[0]["paths"][0].as_str().unwrap().ends_with("/more"), "{lacks}");
    assert!(world.snapshots()[0].get("lacks").is_none());

    let said = "is incomplete: 1 entry of source files could not be read";
    sandbox.ok("ls latest").says(said).says(&complete);
    sandbox.ok("diff latest~1 latest").says(said);
    sandbox.ok("stats").says("1 of 2 snapshots is incomplete");
    sandbox.ok("find three.txt").says("1 of 2 snapshots is incomplete");
    sandbox.ok("check").says("1 of 2 snapshots is incomplete");
    let instead = format!("try: holdfast restore {complete}");
    sandbox.fails(3, "restore latest -t @all").says(said).says(&instead);
    sandbox.fails(3, "dump latest / -t @all.tar").says(said);
    sandbox.ok(&format!("restore {complete} -t @whole"));
    let report = sandbox.ok("retention report");
    let is_row = |line: &&str| line.contains("(incomplete) ");
    let rows: Vec<_> = report.stdout.lines().filter(is_row).collect();
    assert_eq!(rows.len(), 1, "{report:?}");
    assert!(!rows[0].starts_with(&complete) && report.stdout.contains("; 1 incomplete"));
    let forget = sandbox.ok("forget --keep-last 1 --dry-run");
    forget.prints("last complete snapshot");

    let outcome = sandbox.fails(3, "restore-app --confirm");
    outcome.prints("skip     files").says(said).says("the snapshot has no");
    outcome.says(&format!("--snapshot {complete} selects the last complete one"));
    assert!(!sandbox.exists("more"), "the rest came back without it");
    sandbox.ok(&format!("restore-app --snapshot {complete} --confirm"));
    assert_eq!(sandbox.read("more/three.txt"), b"third");
}

#[test]
fn an_application_is_restored_as_far_as_it_was_captured() {
    let world = World::new("");
    world.runs();
    let complete = ids(&world).remove(0);
    let path = world.sandbox.write("data/busy", vec![0x5a; 24 << 20]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            while !stop.load(Ordering::Relaxed) {
                file.write_all_at(b"changed", 12 << 20).unwrap();
            }
        });
        let outcome = world.sandbox.run("run");
        stop.store(true, Ordering::Relaxed);
        assert_eq!(outcome.code, Some(3), "{outcome:?}");
    });
    let said = "is incomplete: 1 entry of source files changed while being read";
    let instead = format!("--snapshot {complete}");
    world.sandbox.ok("snapshots").prints("incomplete");
    std::fs::remove_file(&path).unwrap();
    let outcome = world.sandbox.fails(3, "restore-app --confirm");
    outcome.says(said).says(&instead).says("as far as it had been captured").prints(", 0 failed");
    assert!(path.exists(), "existing data is restored");
}

#[test]
fn a_part_that_lacks_nothing_is_restored_without_a_word() {
    let sandbox = holdfast_tests::sandbox::Sandbox::new();
    sandbox.write("data/sub/one", "1");
    sandbox.fails(3, "backup @data @absent");
    let data = sandbox.path("data");
    let data = data.display();
    sandbox.ok(&format!("restore latest:{data} -t @part"));
    sandbox.ok(&format!("dump latest {data}/sub/one"));
    sandbox.ok(&format!("restore latest -t @filtered -i {data}/sub"));
    sandbox.fails(3, "restore latest -t @all").says("1 entry could not be read");
}

#[test]
fn a_source_that_shrank_removes_nothing_until_it_is_accepted() {
    let world = World::new("[retention]\nlast = 1\n");
    (0..20).for_each(|number| drop(world.sandbox.write(format!("data/{number}"), "x")));
    world.runs();
    let full = ids(&world).remove(0);
    (0..18).for_each(|number| {
        std::fs::remove_file(world.sandbox.path(format!("data/{number}"))).unwrap();
    });
    for runs in 2..4 {
        let outcome = world.fails(3);
        outcome.says("source files has 4 entries of").says("down from 22 entries of");
        outcome.says("--accept-shrunk").prints("removed none");
        assert_eq!((ids(&world).len(), ids(&world)[0] == full), (runs, true));
    }
    world.sandbox.ok("snapshots").prints("shrunk");
    world.sandbox.ok("restore-app --only-missing --confirm").says("down from 22 entries");
    world.sandbox.ok("run --accept-shrunk");
    assert_eq!(ids(&world).len(), 1, "this is the new normal");
    world.runs();
    assert!(world.snapshots()[0].get("lacks").is_none());
}

#[test]
fn rules_are_applied_in_doubt_if_the_file_says_so() {
    let world = World::new("[retention]\nlast = 1\nin-doubt = \"remove\"\n");
    (0..20).for_each(|number| drop(world.sandbox.write(format!("data/{number}"), "x")));
    world.runs();
    let full = ids(&world).remove(0);
    (0..18).for_each(|number| {
        std::fs::remove_file(world.sandbox.path(format!("data/{number}"))).unwrap();
    });
    (0..3).for_each(|_| drop(world.fails(3)));
    let all = ids(&world);
    assert_eq!((all.len(), all[0] == full), (2, true), "the complete one is still kept");
}

#[test]
fn a_plain_backup_says_it_too() {
    let sandbox = holdfast_tests::sandbox::Sandbox::new();
    sandbox.write("data/one", "1");
    sandbox.write("more/two", "2");
    sandbox.backup("@data @more");
    let complete = sandbox.snapshots()[0]["short_id"].as_str().unwrap().to_owned();
    std::fs::rename(sandbox.path("more"), sandbox.path("away")).unwrap();
    (0..2).for_each(|_| drop(sandbox.fails(3, "backup @data @more")));
    sandbox.ok("forget --keep-last 1").prints("last complete snapshot");
    let left: Vec<_> = sandbox.snapshots();
    assert_eq!((left.len(), left[0]["short_id"].as_str().unwrap()), (2, &*complete));
    sandbox.fails(3, "restore latest -t @out").says(&complete);
}
