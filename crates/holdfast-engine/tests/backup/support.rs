//! A repository in memory and backups into it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use holdfast_backend::{Backend, MemoryBackend};
use holdfast_engine::backup::{BackupOptions, CaptureOptions, Compare, SourceOptions, backup};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_engine::{EngineEvent, Observer};
use holdfast_format::config::ChunkProfile;
use holdfast_format::entry::{Content, Entry, EntryKind};
use holdfast_format::node::Extent;
use holdfast_format::record::{Snapshot, SnapshotSummary};
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

use super::source::{TestEntry, TestSource};

/// A repository.
pub struct World {
    storage: Arc<dyn Backend>,
    key: String,
}

/// Result of a backup.
pub struct BackupOutcome {
    /// The root of the tree.
    pub tree: BlobId,
    /// True if there is a snapshot.
    pub is_saved: bool,
    /// The entries of the root by name, if there is one.
    pub entries: BTreeMap<String, Entry>,
    pub summary: SnapshotSummary,
    /// Path and operation of every error.
    pub troubles: Vec<(String, String)>,
}

/// Collects errors.
#[derive(Default)]
pub struct ReportedTroubles(Mutex<Vec<(String, String)>>);

impl ReportedTroubles {
    pub fn into_inner(self) -> Vec<(String, String)> {
        self.0.into_inner().unwrap()
    }
}

impl Observer for ReportedTroubles {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Trouble { path, during, .. } = event {
            let path = String::from_utf8(path.to_vec()).unwrap();
            self.0.lock().unwrap().push((path, during.to_owned()));
        }
    }
}

impl World {
    pub fn new() -> Self {
        let storage: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
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
    pub fn back_up(&self, entries: &[TestEntry]) -> BackupOutcome {
        self.back_up_with(entries, |_| {})
    }

    /// The same, with other options.
    pub fn back_up_with(
        &self,
        entries: &[TestEntry],
        change: impl FnOnce(&mut BackupOptions),
    ) -> BackupOutcome {
        let repository = self.open();
        let mut options = options(&repository);
        change(&mut options);
        let observer = ReportedTroubles::default();
        let make_source = || Ok(Box::new(TestSource::new(entries)) as Box<_>);
        let report = backup(&repository, &make_source, &options, &observer).unwrap();
        let tree = report.record.sources[0].tree;
        let is_saved = report.snapshot.is_some();
        let troubles = observer.into_inner();
        let entries = if is_saved { children(&repository, tree) } else { BTreeMap::new() };
        BackupOutcome { tree, is_saved, entries, summary: report.record.summary, troubles }
    }

    /// The content of a file of one chunk.
    pub fn content(&self, entry: &Entry) -> Vec<u8> {
        let EntryKind::File { main: Content::Inline(extents), .. } = &entry.kind else {
            panic!("{entry:?}")
        };
        let [Extent::Data { id, .. }] = extents[..] else { panic!("{entry:?}") };
        BlobReader::new(&self.open()).blob(&id, BlobType::Data).unwrap()
    }
}

pub fn options(repository: &Repository) -> BackupOptions {
    let mut snapshot = Snapshot::begun(Timestamp::UNIX_EPOCH, "host", vec!["/".into()]);
    // Long after the last change of everything that these tests back up.
    snapshot.summary.backup_start = Some(Timestamp::from_second(5_000_000).unwrap());
    BackupOptions {
        capture: CaptureOptions {
            snapshot,
            parents: repository.history().snapshots().into_iter().rev().take(1).collect(),
            write: WriteOptions::new(COMPRESSION_DEFAULT),
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
            scope: None,
        },
        skip_if_unchanged: false,
        now: || END,
    }
}

/// End time of every backup.
pub const END: Timestamp = Timestamp::constant(5_000_009, 0);

pub fn children(repository: &Repository, root: BlobId) -> BTreeMap<String, Entry> {
    let mut reader = BlobReader::new(repository);
    let mut cursor = DirectoryCursor::new(root);
    let mut entries = BTreeMap::new();
    while let Some(entry) = cursor.next(&mut reader).unwrap() {
        entries.insert(String::from_utf8(entry.name.clone()).unwrap(), entry);
    }
    entries
}
