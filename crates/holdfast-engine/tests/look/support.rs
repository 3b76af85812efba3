//! A plain model of trees, and a repository to put it into.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use holdfast_backend::MemoryBackend;
use holdfast_engine::look::SnapshotRoot;
use holdfast_engine::{EngineEvent, Observer};
use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::record::{Snapshot, SnapshotSummary, SourceRecord, WriterBody};
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobId, BlobType, ObjectId};
use holdfast_repo::tree::{ContentWriter, DirectoryWriter};
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;
use proptest::prelude::*;

/// Bytes of a chunk in these tests.
pub const CHUNK_BYTES: usize = 100;

/// A node of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEntry {
    /// A file; every run of zeros that fills a chunk is stored as a hole.
    File(Vec<u8>, Metadata),
    Directory(ModelFolder, Metadata),
    Other(EntryKind, Metadata),
}

pub type ModelFolder = BTreeMap<Vec<u8>, ModelEntry>;

impl ModelEntry {
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::File(_, metadata) | Self::Directory(_, metadata) | Self::Other(_, metadata) => {
                metadata
            }
        }
    }

    pub fn file(bytes: impl AsRef<[u8]>) -> Self {
        Self::File(bytes.as_ref().to_vec(), metadata(0o644))
    }

    pub fn directory<N: AsRef<[u8]>>(children: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Directory(folder(children), metadata(0o755))
    }
}

pub fn folder<N: AsRef<[u8]>>(children: impl IntoIterator<Item = (N, ModelEntry)>) -> ModelFolder {
    children.into_iter().map(|(name, model)| (name.as_ref().to_vec(), model)).collect()
}

pub fn metadata(mode: u32) -> Metadata {
    let mtime = FileTime { seconds: 1_700_000_000, nanoseconds: 0 };
    Metadata { mode, mtime, ctime: mtime, links: 1, ..Metadata::default() }
}

/// A new repository in memory.
pub fn repository() -> Repository {
    let backend = Arc::new(MemoryBackend::new());
    let (secret, _) = Secret::generate_key().unwrap();
    let label = SlotLabel {
        label: "test".to_owned(),
        host: "host".to_owned(),
        user: "user".to_owned(),
        created: Timestamp::UNIX_EPOCH,
    };
    Repository::init(&*backend, &secret, KdfCost::MIN, &label, |_| {}).unwrap();
    Repository::open(backend, &secret, &OpenOptions { threads: 1, ..OpenOptions::default() })
        .unwrap()
}

/// A writer of blobs for the host of these tests.
pub fn writer(repository: &Repository) -> BlobWriter<'_> {
    let id = repository.writer("host").unwrap();
    let slot = repository.history().next_slot(&id);
    BlobWriter::new(repository, id, slot, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap()
}

/// Stores a folder and returns its root.
pub fn store_folder(
    repository: &Repository,
    writer: &mut BlobWriter<'_>,
    folder: &ModelFolder,
) -> BlobId {
    let mut directory = DirectoryWriter::new();
    for (name, model) in folder {
        let kind = match model {
            ModelEntry::File(bytes, _) => store_file(repository, writer, bytes),
            ModelEntry::Directory(folder, _) => {
                EntryKind::Directory(store_folder(repository, writer, folder))
            }
            ModelEntry::Other(kind, _) => kind.clone(),
        };
        let metadata = model.metadata().clone();
        directory.push(writer, &Entry { name: name.clone(), metadata, kind }).unwrap();
    }
    directory.finish(writer).unwrap()
}

pub fn store_file(repository: &Repository, writer: &mut BlobWriter<'_>, bytes: &[u8]) -> EntryKind {
    let mut content = ContentWriter::default();
    for chunk in bytes.chunks(CHUNK_BYTES) {
        let length = chunk.len() as u64;
        let extent = if chunk.len() == CHUNK_BYTES && chunk.iter().all(|byte| *byte == 0) {
            Extent::Hole { bytes: length }
        } else {
            let id = repository.keys().blob_id(BlobType::Data, chunk);
            writer.add(BlobType::Data, id, chunk.to_vec().into(), true).unwrap();
            Extent::Data { id, bytes: length }
        };
        content.push(writer, extent).unwrap();
    }
    let main = content.finish(writer).unwrap();
    EntryKind::File { size: bytes.len() as u64, codec: 0, main, second: None }
}

/// A snapshot record with these sources.
pub fn record(writer: &mut BlobWriter<'_>, sources: &[(&str, BlobId)]) -> Snapshot {
    let source = |(name, tree): &(&str, BlobId)| SourceRecord::new(*name, "files", *tree);
    Snapshot {
        time: Timestamp::UNIX_EPOCH,
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
        sources: sources.iter().map(source).collect(),
        application: None,
        session: writer.session(),
        index: writer.flush().unwrap().to_vec(),
        summary: SnapshotSummary::default(),
    }
}

/// Commits a snapshot of one source and returns its root and id.
pub fn commit(repository: &Repository, folder: &ModelFolder) -> (SnapshotRoot, ObjectId) {
    let mut blobs = writer(repository);
    let tree = store_folder(repository, &mut blobs, folder);
    let snapshot = record(&mut blobs, &[("files", tree)]);
    let root = SnapshotRoot::of(&snapshot);
    let id = repository.writer("host").unwrap();
    let body = WriterBody::Snapshot(Box::new(snapshot));
    repository.append_to(id, &body).unwrap();
    let id = repository.history().snapshots().last().unwrap().id;
    (root, id)
}

