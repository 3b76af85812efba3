//! Whether compression is worth trying.

/// Bytes of one sampled stretch.
const STRETCH_BYTES: usize = 4096;
/// Number of stretches: at the start, in the middle, at the end.
const STRETCHES: usize = 3;
/// Order-0 entropy of 7.5 bits per byte: random bytes and finished media are above it, machine code
/// and text far below. Two bytes taken at random are then equal once in 2^7.5 times.
const PAIRS_PER_MATCH_MAX: u64 = 181;

/// True if a sample of `bytes` suggests that zstd can make them smaller: text, tables, programs,
/// zeros. False for random, encrypted or compressed data. Costs a few microseconds; a wrong answer
/// only costs time or space.
pub fn looks_compressible(bytes: &[u8]) -> bool {
    if bytes.len() <= STRETCH_BYTES * STRETCHES {
        return bytes.chunks(STRETCH_BYTES).any(has_low_entropy);
    }
    let step = (bytes.len() - STRETCH_BYTES) / (STRETCHES - 1);
    (0..STRETCHES).any(|number| has_low_entropy(&bytes[number * step..][..STRETCH_BYTES]))
}

/// Collision entropy needs no logarithm: the share of pairs of equal bytes, without pairs of a byte
/// with itself, so that short stretches are not taken for regular ones.
fn has_low_entropy(stretch: &[u8]) -> bool {
    // Four tables: with one, runs of one byte would wait for their own previous addition.
    let mut counts = [[0u16; 256]; 4];
    let mut quads = stretch.chunks_exact(4);
    for quad in &mut quads {
        for (table, byte) in counts.iter_mut().zip(quad) {
            table[usize::from(*byte)] += 1;
        }
    }
    for byte in quads.remainder() {
        counts[0][usize::from(*byte)] += 1;
    }
    let [first, second, third, fourth] = &counts;
    let matches: u64 = (0..256)
        .map(|value| {
            let count = u64::from(first[value] + second[value] + third[value] + fourth[value]);
            count * count.saturating_sub(1)
        })
        .sum();
    let length = stretch.len() as u64;
    matches * PAIRS_PER_MATCH_MAX > length * length.saturating_sub(1)
}
