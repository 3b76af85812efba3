//! A repository of records alone, and a storage that counts reads.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use holdfast_backend::fault::FaultPlan;
use holdfast_backend::{
    Backend, BackendError, FaultBackend, ListedObject, MemoryBackend, ObjectName,
};
use holdfast_format::ObjectId;
use holdfast_format::name::Chain;
use holdfast_format::record::{GenerationBody, WriterBody, decode};
use holdfast_format::slot::KdfCost;
use holdfast_repo::{OpenOptions, RepoError, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

/// Counts reads of a storage.
#[derive(Debug)]
pub struct CountingBackend {
    storage: Arc<MemoryBackend>,
    pub gets: AtomicUsize,
    pub lists: AtomicUsize,
}

impl Backend for CountingBackend {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        self.storage.put(name, parts)
    }
    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.storage.get(name, bytes_max)
    }
    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.storage.get_range(name, offset, length)
    }
    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.storage.size(name)
    }
    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.storage.list(prefix)
    }
    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.storage.delete(name)
    }
    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.storage.quarantine(name)
    }
}

/// A repository, and a cache of it.
pub struct World {
    pub storage: Arc<MemoryBackend>,
    pub key: String,
    pub cache: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let storage = Arc::new(MemoryBackend::new());
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

    pub fn open_with(&self, cache: Option<&Path>) -> (Repository, Arc<CountingBackend>) {
        let (gets, lists) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let counting =
            Arc::new(CountingBackend { storage: Arc::clone(&self.storage), gets, lists });
        let options = OpenOptions {
            cache_folder: cache.map(Path::to_owned),
            accept_older: true,
            threads: 1,
            ..OpenOptions::default()
        };
        let secret = Secret::parse(&self.key).unwrap();
        let repository = Repository::open(Arc::clone(&counting) as _, &secret, &options).unwrap();
        (repository, counting)
    }

    /// Opens with the cache; returns the snapshots and the number of objects read.
    pub fn open(&self) -> (Vec<ObjectId>, usize) {
        let (repository, counting) = self.open_with(Some(self.cache.path()));
        (ids(&repository), counting.gets.load(Ordering::Relaxed))
    }

    /// The snapshots according to the repository alone.
    pub fn truth(&self) -> Vec<ObjectId> {
        ids(&self.open_with(None).0)
    }

    /// Adds snapshots to a host's chain.
    pub fn add(&self, host: &str, hours: impl IntoIterator<Item = i64>) {
        let (repository, _) = self.open_with(None);
        let writer = repository.writer(host).unwrap();
        for hour in hours {
            let body = snapshot(host, hour);
            repository.append_to(writer, &body).unwrap();
        }
    }

    /// The record of a host's slot.
    pub fn record(&self, host: &str, slot: u64) -> ObjectName {
        let writer = self.open_with(None).0.keys().writer_id(host);
        ObjectName::new(format!("w/{writer}/{slot:010}")).unwrap()
    }

    pub fn replace(&self, name: &ObjectName, bytes: &[u8]) {
        self.storage.delete(name).unwrap();
        self.storage.put(name, &[bytes]).unwrap();
    }

    /// Flips one bit of an object; returns the hash of the result.
    pub fn damage(&self, name: &ObjectName) -> ObjectId {
        let mut bytes = self.storage.get(name, u64::MAX).unwrap().to_vec();
        bytes[60] ^= 1;
        self.replace(name, &bytes);
        ObjectId::of(&bytes)
    }

    /// The two copies of a generation.
    pub fn generation(&self, slot: u64) -> [ObjectName; 2] {
        let chain = Chain::Generations;
        [chain.record(slot), chain.second(slot).unwrap()].map(|name| ObjectName::new(name).unwrap())
    }

    /// Opens without a cache on a storage with faults.
    pub fn open_on(&self, plan: FaultPlan) -> (Result<Repository, RepoError>, Arc<FaultBackend>) {
        let fault = Arc::new(FaultBackend::new(Arc::clone(&self.storage) as _, plan));
        let options = OpenOptions { threads: 1, ..OpenOptions::default() };
        let secret = Secret::parse(&self.key).unwrap();
        (Repository::open(Arc::clone(&fault) as _, &secret, &options), fault)
    }

    /// The unusable records, as seen by a reader that trusts the repository alone.
    pub fn damaged(&self) -> Vec<String> {
        let (repository, _) = self.open_with(None);
        let objects: Vec<String> =
            repository.history().damaged().map(|record| record.object).collect();
        objects
    }
}

/// Appends to the generation chain.
pub fn append(repository: &Repository, body: GenerationBody) -> Result<Option<u64>, RepoError> {
    repository.append(|_| Some(body.clone()))
}

pub fn ids(repository: &Repository) -> Vec<ObjectId> {
    repository.history().snapshots().iter().map(|info| info.id).collect()
}

/// A snapshot with nothing in it.
pub fn snapshot(host: &str, hour: i64) -> WriterBody {
    let time = Timestamp::from_second(hour * 3600).unwrap();
    let zeros = "0".repeat(64);
    let json = format!(
        r#"{{"previous":"{zeros}","kind":"snapshot","time":"{time}","host":"{host}",
        "uid":0,"gid":0,"paths":["/srv"],
        "program":"","sources":[],"session":"{zeros}","index":[],"summary":{{}}}}"#
    );
    decode::<WriterBody>(json.as_bytes()).unwrap().body
}
