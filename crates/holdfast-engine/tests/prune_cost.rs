//! What a prune costs with 500 hourly snapshots in place. Run it by hand:
//! `cargo test --release -p holdfast-engine --test prune_cost -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_backend::fault::{FaultPlan, OperationKind};
use holdfast_backend::{Backend, FaultBackend, Local};
use holdfast_engine::Silent;
use holdfast_engine::forget::forget;
use holdfast_engine::prune::{PruneOptions, PruneReport, prune};
use holdfast_format::entry::{Content, Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::record::{Snapshot, SnapshotSummary, SourceRecord};
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobId, BlobType, ObjectId};
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::tree::DirectoryWriter;
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

const FOLDERS: u64 = 200;
const FILES: u64 = 20_000;
const SNAPSHOTS: u64 = 500;

/// A repository on disk with a cache on disk, as an hourly run has it.
struct CostStore {
    folder: tempfile::TempDir,
    secret: Secret,
}

impl CostStore {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (secret, _) = Secret::generate_key().unwrap();
        let backend = Local::create(folder.path().join("repository")).unwrap();
        let [label, host, user] = ["l", "h", "u"].map(str::to_owned);
        let label = SlotLabel { label, host, user, created: Timestamp::UNIX_EPOCH };
        Repository::init(&backend, &secret, KdfCost::MIN, &label, |_| {}).unwrap();
        Self { folder, secret }
    }

    fn open(&self) -> (Repository, Arc<FaultBackend>) {
        let local = Local::open(self.folder.path().join("repository")).unwrap();
        let counted = Arc::new(FaultBackend::new(Arc::new(local), FaultPlan::none()));
        let cache_folder = Some(self.folder.path().join("cache"));
        let options = OpenOptions { cache_folder, ..OpenOptions::default() };
        let backend = Arc::clone(&counted) as Arc<dyn Backend>;
        (Repository::open(backend, &self.secret, &options).unwrap(), counted)
    }
}

/// The state of the source: versions of files, and folders as last written.
struct CostSource {
    versions: Vec<u64>,
    folders: BTreeMap<u64, BlobId>,
}

impl CostSource {
    /// Changes 10 to 50 files; returns the folders that they are in.
    fn change(&mut self, hour: u64) -> Vec<u64> {
        let count = if hour == 0 { 0 } else { 10 + hour * 7919 % 41 };
        let mut folders: Vec<u64> = (0..count)
            .map(|n| {
                let file = (hour * 104_729 + n * n * 15_485_863) % FILES;
                self.versions[file as usize] = hour;
                file % FOLDERS
            })
            .collect();
        if hour == 0 {
            folders = (0..FOLDERS).collect();
        }
        folders.sort_unstable();
        folders.dedup();
        folders
    }
}

fn entry(name: String, kind: EntryKind) -> Entry {
    Entry { name: name.into_bytes(), metadata: Metadata::default(), kind }
}

