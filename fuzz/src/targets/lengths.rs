//! Where streams are cut, and how lengths are padded.

use std::sync::OnceLock;

use holdfast_chunk::{ChunkSizes, Cutter, StreamCutter};
use holdfast_format::padding::{self, STEP_BYTES_MAX, padme_capped};

use super::input::Input;
use super::keys::keys;

/// Sizes, the size of the pieces in which the stream comes, how often it is repeated; then it.
pub fn cutter(data: &[u8]) {
    let mut input = Input(data);
    let sizes = sizes(&mut input);
    if !sizes.is_valid() {
        return;
    }
    let (piece, times) = (usize::from(input.u16()).max(1), usize::from(input.byte() % 64) + 1);
    let stream = input.0.repeat(times);
    let cutter = Cutter::new(gear(), sizes);
    let chunks = whole(&cutter, &stream);
    assert_eq!(chunks.concat(), stream);
    let (last, others) = chunks.split_last().map_or((0, &[][..]), |(l, o)| (l.len(), o));
    assert!(last <= sizes.bytes_max as usize);
    let bounds = sizes.bytes_min as usize..=sizes.bytes_max as usize;
    assert!(others.iter().all(|chunk| bounds.contains(&chunk.len())));
    assert_eq!(in_pieces(&cutter, &stream, piece), chunks);
}

/// Mostly valid sizes, with averages from 256 B to 4 KiB; at times any.
fn sizes(input: &mut Input<'_>) -> ChunkSizes {
    let kind = input.byte();
    if kind >= 250 {
        let [bytes_min, bytes_average, bytes_max] = [input.u32(), input.u32(), input.u32()];
        // The buffer of a stream is four times the maximum: no test of it needs more.
        return ChunkSizes { bytes_min, bytes_average, bytes_max: bytes_max % (1 << 18) };
    }
    let bytes_average = 256 << (kind % 5);
    let bytes_min = 64 + u32::from(input.u16()) % (bytes_average - 63);
    let smallest_max = bytes_average.max(1024);
    let bytes_max = smallest_max + u32::from(input.u16()) % (3 * smallest_max);
    ChunkSizes { bytes_min: bytes_min & !1, bytes_average, bytes_max: bytes_max & !1 }
}

fn gear() -> &'static [u64; 256] {
    static GEAR: OnceLock<[u64; 256]> = OnceLock::new();
    GEAR.get_or_init(|| keys().gear())
}

fn whole<'a>(cutter: &Cutter, mut rest: &'a [u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(cutter.cut(rest));
        assert!(!chunk.is_empty());
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}

fn in_pieces(cutter: &Cutter, stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let (mut cuts, mut chunks) = (StreamCutter::new(cutter), Vec::new());
    for bytes in stream.chunks(piece) {
        cuts.push(bytes);
        chunks.extend(std::iter::from_fn(|| cuts.next_chunk()));
    }
    cuts.finish();
    chunks.extend(std::iter::from_fn(|| cuts.next_chunk()));
    chunks
}

/// Two lengths: padding costs little, is final, and keeps their order.
pub fn padme(data: &[u8]) {
    let mut input = Input(data);
    // Longer than anything that exists, and short of where a sum would overflow.
    let [one, other] = [input.u64() >> 1, input.u64() >> 1];
    for length in [one, other] {
        let (free, capped) = (padding::padme(length), padme_capped(length));
        assert!((length..=length + length / 8 + 1).contains(&free));
        assert!((length..length + STEP_BYTES_MAX).contains(&capped) && capped <= free);
        assert_eq!([padding::padme(free), padme_capped(capped)], [free, capped]);
    }
    let (short, long) = (one.min(other), one.max(other));
    assert!(padding::padme(short) <= padding::padme(long));
    assert!(padme_capped(short) <= padme_capped(long));
}
