//! Records that are kept with the cache: what they save, and that they are never believed over the
//! repository.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use holdfast_backend::{Backend, Error, Listed, Memory, ObjectName};
use holdfast_format::ObjectId;
use holdfast_format::record::{WriterBody, decode};
use holdfast_format::slot::KdfCost;
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

/// Counts what is asked of a storage.
#[derive(Debug)]
struct Counting {
    storage: Arc<Memory>,
    gets: AtomicUsize,
    lists: AtomicUsize,
}

impl Backend for Counting {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), Error> {
        self.storage.put(name, parts)
    }
    fn get(&self, name: &ObjectName) -> Result<Bytes, Error> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.storage.get(name)
    }
    fn get_range(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.storage.get_range(name, offset, length)
    }
    fn size(&self, name: &ObjectName) -> Result<u64, Error> {
        self.storage.size(name)
    }
    fn list(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.storage.list(prefix)
    }
    fn delete(&self, name: &ObjectName) -> Result<(), Error> {
        self.storage.delete(name)
    }
    fn quarantine(&self, name: &ObjectName) -> Result<(), Error> {
        self.storage.quarantine(name)
    }
}

/// A repository, and a cache of it.
struct World {
    storage: Arc<Memory>,
    key: String,
    cache: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let storage = Arc::new(Memory::new());
        let (secret, key) = Secret::generate_key().unwrap();
        let label = SlotLabel {
            label: "test".to_owned(),
            host: "host".to_owned(),
            user: "me".to_owned(),
            created: Timestamp::UNIX_EPOCH,
        };
        Repository::init(&*storage, &secret, KdfCost::MIN, &label, |_| {}).unwrap();
        Self { storage, key: key.to_string(), cache: tempfile::tempdir().unwrap() }
    }

    fn open_with(&self, cache: Option<&Path>) -> (Repository, Arc<Counting>) {
        let (gets, lists) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let counting = Arc::new(Counting { storage: Arc::clone(&self.storage), gets, lists });
        let options = OpenOptions {
            cache_folder: cache.map(Path::to_owned),
            threads: 1,
            ..OpenOptions::default()
        };
        let secret = Secret::parse(&self.key).unwrap();
        let repository = Repository::open(Arc::clone(&counting) as _, &secret, &options).unwrap();
        (repository, counting)
    }

    /// Opens with the cache; gives the snapshots and how many objects were read.
    fn open(&self) -> (Vec<ObjectId>, usize) {
        let (repository, counting) = self.open_with(Some(self.cache.path()));
        (ids(&repository), counting.gets.load(Ordering::Relaxed))
    }

    /// What there is according to the repository alone.
    fn truth(&self) -> Vec<ObjectId> {
        ids(&self.open_with(None).0)
    }

    /// Adds snapshots to a host's chain.
    fn add(&self, host: &str, hours: impl IntoIterator<Item = i64>) {
        let (repository, _) = self.open_with(None);
        let writer = repository.writer(host).unwrap();
        for hour in hours {
            let body = snapshot(host, hour);
            let mut history = repository.history();
            history
                .append_writer(&**repository.backend(), repository.keys(), writer, &body)
                .unwrap();
        }
    }

    /// The record of a host's slot.
    fn record(&self, host: &str, slot: u64) -> ObjectName {
        let writer = self.open_with(None).0.keys().writer_id(host);
        ObjectName::new(format!("w/{writer}/{slot:010}")).unwrap()
    }

    fn replace(&self, name: &ObjectName, bytes: &[u8]) {
        self.storage.delete(name).unwrap();
        self.storage.put(name, &[bytes]).unwrap();
    }
}

fn ids(repository: &Repository) -> Vec<ObjectId> {
    repository.history().snapshots().iter().map(|info| info.id).collect()
}

/// A snapshot with nothing in it.
fn snapshot(host: &str, hour: i64) -> WriterBody {
    let time = Timestamp::from_second(hour * 3600).unwrap();
    let zeros = "0".repeat(64);
    let json = format!(
        r#"{{"previous":"{zeros}","kind":"snapshot","time":"{time}","host":"{host}",
        "uid":0,"gid":0,"paths":["/srv"],
        "program":"","sources":[],"session":"{zeros}","index":[],"summary":{{}}}}"#
    );
    decode::<WriterBody>(json.as_bytes()).unwrap().body
}

