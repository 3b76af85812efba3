//! Every command that changes a repository, killed at every change it makes.

use std::fs;

use holdfast_tests::sandbox::Sandbox;

use crate::moment::{End, Moment, at_each_moment};
use crate::world::World;

/// Ids of the snapshots that are listed.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    let id = |it: &serde_json::Value| it["id"].as_str().unwrap().to_owned();
    sandbox.snapshots().iter().map(id).collect()
}

/// Kills a command at each moment; the world's snapshots in `keeps` must be intact before and after
/// the rerun.
fn survives(
    line: &str,
    keeps: usize,
    begin: impl Fn(&World) -> Sandbox,
    after_rerun: impl Fn(&World, &Sandbox),
) {
    let world = World::get();
    let line = line.replace("SOURCE", &world.source().display().to_string());
    let promised = &world.snapshots[world.snapshots.len() - keeps..];
    let test = |moment: &Moment, sandbox: &Sandbox, end: End| {
        println!("{line}: {end:?} at {moment:?}");
        world.verify_snapshots(sandbox, promised);
        verify_killed(sandbox);
        sandbox.ok(&line);
        world.verify(sandbox, promised);
        after_rerun(&world, sandbox);
    };
    at_each_moment(&line, || begin(&world), test);
}

/// A check finds nothing, except that a new key may have only one of its two copies: this is
/// reported, and harmless.
fn verify_killed(sandbox: &Sandbox) {
    let outcome = sandbox.run("check --read-data --no-cache --json");
    if outcome.code == Some(0) {
        return;
    }
    for error in &outcome.errors()[..outcome.errors().len() - 1] {
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("keys/") && message.ends_with(".b is missing"), "{outcome:?}");
    }
}

#[test]
fn init() {
    let begin = || {
        let sandbox = Sandbox::empty();
        sandbox.make_key("key");
        sandbox
    };
    at_each_moment("init", begin, |_, sandbox, end| {
        if end == End::Killed && sandbox.run("snapshots").code != Some(0) {
            sandbox.ok("init");
        }
        sandbox.write("source/a", "a");
        sandbox.ok("backup @source");
        sandbox.ok("restore latest:@source -t @out --no-cache");
        assert_eq!(sandbox.read("out/a"), b"a");
        sandbox.ok("check --read-data --no-cache");
    });
}

#[test]
fn backup() {
    survives("backup SOURCE --pack-size 4", 3, World::fork, |world, sandbox| {
        world.verify_newest(sandbox);
        assert!(sandbox.snapshots().iter().all(|it| it["partial"].is_null()));
    });
}

#[test]
fn forget() {
    survives("forget --keep-last 1", 1, World::fork, |world, sandbox| {
        assert_eq!(listed(sandbox), [world.snapshots[2].id.as_str()]);
    });
}

/// A killed and restarted prune leaves the same result as an undisturbed one.
#[test]
fn prune() {
    let begin = |world: &World| {
        let sandbox = world.fork();
        sandbox.ok("forget --keep-last 1");
        sandbox
    };
    survives("prune --max-unused 0 --pack-size 4", 1, begin, nothing_is_left_to_prune);
}

#[test]
fn forget_and_prune() {
    let line = "forget --keep-last 1 --prune --max-unused 0";
    survives(line, 1, World::fork, nothing_is_left_to_prune);
}

fn nothing_is_left_to_prune(world: &World, sandbox: &Sandbox) {
    // After a kill between the record of forget and the prune, forget finds nothing to do.
    sandbox.ok("prune --max-unused 0");
    assert_eq!(listed(sandbox), [world.snapshots[2].id.as_str()]);
    let rest = sandbox.ok("prune --max-unused 0 --dry-run");
    rest.prints("deleted: 0 packs").prints("rewritten: 0 packs").prints("unused space kept: 0 B");
    let undisturbed = world.fork();
    undisturbed.ok("forget --keep-last 1 --prune --max-unused 0");
    assert_eq!(sandbox.objects("index").len(), undisturbed.objects("index").len());
}

#[test]
fn tag() {
    survives("tag --add important", 3, World::fork, |_, sandbox| {
        assert!(sandbox.snapshots().iter().all(|it| it["tags"][0] == "important"));
    });
}

#[test]
fn key_add() {
    let begin = |world: &World| {
        let sandbox = world.fork();
        sandbox.make_key("second");
        sandbox
    };
    survives("key add --new-password-file @second", 3, begin, |world, sandbox| {
        let newest = &world.snapshots[2].id;
        sandbox.ok(&format!("snapshots {newest} --password-file @second --no-cache"));
    });
}

/// At any moment the old or the new key opens the repository; in the end only the new one does.
#[test]
fn key_passwd() {
    let world = World::get();
    let begin = || {
        let sandbox = world.fork();
        sandbox.make_key("second");
        sandbox
    };
    let line = "key passwd --new-password-file @second";
    at_each_moment(line, begin, |_, sandbox, end| {
        let old_opens = sandbox.run("snapshots").code == Some(0);
        assert!(end == End::Killed || !old_opens);
        if old_opens {
            sandbox.ok(line);
        }
        fs::rename(sandbox.path("key"), sandbox.path("old")).unwrap();
        fs::copy(sandbox.path("second"), sandbox.path("key")).unwrap();
        sandbox.fails(12, "snapshots --password-file @old");
        world.verify(sandbox, &world.snapshots);
    });
}

/// With nothing to repair, and with one index object missing and another one damaged.
#[test]
fn repair_index() {
    survives("repair index", 3, World::fork, |_, _| ());
    survives("repair index --read-all-packs", 3, World::fork, |_, _| ());
}

#[test]
fn repair_index_of_a_damaged_repository() {
    let world = World::get();
    let begin = || {
        let sandbox = world.fork();
        let index = sandbox.objects("index");
        fs::remove_file(sandbox.path("repository").join(&index[0])).unwrap();
        let damaged = sandbox.path("repository").join(&index[1]);
        let mut bytes = fs::read(&damaged).unwrap();
        bytes[100] ^= 1;
        // The object is hard-linked to the other sandboxes' object.
        fs::remove_file(&damaged).unwrap();
        fs::write(&damaged, bytes).unwrap();
        sandbox
    };
    at_each_moment("repair index", begin, |_, sandbox, _| {
        sandbox.ok("repair index");
        world.verify(sandbox, &world.snapshots);
    });
}
