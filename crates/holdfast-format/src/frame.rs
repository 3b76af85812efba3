//! What authenticates a frame besides its bytes (`docs/format.md`, section 5).

use crate::{BlobId, BlobType, FormatError, FrameId, RepositoryId, SessionId};

/// Bytes that sealing adds: nonce and tag.
pub const FRAME_OVERHEAD_BYTES: usize = 24 + 16;

/// How a frame's body holds the plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// The plaintext itself.
    Stored = 0,
    /// One zstd frame.
    Zstd = 1,
}

impl Algorithm {
    /// The byte that represents it in storage.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The algorithm that a stored byte represents.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for an unknown byte.
    pub const fn from_byte(byte: u8) -> Result<Self, FormatError> {
        match byte {
            0 => Ok(Self::Stored),
            1 => Ok(Self::Zstd),
            _ => Err(FormatError::Invalid { what: "frame", why: "its algorithm is unknown" }),
        }
    }
}

/// A blob's entry in a frame's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobEntry {
    /// Keyed hash of the plaintext.
    pub id: BlobId,
    /// Plaintext bytes.
    pub bytes: u32,
}

/// What is bound to a sealed frame by its additional data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameContext {
    /// Type of all blobs in the frame.
    pub blob_type: BlobType,
    /// How the body holds the plaintext.
    pub algorithm: Algorithm,
    /// Keyed hash of the list of blobs.
    pub frame: FrameId,
    /// Selects the key.
    pub session: SessionId,
    /// Plaintext bytes of the whole frame.
    pub raw_bytes: u32,
}

impl FrameContext {
    /// The additional authenticated data.
    pub fn associated_data(&self, repository: &RepositoryId) -> Vec<u8> {
        let mut data = Vec::with_capacity(8 + 2 + 32 * 3 + 8);
        data.extend_from_slice(b"HFFRAME1");
        data.push(self.blob_type.byte());
        data.push(self.algorithm.byte());
        data.extend_from_slice(repository.as_bytes());
        data.extend_from_slice(self.frame.as_bytes());
        data.extend_from_slice(self.session.as_bytes());
        data.extend_from_slice(&u64::from(self.raw_bytes).to_le_bytes());
        data
    }
}

/// The message whose keyed hash is the frame's id.
pub fn frame_id_message(blob_type: BlobType, blobs: &[BlobEntry]) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + blobs.len() * 36);
    message.push(blob_type.byte());
    for blob in blobs {
        message.extend_from_slice(blob.id.as_bytes());
        message.extend_from_slice(&blob.bytes.to_le_bytes());
    }
    message
}
