//! The directory of a pack: its frames and their blobs (`docs/format.md`, section 6).

use crate::frame::{Algorithm, BlobEntry, FRAME_OVERHEAD_BYTES};
use crate::limits::{self, BASES_MAX, FRAME_RAW_BYTES_MAX};
use crate::wire::{WireReader, put_varint};
use crate::{BlobId, BlobType, FormatError};

const WHAT: &str = "pack directory";

/// One frame as a directory lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameEntry {
    /// Type of all its blobs.
    pub blob_type: BlobType,
    /// How the body holds the plaintext.
    pub algorithm: Algorithm,
    /// Index of its session in the pack's header.
    pub session: u16,
    /// Bytes in the pack, including nonce and tag.
    pub sealed_bytes: u32,
    /// Its blobs, in the order of the plaintext.
    pub blobs: Vec<BlobEntry>,
}

impl FrameEntry {
    /// Plaintext bytes; a decoded entry never exceeds the limit of a frame.
    pub fn raw_bytes(&self) -> u32 {
        self.blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.bytes))
    }
}

/// Appends the encoded entries of `frames`, without padding.
pub fn encode(frames: &[FrameEntry]) -> Vec<u8> {
    let blobs: usize = frames.iter().map(|frame| frame.blobs.len()).sum();
    let mut out = Vec::with_capacity(blobs * 36 + frames.len() * 16 + 8);
    put_varint(&mut out, frames.len() as u64);
    for frame in frames {
        out.push(frame.blob_type.byte());
        out.push(frame.algorithm.byte());
        put_varint(&mut out, u64::from(frame.session));
        put_varint(&mut out, u64::from(frame.sealed_bytes));
        put_varint(&mut out, 0);
        put_varint(&mut out, frame.blobs.len() as u64);
        for blob in &frame.blobs {
            out.extend_from_slice(blob.id.as_bytes());
            put_varint(&mut out, u64::from(blob.bytes));
        }
    }
    out
}

/// Reads directory entries; zero padding may follow them.
///
/// # Errors
/// Any [`FormatError`] if the bytes are not a directory of a pack with `session_count` sessions.
pub fn decode(bytes: &[u8], session_count: usize) -> Result<Vec<FrameEntry>, FormatError> {
    let mut reader = WireReader::new(bytes, WHAT);
    let frames = decode_frames(&mut reader, session_count)?;
    if reader.rest().iter().any(|byte| *byte != 0) {
        return Err(reader.invalid("its padding is not zero"));
    }
    Ok(frames)
}

/// Reads directory entries in the form that index objects use: nothing may follow.
///
/// # Errors
/// As [`decode`].
pub fn decode_unpadded(bytes: &[u8], session_count: usize) -> Result<Vec<FrameEntry>, FormatError> {
    let mut reader = WireReader::new(bytes, WHAT);
    let frames = decode_frames(&mut reader, session_count)?;
    reader.finish()?;
    Ok(frames)
}

fn decode_frames(
    reader: &mut WireReader<'_>,
    session_count: usize,
) -> Result<Vec<FrameEntry>, FormatError> {
    let count = reader.count(6)?;
    (0..count).map(|_| decode_frame(reader, session_count)).collect()
}

fn decode_frame(
    reader: &mut WireReader<'_>,
    session_count: usize,
) -> Result<FrameEntry, FormatError> {
    let blob_type =
        BlobType::from_byte(reader.byte()?).ok_or(reader.invalid("a blob type is unknown"))?;
    let algorithm = Algorithm::from_byte(reader.byte()?)?;
    let session = reader.varint()?;
    if session >= session_count as u64 {
        return Err(reader.invalid("a frame names a session that the header does not have"));
    }
    let sealed_bytes = reader.limited((FRAME_RAW_BYTES_MAX * 2) as u64)? as u32;
    if (sealed_bytes as usize) < FRAME_OVERHEAD_BYTES {
        return Err(reader.invalid("a frame is shorter than its nonce and tag"));
    }
    if reader.limited(BASES_MAX as u64)? != 0 {
        return Err(FormatError::Feature { feature: "base-frames".to_owned() });
    }
    let count = reader.count(33)?;
    let mut raw_bytes = 0u64;
    let mut blobs = Vec::with_capacity(count);
    for _ in 0..count {
        let id = BlobId::from_bytes(reader.array()?);
        let bytes = reader.limited(FRAME_RAW_BYTES_MAX as u64)? as u32;
        raw_bytes += u64::from(bytes);
        blobs.push(BlobEntry { id, bytes });
    }
    limits::FRAME.check(raw_bytes)?;
    Ok(FrameEntry { blob_type, algorithm, session: session as u16, sealed_bytes, blobs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<FrameEntry> {
        let blob = |n: u8| BlobEntry { id: BlobId::from_bytes([n; 32]), bytes: u32::from(n) };
        vec![
            FrameEntry {
                blob_type: BlobType::Data,
                algorithm: Algorithm::Zstd,
                session: 0,
                sealed_bytes: 77,
                blobs: vec![blob(1), blob(200)],
            },
            FrameEntry {
                blob_type: BlobType::Tree,
                algorithm: Algorithm::Stored,
                session: 1,
                sealed_bytes: 41,
                blobs: vec![blob(1)],
            },
        ]
    }

    #[test]
    fn comes_back_with_and_without_padding() {
        let mut bytes = encode(&sample());
        assert_eq!(decode(&bytes, 2).unwrap(), sample());
        bytes.extend([0; 100]);
        assert_eq!(decode(&bytes, 2).unwrap(), sample());
    }

    #[test]
    fn refuses_missing_sessions_bad_padding_and_every_truncation() {
        let mut bytes = encode(&sample());
        assert!(decode(&bytes, 1).is_err());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], 2).is_err(), "{length}");
        }
        bytes.push(1);
        assert!(decode(&bytes, 2).is_err());
    }
}
