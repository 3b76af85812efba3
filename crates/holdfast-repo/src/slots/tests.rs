//! Keys that are added and removed, by several processes at once, and interrupted anywhere.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Barrier, Mutex};

use bytes::Bytes;
use holdfast_backend::fault::{FaultEffect, FaultFailure, FaultPlan, OperationKind};
use holdfast_backend::{
    BackendError, FaultBackend, ListedObject, Local, MemoryBackend, ObjectName,
};
use holdfast_format::slot::{SlotHeader, SlotKind};
use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::OpenOptions;

thread_local! {
    pub(super) static MUTATION: Cell<Option<SlotMutation>> = const { Cell::new(None) };
}

/// Runs a test with a bug, which must make it fail.
fn catches(mutation: SlotMutation, test: impl FnOnce()) {
    MUTATION.set(Some(mutation));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    MUTATION.set(None);
    assert!(outcome.is_err(), "{mutation:?} was not noticed");
}

fn label() -> SlotLabel {
    SlotLabel {
        label: "test".to_owned(),
        host: "host".to_owned(),
        user: "me".to_owned(),
        created: Timestamp::UNIX_EPOCH,
    }
}

fn options() -> OpenOptions {
    OpenOptions { threads: 1, ..OpenOptions::default() }
}

/// A repository with two keys.
struct World {
    storage: Arc<MemoryBackend>,
    keys: [String; 2],
    slots: [SlotId; 2],
}

impl World {
    fn new() -> Self {
        let storage = Arc::new(MemoryBackend::new());
        let ((first, one), (second, two)) =
            (Secret::generate_key().unwrap(), Secret::generate_key().unwrap());
        Repository::init(&*storage, &first, KdfCost::MIN, &label(), |_| {}).unwrap();
        let backend = Arc::clone(&storage) as Arc<dyn Backend>;
        let (repository, master) =
            Repository::open_with_master_key(backend, &first, &options()).unwrap();
        let added = repository.add_key(&master, &second, KdfCost::MIN, &label()).unwrap();
        let slots = [repository.slot().header.id, added.header.id];
        Self { storage, keys: [one.to_string(), two.to_string()], slots }
    }

    fn fork(&self) -> Self {
        let storage = Arc::new(self.storage.fork());
        Self { storage, keys: self.keys.clone(), slots: self.slots }
    }

    fn open_on(&self, backend: Arc<dyn Backend>, key: usize) -> Result<Repository, RepoError> {
        Repository::open(backend, &Secret::parse(&self.keys[key]).unwrap(), &options())
    }

    fn open(&self, key: usize) -> Result<Repository, RepoError> {
        self.open_on(Arc::clone(&self.storage) as _, key)
    }

    /// Copies of a slot that are there.
    fn copies(&self, key: usize) -> usize {
        let names = name::key_slot(&self.slots[key]).map(|name| object_name(name).unwrap());
        names.iter().filter(|name| self.storage.size(name).is_ok()).count()
    }

    /// A key was removed permanently.
    fn check_removed(&self, key: usize) {
        match self.open(key) {
            Err(RepoError::KeyRemoved { .. } | RepoError::WrongSecret { .. }) => {}
            outcome => panic!("{:?}", outcome.map(|repository| repository.slot().header.id)),
        }
        assert_eq!(self.copies(key), 0);
        let other = self.open(1 - key).unwrap();
        assert!(other.history().removed_keys().contains(&self.slots[key]));
        assert_eq!((self.copies(1 - key), other.slots().unwrap().len()), (2, 1));
    }
}

/// Each was opened before the other's removal: only the chain can stop the second one.
fn two_removals_leave_one_key() {
    let world = World::new();
    let repositories = [world.open(0).unwrap(), world.open(1).unwrap()];
    let [one, two] = world.slots;
    repositories[0].remove_key(two, one).unwrap();
    let second = repositories[1].remove_key(one, two);
    assert!(matches!(second, Err(RepoError::KeyRemoved { .. })), "{second:?}");
    world.check_removed(1);
}

