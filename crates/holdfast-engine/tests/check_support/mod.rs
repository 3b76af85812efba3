//! Small repositories for the tests of check and repair, fabricated through the repository's own
//! interface.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests, each uses a part")]

use std::sync::Arc;

use holdfast_backend::{Backend, MemoryBackend, ObjectName};
use holdfast_engine::Silent;
use holdfast_engine::check::{CheckOptions, CheckReport, FindingKind, ReadData, check};
use holdfast_engine::repair::{IndexRepair, RepairIndexOptions, repair_index};
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::record::{Snapshot, SnapshotSummary, SourceRecord};
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobId, BlobType, ObjectId};
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::index::PackRow;
use holdfast_repo::tree::{ContentWriter, DirectoryWriter};
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, RepoError, Repository, SnapshotInfo};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

pub const HOST: &str = "testhost";

/// Never used: the secret is a generated key.
const COST: KdfCost = KdfCost { memory_kib: 19 << 10, passes: 1, lanes: 1 };

/// A repository under test and its secret.
pub struct Fixture {
    pub backend: Arc<dyn Backend>,
    /// A generated key, as text: a secret cannot be copied.
    pub key: String,
}

pub fn name(text: &str) -> ObjectName {
    ObjectName::new(text).unwrap()
}

/// Bytes that do not compress.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut out);
    out
}

impl Fixture {
    /// An empty repository.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        let (secret, key) = Secret::generate_key().unwrap();
        let label = SlotLabel {
            label: "test".to_owned(),
            host: HOST.to_owned(),
            user: "me".to_owned(),
            created: Timestamp::UNIX_EPOCH,
        };
        Repository::init(&*backend, &secret, COST, &label, |_| {}).unwrap();
        Self { backend, key: key.to_string() }
    }

    pub fn secret(&self) -> Secret {
        Secret::parse(&self.key).unwrap()
    }

    pub fn memory() -> Self {
        Self::new(Arc::new(MemoryBackend::new()))
    }

    pub fn open(&self) -> Repository {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Repository, RepoError> {
        let options = OpenOptions { threads: 2, ..OpenOptions::default() };
        Repository::open(Arc::clone(&self.backend), &self.secret(), &options)
    }

    /// Reopens and checks, reading all data.
    pub fn check(&self) -> CheckReport {
        check_all(&self.open())
    }

    /// Commits a snapshot of `top/` with these files; a name with a slash goes into a directory of
    /// `top/`.
    pub fn backup(&self, files: &[(&str, Vec<u8>)]) -> SnapshotInfo {
        backup(&self.open(), files)
    }

    /// Names of all objects with this prefix, excluding quarantine.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let listed = self.backend.list("").unwrap();
        let names = listed.into_iter().map(|listed| listed.name.to_string());
        names.filter(|n| n.starts_with(prefix) && !n.starts_with("quarantine")).collect()
    }

    pub fn get(&self, object: &str) -> Vec<u8> {
        self.backend.get(&name(object), u64::MAX).unwrap().to_vec()
    }

    /// Replaces an object's bytes, like a bad medium.
    pub fn replace(&self, object: &str, bytes: &[u8]) {
        self.backend.delete(&name(object)).unwrap();
        self.backend.put(&name(object), &[bytes]).unwrap();
    }

    pub fn flip(&self, object: &str, at: usize) {
        let mut bytes = self.get(object);
        bytes[at] ^= 1 << (at % 8);
        self.replace(object, &bytes);
    }

    pub fn delete(&self, object: &str) {
        self.backend.delete(&name(object)).unwrap();
    }
}

pub fn check_all(repository: &Repository) -> CheckReport {
    let options = CheckOptions { read: ReadData::All, ..CheckOptions::default() };
    check(repository, &options, &Silent).unwrap()
}

pub fn check_structure(repository: &Repository) -> CheckReport {
    check(repository, &CheckOptions::default(), &Silent).unwrap()
}

pub fn backup(repository: &Repository, files: &[(&str, Vec<u8>)]) -> SnapshotInfo {
    backup_at(repository, files, Timestamp::UNIX_EPOCH)
}

pub fn backup_at(
    repository: &Repository,
    files: &[(&str, Vec<u8>)],
    time: Timestamp,
) -> SnapshotInfo {
    let mut files = files.to_vec();
    files.sort();
    commit_tree(repository, time, |blobs| {
        let tree = directory(blobs, repository, &files);
        let mut top = DirectoryWriter::new();
        top.push(blobs, &entry("top", EntryKind::Directory(tree))).unwrap();
        top.finish(blobs).unwrap()
    })
}

