//! The result of a mark: a bitmap over all locations of blobs, and what is needed of each frame.

use holdfast_repo::index::BlobLocation;

use crate::bitmap::Bitmap;

/// The locations of blobs that snapshots need.
#[derive(Debug, Default)]
pub struct LiveSet {
    locations: Bitmap,
    frames: Vec<FrameLive>,
    nodes: u64,
    blobs: u64,
    bytes: u64,
}

/// What snapshots need of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameLive {
    /// Number of its needed blobs.
    pub blobs: u32,
    /// Their plaintext bytes.
    pub bytes: u32,
}

impl LiveSet {
    /// An empty set over the locations numbered so far.
    pub(super) fn new(numbered_blobs: u64) -> Self {
        Self { locations: Bitmap::with_bits(numbered_blobs), ..Self::default() }
    }

    /// True if the blob at this location, by its [`BlobLocation::number`], is needed. It may be at
    /// other locations too.
    pub fn is_live(&self, number: u64) -> bool {
        self.locations.contains(number)
    }

    /// What is needed of a frame, by its number.
    pub fn frame(&self, number: u32) -> FrameLive {
        self.frames.get(number as usize).copied().unwrap_or_default()
    }

    /// Tree nodes reached.
    pub fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Blobs reached, including nodes; a blob in several places counts once.
    pub fn blobs(&self) -> u64 {
        self.blobs
    }

    /// Plaintext bytes of those blobs.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Marks all locations of one blob; false if one of them was marked before.
    pub(super) fn insert(&mut self, places: &[BlobLocation], is_node: bool) -> bool {
        let Some(first) = places.first() else { return false };
        let is_new = !places.iter().any(|place| self.is_live(place.number));
        for place in places {
            if self.locations.insert(place.number) {
                self.count_in_frame(place);
            }
        }
        if is_new {
            self.blobs += 1;
            self.nodes += u64::from(is_node);
            self.bytes += u64::from(first.bytes);
        }
        is_new
    }

    fn count_in_frame(&mut self, place: &BlobLocation) {
        let frame = place.frame.number as usize;
        if frame >= self.frames.len() {
            self.frames.resize(frame + 1, FrameLive::default());
        }
        self.frames[frame].blobs += 1;
        self.frames[frame].bytes = self.frames[frame].bytes.saturating_add(place.bytes);
    }
}
