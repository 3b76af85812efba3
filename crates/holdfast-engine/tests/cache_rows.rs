//! The local cache after many rounds of backup, forget and prune: it holds what the repository
//! holds, and no history.
#![allow(clippy::unwrap_used, reason = "tests")]

mod check_support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use check_support::{Fixture, backup, noise};
use holdfast_engine::Silent;
use holdfast_engine::forget::forget;
use holdfast_engine::prune::{MaxUnused, PruneOptions, prune};
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};

const ROUNDS: u64 = 25;
const EVERYTHING: PruneOptions = PruneOptions {
    max_unused: MaxUnused::Bytes(0),
    max_repack_bytes: None,
    repack_below_bytes: None,
    abandoned: None,
    dry_run: false,
    write: WriteOptions::new(COMPRESSION_DEFAULT),
};

fn open(fixture: &Fixture, cache: &Path) -> Repository {
    let options =
        OpenOptions { cache_folder: Some(cache.to_owned()), threads: 1, ..OpenOptions::default() };
    Repository::open(Arc::clone(&fixture.backend), &fixture.secret(), &options).unwrap()
}

/// All locations of all blobs.
fn places(repository: &Repository) -> BTreeSet<(String, String, u64, u32)> {
    let mut places = BTreeSet::new();
    repository
        .index()
        .for_each_blob(|id, place| {
            let pack = place.frame.pack.to_hex();
            places.insert((id.to_hex(), pack, place.frame.offset, place.offset));
            Ok(())
        })
        .unwrap();
    places
}

#[test]
fn the_cache_does_not_remember_what_was_pruned() {
    let fixture = Fixture::memory();
    // One machine prunes, the other only learns of it.
    let (pruning, hearing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for round in 0..ROUNDS {
        let repository = open(&fixture, pruning.path());
        let kept = ("kept", noise(1, 9000));
        let latest = backup(&repository, &[kept, ("new", noise(100 + round, 9000))]);
        let snapshots = repository.history().snapshots();
        let old: Vec<_> =
            snapshots.iter().map(|info| info.id).filter(|id| *id != latest.id).collect();
        forget(&repository, &old).unwrap();
        prune(&repository, &EVERYTHING, &Silent).unwrap();
        drop(repository);
        let truth = places(&fixture.open());
        assert_eq!(places(&open(&fixture, pruning.path())), truth, "round {round}");
        assert_eq!(places(&open(&fixture, hearing.path())), truth, "round {round}");
        let packs = fixture.names("packs").len() as u64;
        for cache in [pruning.path(), hearing.path()] {
            let [pack_rows, frames, blobs] = open(&fixture, cache).index().row_counts().unwrap();
            assert_eq!(pack_rows, packs, "round {round}");
            assert!(frames <= 2 * packs, "{frames} frames in {packs} packs");
            assert_eq!(blobs, truth.len() as u64, "round {round}");
        }
    }
}
