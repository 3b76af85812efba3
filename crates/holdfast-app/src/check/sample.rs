//! Which rows of a query are checked.

use std::collections::BinaryHeap;

use super::references::Reference;
use super::settings::Rows;

/// All rows, or a sample: those with the smallest hash keyed by the ID of the run, so that every
/// run draws different ones.
pub(super) struct RowSample {
    count_max: usize,
    run: blake3::Hash,
    /// By hash, largest first.
    drawn: BinaryHeap<([u8; 32], Reference)>,
}

impl RowSample {
    pub fn new(rows: Rows, run: &str) -> Self {
        let count_max = match rows {
            Rows::Sample(count) => count as usize,
            Rows::All | Rows::Recent(_) => usize::MAX,
        };
        Self { count_max, run: blake3::hash(run.as_bytes()), drawn: BinaryHeap::new() }
    }

    pub fn take(&mut self, reference: Reference) {
        let hash = match self.count_max {
            usize::MAX => [0; 32],
            _ => *blake3::keyed_hash(self.run.as_bytes(), &reference.key).as_bytes(),
        };
        self.drawn.push((hash, reference));
        if self.drawn.len() > self.count_max {
            self.drawn.pop();
        }
    }

    pub fn taken(self) -> Vec<Reference> {
        self.drawn.into_iter().map(|(_, reference)| reference).collect()
    }
}
