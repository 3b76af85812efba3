//! Opening frames (`docs/format.md`, section 5).

use std::fmt;

use holdfast_format::frame::{Algorithm, FrameContext};
use holdfast_format::limits::FRAME_RAW_BYTES_MAX;

use crate::aead::{OVERHEAD_BYTES, TAG_BYTES, open_in_place};
use crate::codec::Decoder;
use crate::nonce::NONCE_BYTES;
use crate::{Keys, SealError};

const WHAT: &str = "frame";

/// Opens frames; keeps its decompression context between them. One per thread.
pub struct FrameOpener {
    decoder: Decoder,
}

impl fmt::Debug for FrameOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameOpener").finish_non_exhaustive()
    }
}

impl Default for FrameOpener {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameOpener {
    /// An opener.
    pub fn new() -> Self {
        Self { decoder: Decoder::new() }
    }

    /// The plaintext of a frame: exactly `context.raw_bytes` bytes, the blobs one after the other.
    /// It is decrypted in place; a stored frame is returned in the same buffer. Each blob used must
    /// still be [checked](Keys::check_blob).
    ///
    /// # Errors
    /// [`SealError::Tampered`] if it is not the frame that `context` describes,
    /// [`SealError::Length`] and [`SealError::Decompress`] if its body does not yield exactly that
    /// many bytes.
    pub fn open(
        &mut self,
        keys: &Keys,
        context: &FrameContext,
        mut sealed: Vec<u8>,
    ) -> Result<Vec<u8>, SealError> {
        let raw_bytes = context.raw_bytes as usize;
        if raw_bytes > FRAME_RAW_BYTES_MAX || sealed.len() < OVERHEAD_BYTES {
            return Err(SealError::Length { what: WHAT });
        }
        decrypt(keys, context, &mut sealed)?;
        let end = sealed.len() - TAG_BYTES;
        match context.algorithm {
            Algorithm::Stored => {
                sealed.truncate(end);
                sealed.drain(..NONCE_BYTES);
                if sealed.len() == raw_bytes {
                    Ok(sealed)
                } else {
                    Err(SealError::Length { what: WHAT })
                }
            }
            Algorithm::Zstd => {
                let mut plaintext = Vec::with_capacity(raw_bytes);
                self.decoder.decode(&sealed[NONCE_BYTES..end], raw_bytes, &mut plaintext)?;
                Ok(plaintext)
            }
        }
    }
}

/// Decrypts the body in place.
fn decrypt(keys: &Keys, context: &FrameContext, sealed: &mut [u8]) -> Result<(), SealError> {
    let length = SealError::Length { what: WHAT };
    let (nonce, rest) = sealed.split_first_chunk_mut().ok_or(length.clone())?;
    let (body, tag) = rest.split_last_chunk_mut().ok_or(length)?;
    let key = keys.session_key(context.blob_type, &context.session);
    let associated_data = context.associated_data(&keys.repository_id());
    open_in_place(&key, nonce, &associated_data, body.into(), tag, WHAT)
}