#[test]
fn of_two_removals_at_once_one_is_refused() {
    two_removals_leave_one_key();
    catches(SlotMutation::SurvivorIsBelieved, two_removals_leave_one_key);

    for _ in 0..50 {
        let world = World::new();
        let [one, two] = world.slots;
        let repositories = [world.open(0).unwrap(), world.open(1).unwrap()];
        let start = Barrier::new(2);
        let outcomes: Vec<bool> = std::thread::scope(|scope| {
            let remove = |(repository, id, survivor): (&Repository, SlotId, SlotId)| {
                start.wait();
                repository.remove_key(id, survivor).is_ok()
            };
            let threads = [(&repositories[0], two, one), (&repositories[1], one, two)]
                .map(|work| scope.spawn(move || remove(work)));
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|done| **done).count(), 1, "{outcomes:?}");
        world.check_removed(usize::from(outcomes[0]));
    }
}

/// Dies before or after each operation of a removal; afterwards the key is removed or not, and the
/// next command completes a removal.
fn a_removal_is_cut_short_anywhere() {
    let mut removed = 0;
    let mut points = 0;
    for operation in 1.. {
        let mut has_crashed = false;
        for applied in [false, true] {
            let world = World::new();
            let inner = Arc::clone(&world.storage) as Arc<dyn Backend>;
            let fault = Arc::new(FaultBackend::new(
                inner,
                FaultPlan::at(operation, FaultEffect::Crash { applied }),
            ));
            let repository = world.open_on(Arc::clone(&fault) as _, 0);
            let _ = repository.and_then(|it| it.remove_key(world.slots[1], world.slots[0]));
            if !fault.has_crashed() {
                continue;
            }
            (has_crashed, points) = (true, points + 1);
            let other = world.open(0).unwrap();
            if other.history().removed_keys().is_empty() {
                assert_eq!([world.copies(0), world.copies(1)], [2, 2]);
                world.open(1).unwrap();
            } else {
                removed += 1;
                world.check_removed(1);
            }
        }
        if !has_crashed {
            break;
        }
    }
    assert!(removed > 4 && points > 20, "{removed} of {points} after the record");
}

#[test]
fn a_removal_that_is_cut_short_is_finished_by_the_next_command() {
    a_removal_is_cut_short_anywhere();
    catches(SlotMutation::DeletedFirst, a_removal_is_cut_short_anywhere);
}

/// The objects are back: restored from a copy, one or both.
fn a_removed_key_is_put_back() {
    for put_back in [&[0][..], &[1], &[0, 1]] {
        let world = World::new();
        let before = world.storage.fork();
        world.open(0).unwrap().remove_key(world.slots[1], world.slots[0]).unwrap();
        for copy in put_back {
            let object = object_name(name::key_slot(&world.slots[1])[*copy].clone()).unwrap();
            world.storage.put(&object, &[&before.get(&object, u64::MAX).unwrap()]).unwrap();
        }
        let read_only = FaultPlan::none().and_from(
            1,
            &[OperationKind::Delete],
            FaultEffect::Fail(FaultFailure::Permission),
        );
        let inner = Arc::clone(&world.storage) as Arc<dyn Backend>;
        let refused = world.open_on(Arc::new(FaultBackend::new(inner, read_only)), 1);
        assert!(
            matches!(refused, Err(RepoError::KeyRemoved { .. })),
            "where nothing can be deleted"
        );
        let refused = world.open(1);
        assert!(matches!(refused, Err(RepoError::KeyRemoved { .. })));
        world.check_removed(1);
    }
}

#[test]
fn a_removed_key_that_is_put_back_opens_nothing() {
    a_removed_key_is_put_back();
    catches(SlotMutation::RemovedOpens, a_removed_key_is_put_back);
}

