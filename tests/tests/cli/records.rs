//! Records that are damaged, missing, or overwritten by others: reported by every command that
//! depends on all snapshots, never taken for written off, and always recoverable.

use std::fs;
use std::path::PathBuf;

use holdfast_tests::sandbox::Sandbox;

/// A repository with this many snapshots of one growing folder.
fn sandbox(snapshots: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..snapshots {
        sandbox.write("source/version", number.to_string());
        sandbox.write(format!("source/{number}"), noise(number));
        sandbox.backup("@source");
    }
    sandbox
}

fn noise(seed: usize) -> Vec<u8> {
    let mut bytes = vec![0; 30_000];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    let listed = sandbox.run("snapshots --json").json();
    listed.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

fn object(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("repository").join(name)
}

fn damage(sandbox: &Sandbox, name: &str) {
    let path = object(sandbox, name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Damages the objects of a repository.
type RecordLoss = fn(&Sandbox);

fn forget_caches(sandbox: &Sandbox) {
    fs::remove_dir_all(sandbox.path("cache")).unwrap();
}

#[test]
fn what_goes_by_all_snapshots_says_that_one_is_lost() {
    let sandbox = sandbox(3);
    let all = ids(&sandbox);
    let newest = sandbox.objects("w").pop().unwrap();
    damage(&sandbox, &newest);
    for has_cache in [true, false] {
        if !has_cache {
            forget_caches(&sandbox);
        }
        for line in [
            "snapshots",
            "snapshots --json",
            "restore latest -t @out",
            "restore --at now -t @out",
            "ls latest",
            "dump latest @source/version",
            "diff latest~1 latest",
            "stats",
            "find version",
            "forget --keep-last 5",
            "backup @source --dry-run",
        ] {
            sandbox.fails(3, line).says(&newest).says("holdfast check");
        }
        // A snapshot given by id is not affected.
        let named = sandbox.ok(&format!("restore {} -t @named", all[0]));
        named.says(&newest);
        sandbox.fails(13, "prune").says(&newest);
    }
    sandbox.fails(3, "backup @source").prints("saved").says(&newest);
    assert_eq!(ids(&sandbox).len(), 3);
}

#[test]
fn a_record_that_is_missing_is_told_too() {
    let sandbox = sandbox(3);
    let middle = sandbox.objects("w").swap_remove(1);
    fs::remove_file(object(&sandbox, &middle)).unwrap();
    sandbox.fails(3, "snapshots").says(&middle).says("missing");
    sandbox.fails(3, "backup @source").says(&middle);
    sandbox.fails(13, "check").says(&middle).says("repair snapshots --forget");
}

/// Anyone who can write to the storage can do this, without a key.
#[test]
fn bytes_of_a_forgotten_record_do_not_make_a_wanted_one_vanish() {
    let sandbox = sandbox(3);
    let (all, records) = (ids(&sandbox), sandbox.objects("w"));
    sandbox.ok(&format!("forget {}", all[0]));
    fs::copy(object(&sandbox, &records[0]), object(&sandbox, &records[1])).unwrap();
    forget_caches(&sandbox);
    let packs = sandbox.objects("packs");
    sandbox.fails(13, "check --read-data").says(&records[1]).says(&records[0]);
    sandbox.fails(3, "snapshots").says(&records[1]);
    sandbox.fails(13, "prune --max-unused 0").says(&records[1]);
    assert_eq!(sandbox.objects("packs"), packs, "nothing was deleted");
}

#[test]
fn a_repair_gives_up_a_place_and_no_snapshot_elsewhere() {
    let sandbox = sandbox(4);
    let (all, records) = (ids(&sandbox), sandbox.objects("w"));
    fs::copy(object(&sandbox, &records[1]), object(&sandbox, &records[2])).unwrap();
    sandbox.ok("repair snapshots --forget --dry-run").prints("would write off");
    sandbox.ok("repair snapshots --forget").prints("wrote off").prints(&records[2]);
    assert_eq!(ids(&sandbox), [&all[0], &all[1], &all[3]].map(Clone::clone));
    sandbox.ok("prune --max-unused 0");
    sandbox.ok("check --read-data");
    sandbox.ok(&format!("restore {}:@source -t @out", all[1]));
    assert_eq!(sandbox.read("out/1"), noise(1));
}

/// Following check's advice leads to a repository that it reports as healthy and prune can clean
/// up.
#[test]
fn there_is_a_way_out_of_every_loss() {
    let losses: [(&str, RecordLoss); 4] = [
        ("a record in the middle of a chain", |sandbox| {
            fs::remove_file(object(sandbox, &sandbox.objects("w")[1])).unwrap();
        }),
        ("one copy of a generation", |sandbox| damage(sandbox, &sandbox.objects("gen")[2])),
        ("both copies of a generation", |sandbox| {
            sandbox.objects("gen").iter().skip(2).take(2).for_each(|copy| damage(sandbox, copy));
        }),
        ("both copies of the announcement", |sandbox| {
            sandbox.objects("gen").iter().take(2).for_each(|copy| damage(sandbox, copy));
        }),
    ];
    for (title, lose) in losses {
        let sandbox = sandbox(3);
        sandbox.ok("tag --add x latest");
        lose(&sandbox);
        forget_caches(&sandbox);
        println!("{title}");
        sandbox.fails(13, "check").says("next: ");
        sandbox.ok("repair index");
        sandbox.ok("repair snapshots --forget");
        sandbox.ok("check --read-data");
        sandbox.ok("forget --keep-last 1 --prune --max-unused 0");
        sandbox.ok("check --read-data");
        sandbox.ok("restore latest:@source -t @out");
        assert_eq!(sandbox.read("out/2"), noise(2), "{title}");
    }
}

#[test]
fn a_held_snapshot_that_is_damaged_passes_its_hold_on() {
    let sandbox = sandbox(2);
    let all = ids(&sandbox);
    sandbox.ok(&format!("tag --hold {}", all[0]));
    let size = |name: &String| object(&sandbox, name).metadata().unwrap().len();
    let packs = sandbox.objects("packs");
    let first = packs
        .iter()
        .filter(|name| size(name) > 30_000)
        .min_by_key(|name| object(&sandbox, name).metadata().unwrap().modified().unwrap());
    damage(&sandbox, first.unwrap());
    fs::remove_file(sandbox.path("source/0")).unwrap();
    sandbox.fails(13, "check --read-data");
    sandbox.ok("repair index --read-all-packs");
    sandbox.ok("backup @source");
    sandbox.ok("repair snapshots --forget").prints("was held");
    sandbox.ok("check --read-data");
    sandbox.ok("prune --max-unused 0");
    let held = sandbox.ok("snapshots").stdout;
    assert!(held.contains("held") && !held.contains(&all[0][..8]), "{held}");
    sandbox.ok("forget --keep-last 1");
    assert_eq!(ids(&sandbox).len(), 2, "the hold is effective");
}

#[test]
fn of_one_second_the_one_that_was_stored_last_is_the_latest() {
    for _ in 0..3 {
        let sandbox = Sandbox::new();
        let mut stored = Vec::new();
        for number in 0..5 {
            sandbox.write("source/version", number.to_string());
            let mut words = sandbox.words("backup @source --json --time");
            words.push("2026-03-01 12:00:00".into());
            let summary = sandbox.run_words(words).message("summary");
            stored.push(summary["snapshot_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids(&sandbox), stored);
        sandbox.ok("restore latest:@source -t @out");
        assert_eq!(sandbox.read("out/version"), b"4");
        sandbox.ok("forget --keep-last 2");
        assert_eq!(ids(&sandbox), stored[3..]);
    }
}
