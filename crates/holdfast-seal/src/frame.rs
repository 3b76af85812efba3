//! Sealing frames (`docs/format.md`, section 5).

use std::fmt;

use holdfast_format::frame::{Algorithm, BlobEntry, FRAME_OVERHEAD_BYTES, FrameContext};
use holdfast_format::limits::FRAME_RAW_BYTES_MAX;
use holdfast_format::{BlobId, BlobType, FrameId};

use crate::aead::{open_into, seal_in_place, split};
use crate::codec::{Decoder, Encoder};
use crate::nonce::{NONCE_BYTES, Nonce};
use crate::random::{Random, SystemRandom};
use crate::{Keys, SealError, Session};

const WHAT: &str = "frame";

/// One blob to be sealed.
#[derive(Debug, Clone, Copy)]
pub struct BlobInput<'a> {
    /// [`Keys::blob_id`] of the bytes.
    pub id: BlobId,
    /// The plaintext.
    pub bytes: &'a [u8],
}

/// How to encode a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameCompression {
    /// As it is.
    Stored,
    /// With zstd, unless that saves less than about 3 %.
    Zstd {
        /// zstd's level.
        level: i32,
    },
}

/// A frame that is ready to be put into a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFrame {
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
    /// Type of all its blobs.
    pub blob_type: BlobType,
    /// How the body holds the plaintext.
    pub algorithm: Algorithm,
    /// Keyed hash of the list of blobs.
    pub frame: FrameId,
    /// The blobs, in the order of the plaintext.
    pub blobs: Vec<BlobEntry>,
    /// Plaintext bytes.
    pub raw_bytes: u32,
}

/// Seals frames; keeps compression contexts and buffers between them. One per thread.
pub struct FrameSealer {
    encoder: Encoder,
    decoder: Decoder,
    joined: Vec<u8>,
    compressed: Vec<u8>,
    decrypted: Vec<u8>,
    decompressed: Vec<u8>,
    random: Box<dyn Random + Send>,
}

impl fmt::Debug for FrameSealer {
    /// Its buffers hold plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSealer").finish_non_exhaustive()
    }
}

impl Default for FrameSealer {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameSealer {
    /// A sealer without any buffers yet.
    pub fn new() -> Self {
        Self::with_random(Box::new(SystemRandom))
    }

    pub(crate) fn with_random(random: Box<dyn Random + Send>) -> Self {
        Self {
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            joined: Vec::new(),
            compressed: Vec::new(),
            decrypted: Vec::new(),
            decompressed: Vec::new(),
            random,
        }
    }

