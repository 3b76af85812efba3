//! A repository in memory, backups of made-up files into it, and checks that all of them can be
//! read back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_backend::{Backend, MemoryBackend, StorageLocation};
use holdfast_format::entry::{Content, Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::record::{Snapshot, SnapshotSummary, SourceRecord};
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobType, ObjectId, WriterId, name};
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::index::Baseline;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::{ContentWriter, DirectoryCursor, DirectoryWriter, extents_of};
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, RepoError, Repository, SnapshotInfo, object_name};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

use crate::Silent;
use crate::forget::forget;
use crate::prune::{Abandoned, MaxUnused, PruneMutation, PruneOptions, PruneReport, census, run};

/// Files by name; each is a list of chunks, and a chunk is a number that determines its bytes.
pub type FileChunks = BTreeMap<String, Vec<u64>>;

/// Everything that can be deleted is deleted.
pub const ALL: PruneOptions = PruneOptions {
    max_unused: MaxUnused::Bytes(0),
    max_repack_bytes: None,
    repack_below_bytes: None,
    abandoned: None,
    dry_run: false,
    write: WriteOptions::new(COMPRESSION_DEFAULT),
};

/// The same, without regard for runs in progress.
pub const RUTHLESS: PruneOptions = PruneOptions {
    abandoned: Some(Abandoned { after_seconds: 0, now: Timestamp::UNIX_EPOCH }),
    ..ALL
};

/// A repository and the expected contents of its snapshots.
#[derive(Clone)]
pub struct World {
    pub storage: Arc<MemoryBackend>,
    secret: String,
    pub expected: HashMap<ObjectId, FileChunks>,
}

impl World {
    pub fn new() -> Self {
        let storage = Arc::new(MemoryBackend::new());
        let (secret, text) = Secret::generate_key().unwrap();
        init(&*storage, &secret);
        Self { storage, secret: text.to_string(), expected: HashMap::new() }
    }

    /// The same world on a copy of the storage at another location.
    pub fn fork_to(&self, place: StorageLocation) -> Self {
        Self { storage: Arc::new(self.storage.fork_to(place)), ..self.clone() }
    }

    /// The same world on a copy of the storage.
    pub fn fork(&self) -> Self {
        Self { storage: Arc::new(self.storage.fork()), ..self.clone() }
    }

    pub fn secret(&self) -> Secret {
        Secret::parse(&self.secret).unwrap()
    }

    /// Opens the repository without a cache.
    pub fn open(&self) -> Repository {
        self.open_on(Arc::clone(&self.storage) as Arc<dyn Backend>).unwrap()
    }

    pub fn open_on(&self, backend: Arc<dyn Backend>) -> Result<Repository, RepoError> {
        Repository::open(
            backend,
            &self.secret(),
            &OpenOptions { threads: 1, ..OpenOptions::default() },
        )
    }

    /// Opens the repository with a persistent cache.
    pub fn open_with_cache(&self, folder: &Path) -> Repository {
        let cache_folder = Some(folder.to_owned());
        let options = OpenOptions { cache_folder, threads: 1, ..OpenOptions::default() };
        let storage = Arc::clone(&self.storage) as Arc<dyn Backend>;
        Repository::open(storage, &self.secret(), &options).unwrap()
    }

    pub fn back_up(&mut self, host: &str, files: &FileChunks) -> ObjectId {
        let info = back_up(&self.open(), host, files).unwrap();
        self.expected.insert(info.id, files.clone());
        info.id
    }

    pub fn forget(&mut self, ids: &[ObjectId]) {
        forget(&self.open(), ids).unwrap();
        ids.iter().for_each(|id| drop(self.expected.remove(id)));
    }

    pub fn prune(&self, options: &PruneOptions) -> PruneReport {
        run(&self.open(), options, &Silent, PruneMutation::None).unwrap()
    }

    /// Bytes of all packs.
    pub fn pack_bytes(&self) -> u64 {
        self.storage.list(name::PACKS).unwrap().iter().map(|object| object.bytes).sum()
    }

