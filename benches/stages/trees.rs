//! Writing and reading a directory of 100,000 entries, in a repository in memory.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput};
use holdfast_backend::{Backend, MemoryBackend};
use holdfast_benches::entry;
use holdfast_format::BlobId;
use holdfast_format::entry::Entry;
use holdfast_format::slot::KdfCost;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::{DirectoryCursor, DirectoryWriter};
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

const ENTRIES: u64 = 100_000;

fn repository() -> Repository {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let (secret, _) = Secret::generate_key().unwrap();
    let empty = String::new;
    let created = Timestamp::UNIX_EPOCH;
    let label = SlotLabel { label: empty(), host: empty(), user: empty(), created };
    Repository::init(&*backend, &secret, KdfCost::MIN, &label, |_| {}).unwrap();
    Repository::open(backend, &secret, &OpenOptions::default()).unwrap()
}

/// Writes the directory and all that belongs to it; returns its root.
fn write_directory(repository: &Repository, entries: &[Entry]) -> BlobId {
    let writer = repository.writer("bench").unwrap();
    let mut blobs =
        BlobWriter::new(repository, writer, 0, WriteOptions::new(COMPRESSION_DEFAULT)).unwrap();
    let mut directory = DirectoryWriter::new();
    for entry in entries {
        directory.push(&mut blobs, entry).unwrap();
    }
    let root = directory.finish(&mut blobs).unwrap();
    blobs.flush().unwrap();
    root
}

/// Reads all entries and counts them.
fn read_directory(repository: &Repository, root: BlobId) -> u64 {
    let (mut reader, mut cursor) = (BlobReader::new(repository), DirectoryCursor::new(root));
    let mut count = 0;
    while cursor.next(&mut reader).unwrap().is_some() {
        count += 1;
    }
    count
}

pub fn write(criterion: &mut Criterion) {
    let entries: Vec<_> = (0..ENTRIES).map(entry).collect();
    let mut group = criterion.benchmark_group("tree");
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("write", |bencher| {
        // A repository of its own each time, as it would find all nodes in one it wrote before.
        bencher.iter_batched(
            repository,
            |repository| {
                write_directory(&repository, &entries);
                repository
            },
            BatchSize::PerIteration,
        );
    });
}

pub fn read(criterion: &mut Criterion) {
    let entries: Vec<_> = (0..ENTRIES).map(entry).collect();
    let repository = repository();
    let root = write_directory(&repository, &entries);
    let mut group = criterion.benchmark_group("tree");
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("read", |bencher| {
        bencher.iter(|| assert_eq!(read_directory(&repository, root), ENTRIES));
    });
}