    /// Seals the blobs as one frame. With `verify`, the result is opened again and each blob's id
    /// recomputed: a bit that flipped since the id was computed does not reach the repository.
    ///
    /// # Errors
    /// [`SealError::Length`] if the plaintext exceeds the limit of a frame, [`SealError::Verify`]
    /// if the sealed data does not open to blobs with these ids, [`SealError::Random`].
    pub fn seal(
        &mut self,
        keys: &Keys,
        session: &Session,
        blob_type: BlobType,
        blobs: &[BlobInput<'_>],
        compression: FrameCompression,
        verify: bool,
    ) -> Result<SealedFrame, SealError> {
        let raw_bytes = total_bytes(blobs)?;
        let entries: Vec<BlobEntry> = blobs
            .iter()
            .map(|blob| BlobEntry { id: blob.id, bytes: blob.bytes.len() as u32 })
            .collect();
        let context = FrameContext {
            blob_type,
            algorithm: self.compress(blobs, compression),
            frame: keys.frame_id(blob_type, &entries),
            session: session.id(),
            raw_bytes,
        };
        let bytes = self.encrypt(keys, session, &context, blobs)?;
        if verify {
            self.verify(keys, &context, &entries, &bytes)
                .map_err(|_| SealError::Verify { what: WHAT })?;
        }
        let FrameContext { algorithm, frame, .. } = context;
        Ok(SealedFrame { bytes, blob_type, algorithm, frame, blobs: entries, raw_bytes })
    }

    /// Fills `compressed` if that pays.
    fn compress(&mut self, blobs: &[BlobInput<'_>], compression: FrameCompression) -> Algorithm {
        let FrameCompression::Zstd { level } = compression else { return Algorithm::Stored };
        let plaintext = match blobs {
            [blob] => blob.bytes,
            _ => {
                self.joined.clear();
                blobs.iter().for_each(|blob| self.joined.extend_from_slice(blob.bytes));
                &self.joined
            }
        };
        match self.encoder.encode(plaintext, level, &mut self.compressed) {
            true => Algorithm::Zstd,
            false => Algorithm::Stored,
        }
    }

    /// Nonce, ciphertext and tag. The plaintext is copied once, into the result, and encrypted
    /// there.
    fn encrypt(
        &mut self,
        keys: &Keys,
        session: &Session,
        context: &FrameContext,
        blobs: &[BlobInput<'_>],
    ) -> Result<Vec<u8>, SealError> {
        let body_bytes = match context.algorithm {
            Algorithm::Stored => context.raw_bytes as usize,
            Algorithm::Zstd => self.compressed.len(),
        };
        let mut out = Vec::with_capacity(body_bytes + FRAME_OVERHEAD_BYTES);
        out.resize(NONCE_BYTES, 0);
        match context.algorithm {
            Algorithm::Stored => blobs.iter().for_each(|blob| out.extend_from_slice(blob.bytes)),
            Algorithm::Zstd => out.extend_from_slice(&self.compressed),
        }
        let nonce = Nonce::for_frame(keys, context, &out[NONCE_BYTES..], self.random.as_mut())?;
        out[..NONCE_BYTES].copy_from_slice(nonce.as_bytes());
        let associated_data = context.associated_data(&keys.repository_id());
        let key = session.key(context.blob_type);
        let tag = seal_in_place(key, nonce, &associated_data, &mut out[NONCE_BYTES..])?;
        out.extend_from_slice(&tag);
        Ok(out)
    }

    /// Opens `sealed` as a reader would, deriving the key again, and checks every blob.
    fn verify(
        &mut self,
        keys: &Keys,
        context: &FrameContext,
        blobs: &[BlobEntry],
        sealed: &[u8],
    ) -> Result<(), SealError> {
        let parts = split(sealed, WHAT)?;
        let key = keys.session_key(context.blob_type, &context.session);
        let associated_data = context.associated_data(&keys.repository_id());
        let body = scratch(&mut self.decrypted, parts.ciphertext.len());
        open_into(&key, &parts, &associated_data, body, WHAT)?;
        let raw_bytes = context.raw_bytes as usize;
        let mut plaintext: &[u8] = match context.algorithm {
            Algorithm::Stored => body,
            Algorithm::Zstd => {
                let out = scratch(&mut self.decompressed, raw_bytes);
                self.decoder.decode(body, raw_bytes, out)?;
                out
            }
        };
        for blob in blobs {
            let (bytes, rest) = plaintext
                .split_at_checked(blob.bytes as usize)
                .ok_or(SealError::Length { what: WHAT })?;
            keys.check_blob(context.blob_type, &blob.id, bytes)?;
            plaintext = rest;
        }
        if plaintext.is_empty() { Ok(()) } else { Err(SealError::Length { what: WHAT }) }
    }
}

/// The first `length` bytes of a buffer that only grows, so that it is cleared only once.
fn scratch(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

fn total_bytes(blobs: &[BlobInput<'_>]) -> Result<u32, SealError> {
    let total: usize = blobs.iter().map(|blob| blob.bytes.len()).sum();
    if total > FRAME_RAW_BYTES_MAX {
        return Err(SealError::Length { what: WHAT });
    }
    Ok(total as u32)
}
