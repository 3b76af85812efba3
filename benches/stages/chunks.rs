//! Cutting a stream, and the ids of its chunks.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use holdfast_benches::noise;
use holdfast_chunk::Cutter;
use holdfast_format::BlobType;
use holdfast_format::config::ChunkProfiles;

use crate::keys;

const STREAM_BYTES: usize = 32 << 20;

/// Noise with the sizes of each profile.
pub fn cut(criterion: &mut Criterion) {
    let (keys, stream, profiles) = (keys(), noise(STREAM_BYTES), ChunkProfiles::default());
    let mut group = criterion.benchmark_group("cut");
    group.throughput(Throughput::Bytes(STREAM_BYTES as u64));
    for (name, sizes) in
        [("dump", profiles.dump), ("file", profiles.file), ("media", profiles.media)]
    {
        let cutter = Cutter::new(&keys.gear(), sizes);
        group.bench_function(name, |bencher| bencher.iter(|| chunks(&cutter, &stream)));
    }
}

/// How many chunks a stream gives.
fn chunks(cutter: &Cutter, mut rest: &[u8]) -> usize {
    let mut count = 0;
    while !rest.is_empty() {
        rest = &rest[cutter.cut(rest)..];
        count += 1;
    }
    count
}

/// Keyed hashes of blobs of three sizes.
pub fn blob_ids(criterion: &mut Criterion) {
    let (keys, bytes) = (keys(), noise(1 << 20));
    let mut group = criterion.benchmark_group("blob id");
    for length in [4 << 10, 64 << 10, 1 << 20] {
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
            bencher.iter(|| keys.blob_id(BlobType::Data, black_box(&bytes[..length])));
        });
    }
}
