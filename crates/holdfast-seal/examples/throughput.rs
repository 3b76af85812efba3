//! Measures sealing and opening on one core: `cargo run --release -p holdfast-seal --example
//! throughput [text file]`.
#![allow(clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use holdfast_format::BlobType;
use holdfast_format::frame::FrameContext;
use holdfast_seal::{
    BlobInput, FrameCompression, FrameOpener, FrameSealer, Keys, MasterKey, SealError, Session,
    looks_compressible,
};

const FRAME_BYTES: usize = 1 << 20;
const ROUNDS: usize = 300;

fn main() -> Result<(), SealError> {
    let keys = Keys::derive(&MasterKey::generate()?);
    let session = Session::start(&keys)?;
    let text = text();
    let mut noise = vec![0; FRAME_BYTES];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);

    measure("blob id, 1 MiB", ROUNDS, FRAME_BYTES, || keys.blob_id(BlobType::Data, &noise));
    measure("looks_compressible, 64 KiB", 20_000, 64 << 10, || looks_compressible(&noise[..65536]));
    let kinds = [
        ("stored", &noise, FrameCompression::Stored),
        ("zstd 1", &text, FrameCompression::Zstd { level: 1 }),
        ("zstd 3", &text, FrameCompression::Zstd { level: 3 }),
        ("zstd 9", &text, FrameCompression::Zstd { level: 9 }),
    ];
    for (name, bytes, compression) in kinds {
        let blobs: Vec<_> = bytes
            .chunks(64 << 10)
            .map(|bytes| BlobInput { id: keys.blob_id(BlobType::Data, bytes), bytes })
            .collect();
        let mut sealer = FrameSealer::new();
        let rounds = if compression == FrameCompression::Stored { ROUNDS * 4 } else { ROUNDS };
        for verify in [false, true] {
            let name = format!("seal {name}{}", if verify { ", verify" } else { "" });
            measure(&name, rounds, FRAME_BYTES, || {
                sealer.seal(&keys, &session, BlobType::Data, &blobs, compression, verify)
            });
        }
        let sealed = sealer.seal(&keys, &session, BlobType::Data, &blobs, compression, true)?;
        println!("  {} of {} bytes", sealed.bytes.len(), sealed.raw_bytes);
        let context = FrameContext {
            blob_type: BlobType::Data,
            algorithm: sealed.algorithm,
            frame: sealed.frame,
            session: session.id(),
            raw_bytes: sealed.raw_bytes,
        };
        let mut opener = FrameOpener::new();
        measure(&format!("open {name} (and a copy of its bytes)"), rounds, FRAME_BYTES, || {
            opener.open(&keys, &context, sealed.bytes.clone())
        });
    }
    Ok(())
}

/// A megabyte of the given file, or of made-up rows.
fn text() -> Vec<u8> {
    let mut text = std::env::args().nth(1).and_then(|path| std::fs::read(path).ok());
    let text = text.get_or_insert_with(|| {
        let row = |n: u64| {
            let noise = blake3::hash(&n.to_le_bytes());
            format!("INSERT INTO events VALUES ({n}, '{}', {});\n", &noise.to_hex()[..8], n * 37)
        };
        (0..FRAME_BYTES as u64 / 40).map(row).collect::<String>().into_bytes()
    });
    let mut text = std::mem::take(text);
    text.truncate(FRAME_BYTES);
    text
}

fn measure<T>(name: &str, rounds: usize, bytes: usize, mut work: impl FnMut() -> T) {
    black_box(work());
    let start = Instant::now();
    (0..rounds).for_each(|_| drop(black_box(work())));
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = (rounds * bytes) as f64 / 1e6;
    println!(
        "{name}: {:.0} MB/s, {:.1} us each",
        megabytes / seconds,
        seconds / rounds as f64 * 1e6
    );
}