/// Commits a snapshot of the tree that `write` creates.
pub fn commit_tree(
    repository: &Repository,
    time: Timestamp,
    write: impl FnOnce(&mut BlobWriter<'_>) -> BlobId,
) -> SnapshotInfo {
    let writer = repository.writer(HOST).unwrap();
    let begun_with = repository.index().baseline();
    let start = repository.history().next_slot(&writer);
    let mut blobs =
        BlobWriter::new(repository, writer, start, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap();
    let tree = write(&mut blobs);
    let index = blobs.flush().unwrap().to_vec();
    let source = SourceRecord::new("files", "files", tree);
    let snapshot = Snapshot {
        time,
        host: HOST.to_owned(),
        user: String::new(),
        uid: 0,
        gid: 0,
        paths: vec!["/top".into()],
        tags: Vec::new(),
        excludes: Vec::new(),
        program: "test".to_owned(),
        parent: None,
        partial: false,
        sources: vec![source],
        application: None,
        session: blobs.session(),
        index,
        summary: SnapshotSummary::default(),
    };
    commit_snapshot(repository, writer, &begun_with, snapshot).unwrap()
}

/// Writes the files of one directory, which are sorted.
fn directory(
    blobs: &mut BlobWriter<'_>,
    repository: &Repository,
    files: &[(&str, Vec<u8>)],
) -> BlobId {
    let mut writer = DirectoryWriter::new();
    let mut rest = files;
    while let Some((path, bytes)) = rest.first() {
        match path.split_once('/') {
            None => {
                let kind = file(blobs, repository, bytes);
                writer.push(blobs, &entry(path, kind)).unwrap();
                rest = &rest[1..];
            }
            Some((folder, _)) => {
                let prefix = format!("{folder}/");
                let count = rest.iter().take_while(|(path, _)| path.starts_with(&prefix)).count();
                let below: Vec<_> = rest[..count]
                    .iter()
                    .map(|(path, bytes)| (&path[prefix.len()..], bytes.clone()))
                    .collect();
                let id = directory(blobs, repository, &below);
                writer.push(blobs, &entry(folder, EntryKind::Directory(id))).unwrap();
                rest = &rest[count..];
            }
        }
    }
    writer.finish(blobs).unwrap()
}

/// Adds a file's content in chunks of 1,000 bytes.
fn file(blobs: &mut BlobWriter<'_>, repository: &Repository, bytes: &[u8]) -> EntryKind {
    let mut content = ContentWriter::default();
    for chunk in bytes.chunks(1000) {
        let id = repository.keys().blob_id(BlobType::Data, chunk);
        blobs.add(BlobType::Data, id, chunk.to_vec().into(), false).unwrap();
        content.push(blobs, Extent::Data { id, bytes: chunk.len() as u64 }).unwrap();
    }
    let main = content.finish(blobs).unwrap();
    EntryKind::File { size: bytes.len() as u64, codec: 0, main, second: None }
}

pub fn entry(name: &str, kind: EntryKind) -> Entry {
    Entry { name: name.as_bytes().to_vec(), metadata: Metadata::default(), kind }
}

/// Applies a change to an object.
pub type DamageAction = fn(&Fixture, &str);

/// Two snapshots that share most of their content.
pub fn sample() -> Fixture {
    let fixture = Fixture::memory();
    fill(&fixture);
    fixture
}

pub fn fill(fixture: &Fixture) {
    fixture.backup(&files(1));
    fixture.backup(&files(2));
}

pub fn files(version: u64) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a", noise(1, 2500)),
        ("deep/er/text", b"hello hello hello hello hello hello hello".repeat(20)),
        ("deep/large", noise(3, 14_500)),
        ("new", noise(10 + version, 700)),
    ]
}

pub fn repair(fixture: &Fixture, read_all: bool) -> IndexRepair {
    repair_of(&fixture.open(), read_all)
}

pub fn repair_of(repository: &Repository, read_all: bool) -> IndexRepair {
    let options = RepairIndexOptions {
        read_all,
        packs: Vec::new(),
        write: WriteOptions::new(COMPRESSION_DEFAULT),
    };
    repair_index(repository, &options, &Silent).unwrap()
}

/// The one object that the report blames.
pub fn blamed(report: &CheckReport) -> (FindingKind, &str) {
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    (report.findings[0].kind, &report.findings[0].object)
}

pub fn assert_clean(fixture: &Fixture) {
    let repository = fixture.open();
    assert!(repository.missing().index_objects.is_empty() && repository.missing().packs.is_empty());
    let report = check_all(&repository);
    assert_eq!(report.findings, []);
    let again = repair_of(&repository, true);
    assert!(!again.has_changed_anything(), "{again:?}");
}

/// Names of the packs that hold blobs of a type, largest first.
pub fn packs_of(fixture: &Fixture, blob_type: BlobType) -> Vec<String> {
    let repository = fixture.open();
    let reader = repository.index().reader();
    let is_of_type =
        |row: &PackRow| reader.frames_of(row).unwrap()[0].frame.context.blob_type == blob_type;
    let mut rows = repository.index().packs().unwrap();
    rows.retain(is_of_type);
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    rows.iter().map(|row| holdfast_format::name::pack(&row.id)).collect()
}

/// Every blob with the pack and frame that holds it.
pub fn all_blobs(fixture: &Fixture) -> Vec<(holdfast_format::BlobId, ObjectId, u64, u32)> {
    let mut all = Vec::new();
    fixture
        .open()
        .index()
        .for_each_blob(|id, place| {
            all.push((id, place.frame.pack, place.frame.offset, place.bytes));
            Ok(())
        })
        .unwrap();
    all.sort();
    all
}
