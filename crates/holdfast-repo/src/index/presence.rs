//! Whether blobs are there, asked very many times.
//!
//! An unchanged backup asks for every chunk of every file, in the order of the files, which is no
//! order in the index: each look-up reads other pages of the cache. So whoever asks for a good part
//! of all blobs gets them read once, in their order, and kept in eight bytes each. Ids are keyed
//! hashes: among four million, one that is not there is taken for another with a probability of
//! 2^-42.

use holdfast_format::BlobId;

use super::IndexReader;
use crate::RepoError;

/// Blobs that are kept in memory at most; beyond, each question is a look-up.
const BLOBS_MAX: u64 = 4 << 20;
/// Reading one blob in its order costs about this part of looking it up.
const READ_COST: u64 = 16;
/// Blobs that share the same beginning, on the average.
const BLOBS_PER_SLOT: usize = 8;

/// Answers whether a new snapshot may rely on blobs, as [`IndexReader::contains`] does.
#[derive(Debug)]
pub struct Presence {
    index: IndexReader,
    blobs: u64,
    asked: u64,
    known: Option<Beginnings>,
}

impl Presence {
    /// Answers for this state of the index, which has numbered so many blobs.
    pub fn new(index: IndexReader, blobs: u64) -> Self {
        Self { index, blobs, asked: 0, known: None }
    }

    /// True if the blob is in a pack that a new snapshot may rely on.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn contains(&mut self, id: &BlobId) -> Result<bool, RepoError> {
        if let Some(known) = &self.known {
            return Ok(known.contains(beginning(id)));
        }
        self.asked += 1;
        if self.blobs <= BLOBS_MAX && self.asked > self.blobs / READ_COST {
            self.known = Some(Beginnings::new(self.index.visible_blobs()?));
        }
        self.index.contains(id)
    }
}

/// The first eight bytes of ids.
#[derive(Debug)]
struct Beginnings {
    sorted: Vec<u64>,
    /// Where those begin that have these highest bits.
    slots: Vec<u32>,
    shift: u32,
}

impl Beginnings {
    fn new(mut sorted: Vec<u64>) -> Self {
        sorted.sort_unstable();
        let bits = (sorted.len() / BLOBS_PER_SLOT).next_power_of_two().ilog2().max(1);
        let shift = u64::BITS - bits;
        let mut slots = vec![0; (1 << bits) + 1];
        let mut place = 0;
        for (slot, start) in slots.iter_mut().enumerate() {
            while sorted.get(place).is_some_and(|begin| ((begin >> shift) as usize) < slot) {
                place += 1;
            }
            *start = place as u32;
        }
        Self { sorted, slots, shift }
    }

    fn contains(&self, beginning: u64) -> bool {
        let slot = (beginning >> self.shift) as usize;
        let (start, end) = (self.slots[slot] as usize, self.slots[slot + 1] as usize);
        self.sorted[start..end].binary_search(&beginning).is_ok()
    }
}

pub(super) fn beginning(id: &BlobId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beginnings that look random, sometimes alike in their highest bits.
    fn beginnings(count: u64, seed: u64) -> Vec<u64> {
        let mix = |n: u64| {
            let hash = blake3::hash(&(n + (seed << 32)).to_le_bytes());
            let n = beginning(&BlobId::from_bytes(*hash.as_bytes()));
            if n.is_multiple_of(5) { n >> 40 } else { n }
        };
        (0..count).map(mix).collect()
    }

    #[test]
    fn holds_what_is_there_and_nothing_else() {
        for count in [0, 1, 2, 7, 8, 9, 1_000, 50_000] {
            let there = beginnings(count, 1);
            let known = Beginnings::new(there.clone());
            assert!(there.iter().all(|begin| known.contains(*begin)), "{count}");
            let absent = |begin: &u64| !there.contains(begin);
            for begin in beginnings(200, 2).iter().filter(|begin| absent(begin)) {
                assert!(!known.contains(*begin), "{count}");
            }
        }
    }
}