    /// What is wrong; nothing should be.
    pub fn trouble(&self) -> Result<(), String> {
        let repository = self.open();
        self.trouble_of(&repository)
    }

    pub fn trouble_of(&self, repository: &Repository) -> Result<(), String> {
        let snapshots = repository.history().snapshots();
        let there: HashSet<ObjectId> = snapshots.iter().map(|info| info.id).collect();
        if let Some(lost) = self.expected.keys().find(|id| !there.contains(*id)) {
            return Err(format!("snapshot {} is gone", lost.short()));
        }
        let mut reader = BlobReader::new(repository);
        for info in snapshots {
            let Some(files) = self.expected.get(&info.id) else { continue };
            read_back(&mut reader, &info, files)
                .map_err(|error| format!("snapshot {}: {error}", info.id.short()))?;
        }
        // Whatever the index lists must exist: a backup would rely on it.
        for pack in repository.index().packs().unwrap() {
            let object = object_name(name::pack(&pack.id)).unwrap();
            match self.storage.size(&object) {
                Ok(bytes) if bytes == pack.bytes => {}
                other => return Err(format!("pack {} of the index: {other:?}", pack.id.short())),
            }
        }
        Ok(())
    }

    #[track_caller]
    pub fn check(&self) {
        if let Err(trouble) = self.trouble() {
            panic!("{trouble}");
        }
    }

    /// Asserts that nothing is left that a prune could free.
    #[track_caller]
    pub fn check_nothing_unused(&self) {
        let repository = self.open();
        let snapshots = repository.history().snapshots();
        let live = crate::mark::mark(&repository, &snapshots, &Silent).unwrap();
        let is_over = |writer: &WriterId, slot| repository.history().is_decided(writer, slot);
        for pack in census::take(&repository, &live, is_over).unwrap().packs {
            assert_eq!((pack.unused_bytes, pack.blobs > 0), (0, true), "{pack:?}");
        }
        let listed = self.storage.list(name::PACKS).unwrap().len();
        assert_eq!(listed, repository.index().packs().unwrap().len(), "orphans are left");
    }
}

pub fn init(backend: &dyn Backend, secret: &Secret) {
    let label = SlotLabel {
        label: "test".to_owned(),
        host: "test".to_owned(),
        user: "test".to_owned(),
        created: Timestamp::UNIX_EPOCH,
    };
    Repository::init(backend, secret, KdfCost::MIN, &label, |config| {
        config.frame_bytes = 4096;
        config.pack_bytes = 1 << 16;
    })
    .unwrap();
}

/// A backup in its three steps.
pub struct BackupSteps<'a> {
    repository: &'a Repository,
    host: String,
    writer: WriterId,
    start_slot: u64,
    begun_with: Baseline,
}

impl<'a> BackupSteps<'a> {
    pub fn begin(repository: &'a Repository, host: &str) -> Result<Self, RepoError> {
        let writer = repository.writer(host)?;
        let start_slot = repository.history().next_slot(&writer);
        let begun_with = repository.index().baseline();
        Ok(Self { repository, host: host.to_owned(), writer, start_slot, begun_with })
    }

    pub fn write(&self, files: &FileChunks) -> Result<Snapshot, RepoError> {
        self.write_with(&mut self.blobs()?, files)
    }

    pub fn blobs(&self) -> Result<BlobWriter<'a>, RepoError> {
        let options = WriteOptions { pack_bytes: 10_000, ..WriteOptions::new(COMPRESSION_DEFAULT) };
        BlobWriter::new(self.repository, self.writer, self.start_slot, options)
    }

    pub fn write_with(
        &self,
        blobs: &mut BlobWriter<'_>,
        files: &FileChunks,
    ) -> Result<Snapshot, RepoError> {
        let mut directory = DirectoryWriter::new();
        for (name, chunks) in files {
            let kind = write_file(self.repository, blobs, chunks)?;
            let entry =
                Entry { name: name.clone().into_bytes(), metadata: Metadata::default(), kind };
            directory.push(blobs, &entry)?;
        }
        let tree = directory.finish(blobs)?;
        let index = blobs.flush()?.to_vec();
        Ok(snapshot(&self.host, tree, blobs.session(), index))
    }

    pub fn commit(&self, snapshot: Snapshot) -> Result<SnapshotInfo, RepoError> {
        commit_snapshot(self.repository, self.writer, &self.begun_with, snapshot)
    }
}

