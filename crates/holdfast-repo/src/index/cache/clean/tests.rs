//! A cache that packs are added to and removed from, next to a plain model of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::{Algorithm, BlobEntry};
use holdfast_format::index::PackEntry;
use holdfast_format::pack::PackHeader;
use holdfast_format::{BlobType, ObjectId, SessionId, WriterId};
use holdfast_seal::{Keys, MasterKey};
use proptest::prelude::*;
use redb::ReadableTableMetadata;

use super::super::Numbering;
use super::*;

/// Packs by number of their index object: the blobs of each frame.
type CacheModel = BTreeMap<u8, Vec<Vec<u8>>>;

/// What happens to a cache.
#[derive(Debug, Clone)]
enum CacheStep {
    /// A pack of these frames is added, in an index object of its own.
    Add(Vec<Vec<u8>>),
    /// One of the packs is deleted.
    Sweep(u8),
    /// The cache is cleaned, scanning this number of rows.
    Clean(usize),
}

fn steps() -> impl Strategy<Value = Vec<CacheStep>> {
    let frame = prop::collection::vec(0u8..12, 1..4);
    let step = prop_oneof![
        3 => prop::collection::vec(frame, 1..4).prop_map(CacheStep::Add),
        2 => any::<u8>().prop_map(CacheStep::Sweep),
        3 => (1usize..9).prop_map(CacheStep::Clean),
    ];
    prop::collection::vec(step, 1..60)
}

/// A cache, what it should show, and the packs that are gone from it.
struct World {
    cache: Cache,
    keys: Keys,
    packs: CacheModel,
    swept: HashSet<ObjectId>,
    next: u8,
}

fn blob(number: u8) -> BlobId {
    BlobId::from_bytes([number + 1; 32])
}

fn pack_id(number: u8) -> ObjectId {
    ObjectId::of(&[number])
}

impl World {
    fn new() -> Self {
        let keys = Keys::derive(&MasterKey::generate().unwrap());
        let cache = Cache::in_memory(&keys.repository_id(), 1 << 20).unwrap();
        Self { cache, keys, packs: CacheModel::new(), swept: HashSet::new(), next: 0 }
    }

    fn dead(&self) -> HashSet<u32> {
        let packs = self.cache.packs().unwrap().into_iter();
        packs.filter(|pack| self.swept.contains(&pack.id)).map(|pack| pack.number).collect()
    }

    fn add(&mut self, frames: &[Vec<u8>]) {
        let number = self.next;
        self.next += 1;
        let entry = PackEntry {
            id: pack_id(number),
            bytes: 1000,
            header: PackHeader {
                salt: [0; 16],
                writer: WriterId::from_bytes([0; 16]),
                start_slot: 0,
                sessions: vec![SessionId::from_bytes([0; 32])],
            },
            frames: frames
                .iter()
                .map(|blobs| FrameEntry {
                    blob_type: BlobType::Data,
                    algorithm: Algorithm::Stored,
                    session: 0,
                    sealed_bytes: 100,
                    blobs: blobs.iter().map(|id| BlobEntry { id: blob(*id), bytes: 10 }).collect(),
                })
                .collect(),
        };
        let dead = self.dead();
        self.cache
            .insert(&self.keys, &pack_id(number), &[entry], &dead, &Numbering::default())
            .unwrap();
        self.packs.insert(number, frames.to_vec());
    }

    fn sweep(&mut self, which: u8) {
        if self.packs.is_empty() {
            return;
        }
        let number = *self.packs.keys().nth(usize::from(which) % self.packs.len()).unwrap();
        self.packs.remove(&number);
        self.swept.insert(pack_id(number));
        self.cache.remove_index_objects(&[pack_id(number)]).unwrap();
    }

    fn clean(&self, rows_max: usize) -> bool {
        let dead = self.dead();
        let packs = self.cache.packs().unwrap().into_iter();
        let gone: Vec<PackRow> = packs.filter(|pack| dead.contains(&pack.number)).collect();
        self.cache.clean(&gone, rows_max).unwrap()
    }

