//! Copies of one repository that one machine uses alternately, with one cache that is damaged on
//! the way: nothing is lost, and nothing intact is reported as damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use holdfast_backend::{Backend, StorageLocation};
use holdfast_format::index::PackEntry;
use holdfast_format::{BlobId, BlobType, ObjectId, name};
use holdfast_repo::index::BlobLocation;
use holdfast_repo::{OpenOptions, Repository, object_name};

use super::world::{ALL, FileChunks, RUTHLESS, World, back_up, bytes_of, files};
use crate::Silent;
use crate::check::{CheckOptions, check};
use crate::prune::{PruneMutation, run};

/// How the copies appear to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlobPlaces {
    /// As two folders.
    Two,
    /// As one: two indistinguishable disks that are mounted at the same location.
    One,
}

/// A sequence of numbers generated from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: u64) -> u64 {
        let hash = blake3::hash(&self.0.to_le_bytes());
        self.0 = self.0.wrapping_add(1);
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(first) % count
    }
}

/// Two copies, their earlier states, and the cache of the machine.
struct ForkMachine {
    chance: Chance,
    places: [StorageLocation; 2],
    copies: [World; 2],
    older: Vec<World>,
    files: FileChunks,
    cache: tempfile::TempDir,
}

impl ForkMachine {
    fn new(seed: u64, places: BlobPlaces) -> Self {
        let place = |address: &str| StorageLocation {
            address: address.into(),
            ..StorageLocation::default()
        };
        let places = match places {
            BlobPlaces::Two => [place("/one"), place("/other")],
            BlobPlaces::One => [place("/mnt"), place("/mnt")],
        };
        let mut world = World::new();
        world.back_up("a", &files(0..20));
        let copies = places.clone().map(|place| world.fork_to(place));
        let cache = tempfile::tempdir().unwrap();
        let chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { chance, places, copies, older: vec![world], files: files(0..20), cache }
    }

    fn open(&self, copy: usize) -> Repository {
        let world = &self.copies[copy];
        let options = OpenOptions {
            cache_folder: Some(self.cache.path().to_owned()),
            accept_older: true,
            threads: 1,
            ..OpenOptions::default()
        };
        Repository::open(world.storage.clone(), &world.secret(), &options).unwrap()
    }

    /// One thing that may happen to a repository or to the cache.
    fn step(&mut self) -> String {
        let copy = self.chance.below(2) as usize;
        match self.chance.below(10) {
            0..=3 => {
                for _ in 0..self.chance.below(6) {
                    // From a small pool, so that the copies store the same data in different packs.
                    let name = format!("{:05}", self.chance.below(40));
                    let chunks = (0..self.chance.below(12)).map(|_| self.chance.below(80));
                    self.files.insert(name, chunks.collect());
                }
                let repository = self.open(copy);
                let id = back_up(&repository, "a", &self.files).unwrap().id;
                drop(repository);
                self.copies[copy].expected.insert(id, self.files.clone());
                format!("a backup to {copy}")
            }
            4 => {
                let world = &mut self.copies[copy];
                let mut ids: Vec<ObjectId> = world.expected.keys().copied().collect();
                ids.sort_unstable();
                if ids.len() > 1 {
                    world.forget(&[ids[self.chance.below(ids.len() as u64) as usize]]);
                }
                format!("a forget in {copy}")
            }
            5..=6 => {
                run(&self.open(copy), &RUTHLESS, &Silent, PruneMutation::None).unwrap();
                format!("a prune of {copy}")
            }
            7 => {
                self.older.push(self.copies[copy].fork());
                let older = &self.older[self.chance.below(self.older.len() as u64) as usize];
                self.copies[copy] = older.fork_to(self.places[copy].clone());
                format!("{copy} is what one was before")
            }
            _ => self.damage(),
        }
    }

    fn damage(&mut self) -> String {
        let mut files = Vec::new();
        all_files(self.cache.path(), &mut files);
        files.sort();
        if files.is_empty() {
            return "no cache to damage".to_owned();
        }
        let file = &files[self.chance.below(files.len() as u64) as usize];
        let mut bytes = fs::read(file).unwrap();
        let at = self.chance.below(bytes.len().max(1) as u64) as usize;
        match self.chance.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.clear(),
            2 => bytes.iter_mut().skip(at).take(5000).for_each(|byte| *byte = 0),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x21),
        }
        fs::write(file, &bytes).unwrap();
        let name = file.file_name().unwrap_or_default();
        format!("byte {at} of {} in {}", bytes.len(), name.display())
    }

    fn check(&self) -> Result<(), String> {
        for (number, world) in self.copies.iter().enumerate() {
            let repository = self.open(number);
            if places_of(&repository) != places_of(&world.open()) {
                return Err(format!("the index of {number} is not that of its objects"));
            }
            world.trouble_of(&repository).map_err(|trouble| format!("{number}: {trouble}"))?;
            let report = check(&repository, &CheckOptions::default(), &Silent).unwrap();
            if let Some(finding) = report.findings.first() {
                return Err(format!("{number} is called damaged: {finding:?}"));
            }
        }
        Ok(())
    }
}

fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => all_files(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

type ForkFinding = BTreeMap<BlobId, BTreeSet<(ObjectId, u64, u32)>>;

fn places_of(repository: &Repository) -> ForkFinding {
    let mut found = ForkFinding::new();
    let each = |id: BlobId, place: BlobLocation| {
        let frame = place.frame;
        found.entry(id).or_default().insert((frame.pack, frame.offset, place.offset));
        Ok(())
    };
    repository.index().for_each_blob(each).unwrap();
    found
}

fn seed(seed: u64, places: BlobPlaces, steps: usize) {
    let mut machine = ForkMachine::new(seed, places);
    let mut done = Vec::new();
    for _ in 0..steps {
        done.push(machine.step());
        if let Err(trouble) = machine.check() {
            panic!("seed {seed}, {places:?}: {trouble} after {done:#?}");
        }
    }
}

#[test]
fn copies_in_turns_with_a_cache_that_is_damaged() {
    for number in 0..4 {
        seed(number, BlobPlaces::One, 20);
        seed(number, BlobPlaces::Two, 12);
    }
}

#[test]
#[ignore = "takes an hour"]
fn copies_in_turns_with_a_cache_that_is_damaged_long() {
    for number in 100..400 {
        seed(number, BlobPlaces::One, 40);
        seed(number, BlobPlaces::Two, 40);
    }
}

/// Two snapshots with a pack of data each, and an index object, authentic and wrong, that says of
/// each pack that it holds the other one's contents.
fn with_an_index_that_lies() -> (World, ObjectId) {
    let mut world = World::new();
    world.back_up("a", &files(0..3));
    let gone = world.back_up("a", &files(100..103));
    let repository = world.open();
    let pack_of = |chunk| {
        let id = repository.keys().blob_id(BlobType::Data, &bytes_of(chunk));
        repository.index().locate(&id).unwrap().unwrap().frame.pack
    };
    let packs = [pack_of(1), pack_of(101)];
    let [one, other] = packs.map(|id| repository.pack_directory(&id).unwrap());
    let lie = [
        PackEntry { frames: other.frames.clone(), ..one.clone() },
        PackEntry { frames: one.frames, ..other },
    ];
    let first = repository.index().index_objects().unwrap().into_iter().map(|it| it.0).min();
    // If two list a pack, the first counts.
    loop {
        let mut writer = repository.index_writer();
        lie.iter().for_each(|pack| writer.add(pack.clone()).unwrap());
        let id = writer.finish().unwrap()[0];
        if first.is_some_and(|first| id < first) {
            assert_eq!(repository.index_object(&id).unwrap(), lie);
            drop(repository);
            return (world, gone);
        }
        let object = object_name(name::index(&id)).unwrap();
        world.storage.delete(&object).unwrap();
    }
}

#[test]
fn a_pack_goes_only_if_it_says_itself_that_nothing_in_it_is_needed() {
    let (mut world, gone) = with_an_index_that_lies();
    world.forget(&[gone]);
    for (mutation, is_lost) in
        [(PruneMutation::None, false), (PruneMutation::IndexIsBelieved, true)]
    {
        let world = world.fork();
        let _ = run(&world.open(), &ALL, &Silent, mutation);
        // Only the packs' own directories count from here on.
        for object in world.storage.list(name::INDEX).unwrap() {
            world.storage.delete(&object.name).unwrap();
        }
        assert_eq!(world.trouble().is_err(), is_lost, "{mutation:?}");
    }
}

/// Prunes with a cache that swaps the contents of two packs, as after a bug; returns whether the
/// index is right afterwards.
fn prune_with_a_cache_that_lies(mutation: PruneMutation) -> bool {
    let (mut world, gone) = with_an_index_that_lies();
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        cache_folder: Some(folder.path().to_owned()),
        threads: 1,
        ..OpenOptions::default()
    };
    let open =
        |world: &World| Repository::open(world.storage.clone(), &world.secret(), &options).unwrap();
    drop(open(&world));
    // The lie is gone from the repository, but its rows are still in the cache.
    let lie = world.storage.list(name::INDEX).unwrap().swap_remove(0).name;
    world.storage.delete(&lie).unwrap();
    world.forget(&[gone]);
    let believing = open(&world);
    assert_ne!(places_of(&believing), places_of(&world.open()));
    let _ = run(&believing, &ALL, &Silent, mutation);
    world.check();
    places_of(&believing) == places_of(&world.open())
}

#[test]
fn a_prune_does_not_go_by_the_cache() {
    assert!(prune_with_a_cache_that_lies(PruneMutation::None));
    assert!(!prune_with_a_cache_that_lies(PruneMutation::CacheIsBelieved));
}