#[test]
fn a_removed_key_under_another_name_opens_nothing() {
    let world = World::new();
    let before = world.storage.fork();
    world.open(0).unwrap().remove_key(world.slots[1], world.slots[0]).unwrap();
    let [object, _] = name::key_slot(&world.slots[1]).map(|name| object_name(name).unwrap());
    let other = object_name("keys/0000000000000001").unwrap();
    world.storage.put(&other, &[&before.get(&object, u64::MAX).unwrap()]).unwrap();
    assert!(world.open(1).is_err());
    world.open(0).unwrap();
}

#[test]
fn a_copy_or_an_older_state_has_its_own_keys() {
    let world = World::new();
    let older = world.fork();
    world.open(0).unwrap().remove_key(world.slots[1], world.slots[0]).unwrap();
    let copy = world.fork();
    copy.check_removed(1);
    older.open(1).unwrap().remove_key(older.slots[0], older.slots[1]).unwrap();
    older.check_removed(0);
    world.check_removed(1);
}

/// Runs something once, before the first put below `keys/`.
struct HookedStorage {
    inner: Arc<MemoryBackend>,
    hook: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl std::fmt::Debug for HookedStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookedStorage")
    }
}

impl Backend for HookedStorage {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        let hook = match name.as_str().starts_with("keys/") {
            true => self.hook.lock().unwrap().take(),
            false => None,
        };
        hook.into_iter().for_each(|hook| hook());
        self.inner.put(name, parts)
    }
    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.inner.get(name, bytes_max)
    }
    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.inner.get_range(name, offset, length)
    }
    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.inner.size(name)
    }
    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        self.inner.list(prefix)
    }
    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.delete(name)
    }
    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.quarantine(name)
    }
}

/// A run opened by a key that is removed while it works.
fn a_run_is_under_way() {
    let world = World::new();
    let run = world.open(1).unwrap();
    world.open(0).unwrap().remove_key(world.slots[1], world.slots[0]).unwrap();
    run.refresh().unwrap();
    run.writer("host").unwrap();
    assert_eq!(world.copies(1), 0);
    world.check_removed(1);
}

/// The same, where the removal happens between the read of the chain and the storing of the copy.
fn a_removal_comes_in_between() {
    let world = World::new();
    let [_, second_copy] = name::key_slot(&world.slots[1]).map(|name| object_name(name).unwrap());
    world.storage.delete(&second_copy).unwrap();
    let removal = World::fork(&world);
    let storage = Arc::clone(&world.storage);
    let slots = world.slots;
    let hook = move || {
        let world = World { storage, ..removal };
        world.open(0).unwrap().remove_key(slots[1], slots[0]).unwrap();
    };
    let hook: Box<dyn FnOnce() + Send> = Box::new(hook);
    let hooked = HookedStorage { inner: Arc::clone(&world.storage), hook: Mutex::new(Some(hook)) };
    let run = world.open_on(Arc::new(hooked), 1).unwrap();
    run.writer("host").unwrap();
    assert_eq!(world.copies(1), 0);
    world.check_removed(1);
}

#[test]
fn nobody_puts_a_removed_key_back() {
    a_run_is_under_way();
    catches(SlotMutation::CopiesComeBack, a_run_is_under_way);
    a_removal_comes_in_between();
    catches(SlotMutation::NotLookedAtAgain, a_removal_comes_in_between);
}

#[test]
fn a_removed_key_makes_no_other_one() {
    let world = World::new();
    let secret = Secret::parse(&world.keys[1]).unwrap();
    let backend = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let (run, master) = Repository::open_with_master_key(backend, &secret, &options()).unwrap();
    world.open(0).unwrap().remove_key(world.slots[1], world.slots[0]).unwrap();
    let (new, _) = Secret::generate_key().unwrap();
    let refused = run.add_key(&master, &new, KdfCost::MIN, &label());
    assert!(matches!(refused, Err(RepoError::KeyRemoved { .. })), "{refused:?}");
    world.check_removed(1);
}

