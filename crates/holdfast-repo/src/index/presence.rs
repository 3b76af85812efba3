//! Whether blobs are present, for a great many of them.
//!
//! An unchanged backup asks about every chunk of every file, in the order of the files, which is
//! random in the index: each lookup reads different pages of the cache. So a caller that asks about
//! a good part of all blobs has them read once, in index order, and kept in eight bytes each. Ids
//! are keyed hashes: among four million, an absent one is mistaken for another with a probability
//! of 2^-42.

use holdfast_format::BlobId;

use super::IndexReader;
use crate::RepoError;

/// Maximum number of blobs kept in memory; beyond it, each query is a lookup.
const BLOBS_MAX: u64 = 4 << 20;
/// Reading one blob in index order costs about this fraction of looking it up.
const READ_COST: u64 = 16;
/// Average number of blobs with the same prefix.
const BLOBS_PER_SLOT: usize = 8;

/// Answers whether a new snapshot may rely on blobs, as [`IndexReader::contains`] does.
#[derive(Debug)]
pub struct Presence(PresenceTable);

#[derive(Debug)]
enum PresenceTable {
    Lookups { index: IndexReader, blobs: u64, asked: u64 },
    Known(Beginnings),
}

impl Presence {
    /// Answers for this state of the index, which has numbered this many blobs.
    pub fn new(index: IndexReader, blobs: u64) -> Self {
        Self(PresenceTable::Lookups { index, blobs, asked: 0 })
    }

    /// True if the blob is in a pack that a new snapshot may rely on.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn contains(&mut self, id: &BlobId) -> Result<bool, RepoError> {
        let (index, blobs, asked) = match &mut self.0 {
            PresenceTable::Known(known) => return Ok(known.contains(beginning(id))),
            PresenceTable::Lookups { index, blobs, asked } => (index, *blobs, asked),
        };
        *asked += 1;
        let contains = index.contains(id)?;
        if blobs <= BLOBS_MAX && *asked > blobs / READ_COST {
            let known = Beginnings::new(index.visible_blobs()?);
            self.0 = PresenceTable::Known(known);
        }
        Ok(contains)
    }
}

/// The first eight bytes of ids.
#[derive(Debug)]
struct Beginnings {
    sorted: Vec<u64>,
    /// Where the prefixes with these highest bits start.
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

    /// Prefixes that look random, some of them with equal highest bits.
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
