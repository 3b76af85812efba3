//! A bitmap that grows.

/// Grows as needed; bits that were never set are 0.
#[derive(Debug, Default)]
pub(crate) struct Bitmap(Vec<u64>);

impl Bitmap {
    /// Room for this many bits.
    pub fn with_bits(bits: u64) -> Self {
        Self(vec![0; bits.div_ceil(64) as usize])
    }

    /// True if the bit is set.
    pub fn contains(&self, bit: u64) -> bool {
        self.0.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Sets a bit; true if it was not set before.
    pub fn insert(&mut self, bit: u64) -> bool {
        let (word, mask) = ((bit / 64) as usize, 1 << (bit % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] & mask == 0;
        self.0[word] |= mask;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_bits_and_grows() {
        let mut bitmap = Bitmap::with_bits(10);
        for bit in [0, 9, 63, 64, 1000] {
            assert!(!bitmap.contains(bit) && bitmap.insert(bit));
            assert!(bitmap.contains(bit) && !bitmap.insert(bit));
        }
        assert!(!bitmap.contains(8) && !bitmap.contains(1_000_000));
    }
}
