//! Frames being filled, and the threads' sealers.

use std::sync::{Mutex, PoisonError};

use super::WriteOptions;
use bytes::Bytes;
use holdfast_format::{BlobId, BlobType};
use holdfast_seal::{
    BlobInput, FrameCompression, FrameSealer, Keys, SealError, SealedFrame, Session,
};

/// A frame of many tiny blobs is closed at this number: each takes about 100 bytes of memory
/// besides its own, and several frames are open at once.
const BLOBS_MAX: usize = 1 << 14;

/// What a frame holds: blobs that should be compressed together, and never others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameClass {
    /// File content that compression makes smaller.
    Compressible,
    /// File content that it would not.
    Incompressible,
    /// Nodes of trees.
    Tree,
}

impl FrameClass {
    pub const ALL: [Self; 3] = [Self::Compressible, Self::Incompressible, Self::Tree];

    pub fn of(blob_type: BlobType, is_compressible: bool) -> Self {
        match blob_type {
            BlobType::Tree => Self::Tree,
            BlobType::Data if is_compressible => Self::Compressible,
            BlobType::Data => Self::Incompressible,
        }
    }

    pub fn blob_type(self) -> BlobType {
        match self {
            Self::Compressible | Self::Incompressible => BlobType::Data,
            Self::Tree => BlobType::Tree,
        }
    }

    pub fn compression(self, options: &WriteOptions) -> FrameCompression {
        match self {
            Self::Compressible | Self::Tree => options.compression,
            Self::Incompressible => FrameCompression::Stored,
        }
    }
}

/// Blobs that arrived together and will be sealed together.
#[derive(Debug, Default)]
pub(super) struct OpenFrame {
    blobs: Vec<(BlobId, Bytes)>,
    bytes: usize,
}

impl OpenFrame {
    /// True if the frame must be closed before a blob of this size is added.
    pub fn is_full_with(&self, bytes: usize, frame_bytes_max: usize) -> bool {
        !self.blobs.is_empty()
            && (self.bytes + bytes > frame_bytes_max || self.blobs.len() >= BLOBS_MAX)
    }

    pub fn push(&mut self, id: BlobId, bytes: Bytes) {
        self.bytes += bytes.len();
        self.blobs.push((id, bytes));
    }

    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Sealers with their buffers, lent to whichever thread of the pool seals next.
#[derive(Debug, Default)]
pub(super) struct Sealers(Mutex<Vec<FrameSealer>>);

impl Sealers {
    pub fn seal(
        &self,
        keys: &Keys,
        session: &Session,
        blob_type: BlobType,
        frame: &OpenFrame,
        compression: FrameCompression,
        verify: bool,
    ) -> Result<SealedFrame, SealError> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut sealer = idle.unwrap_or_default();
        let blobs: Vec<BlobInput<'_>> =
            frame.blobs.iter().map(|(id, bytes)| BlobInput { id: *id, bytes }).collect();
        let sealed = sealer.seal(keys, session, blob_type, &blobs, compression, verify);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sealer);
        sealed
    }
}
