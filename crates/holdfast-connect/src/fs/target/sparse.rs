//! Finding the zeros that need not be written.

/// Size of a block that can be a hole.
const BLOCK_BYTES: usize = 4096;
const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// The stretches of `bytes`, which start at `offset`, that are not zeros, with their offsets.
///
/// Stretches begin and end at block boundaries (or at the ends of `bytes`), so that what lies
/// between them can become holes.
pub(super) fn data(offset: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut start = 0;
    std::iter::from_fn(move || {
        while start < bytes.len() && is_zero(&bytes[start..block_end(offset, bytes, start)]) {
            start = block_end(offset, bytes, start);
        }
        let begin = start;
        while start < bytes.len() && !is_zero(&bytes[start..block_end(offset, bytes, start)]) {
            start = block_end(offset, bytes, start);
        }
        (begin < start).then(|| (offset + begin as u64, &bytes[begin..start]))
    })
}

fn block_end(offset: u64, bytes: &[u8], start: usize) -> usize {
    let within = (offset + start as u64) % BLOCK_BYTES as u64;
    bytes.len().min(start + BLOCK_BYTES - within as usize)
}

fn is_zero(block: &[u8]) -> bool {
    block == &ZEROS[..block.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_blocks_of_zeros_are_left_out() {
        let mut bytes = vec![0; 5 * 4096];
        bytes[2 * 4096 + 5] = 1;
        let found: Vec<_> = data(0, &bytes).map(|(at, part)| (at, part.len())).collect();
        assert_eq!(found, [(8192, 4096)]);
        let found: Vec<_> = data(4000, &bytes).map(|(at, part)| (at, part.len())).collect();
        assert_eq!(found, [(8192, 4096)]);
        assert_eq!(data(7, &[]).count(), 0);
    }

    proptest! {
        #[test]
        fn nothing_but_zeros_is_left_out(
            offset in 0u64..10_000,
            runs in prop::collection::vec((0u8..2, 1usize..9000), 0..8),
        ) {
            let bytes: Vec<u8> =
                runs.iter().flat_map(|(byte, count)| std::iter::repeat_n(*byte, *count)).collect();
            let mut rebuilt = vec![0; bytes.len()];
            for (at, part) in data(offset, &bytes) {
                let at = (at - offset) as usize;
                rebuilt[at..at + part.len()].copy_from_slice(part);
            }
            prop_assert_eq!(rebuilt, bytes);
        }
    }
}