/// A backup that starts again when a prune got in its way.
pub fn back_up(
    repository: &Repository,
    host: &str,
    files: &FileChunks,
) -> Result<SnapshotInfo, RepoError> {
    loop {
        let session = BackupSteps::begin(repository, host)?;
        match session.commit(session.write(files)?) {
            Err(RepoError::Fenced) => drop(repository.refresh()?),
            outcome => return outcome,
        }
    }
}

fn snapshot(
    host: &str,
    tree: holdfast_format::BlobId,
    session: holdfast_format::SessionId,
    index: Vec<ObjectId>,
) -> Snapshot {
    Snapshot {
        time: Timestamp::UNIX_EPOCH,
        host: host.to_owned(),
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
        session,
        index,
        summary: SnapshotSummary::default(),
    }
}

fn write_file(
    repository: &Repository,
    blobs: &mut BlobWriter<'_>,
    chunks: &[u64],
) -> Result<EntryKind, RepoError> {
    let mut content = ContentWriter::default();
    let mut size = 0;
    for chunk in chunks {
        let bytes = bytes_of(*chunk);
        let id = repository.keys().blob_id(BlobType::Data, &bytes);
        let length = bytes.len() as u64;
        size += length;
        blobs.add(BlobType::Data, id, Bytes::from(bytes), chunk.is_multiple_of(2))?;
        content.push(blobs, Extent::Data { id, bytes: length })?;
    }
    Ok(EntryKind::File { size, codec: 0, main: content.finish(blobs)?, second: None })
}

/// The bytes of a chunk: none for 0, else up to 3,000.
pub fn bytes_of(chunk: u64) -> Vec<u8> {
    let mut bytes = vec![0; (chunk * 389 % 3000) as usize];
    let mut stream = blake3::Hasher::new().update(&chunk.to_le_bytes()).finalize_xof();
    stream.fill(&mut bytes);
    bytes
}

fn read_back(
    reader: &mut BlobReader<'_>,
    info: &SnapshotInfo,
    files: &FileChunks,
) -> Result<(), String> {
    let text = |error: RepoError| error.to_string();
    let mut found = 0;
    let mut cursor = DirectoryCursor::new(info.snapshot.sources[0].tree);
    while let Some(entry) = cursor.next(reader).map_err(text)? {
        let name = String::from_utf8(entry.name).unwrap();
        let EntryKind::File { main, .. } = &entry.kind else { panic!("{name} is no file") };
        let wanted: Vec<u8> = files[&name].iter().flat_map(|chunk| bytes_of(*chunk)).collect();
        if read_content(reader, main).map_err(text)? != wanted {
            return Err(format!("{name} is not what it was"));
        }
        found += 1;
    }
    if found == files.len() { Ok(()) } else { Err(format!("{found} files are left")) }
}

fn read_content(reader: &mut BlobReader<'_>, content: &Content) -> Result<Vec<u8>, RepoError> {
    let mut bytes = Vec::new();
    for extent in extents_of(reader, content)? {
        let Extent::Data { id, .. } = extent else { continue };
        bytes.extend(reader.blob(&id, BlobType::Data)?);
    }
    Ok(bytes)
}

/// Files that hold one chunk each.
pub fn files(chunks: impl IntoIterator<Item = u64>) -> FileChunks {
    chunks.into_iter().map(|chunk| (format!("{chunk:05}"), vec![chunk])).collect()
}