    /// For each blob the existing packs that hold it, as readers of the cache see it.
    fn seen(&self) -> BTreeMap<BlobId, BTreeSet<ObjectId>> {
        let (view, packs) = (self.cache.view().unwrap(), self.cache.packs().unwrap());
        let mut seen = BTreeMap::<_, BTreeSet<_>>::new();
        for number in 0..12 {
            let id = blob(number);
            let rows = view.blob(&id).unwrap().into_iter().chain(view.copies(&id).unwrap());
            for row in rows {
                let number = view.frame(row.frame).unwrap().pack;
                let pack = packs.iter().find(|pack| pack.number == number).unwrap();
                if !self.swept.contains(&pack.id) {
                    seen.entry(id).or_default().insert(pack.id);
                }
            }
        }
        seen
    }

    fn check(&self) {
        let mut expected = BTreeMap::<_, BTreeSet<_>>::new();
        for (number, frames) in &self.packs {
            for id in frames.iter().flatten() {
                expected.entry(blob(*id)).or_default().insert(pack_id(*number));
            }
        }
        assert_eq!(self.seen(), expected);
    }

    /// Rows of packs, frames, blobs and copies.
    fn rows(&self) -> [u64; 4] {
        let read = self.cache.database.begin_read().unwrap();
        let copies = read.open_multimap_table(COPIES).unwrap();
        [
            read.open_table(PACKS).unwrap().len().unwrap(),
            read.open_table(FRAMES).unwrap().len().unwrap(),
            read.open_table(BLOBS).unwrap().len().unwrap(),
            copies.iter().unwrap().map(|row| row.unwrap().1.count() as u64).sum(),
        ]
    }
}

proptest! {
    #[test]
    fn what_is_there_stays_and_what_is_gone_goes(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            match step {
                CacheStep::Add(frames) => world.add(frames),
                CacheStep::Sweep(which) => world.sweep(*which),
                CacheStep::Clean(rows_max) => drop(world.clean(*rows_max)),
            }
            world.check();
        }
        let mut runs = 0;
        while world.clean(4) {
            runs += 1;
            prop_assert!(runs < 5000, "the cleaning never ends");
        }
        world.check();
        let frames = world.packs.values().map(Vec::len).sum::<usize>() as u64;
        let [packs, frame_rows, blobs, copies] = world.rows();
        prop_assert_eq!([packs, frame_rows], [world.packs.len() as u64, frames]);
        prop_assert_eq!(blobs, world.seen().len() as u64);
        let places = world.packs.values().flatten().map(Vec::len).sum::<usize>() as u64;
        prop_assert!(blobs + copies <= places);
    }
}

#[test]
fn a_run_looks_at_no_more_than_it_may() {
    let mut world = World::new();
    world.add(&[(0..10).collect()]);
    world.add(&[vec![11]]);
    world.sweep(0);
    let rows_of_blobs = |world: &World| world.rows()[2];
    let mut before = rows_of_blobs(&world);
    let mut runs = 0;
    while world.clean(3) {
        let now = rows_of_blobs(&world);
        assert!(before - now <= 3);
        (before, runs) = (now, runs + 1);
    }
    assert_eq!((world.rows(), runs), ([1, 1, 1, 0], 4));
}

#[test]
fn a_pack_that_comes_back_while_it_is_removed_is_whole() {
    let mut world = World::new();
    let frames = [(0..10).collect::<Vec<u8>>()];
    world.add(&frames);
    world.sweep(0);
    assert!(world.clean(3));
    // The repository was restored from a copy that is older than the sweep.
    world.swept.clear();
    world.next = 0;
    world.add(&frames);
    while world.cache.clean(&[], 3).unwrap() {
        world.check();
    }
    world.check();
    assert_eq!(world.rows(), [1, 1, 10, 0]);
}
