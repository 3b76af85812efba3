//! A repository in memory and backups into it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use holdfast_backend::{Backend, Memory};
use holdfast_engine::backup::{BackupOptions, CaptureOptions, Compare, SourceOptions, backup};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_engine::{Event, Observer};
use holdfast_format::BlobId;
use holdfast_format::config::ChunkProfile;
use holdfast_format::entry::Entry;
use holdfast_format::record::{Snapshot, SnapshotSummary};
use holdfast_format::slot::KdfCost;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

use super::source::{Made, MadeSource};

/// A repository.
pub struct World {
    storage: Arc<dyn Backend>,
    key: String,
}

/// What a backup left.
pub struct Outcome {
    /// The entries of the root by name.
    pub entries: BTreeMap<String, Entry>,
    pub summary: SnapshotSummary,
    /// Path and occasion of every trouble.
    pub troubles: Vec<(String, String)>,
}

/// Notes trouble.
#[derive(Default)]
pub struct Troubles(Mutex<Vec<(String, String)>>);

impl Observer for Troubles {
    fn event(&self, event: Event<'_>) {
        if let Event::Trouble { path, during, .. } = event {
            let path = String::from_utf8(path.to_vec()).unwrap();
            self.0.lock().unwrap().push((path, during.to_owned()));
        }
    }
}

impl World {
    pub fn new() -> Self {
        let storage: Arc<dyn Backend> = Arc::new(Memory::new());
        let (secret, key) = Secret::generate_key().unwrap();
        let label = SlotLabel {
            label: "test".to_owned(),
            host: "host".to_owned(),
            user: "me".to_owned(),
            created: Timestamp::UNIX_EPOCH,
        };
        // Never used: the secret is a generated key.
        let cost = KdfCost { memory_kib: 19 << 10, passes: 1, lanes: 1 };
        Repository::init(&*storage, &secret, cost, &label, |_| {}).unwrap();
        Self { storage, key: key.to_string() }
    }

    pub fn open(&self) -> Repository {
        let options = OpenOptions { threads: 2, ..OpenOptions::default() };
        let secret = Secret::parse(&self.key).unwrap();
        Repository::open(Arc::clone(&self.storage), &secret, &options).unwrap()
    }

    /// Backs these entries up, with the newest snapshot as the parent.
    pub fn back_up(&self, entries: &[Made]) -> Outcome {
        let repository = self.open();
        let options = options(&repository);
        let observer = Troubles::default();
        let make_source = || Ok(Box::new(MadeSource::new(entries)) as Box<_>);
        let report = backup(&repository, &make_source, &options, &observer).unwrap();
        let root = report.snapshot.unwrap().snapshot.sources[0].tree;
        let troubles = observer.0.into_inner().unwrap();
        Outcome { entries: children(&repository, root), summary: report.record.summary, troubles }
    }
}

pub fn options(repository: &Repository) -> BackupOptions {
    let snapshot = Snapshot::begun(Timestamp::UNIX_EPOCH, "host", vec!["/".into()]);
    BackupOptions {
        capture: CaptureOptions {
            snapshot,
            parents: repository.history().snapshots().into_iter().rev().take(1).collect(),
            write: WriteOptions::default(),
        },
        source: SourceOptions {
            name: "files".to_owned(),
            connector: "files".to_owned(),
            profile: ChunkProfile::File,
            compare: Compare { ctime: true, inode: true },
            read_concurrency: 2,
            count_first: false,
            is_stream: false,
            shrink_limit: ShrinkLimit::default(),
        },
        skip_if_unchanged: false,
    }
}

pub fn children(repository: &Repository, root: BlobId) -> BTreeMap<String, Entry> {
    let mut reader = BlobReader::new(repository);
    let mut cursor = DirectoryCursor::new(root);
    let mut entries = BTreeMap::new();
    while let Some(entry) = cursor.next(&mut reader).unwrap() {
        entries.insert(String::from_utf8(entry.name.clone()).unwrap(), entry);
    }
    entries
}