#[test]
fn the_same_secret_may_open_another_slot() {
    let world = World::new();
    let secret = Secret::parse(&world.keys[1]).unwrap();
    let backend = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let (repository, master) =
        Repository::open_with_master_key(backend, &secret, &options()).unwrap();
    let again = repository.add_key(&master, &secret, KdfCost::MIN, &label()).unwrap();
    let before = world.storage.fork();
    repository.remove_key(world.slots[1], again.header.id).unwrap();
    for copy in name::key_slot(&world.slots[1]) {
        let copy = object_name(copy).unwrap();
        world.storage.put(&copy, &[&before.get(&copy, u64::MAX).unwrap()]).unwrap();
    }
    let opened = world.open(1).unwrap().slot().header.id;
    assert_eq!((opened, world.copies(1)), (again.header.id, 0));
}

#[test]
fn the_survivor_must_be_whole() {
    let world = World::new();
    let repository = world.open(0).unwrap();
    for copy in name::key_slot(&world.slots[0]) {
        world.storage.delete(&object_name(copy).unwrap()).unwrap();
    }
    let refused = repository.remove_key(world.slots[1], world.slots[0]);
    assert!(matches!(refused, Err(RepoError::Damaged { .. })), "{refused:?}");
    assert_eq!(world.copies(1), 2);
}

#[test]
fn no_more_keys_are_added_than_readers_try() {
    let world = World::new();
    let secret = Secret::parse(&world.keys[0]).unwrap();
    let backend = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let (repository, master) =
        Repository::open_with_master_key(backend, &secret, &options()).unwrap();
    let add = || {
        let (new, _) = Secret::generate_key().unwrap();
        repository.add_key(&master, &new, KdfCost::MIN, &label()).map(drop)
    };
    for _ in 2..SLOTS_MAX {
        add().unwrap();
    }
    assert!(matches!(add(), Err(RepoError::TooManyKeys { .. })));
    repository.remove_key(world.slots[1], world.slots[0]).unwrap();
    add().unwrap();
}

/// A slot that no secret opens.
fn hostile(world: &World, number: u8, cost: KdfCost) {
    let id = SlotId::from_bytes([number; 8]);
    let repository_id = world.open(0).unwrap().keys().repository_id();
    let kind = SlotKind::Passphrase(cost);
    let slot = KeySlot {
        header: SlotHeader { kind, id, repository_id, salt: [7; 32] },
        commitment: [0; 32],
        nonce: [0; 24],
        sealed_master_key: [0; 48],
        label_nonce: [0; 24],
        sealed_label: vec![0; 40],
    };
    for copy in name::key_slot(&id) {
        world.storage.put(&object_name(copy).unwrap(), &[&slot.encode()]).unwrap();
    }
}

#[test]
fn slots_that_ask_for_too_much_stand_in_nobodys_way() {
    let world = World::new();
    let secret = Secret::parse(&world.keys[0]).unwrap();
    let backend = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let (repository, master) =
        Repository::open_with_master_key(backend, &secret, &options()).unwrap();
    let passphrase = Secret::parse("a passphrase").unwrap();
    repository.add_key(&master, &passphrase, KdfCost::MIN, &label()).unwrap();
    // The first ones by name. Any of them would take minutes, or more memory than there is.
    let much = [(4 << 20, 1), (4 << 20, 64), (1 << 20, 64), (512 << 10, 64)];
    for (number, (memory_kib, passes)) in (0..).zip(much) {
        hostile(&world, number, KdfCost { memory_kib, passes, lanes: 1 });
    }
    let open = |text: &str| {
        let backend = Arc::clone(&world.storage) as Arc<dyn Backend>;
        Repository::open(backend, &Secret::parse(text).unwrap(), &options()).map(drop)
    };
    open("a passphrase").unwrap();
    open(&world.keys[1]).unwrap();
    match open("another passphrase") {
        Err(RepoError::SlotsUntried { tried, untried, memory_kib }) => {
            assert_eq!((tried, untried, memory_kib), (3, 4, 4 << 20));
        }
        outcome => panic!("{outcome:?}"),
    }
}