/// All paths of a folder with their entries, in path order.
pub fn flatten(folder: &ModelFolder) -> Vec<(Vec<u8>, &ModelEntry)> {
    let mut list = Vec::new();
    flatten_into(folder, b"", &mut list);
    list
}

fn flatten_into<'a>(
    folder: &'a ModelFolder,
    path: &[u8],
    list: &mut Vec<(Vec<u8>, &'a ModelEntry)>,
) {
    for (name, model) in folder {
        let path = [path, b"/", name].concat();
        list.push((path.clone(), model));
        if let ModelEntry::Directory(folder, _) = model {
            flatten_into(folder, &path, list);
        }
    }
}

/// Collects the notes of a verb.
#[derive(Debug, Default)]
pub struct Notes(pub Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Note { message } = event {
            self.0.lock().unwrap().push(message.to_owned());
        }
    }
}

/// Collects the paths of errors.
#[derive(Default)]
pub struct SeenTroubles(pub Mutex<Vec<Vec<u8>>>);

impl Observer for SeenTroubles {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Trouble { path, .. } = event {
            self.0.lock().unwrap().push(path.to_vec());
        }
    }
}

/// Names that are hard to write down.
fn names() -> impl Strategy<Value = Vec<u8>> {
    let hostile: Vec<Vec<u8>> = vec![
        b"\xff\xfe".to_vec(),
        b"\xff\xfd".to_vec(),
        "\u{fffd}\u{fffd}".into(),
        b"new\nline".to_vec(),
        b"...".to_vec(),
        b"-rf".to_vec(),
        b"back\\slash\\".to_vec(),
        b" ".to_vec(),
        b"a=b%3D".to_vec(),
        "n\u{e4}me".into(),
        vec![b'l'; 99],
        vec![b'l'; 100],
        vec![b'l'; 255],
        vec![0xe4; 200],
    ];
    prop_oneof![4 => "[a-e]{1,2}".prop_map(String::into_bytes), 1 => prop::sample::select(hostile)]
}

fn times() -> impl Strategy<Value = FileTime> {
    let nanoseconds = prop_oneof![Just(0), 0..1_000_000_000u32];
    (-3_000_000_000i64..5_000_000_000, nanoseconds)
        .prop_map(|(seconds, nanoseconds)| FileTime { seconds, nanoseconds })
}

pub fn any_metadata() -> impl Strategy<Value = Metadata> {
    let xattrs = prop::collection::btree_map(
        prop::sample::select(vec![
            b"user.a".to_vec(),
            b"user.b=%".to_vec(),
            b"security.c".to_vec(),
        ]),
        // The reader of the `tar` crate takes a line break for the end of a record.
        prop::collection::vec(any::<u8>().prop_filter("line break", |byte| *byte != b'\n'), 0..20),
        0..2,
    );
    (0u32..0o10000, any::<u32>(), times(), any::<bool>(), xattrs).prop_map(
        |(mode, uid, mtime, is_named, xattrs)| Metadata {
            mode,
            uid,
            gid: uid / 2,
            user: if is_named { b"someone".to_vec() } else { vec![b'u'; 40] },
            mtime,
            ctime: mtime,
            links: 1,
            xattrs: xattrs.into_iter().collect(),
            ..Metadata::default()
        },
    )
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    let chunk = prop_oneof![
        prop::collection::vec(any::<u8>(), CHUNK_BYTES),
        Just(vec![0; CHUNK_BYTES]),
        (0u8..3).prop_map(|byte| vec![byte; CHUNK_BYTES]),
    ];
    let tail = prop::collection::vec(any::<u8>(), 0..CHUNK_BYTES);
    prop_oneof![
        4 => (prop::collection::vec(chunk.clone(), 0..4), tail.clone()),
        1 => (prop::collection::vec(chunk, 9..120), tail),
    ]
    .prop_map(|(chunks, tail)| [chunks.concat(), tail].concat())
}

fn others() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        prop::collection::vec(1u8.., 1..150).prop_map(EntryKind::Symlink),
        (0u32..4096, 0u32..1 << 20).prop_map(|(major, minor)| EntryKind::BlockDevice(major, minor)),
        (0u32..4096, 0u32..1 << 20).prop_map(|(major, minor)| EntryKind::CharDevice(major, minor)),
        Just(EntryKind::Fifo),
        Just(EntryKind::Socket),
    ]
}

/// Any small tree.
pub fn any_folder() -> impl Strategy<Value = ModelFolder> {
    let file = |(bytes, metadata)| ModelEntry::File(bytes, metadata);
    let leaf = prop_oneof![
        3 => (contents(), any_metadata()).prop_map(file),
        1 => (others(), any_metadata())
            .prop_map(|(kind, metadata)| ModelEntry::Other(kind, metadata)),
    ];
    let model = leaf.prop_recursive(4, 40, 8, |inner| {
        (prop::collection::btree_map(names(), inner, 0..8), any_metadata())
            .prop_map(|(folder, metadata)| ModelEntry::Directory(folder, metadata))
    });
    prop::collection::btree_map(names(), model, 0..12)
}