#[test]
fn a_long_history_costs_one_listing() {
    let world = World::new();
    world.add("a", 0..1990);
    world.add("b", 0..10);
    let (first, gets) = world.open();
    assert_eq!(first.len(), 2000);
    assert!(gets > 2000, "nothing was kept yet: {gets}");
    let (repository, counting) = world.open_with(Some(world.cache.path()));
    assert_eq!(ids(&repository), first);
    // Config, key slots, and of each of three chains its last record and the slot behind it.
    let (gets, lists) = (&counting.gets, &counting.lists);
    assert!(gets.load(Ordering::Relaxed) <= 12, "{gets:?} of 2000 records");
    assert!(lists.load(Ordering::Relaxed) <= 5, "{lists:?}");
    drop(repository);
    world.add("b", [5000]);
    let (more, gets) = world.open();
    assert_eq!((more.len(), gets <= 13), (2001, true), "{gets}");
    std::fs::remove_dir_all(world.cache.path()).unwrap();
    assert_eq!(world.open().0, more, "the cache is only a cache");
}

#[test]
fn a_chain_that_went_on_differently_is_read_anew() {
    let world = World::new();
    world.add("a", 0..5);
    let copy = world.storage.fork();
    world.add("a", 5..9);
    world.open();
    // The repository is put back from its copy, and goes on with other records of the same names
    // and sizes.
    let world = World { storage: Arc::new(copy), ..world };
    assert_eq!(world.open().0.len(), 5, "records that are gone are not believed");
    world.add("a", 105..109);
    assert_eq!(world.open().0, world.truth());
    assert_eq!(world.open().0, world.truth(), "and what was read is kept");
}

#[test]
fn records_that_are_gone_are_missed() {
    let world = World::new();
    world.add("a", 0..9);
    world.open();
    world.storage.delete(&world.record("a", 4)).unwrap();
    let (repository, _) = world.open_with(Some(world.cache.path()));
    assert_eq!(repository.history().damaged().count(), 1);
    assert_eq!(ids(&repository), world.truth());
}

#[test]
fn a_damaged_record_stops_who_deletes_and_is_gone_once_it_is_given_up() {
    let world = World::new();
    world.add("a", 0..9);
    world.open();
    let name = world.record("a", 4);
    let mut bytes = world.storage.get(&name).unwrap().to_vec();
    bytes[60] ^= 1;
    world.replace(&name, &bytes);
    assert_eq!(world.open().0.len(), 9, "it is known from before");
    let (repository, _) = world.open_with(Some(world.cache.path()));
    repository.read_history_anew().unwrap();
    assert_eq!(repository.history().damaged().count(), 1);
    let given_up = ObjectId::of(&bytes);
    let (backend, keys) = (repository.backend(), repository.keys());
    repository
        .history()
        .append_generation(&**backend, keys, |_| {
            let snapshots = vec![given_up];
            Some(holdfast_format::record::GenerationBody::Forget { snapshots })
        })
        .unwrap();
    drop(repository);
    assert_eq!(world.open().0.len(), 8);
    assert_eq!(world.open().0, world.truth());
}

#[test]
fn what_is_wrong_with_kept_records_costs_time_only() {
    let world = World::new();
    world.add("a", 0..20);
    let truth = world.open().0;
    let folder = std::fs::read_dir(world.cache.path()).unwrap().next().unwrap().unwrap().path();
    let file = folder.join("index-0.redb");
    let table = redb::TableDefinition::<(&str, u64), &[u8]>::new("records");
    let other = world.storage.get(&world.record("a", 7)).unwrap();
    for slot in [0, 9, 19] {
        let name = world.record("a", slot);
        let chain = name.as_ref().rsplit_once('/').unwrap().0;
        let right = world.storage.get(&name).unwrap();
        let mut flipped = right.to_vec();
        flipped[50] ^= 1;
        for wrong in [&flipped[..], b"", &other[..]] {
            let database = redb::Database::open(&file).unwrap();
            let write = database.begin_write().unwrap();
            write.open_table(table).unwrap().insert((chain, slot), wrong).unwrap();
            write.commit().unwrap();
            drop(database);
            assert_eq!(world.open().0, truth, "slot {slot}");
            assert!(world.open().1 < 12, "it is kept again");
        }
    }
}
