//! Any sequence of backups, forgets and prunes keeps every snapshot.

use std::sync::Arc;

use holdfast_repo::{OpenOptions, Repository};
use proptest::prelude::*;

use super::world::{ALL, BackupSteps, FileChunks, RUTHLESS, World};
use crate::prune::{MaxUnused, PruneOptions};

#[derive(Debug, Clone)]
enum PruneStep {
    /// Some files change, then two hosts or one back up.
    BackUp {
        changes: Vec<(u8, Vec<u64>)>,
        both_at_once: bool,
    },
    /// A backup that never commits.
    BreakOff(Vec<u64>),
    /// The snapshot with this number, modulo how many there are.
    Forget(usize),
    Prune(PruneOptions),
}

fn chunks() -> impl Strategy<Value = Vec<u64>> {
    // Chunks come from a small pool so that they are shared; a long list becomes a tree of nodes.
    prop_oneof![
        4 => prop::collection::vec(0..60u64, 0..4),
        1 => prop::collection::vec(0..60u64, 9..60),
    ]
}

fn options() -> impl Strategy<Value = PruneOptions> {
    let max_unused = prop_oneof![
        (0..50u32).prop_map(|percent| MaxUnused::Percent(f64::from(percent))),
        (0..5000u64).prop_map(MaxUnused::Bytes),
        Just(MaxUnused::Unlimited),
    ];
    let abandoned = prop::sample::select(vec![None, RUTHLESS.abandoned]);
    let (most, below) = (prop::option::of(0..20_000u64), prop::option::of(0..20_000u64));
    (max_unused, most, below, abandoned).prop_map(
        |(max_unused, max_repack_bytes, repack_below_bytes, abandoned)| PruneOptions {
            max_unused,
            max_repack_bytes,
            repack_below_bytes,
            abandoned,
            ..ALL
        },
    )
}

fn step() -> impl Strategy<Value = PruneStep> {
    let changes = prop::collection::vec((0..40u8, chunks()), 0..12);
    prop_oneof![
        4 => (changes, any::<bool>())
            .prop_map(|(changes, both_at_once)| PruneStep::BackUp { changes, both_at_once }),
        1 => chunks().prop_map(PruneStep::BreakOff),
        3 => (0..20usize).prop_map(PruneStep::Forget),
        2 => options().prop_map(PruneStep::Prune),
    ]
}

fn back_up_at_once(world: &mut World, files: &FileChunks) {
    let (one, other) = (world.open(), world.open());
    let sessions =
        [BackupSteps::begin(&one, "a").unwrap(), BackupSteps::begin(&other, "b").unwrap()];
    let written = sessions.each_ref().map(|session| session.write(files).unwrap());
    for (session, snapshot) in sessions.iter().zip(written) {
        world.expected.insert(session.commit(snapshot).unwrap().id, files.clone());
    }
}

fn take(world: &mut World, files: &mut FileChunks, step: PruneStep) {
    match step {
        PruneStep::BackUp { changes, both_at_once } => {
            for (name, chunks) in changes {
                files.insert(format!("{name:03}"), chunks);
            }
            match both_at_once {
                true => back_up_at_once(world, files),
                false => drop(world.back_up("a", files)),
            }
        }
        PruneStep::BreakOff(chunks) => {
            let files = FileChunks::from([("x".to_owned(), chunks)]);
            BackupSteps::begin(&world.open(), "b").unwrap().write(&files).unwrap();
        }
        PruneStep::Forget(place) => {
            let mut ids: Vec<_> = world.expected.keys().copied().collect();
            ids.sort();
            if !ids.is_empty() {
                world.forget(&[ids[place % ids.len()]]);
            }
        }
        PruneStep::Prune(options) => drop(world.prune(&options)),
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_snapshot_stays_whole(steps in prop::collection::vec(step(), 1..16)) {
        let mut world = World::new();
        let folder = tempfile::tempdir().unwrap();
        let cache = OpenOptions {
            cache_folder: Some(folder.path().to_owned()),
            threads: 1,
            ..OpenOptions::default()
        };
        let mut files = FileChunks::new();
        for step in steps {
            let is_prune = matches!(step, PruneStep::Prune(_));
            take(&mut world, &mut files, step);
            let storage = Arc::clone(&world.storage);
            let old = Repository::open(storage, &world.secret(), &cache).unwrap();
            if is_prune {
                prop_assert_eq!(world.trouble(), Ok(()));
                prop_assert_eq!(world.trouble_of(&old), Ok(()));
            }
        }
        // Interrupted runs count as over once their chain continues.
        back_up_at_once(&mut world, &files);
        world.prune(&ALL);
        prop_assert_eq!(world.trouble(), Ok(()));
        world.check_nothing_unused();
    }
}
