//! Sealing and opening frames of 1 MiB.

use criterion::{BatchSize, Criterion, Throughput};
use holdfast_benches::{noise, text};
use holdfast_format::BlobType;
use holdfast_format::frame::FrameContext;
use holdfast_repo::write::COMPRESSION_DEFAULT;
use holdfast_seal::{
    BlobInput, FrameCompression, FrameOpener, FrameSealer, Keys, SealedFrame, Session,
};

use crate::keys;

const FRAME_BYTES: usize = 1 << 20;
const BLOB_BYTES: usize = 64 << 10;

/// Noise, stored, and rows of a dump, compressed.
fn kinds() -> [(&'static str, Vec<u8>, FrameCompression); 2] {
    [
        ("stored", noise(FRAME_BYTES), FrameCompression::Stored),
        ("zstd", text(FRAME_BYTES), COMPRESSION_DEFAULT),
    ]
}

fn blobs<'a>(keys: &Keys, bytes: &'a [u8]) -> Vec<BlobInput<'a>> {
    let blob = |bytes| BlobInput { id: keys.blob_id(BlobType::Data, bytes), bytes };
    bytes.chunks(BLOB_BYTES).map(blob).collect()
}

pub fn seal(criterion: &mut Criterion) {
    let (keys, mut sealer) = (keys(), FrameSealer::new());
    let session = Session::start(&keys).unwrap();
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes(FRAME_BYTES as u64));
    for (name, bytes, compression) in kinds() {
        let blobs = blobs(&keys, &bytes);
        for (suffix, verify) in [("", false), (" and verify", true)] {
            group.bench_function(format!("{name}{suffix}"), |bencher| {
                bencher.iter(|| {
                    sealer.seal(&keys, &session, BlobType::Data, &blobs, compression, verify)
                });
            });
        }
    }
}

pub fn open(criterion: &mut Criterion) {
    let (keys, mut sealer, mut opener) = (keys(), FrameSealer::new(), FrameOpener::new());
    let session = Session::start(&keys).unwrap();
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Bytes(FRAME_BYTES as u64));
    for (name, bytes, compression) in kinds() {
        let blobs = blobs(&keys, &bytes);
        let sealed =
            sealer.seal(&keys, &session, BlobType::Data, &blobs, compression, false).unwrap();
        let context = context(&sealed, &session);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || sealed.bytes.clone(),
                |bytes| opener.open(&keys, &context, bytes).unwrap(),
                BatchSize::LargeInput,
            );
        });
    }
}

fn context(sealed: &SealedFrame, session: &Session) -> FrameContext {
    FrameContext {
        blob_type: sealed.blob_type,
        algorithm: sealed.algorithm,
        frame: sealed.frame,
        session: session.id(),
        raw_bytes: sealed.raw_bytes,
    }
}
