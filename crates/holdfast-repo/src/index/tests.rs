//! An index whose file is broken in every way, compared with one built from the objects alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use holdfast_backend::MemoryBackend;
use holdfast_format::BlobType;
use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::{Algorithm, BlobEntry};
use holdfast_format::pack::PackHeader;
use holdfast_format::{SessionId, WriterId};
use holdfast_seal::MasterKey;

use super::*;
use crate::history::History;
use crate::write::index::put_index_object;

/// What an index says about each blob: the packs that hold it, and where in them.
type IndexedBlobs = BTreeMap<BlobId, BTreeSet<(ObjectId, u64, u32, u32)>>;

struct World {
    backend: Arc<MemoryBackend>,
    keys: Arc<Keys>,
    cache: tempfile::TempDir,
}

fn blob(number: u32) -> BlobId {
    let mut id = [7; BlobId::BYTES];
    id[..4].copy_from_slice(&number.to_le_bytes());
    BlobId::from_bytes(id)
}

/// A pack of frames of three blobs each.
fn pack(number: u32, blobs: impl IntoIterator<Item = u32>) -> PackEntry {
    let entry = |number| BlobEntry { id: blob(number), bytes: 10 };
    let blobs: Vec<BlobEntry> = blobs.into_iter().map(entry).collect();
    PackEntry {
        id: ObjectId::of(&number.to_le_bytes()),
        bytes: 1000,
        header: PackHeader {
            salt: [0; 16],
            writer: WriterId::from_bytes([0; 16]),
            start_slot: 0,
            sessions: vec![SessionId::from_bytes([0; 32])],
        },
        frames: blobs
            .chunks(3)
            .map(|blobs| FrameEntry {
                blob_type: BlobType::Data,
                algorithm: Algorithm::Stored,
                session: 0,
                sealed_bytes: 100,
                blobs: blobs.to_vec(),
            })
            .collect(),
    }
}

impl World {
    fn new() -> Self {
        let keys = Arc::new(Keys::derive(&MasterKey::generate().unwrap()));
        Self { backend: Arc::default(), keys, cache: tempfile::tempdir().unwrap() }
    }

    /// An index object of some packs, each with 60 blobs that no other one holds.
    fn store(&self, packs: std::ops::Range<u32>) {
        let packs: Vec<PackEntry> =
            packs.map(|number| pack(number, number * 60..number * 60 + 60)).collect();
        put_index_object(&*self.backend, &self.keys, &packs).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join("repository/place")
    }

    fn file(&self) -> PathBuf {
        self.folder().join("index-0.redb")
    }

    fn open_with(&self, options: &IndexOptions) -> Index {
        let backend = Arc::clone(&self.backend) as Arc<dyn Backend>;
        let index = Index::open(backend, Arc::clone(&self.keys), options).unwrap();
        let missing = index.sync(&mut History::default()).unwrap();
        assert!(missing.index_objects.is_empty() && missing.packs.is_empty());
        index
    }

    fn options(&self) -> IndexOptions {
        // So little memory that pages are read again and again.
        let folder = Some(self.folder());
        IndexOptions { folder, bytes_max: 20_000, ..IndexOptions::default() }
    }

    fn open(&self) -> Index {
        self.open_with(&self.options())
    }

    fn truth(&self) -> IndexedBlobs {
        said(&self.open_with(&IndexOptions { bytes_max: 1 << 20, ..IndexOptions::default() }))
    }
}

fn said(index: &Index) -> IndexedBlobs {
    let mut said = IndexedBlobs::new();
    index
        .for_each_blob(|id, place| {
            let frame = place.frame;
            let place = (frame.pack, frame.offset, place.offset, place.bytes);
            assert!(said.entry(id).or_default().insert(place), "a location twice");
            Ok(())
        })
        .unwrap();
    said
}

/// Locations of each blob by lookup.
fn looked_up(reader: &IndexReader, ids: impl IntoIterator<Item = BlobId>) -> IndexedBlobs {
    let places = |id: BlobId| {
        let places = reader.locations(&id).unwrap().into_iter();
        (id, places.map(|p| (p.frame.pack, p.frame.offset, p.offset, p.bytes)).collect())
    };
    ids.into_iter().map(places).collect()
}

fn numbers(reader: &IndexReader, ids: impl Iterator<Item = BlobId>) -> Vec<(u64, u32)> {
    ids.map(|id| reader.locate(&id).unwrap().unwrap())
        .map(|place| (place.number, place.frame.number))
        .collect()
}

fn flip(file: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
}