fn write_folder(
    repository: &Repository,
    blobs: &mut BlobWriter<'_>,
    source: &CostSource,
    folder: u64,
) -> BlobId {
    let mut directory = DirectoryWriter::new();
    for file in (0..FILES).filter(|file| file % FOLDERS == folder) {
        let version = source.versions[file as usize];
        let mut bytes = vec![0; 2000 + (file % 2000) as usize];
        blake3::Hasher::new()
            .update(&file.to_le_bytes())
            .update(&version.to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        let id = repository.keys().blob_id(BlobType::Data, &bytes);
        let size = bytes.len() as u64;
        blobs.add(BlobType::Data, id, Bytes::from(bytes), false).unwrap();
        let main = Content::Inline(vec![Extent::Data { id, bytes: size }]);
        let kind = EntryKind::File { size, codec: 0, main, second: None };
        directory.push(blobs, &entry(format!("{file:06}"), kind)).unwrap();
    }
    directory.finish(blobs).unwrap()
}

fn back_up(repository: &Repository, source: &mut CostSource, hour: u64) -> ObjectId {
    let writer = repository.writer("host").unwrap();
    let begun_with = repository.index().baseline();
    let slot = repository.history().next_slot(&writer);
    let mut blobs =
        BlobWriter::new(repository, writer, slot, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap();
    for folder in source.change(hour) {
        let root = write_folder(repository, &mut blobs, source, folder);
        source.folders.insert(folder, root);
    }
    let mut top = DirectoryWriter::new();
    for (folder, root) in &source.folders {
        top.push(&mut blobs, &entry(format!("{folder:04}"), EntryKind::Directory(*root))).unwrap();
    }
    let tree = top.finish(&mut blobs).unwrap();
    let index = blobs.flush().unwrap().to_vec();
    let snapshot = Snapshot {
        time: Timestamp::from_second(hour as i64 * 3600).unwrap(),
        host: "host".to_owned(),
        user: String::new(),
        uid: 0,
        gid: 0,
        paths: Vec::new(),
        tags: Vec::new(),
        excludes: Vec::new(),
        program: String::new(),
        parent: None,
        partial: false,
        sources: vec![SourceRecord::new("x", "files", tree)],
        application: None,
        session: blobs.session(),
        index,
        summary: SnapshotSummary::default(),
    };
    commit_snapshot(repository, writer, &begun_with, snapshot).unwrap().id
}

fn measured_prune(store: &CostStore, what: &str) -> (PruneReport, Duration) {
    let begin = Instant::now();
    let (repository, counted) = store.open();
    let opened = begin.elapsed();
    let before = counted.operations();
    let report =
        prune(&repository, &PruneOptions::new(WriteOptions::new(COMPRESSION_DEFAULT)), &Silent)
            .unwrap();
    let (took, log) = (begin.elapsed(), counted.log());
    let of = |kind| log[before as usize..].iter().filter(|op| op.kind == kind).count();
    println!(
        "{what}: {took:.2?} (opening {opened:.2?}), postponed {}, nodes {}, get {} range {} put {} \
         delete {}, {} packs deleted, {} repacked, {} KiB moved, {} KiB freed, {} KiB unused",
        report.was_postponed,
        report.nodes_read,
        of(OperationKind::Get),
        of(OperationKind::GetRange),
        of(OperationKind::Put),
        of(OperationKind::Delete),
        report.packs_deleted,
        report.packs_repacked,
        report.bytes_moved >> 10,
        report.bytes_freed() >> 10,
        report.unused_bytes_left >> 10,
    );
    (report, took)
}

#[test]
#[ignore = "a measurement of a minute"]
fn prune_with_500_hourly_snapshots() {
    let store = CostStore::new();
    let mut source = CostSource { versions: vec![0; FILES as usize], folders: BTreeMap::new() };
    let begin = Instant::now();
    let mut ids = Vec::new();
    {
        let (repository, _) = store.open();
        for hour in 0..SNAPSHOTS {
            ids.push(back_up(&repository, &mut source, hour));
        }
    }
    println!("{SNAPSHOTS} snapshots of {FILES} files made in {:.2?}", begin.elapsed());
    measured_prune(&store, "nothing forgotten, small packs merged");
    measured_prune(&store, "nothing forgotten");
    let mut forgotten = 0;
    for (count, what) in [(1, "1 forgotten"), (24, "24 forgotten"), (200, "200 forgotten")] {
        forget(&store.open().0, &ids[forgotten..forgotten + count]).unwrap();
        forgotten += count;
        measured_prune(&store, what);
    }
    // What an hourly run sees.
    for hour in SNAPSHOTS..SNAPSHOTS + 30 {
        ids.push(back_up(&store.open().0, &mut source, hour));
        forget(&store.open().0, &ids[forgotten..=forgotten]).unwrap();
        forgotten += 1;
        measured_prune(&store, "one more hour, 1 forgotten");
    }
}