/// One that takes all that may be spent, and comes first by name.
#[test]
fn cheap_slots_are_tried_first() {
    let world = World::new();
    let backend = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let secret = Secret::parse(&world.keys[0]).unwrap();
    let (repository, master) =
        Repository::open_with_master_key(Arc::clone(&backend), &secret, &options()).unwrap();
    let passphrase = Secret::parse("a passphrase").unwrap();
    repository.add_key(&master, &passphrase, KdfCost::MIN, &label()).unwrap();
    let KdfCost { memory_kib, passes, .. } = KdfCost::DEFAULT;
    let all = KdfCost { memory_kib: 4 * memory_kib, passes: 8 * passes, lanes: 1 };
    hostile(&world, 0, all);
    Repository::open(backend, &passphrase, &options()).unwrap();
}

/// Counts reads.
fn reads(world: &World, key: usize, cache: &TempDir) -> (usize, PathBuf) {
    let inner = Arc::clone(&world.storage) as Arc<dyn Backend>;
    let fault = Arc::new(FaultBackend::new(inner, FaultPlan::none()));
    let options = OpenOptions { cache_folder: Some(cache.path().to_owned()), ..options() };
    let secret = Secret::parse(&world.keys[key]).unwrap();
    let repository = Repository::open(Arc::clone(&fault) as _, &secret, &options).unwrap();
    let is_slot = |name: &str| name.starts_with("keys/");
    let reads =
        fault.log().iter().filter(|it| it.kind == OperationKind::Get && is_slot(&it.name)).count();
    (reads, repository.local_folder().unwrap().to_owned())
}

#[test]
fn the_slot_that_opened_last_is_tried_first() {
    let world = World::new();
    for number in 0..20 {
        hostile(&world, number, KdfCost::MIN);
    }
    let cache = TempDir::new().unwrap();
    assert_eq!(reads(&world, 0, &cache).0, 44, "all of them, each twice");
    let (again, folder) = reads(&world, 0, &cache);
    assert_eq!(again, 2, "the two copies of one");
    let file = folder.join("key-slot");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    for content in ["", "nothing", "ffffffffffffffff", &world.slots[1].to_hex()] {
        std::fs::write(&file, content).unwrap();
        assert!(reads(&world, 0, &cache).0 >= 44, "{content:?} is only a hint");
        assert_eq!(reads(&world, 0, &cache).0, 2);
    }
}

#[test]
fn a_sparse_object_is_damaged_and_is_not_read() {
    let folder = TempDir::new().unwrap();
    let local = Arc::new(Local::create(folder.path()).unwrap());
    let (secret, _) = Secret::generate_key().unwrap();
    Repository::init(&*local, &secret, KdfCost::MIN, &label(), |_| {}).unwrap();
    let open = || Repository::open(Arc::clone(&local) as _, &secret, &options());
    let slot = name::key_slot(&open().unwrap().slot().header.id)[0].clone();
    let writer = open().unwrap().writer("host").unwrap();
    let record = name::Chain::Generations.record(1);
    let index = name::index(&holdfast_format::ObjectId::NONE);
    let mut expected: Vec<String> = Vec::new();
    for object in ["config", &slot, &index, &record] {
        let path = folder.path().join(object);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().set_len(100 << 30).unwrap();
        expected.extend((object == record).then(|| record.clone()));
        let repository = open().unwrap();
        assert_eq!(repository.writer("host").unwrap(), writer);
        let damaged: Vec<String> =
            repository.history().damaged().map(|damaged| damaged.object.clone()).collect();
        assert_eq!(damaged, expected);
    }
}