/// Positions in the file, `count` in all, each in another part of it.
fn places(file: &Path, count: u64) -> impl Iterator<Item = u64> {
    let bytes = fs::metadata(file).unwrap().len();
    (0..count).map(move |n| n * bytes / count + n * 977 % (bytes / count))
}

fn damage_before_it_is_opened(count: u64) {
    let world = World::new();
    world.store(0..40);
    drop(world.open());
    let whole = fs::read(world.file()).unwrap();
    let truth = world.truth();
    for at in places(&world.file(), count) {
        fs::write(world.file(), &whole).unwrap();
        flip(&world.file(), at);
        let index = world.open();
        assert_eq!(looked_up(&index.reader(), truth.keys().copied()), truth, "byte {at}");
        assert_eq!(said(&index), truth, "byte {at}");
    }
}

#[test]
fn a_changed_byte_changes_nothing() {
    damage_before_it_is_opened(60);
}

#[test]
#[ignore = "takes minutes"]
fn a_changed_byte_changes_nothing_long() {
    damage_before_it_is_opened(6000);
}

#[test]
fn a_file_that_is_cut_short_emptied_or_something_else_changes_nothing() {
    let world = World::new();
    world.store(0..20);
    drop(world.open());
    let whole = fs::read(world.file()).unwrap();
    let size = whole.len();
    world.store(20..40);
    let later = world.truth();
    let cut =
        [0, 1, 100, 4096, 4112, 8000, size / 3, size / 2, size - 1].map(|at| whole[..at].to_vec());
    let other = [vec![0; size], b"something else".to_vec(), vec![0x5a; 5000]];
    for content in cut.into_iter().chain(other).chain([whole.clone()]) {
        fs::write(world.file(), &content).unwrap();
        assert_eq!(said(&world.open()), later, "{} bytes", content.len());
    }
}

#[test]
fn a_file_of_parts_from_different_times_changes_nothing() {
    let world = World::new();
    world.store(0..20);
    drop(world.open());
    let older = fs::read(world.file()).unwrap();
    world.store(20..40);
    drop(world.open());
    let newer = fs::read(world.file()).unwrap();
    let truth = world.truth();
    let parts = 24;
    for part in 0..parts {
        let mut mixed = newer.clone();
        let end = newer.len().min(older.len());
        let range = end * part / parts..end * (part + 1) / parts;
        mixed[range.clone()].copy_from_slice(&older[range]);
        fs::write(world.file(), &mixed).unwrap();
        let index = world.open();
        assert_eq!(looked_up(&index.reader(), truth.keys().copied()), truth, "part {part}");
        // Added blobs get numbers that nothing else has.
        let packs = [pack(1000, 100_000..100_060)];
        index.add(&world.keys, &ObjectId::of(b"added"), &packs).unwrap();
        assert_eq!(looked_up(&index.reader(), truth.keys().copied()), truth, "part {part}");
    }
}

#[test]
fn damage_under_an_open_index_keeps_all_numbers() {
    let world = World::new();
    world.store(0..40);
    drop(world.open());
    let whole = fs::read(world.file()).unwrap();
    let truth = world.truth();
    for at in places(&world.file(), 25) {
        fs::write(world.file(), &whole).unwrap();
        let index = world.open();
        let reader = index.reader();
        let before = numbers(&reader, truth.keys().copied().step_by(7));
        for number in 0..10 {
            flip(&world.file(), (at + number * 40_009) % whole.len() as u64);
        }
        // A run that continues with writing meets the damage too.
        let packs = [pack(1000, 100_000..100_060)];
        let object = put_index_object(&*world.backend, &world.keys, &packs);
        if let Ok(object) = object {
            index.add(&world.keys, &object, &packs).unwrap();
        }
        assert_eq!(numbers(&reader, truth.keys().copied().step_by(7)), before, "byte {at}");
        let later = index.reader();
        assert_eq!(looked_up(&later, truth.keys().copied()), truth, "byte {at}");
        let new = numbers(&later, [blob(100_000)].into_iter());
        assert!(before.iter().all(|old| old.0 != new[0].0 && old.1 != new[0].1));
        assert!(index.numbered_blobs().unwrap() > new[0].0);
        drop((index, reader, later));
        let objects = world.backend.list("index").unwrap();
        assert_eq!(objects.len(), 2);
        let added = objects.iter().find(|object| {
            let id = holdfast_format::name::object_id(object.name.as_ref()).unwrap();
            read_index_object(&*world.backend, &world.keys, &id).unwrap().len() == 1
        });
        world.backend.delete(&added.unwrap().name).unwrap();
    }
}

