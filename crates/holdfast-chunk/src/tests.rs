//! Properties of the cuts.

use proptest::prelude::*;

use crate::{ChunkSizes, Cutter, StreamCutter};

const SMALL: ChunkSizes = ChunkSizes { bytes_min: 64, bytes_average: 256, bytes_max: 1024 };

/// A table that anyone can compute: the extendable output of blake3 over `seed`, as in
/// `docs/format.md` but without a key.
fn table(seed: &str) -> [u64; 256] {
    let mut output = blake3::Hasher::new().update(seed.as_bytes()).finalize_xof();
    [0; 256].map(|_: u64| {
        let mut bytes = [0; 8];
        output.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    })
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn whole(cutter: &Cutter, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let (chunk, rest) = bytes.split_at(cutter.cut(bytes));
        chunks.push(chunk.to_vec());
        bytes = rest;
    }
    chunks
}

fn lengths(chunks: &[Vec<u8>]) -> Vec<usize> {
    chunks.iter().map(Vec::len).collect()
}

/// Valid sizes, including equal ones.
fn sizes() -> impl Strategy<Value = ChunkSizes> {
    (8u32..=12).prop_flat_map(|exponent| {
        let average = 1 << exponent;
        (64..=average, average.max(1024)..=4 * average.max(1024)).prop_map(move |(min, max)| {
            ChunkSizes { bytes_min: min & !1, bytes_average: average, bytes_max: max & !1 }
        })
    })
}

proptest! {
    #[test]
    fn chunks_are_the_input_and_keep_to_the_sizes(
        sizes in sizes(), seed: u64, length in 0usize..40_000,
    ) {
        prop_assert!(sizes.is_valid());
        let (cutter, bytes) = (Cutter::new(&table("test"), sizes), noise(seed, length));
        let chunks = whole(&cutter, &bytes);
        prop_assert_eq!(chunks.concat(), bytes);
        for (number, chunk) in chunks.iter().enumerate() {
            prop_assert!(chunk.len() <= sizes.bytes_max as usize);
            prop_assert!(chunk.len() >= sizes.bytes_min as usize || number + 1 == chunks.len());
        }
    }

    /// Catches: a cut made with too few bytes, so that it depends on how a pipe delivers them.
    #[test]
    fn cuts_do_not_depend_on_how_the_stream_arrives(
        sizes in sizes(), seed: u64, length in 0usize..40_000,
        pieces in prop::collection::vec((1usize..9_000, any::<bool>()), 1..8),
    ) {
        let (cutter, bytes) = (Cutter::new(&table("test"), sizes), noise(seed, length));
        let mut stream = StreamCutter::new(&cutter);
        // Leftovers of another stream must not come through.
        stream.push(&[7; 100]);
        stream.restart();
        let (mut chunks, mut rest, mut piece) = (Vec::new(), &bytes[..], pieces.iter().cycle());
        while let (false, Some((size, direct))) = (rest.is_empty(), piece.next()) {
            let (now, later) = rest.split_at((*size).min(rest.len()));
            if *direct {
                stream.space()[..now.len()].copy_from_slice(now);
                stream.filled(now.len());
            } else {
                stream.push(now);
            }
            chunks.extend(std::iter::from_fn(|| stream.next_chunk()));
            rest = later;
        }
        stream.finish();
        chunks.extend(std::iter::from_fn(|| stream.next_chunk()));
        prop_assert_eq!(chunks, whole(&cutter, &bytes));
    }

    #[test]
    fn an_insertion_changes_few_chunks(seed: u64, at in 0usize..100_000, inserted in 1usize..50) {
        let (cutter, bytes) = (Cutter::new(&table("test"), SMALL), noise(seed, 100_000));
        let changed = [&bytes[..at], &noise(!seed, inserted), &bytes[at..]].concat();
        let (before, after) = (whole(&cutter, &bytes), whole(&cutter, &changed));
        let new = after.iter().filter(|chunk| !before.contains(chunk)).count();
        prop_assert!(new <= 25, "{} of {} chunks are new", new, after.len());
    }
}

#[test]
fn more_than_the_buffer_may_be_pushed_at_once() {
    let cutter = Cutter::new(&table("test"), SMALL);
    let bytes = noise(1, 3 << 20);
    let mut stream = StreamCutter::new(&cutter);
    stream.push(&bytes[..100]);
    stream.push(&bytes[100..]);
    stream.finish();
    let chunks: Vec<_> = std::iter::from_fn(|| stream.next_chunk()).collect();
    assert_eq!(chunks, whole(&cutter, &bytes));
    assert_eq!(stream.next_slice(), None);
}

/// Catches: a table that is not used, so that everyone's chunks have the same lengths.
#[test]
fn another_table_cuts_elsewhere() {
    let bytes = noise(1, 100_000);
    let one = whole(&Cutter::new(&table("one"), SMALL), &bytes);
    let two = whole(&Cutter::new(&table("two"), SMALL), &bytes);
    assert_ne!(lengths(&one), lengths(&two));
}

#[test]
fn equal_sizes_are_allowed() {
    let sizes = ChunkSizes { bytes_min: 1024, bytes_average: 1024, bytes_max: 1024 };
    let chunks = whole(&Cutter::new(&table("test"), sizes), &noise(1, 3000));
    assert_eq!(lengths(&chunks), [1024, 1024, 952]);
    assert_eq!(Cutter::new(&table("test"), sizes).cut(&[]), 0);
}

#[test]
fn regular_data_is_cut_at_the_maximum() {
    let chunks = whole(&Cutter::new(&table("test"), SMALL), &[0; 2500]);
    assert_eq!(lengths(&chunks), [1024, 1024, 452]);
}

/// Golden: these cuts are the format. If they change, new backups no longer deduplicate against old
/// ones.
#[test]
fn cuts_of_version_1() {
    let file = ChunkSizes { bytes_min: 2 << 10, bytes_average: 8 << 10, bytes_max: 32 << 10 };
    let chunks = whole(&Cutter::new(&table("golden"), file), &noise(0, 100_000));
    assert_eq!(lengths(&chunks), GOLDEN);
}

const GOLDEN: [usize; 12] =
    [15781, 8401, 11133, 8234, 5751, 7973, 11034, 11053, 2229, 3411, 9803, 5197];
