//! The result of a mark: a bitmap over all locations of blobs, and what is needed of each frame.

use holdfast_repo::index::Location;

/// The locations of blobs that snapshots need.
#[derive(Debug, Default)]
pub struct LiveSet {
    bits: Vec<u64>,
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
        Self { bits: vec![0; numbered_blobs.div_ceil(64) as usize], ..Self::default() }
    }

    /// True if the blob at this location, by its [`Location::number`], is needed. It may be at
    /// other locations too.
    pub fn is_live(&self, number: u64) -> bool {
        let word = self.bits.get((number / 64) as usize).copied().unwrap_or(0);
        word >> (number % 64) & 1 == 1
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
    pub(super) fn insert(&mut self, places: &[Location], is_node: bool) -> bool {
        let Some(first) = places.first() else { return false };
        let is_new = !places.iter().any(|place| self.is_live(place.number));
        for place in places {
            if !self.is_live(place.number) {
                self.insert_place(place);
            }
        }
        if is_new {
            self.blobs += 1;
            self.nodes += u64::from(is_node);
            self.bytes += u64::from(first.bytes);
        }
        is_new
    }

    fn insert_place(&mut self, place: &Location) {
        let word = (place.number / 64) as usize;
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (place.number % 64);
        let frame = place.frame.number as usize;
        if frame >= self.frames.len() {
            self.frames.resize(frame + 1, FrameLive::default());
        }
        self.frames[frame].blobs += 1;
        self.frames[frame].bytes = self.frames[frame].bytes.saturating_add(place.bytes);
    }
}