#[test]
fn what_is_asked_for_and_missing_is_looked_for_in_the_objects() {
    let world = World::new();
    world.store(0..10);
    let index = world.open();
    // A row that a bug of an earlier version did not write.
    let id = blob(17);
    drop(index);
    let cache = cache::Cache::open(
        &cache::CacheFile {
            folder: world.folder(),
            repository: world.keys.repository_id(),
            key: world.keys.local_key(b"index"),
            bytes_max: 1 << 20,
        },
        false,
    )
    .unwrap();
    cache.forget_blob(&id);
    drop(cache);
    let index = world.open();
    let reader = index.reader();
    assert!(!reader.contains(&id).unwrap(), "a backup stores it again");
    assert_eq!(reader.locations(&id).unwrap().len(), 1);
    assert!(reader.locations(&blob(99_999)).unwrap().is_empty());
    assert_eq!(said(&index), world.truth());
}

/// Two copies of a repository used alternately at one location, as when disks are mounted there in
/// turn.
#[test]
fn two_copies_at_one_place_do_not_spoil_it() {
    let world = World::new();
    world.store(0..3);
    drop(world.open());
    let [one, other] = [(); 2].map(|()| Arc::new(world.backend.fork()));
    let cache = world.cache;
    let mut copies = [one, other].map(|backend| World {
        backend,
        keys: Arc::clone(&world.keys),
        cache: tempfile::tempdir().unwrap(),
    });
    // The same blobs in new packs, over and over.
    for round in 0..6 {
        let copy = &mut copies[round as usize % 2];
        std::mem::drop(fs::remove_dir_all(copy.folder()));
        fs::create_dir_all(copy.folder().parent().unwrap()).unwrap();
        let shared = cache.path().join("repository/place");
        fs::rename(&shared, copy.folder()).unwrap();
        let index = copy.open();
        let packs = [pack(100 + round, 50..90), pack(200 + round, 1000..1010)];
        let object = put_index_object(&*copy.backend, &copy.keys, &packs).unwrap();
        index.add(&copy.keys, &object, &packs).unwrap();
        assert_eq!(said(&index), copy.truth(), "round {round}");
        drop(index);
        assert_eq!(said(&copy.open()), copy.truth(), "round {round}");
        fs::rename(copy.folder(), &shared).unwrap();
    }
}

#[test]
fn without_a_file_it_goes_on_in_memory_and_says_so_once() {
    let world = World::new();
    world.store(0..5);
    let truth = world.truth();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let notice = Notice::new(move |text| tell.lock().unwrap().push(text.to_owned()));
    for folder in ["/dev/null/cache", "/proc/cache"] {
        let folder = Some(PathBuf::from(folder));
        let index =
            world.open_with(&IndexOptions { folder, notice: notice.clone(), ..world.options() });
        assert_eq!(said(&index), truth);
        index.set_note("a", b"1").unwrap();
        assert_eq!(index.note("a").unwrap(), Some(b"1".to_vec()));
    }
    assert_eq!(told.lock().unwrap().len(), 2);
    // More processes at once than there are files for.
    let open = || world.open_with(&IndexOptions { notice: notice.clone(), ..world.options() });
    let indexes: Vec<Index> = (0..10).map(|_| open()).collect();
    assert!(indexes.iter().all(|index| said(index) == truth));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 4);
    assert!(told[3].contains("8 other processes"), "{}", told[3]);
}

/// A run adds to the index for hours, and what it holds meanwhile must not keep the pages that each
/// addition replaces.
#[test]
fn a_run_does_not_keep_the_pages_that_it_replaces() {
    let world = World::new();
    let bytes_after = |hold: &mut dyn FnMut(&Index)| {
        let index = world.open();
        for number in 0..100 {
            let packs = [pack(number, number * 60..number * 60 + 60)];
            index.add(&world.keys, &packs[0].id, &packs).unwrap();
            hold(&index);
        }
        drop(index);
        let bytes = fs::metadata(world.file()).unwrap().len();
        fs::remove_file(world.file()).unwrap();
        bytes
    };
    let (mut run, mut view) = (None, None);
    let of_run = bytes_after(&mut |index| {
        let (_, reader) = run.get_or_insert_with(|| (index.baseline(), index.reader()));
        assert!(reader.contains(&blob(0)).unwrap());
    });
    drop(run);
    let of_view = bytes_after(&mut |index| {
        view.get_or_insert_with(|| index.state());
    });
    let nothing_held = bytes_after(&mut |_| {});
    assert!(of_run < nothing_held + nothing_held / 4, "{of_run}, and {nothing_held} without it");
    assert!(of_view > 2 * of_run, "{of_view} {of_run}: this test shows nothing");
}
