//! A growing set of small numbers.

/// A set of numbers, one bit for each up to the largest.
#[derive(Debug, Default)]
pub(super) struct Bitmap(Vec<u64>);

impl Bitmap {
    /// Adds a number; true if it is new.
    pub fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }

    pub fn contains(&self, number: u64) -> bool {
        self.0.get((number / 64) as usize).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_added() {
        let mut bitmap = Bitmap::default();
        for number in [0, 63, 64, 1_000_000] {
            assert!(!bitmap.contains(number));
            assert!(bitmap.insert(number));
            assert!(!bitmap.insert(number));
            assert!(bitmap.contains(number));
        }
        assert!(!bitmap.contains(65) && !bitmap.contains(u64::MAX));
    }
}
