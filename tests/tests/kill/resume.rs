//! An interrupted backup leaves a checkpoint, and the next one does not read that data again.

use std::path::Path;

use holdfast_tests::picture::{EntryShape, Picture, entries};
use holdfast_tests::sandbox::Sandbox;
use holdfast_tests::strace;
use serde_json::Value;

use crate::moment::{Calls, End, Moment, folder_sync, run, signal_at, writers};
use crate::world::World;

/// The number of files that a run read, according to its summary or snapshot.
fn files_read(summary: &Value) -> u64 {
    summary["files_new"].as_u64().unwrap() + summary["files_changed"].as_u64().unwrap()
}

/// Checkpoints of unfinished backups.
fn partial(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.snapshots().into_iter().filter(|it| it["partial"] == true).collect()
}

/// The number of files in the most advanced checkpoint.
fn files_safe(partial: &[Value]) -> u64 {
    partial.iter().map(|it| files_read(&it["summary"])).max().unwrap_or(0)
}

/// What it contains is restored as in the source; the rest is missing.
fn verify_partial(world: &World, sandbox: &Sandbox, snapshot: &Value) {
    let id = snapshot["id"].as_str().unwrap();
    let source = world.source();
    let line = format!("restore {id}:{} -t @partial-{id} --no-cache", source.display());
    sandbox.fails(3, &line).says("its backup did not finish");
    let found = entries(&sandbox.path(format!("partial-{id}")));
    let files = |picture: &Picture| {
        let only_files = |(path, look): (&_, &holdfast_tests::picture::Look)| {
            matches!(look.kind, EntryShape::File(..)).then(|| (Path::to_owned(path), look.clone()))
        };
        picture.iter().map(|(path, look)| (path.as_path(), look)).filter_map(only_files).collect()
    };
    let (found, now): (Picture, Picture) = (files(&found), files(&world.now));
    assert_eq!(found.len() as u64, snapshot["summary"]["total_files_processed"]);
    assert!(found.iter().all(|(path, look)| now.get(path) == Some(look)));
}

/// Repeats the backup to completion: it reads only what was not yet stored.
fn rerun(world: &World, sandbox: &Sandbox, line: &str, undisturbed: u64) {
    let safe = partial(sandbox);
    for snapshot in &safe {
        verify_partial(world, sandbox, snapshot);
    }
    world.verify(sandbox, &world.snapshots);
    let summary = sandbox.ok(&format!("{line} --json")).message("summary");
    assert_eq!(files_read(&summary), undisturbed - files_safe(&safe), "{summary}");
    world.verify_newest(sandbox);
    assert_eq!(partial(sandbox).len(), 0, "the complete snapshot replaces them");
    world.verify(sandbox, &world.snapshots);
}

fn line(world: &World) -> String {
    format!("backup {} --pack-size 4 --read-concurrency 1", world.source().display())
}

/// The number of files that an undisturbed backup reads.
fn files_of_all(world: &World) -> u64 {
    files_read(&world.fork().ok(&format!("{} --json", line(world))).message("summary"))
}

#[test]
fn killed_after_each_of_several_checkpoints() {
    if strace::only_at(Path::new("/")).is_none() {
        return;
    }
    let world = World::get();
    let (line, all) = (line(&world), files_of_all(&world));
    let mut safe = Vec::new();
    // There are slightly more than twenty: the number depends on how fast packs fill up.
    for number in [1, 2, 3, 5, 8, 12, 15] {
        let sandbox = world.fork().with("HOLDFAST_CHECKPOINT_SECONDS", "0");
        let commit = folder_sync(&sandbox, &writers(&sandbox)[0]);
        assert_eq!(run(&sandbox, &line, &Moment::Call(commit, number)), End::Killed);
        // A record that exists counts, whether its folder was synced or not: a kill is not a power
        // failure.
        assert_eq!(partial(&sandbox).len() as u32, number);
        safe.push(files_safe(&partial(&sandbox)));
        rerun(&world, &sandbox, &line, all);
    }
    assert!(safe.is_sorted() && safe[0] + 10 < safe[safe.len() - 1], "{safe:?} of {all}");
}

#[test]
fn interrupted_while_it_reads() {
    if strace::only_at(Path::new("/")).is_none() {
        return;
    }
    let world = World::get();
    let (line, all) = (line(&world), files_of_all(&world));
    // Each file of this folder is opened by name relative to the open folder.
    let open = Calls { function: "openat", path: Some(world.source().join("many")) };
    for signal in ["INT", "TERM"] {
        let sandbox = world.fork();
        let output = signal_at(&sandbox, &line, signal, &open, 5);
        let outcome = sandbox.finish(output);
        assert_eq!(outcome.code, Some(130), "{outcome:?}");
        outcome.says("interrupted").says("run the same command again");
        let safe = files_safe(&partial(&sandbox));
        assert!(0 < safe && safe < all, "{safe} of {all}");
        sandbox.ok("check --read-data --no-cache");
        rerun(&world, &sandbox, &line, all);
    }
}
