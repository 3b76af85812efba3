//! Padded lengths, which limit how much an observer learns from sizes.

/// Largest step that lengths are rounded up to (decision 0003).
pub const STEP_BYTES_MAX: u64 = 16 << 10;

/// The step of PADME (Nikitin et al., PETS 2019) at this length: the lowest bits that are cleared.
fn padme_step(length: u64) -> u64 {
    if length < 2 {
        return 1;
    }
    let exponent = length.ilog2();
    let significant = exponent.ilog2() + 1;
    1 << exponent.saturating_sub(significant)
}

/// `length` rounded up to the next multiple of PADME's step: at most 12 % more, about 6 % at small
/// lengths.
pub fn padme(length: u64) -> u64 {
    length.next_multiple_of(padme_step(length))
}

/// Like [`padme`], with the step capped at [`STEP_BYTES_MAX`]: at most 0.1 % more at 16 MiB.
pub fn padme_capped(length: u64) -> u64 {
    length.next_multiple_of(padme_step(length).min(STEP_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_lengths() {
        assert_eq!([padme(0), padme(1), padme(9), padme(1000)], [0, 1, 10, 1024]);
        assert_eq!(padme(1 << 20), 1 << 20);
        assert_eq!(padme((1 << 20) + 1), (1 << 20) + (32 << 10));
        assert_eq!(padme_capped((16 << 20) + 1), (16 << 20) + (16 << 10));
    }

    #[test]
    fn padding_never_shrinks_and_stays_small() {
        for length in (0..100_000).chain([1 << 30, (1 << 30) + 1]) {
            assert!(padme(length) >= length && padme(length) <= length + length / 8 + 1);
            assert!(padme_capped(length) - length < STEP_BYTES_MAX);
        }
    }
}
