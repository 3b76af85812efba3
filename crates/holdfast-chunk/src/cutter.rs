//! One cut: how long the next chunk of a buffer is.

use std::fmt;

use fastcdc::v2020::{Normalization, cut_gear, select_masks};

use crate::ChunkSizes;

/// Finds chunk boundaries with one gear table and one set of sizes.
#[derive(Clone)]
pub struct Cutter {
    gear: Box<[u64; 256]>,
    gear_shifted: Box<[u64; 256]>,
    sizes: ChunkSizes,
    mask_strict: u64,
    mask_loose: u64,
}

impl fmt::Debug for Cutter {
    /// Omits the table: it is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cutter").field("sizes", &self.sizes).finish_non_exhaustive()
    }
}

impl Cutter {
    /// A cutter for a repository's table and one profile's sizes, which must be
    /// [valid](ChunkSizes::is_valid), as those of a decoded config are.
    ///
    /// The algorithm reads bytes in pairs: an odd minimum is rounded up, an odd maximum down.
    pub fn new(gear: &[u64; 256], sizes: ChunkSizes) -> Self {
        let sizes = ChunkSizes {
            bytes_min: sizes.bytes_min.next_multiple_of(2),
            bytes_average: sizes.bytes_average,
            bytes_max: sizes.bytes_max & !1,
        };
        let average = sizes.bytes_average as usize;
        let (mask_strict, mask_loose) = select_masks(average, Normalization::Level1);
        let gear_shifted = Box::new(gear.map(|value| value << 1));
        Self { gear: Box::new(*gear), gear_shifted, sizes, mask_strict, mask_loose }
    }

    /// The sizes in use.
    pub fn sizes(&self) -> ChunkSizes {
        self.sizes
    }

    /// Length in bytes of the first chunk of `buffer`, which is the rest of a stream or at least
    /// `bytes_max` long. Zero only for an empty buffer.
    pub fn cut(&self, buffer: &[u8]) -> usize {
        let (_, length) = cut_gear(
            buffer,
            self.sizes.bytes_min as usize,
            self.sizes.bytes_average as usize,
            self.sizes.bytes_max as usize,
            self.mask_strict,
            self.mask_loose,
            self.mask_strict << 1,
            self.mask_loose << 1,
            self.gear.as_slice(),
            self.gear_shifted.as_slice(),
        );
        length
    }
}
