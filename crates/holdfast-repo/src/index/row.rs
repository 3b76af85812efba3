//! Rows of the cache. Their layout is private to it: a change raises the cache's schema number.

use holdfast_format::frame::{Algorithm, FrameContext};
use holdfast_format::{BlobType, FrameId, ObjectId, SessionId};

use super::FrameLocation;
use crate::RepoError;

/// Bytes of a [`BlobRow`].
pub(super) const BLOB_BYTES: usize = 16;
/// Bytes of a [`FrameRow`].
pub(super) const FRAME_BYTES: usize = 4 * 4 + 8 + 2 + 64;
/// Bytes of a [`PackRow`].
pub(super) const PACK_BYTES: usize = 32 + 8 + 16 + 8 + 4 + 4 + 8 + 8;

/// Where a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlobRow {
    pub frame: u32,
    pub place: u32,
    pub offset: u32,
    pub bytes: u32,
}

/// Where a frame is, and what its seal is bound to.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameRow {
    pub pack: u32,
    pub offset: u32,
    pub sealed_bytes: u32,
    pub first_blob: u64,
    pub context: FrameContext,
}

/// A pack as the cache knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackRow {
    /// Number in this cache.
    pub number: u32,
    /// Hash of its bytes.
    pub id: ObjectId,
    /// Its size in bytes.
    pub bytes: u64,
    /// Chain of the writer that made it.
    pub writer: holdfast_format::WriterId,
    /// First slot to which its session could commit.
    pub start_slot: u64,
    /// Number of its first frame; the others follow consecutively.
    pub first_frame: u32,
    /// Number of frames.
    pub frames: u32,
    /// [`BlobLocation::number`](super::BlobLocation::number) of its first blob; the others follow
    /// consecutively.
    pub first_blob: u64,
    /// Number of blobs.
    pub blobs: u64,
}

/// Cuts fixed-size fields off a row.
struct RowFields<'a>(&'a [u8]);

impl RowFields<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], RepoError> {
        let (field, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or_else(|| RepoError::Cache("a row is too short".to_owned()))?;
        self.0 = rest;
        Ok(*field)
    }

    fn u32(&mut self) -> Result<u32, RepoError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, RepoError> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}

impl BlobRow {
    pub fn encode(&self) -> [u8; BLOB_BYTES] {
        let mut out = [0; BLOB_BYTES];
        for (field, value) in
            out.chunks_exact_mut(4).zip([self.frame, self.place, self.offset, self.bytes])
        {
            field.copy_from_slice(&value.to_le_bytes());
        }
        out
    }

    pub fn decode(row: &[u8]) -> Result<Self, RepoError> {
        let mut fields = RowFields(row);
        Ok(Self {
            frame: fields.u32()?,
            place: fields.u32()?,
            offset: fields.u32()?,
            bytes: fields.u32()?,
        })
    }
}

impl FrameRow {
    pub fn encode(&self) -> [u8; FRAME_BYTES] {
        let mut out = Vec::with_capacity(FRAME_BYTES);
        for value in [self.pack, self.offset, self.sealed_bytes, self.context.raw_bytes] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&self.first_blob.to_le_bytes());
        out.push(self.context.blob_type.byte());
        out.push(self.context.algorithm.byte());
        out.extend_from_slice(self.context.session.as_bytes());
        out.extend_from_slice(self.context.frame.as_bytes());
        let mut row = [0; FRAME_BYTES];
        row.copy_from_slice(&out);
        row
    }

    pub fn decode(row: &[u8]) -> Result<Self, RepoError> {
        let mut fields = RowFields(row);
        let (pack, offset, sealed_bytes, raw_bytes) =
            (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let first_blob = fields.u64()?;
        let [blob_type, algorithm] = fields.array()?;
        let blob_type = BlobType::from_byte(blob_type)
            .ok_or_else(|| RepoError::Cache("a row has an unknown blob type".to_owned()))?;
        let algorithm =
            Algorithm::from_byte(algorithm).map_err(|error| RepoError::Cache(error.to_string()))?;
        let session = SessionId::from_bytes(fields.array()?);
        let frame = FrameId::from_bytes(fields.array()?);
        let context = FrameContext { blob_type, algorithm, frame, session, raw_bytes };
        Ok(Self { pack, offset, sealed_bytes, first_blob, context })
    }

    pub fn location(&self, number: u32, pack: ObjectId) -> FrameLocation {
        FrameLocation {
            number,
            pack,
            offset: u64::from(self.offset),
            sealed_bytes: self.sealed_bytes,
            context: self.context,
        }
    }
}

impl PackRow {
    pub(super) fn encode(&self) -> [u8; PACK_BYTES] {
        let mut out = Vec::with_capacity(PACK_BYTES);
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(self.writer.as_bytes());
        out.extend_from_slice(&self.start_slot.to_le_bytes());
        out.extend_from_slice(&self.first_frame.to_le_bytes());
        out.extend_from_slice(&self.frames.to_le_bytes());
        out.extend_from_slice(&self.first_blob.to_le_bytes());
        out.extend_from_slice(&self.blobs.to_le_bytes());
        let mut row = [0; PACK_BYTES];
        row.copy_from_slice(&out);
        row
    }

    pub(super) fn decode(number: u32, row: &[u8]) -> Result<Self, RepoError> {
        let mut fields = RowFields(row);
        Ok(Self {
            number,
            id: ObjectId::from_bytes(fields.array()?),
            bytes: fields.u64()?,
            writer: holdfast_format::WriterId::from_bytes(fields.array()?),
            start_slot: fields.u64()?,
            first_frame: fields.u32()?,
            frames: fields.u32()?,
            first_blob: fields.u64()?,
            blobs: fields.u64()?,
        })
    }
}
