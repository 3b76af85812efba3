//! The index of a million blobs, with its cache on a disk.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput};
use holdfast_backend::MemoryBackend;
use holdfast_benches::{BLOBS_PER_PACK, blob_id, packs};
use holdfast_format::ObjectId;
use holdfast_format::index::PackEntry;
use holdfast_repo::index::{Index, IndexOptions};
use holdfast_seal::Keys;
use tempfile::TempDir;

use crate::keys;

const CACHE_BYTES_MAX: usize = 16 << 20;
const PACKS_PER_INDEX_OBJECT: u64 = 125;
const INDEX_OBJECTS: u64 = 5;
const BLOBS: u64 = INDEX_OBJECTS * PACKS_PER_INDEX_OBJECT * BLOBS_PER_PACK;
/// Look-ups that are measured together.
const LOOK_UPS: u64 = 10_000;

/// What all index objects list.
fn index_objects() -> Vec<Vec<PackEntry>> {
    let packs = |number| packs(number * PACKS_PER_INDEX_OBJECT, PACKS_PER_INDEX_OBJECT);
    (0..INDEX_OBJECTS).map(packs).collect()
}

fn empty(keys: &Arc<Keys>) -> (TempDir, Index) {
    let folder = TempDir::new().unwrap();
    let options = IndexOptions {
        folder: Some(folder.path().join("cache")),
        bytes_max: CACHE_BYTES_MAX,
        ..IndexOptions::default()
    };
    let index = Index::open(Arc::new(MemoryBackend::new()), Arc::clone(keys), &options).unwrap();
    (folder, index)
}

fn fill(index: &Index, keys: &Keys, objects: &[Vec<PackEntry>]) {
    for (number, packs) in (0u64..).zip(objects) {
        index.add(keys, &ObjectId::of(&number.to_be_bytes()), packs).unwrap();
    }
}

pub fn insert(criterion: &mut Criterion) {
    let (keys, objects) = (Arc::new(keys()), index_objects());
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(BLOBS));
    group.bench_function("insert", |bencher| {
        bencher.iter_batched(
            || empty(&keys),
            |(folder, index)| {
                fill(&index, &keys, &objects);
                (folder, index)
            },
            BatchSize::PerIteration,
        );
    });
}

pub fn look_up(criterion: &mut Criterion) {
    let keys = Arc::new(keys());
    let (_folder, index) = empty(&keys);
    fill(&index, &keys, &index_objects());
    let reader = index.reader();
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(LOOK_UPS));
    for (name, first) in [("hits", 0), ("misses", BLOBS)] {
        let ids: Vec<_> = (0..LOOK_UPS).map(|n| blob_id(first + n * 7919 % BLOBS)).collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| ids.iter().filter(|id| reader.contains(id).unwrap()).count());
        });
    }
    let ids: Vec<_> = (0..LOOK_UPS).map(|n| blob_id(n * 7919 % BLOBS)).collect();
    group.bench_function("locate", |bencher| {
        bencher.iter(|| ids.iter().filter(|id| reader.locate(id).unwrap().is_some()).count());
    });
}
