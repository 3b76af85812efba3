//! Verifying one pack: its hash, its directory, every frame and every blob, in one pass while the
//! bytes are in cache.

use holdfast_format::directory::{self, FrameEntry};
use holdfast_format::index::PackEntry;
use holdfast_format::pack::{PackHeader, TRAILER_BYTES, decode_trailer};
use holdfast_format::{BlobId, ObjectId};
use holdfast_seal::{FrameOpener, Keys, SealError, open_directory};

/// A frame that is not fully readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokenFrame {
    /// Where it starts in the pack.
    pub offset: u64,
    /// Blobs that are lost.
    pub blobs: Vec<BlobId>,
    /// Why.
    pub reason: String,
}

/// The result of examining a pack.
#[derive(Debug)]
pub(crate) struct PackVerdict {
    /// True if its bytes hash to its name.
    pub is_named_right: bool,
    /// Its own directory, or why that cannot be read.
    pub entry: Result<PackEntry, String>,
    /// Its broken frames, as far as the directory shows them.
    pub broken: Vec<BrokenFrame>,
}

/// Verifies packs; keeps its buffers between them. One per thread.
#[derive(Debug, Default)]
pub(crate) struct PackVerifier {
    opener: FrameOpener,
    buffer: Vec<u8>,
}

impl PackVerifier {
    /// Checks everything about the pack `id`.
    pub fn verify(&mut self, keys: &Keys, id: &ObjectId, object: &[u8]) -> PackVerdict {
        let mut hasher = blake3::Hasher::new();
        let mut broken = Vec::new();
        let entry = read_entry(keys, id, object);
        let mut hashed = 0;
        if let Ok(entry) = &entry {
            let mut offset = entry.header.encode().len();
            for frame in &entry.frames {
                let end = offset + frame.sealed_bytes as usize;
                // Hashed frame by frame, so that the data is still in the processor's cache when it
                // is decrypted.
                hasher.update(&object[hashed..end]);
                hashed = end;
                broken.extend(self.frame(keys, &entry.header, frame, object, offset));
                offset = end;
            }
        }
        hasher.update(&object[hashed..]);
        let is_named_right = hasher.finalize() == *id.as_bytes();
        PackVerdict { is_named_right, entry, broken }
    }

    /// The frames of `entry` that cannot be read from `object`, which may be anything.
    pub fn broken_frames(
        &mut self,
        keys: &Keys,
        entry: &PackEntry,
        object: &[u8],
    ) -> Vec<BrokenFrame> {
        let mut offset = entry.header.encode().len();
        let mut broken = Vec::new();
        for frame in &entry.frames {
            broken.extend(self.frame(keys, &entry.header, frame, object, offset));
            offset = offset.saturating_add(frame.sealed_bytes as usize);
        }
        broken
    }

    /// `None` if the frame and all its blobs are intact.
    fn frame(
        &mut self,
        keys: &Keys,
        header: &PackHeader,
        frame: &FrameEntry,
        object: &[u8],
        offset: usize,
    ) -> Option<BrokenFrame> {
        let outcome = match object.get(offset..offset.saturating_add(frame.sealed_bytes as usize)) {
            Some(sealed) => self.open(keys, header, frame, sealed),
            None => Err("the pack is cut short".to_owned()),
        };
        let offset = offset as u64;
        match outcome {
            Ok(lost) if lost.is_empty() => None,
            Ok(blobs) => {
                Some(BrokenFrame { offset, blobs, reason: SealError::WrongId.to_string() })
            }
            Err(reason) => {
                let blobs = frame.blobs.iter().map(|blob| blob.id).collect();
                Some(BrokenFrame { offset, blobs, reason })
            }
        }
    }

    /// Blobs of a frame that do not match their ids, or why the whole frame does not open.
    fn open(
        &mut self,
        keys: &Keys,
        header: &PackHeader,
        frame: &FrameEntry,
        sealed: &[u8],
    ) -> Result<Vec<BlobId>, String> {
        let session =
            header.sessions.get(usize::from(frame.session)).ok_or("its session is not listed")?;
        let context = keys.frame_context(frame, *session);
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend_from_slice(sealed);
        let plain = self.opener.open(keys, &context, buffer).map_err(|error| error.to_string())?;
        let mut rest = plain.as_slice();
        let mut lost = Vec::new();
        for blob in &frame.blobs {
            let (bytes, after) =
                rest.split_at_checked(blob.bytes as usize).ok_or("a blob extends past its end")?;
            if keys.check_blob(frame.blob_type, &blob.id, bytes).is_err() {
                lost.push(blob.id);
            }
            rest = after;
        }
        self.buffer = plain;
        Ok(lost)
    }
}

/// The contents of a pack's directory. Its frames fill the pack exactly from the header to the
/// directory.
pub(crate) fn read_entry(keys: &Keys, id: &ObjectId, object: &[u8]) -> Result<PackEntry, String> {
    let (header, header_bytes) = PackHeader::decode(object).map_err(|error| error.to_string())?;
    let (before, trailer) =
        object.split_last_chunk::<TRAILER_BYTES>().ok_or("the pack is cut short")?;
    let directory_bytes = decode_trailer(trailer).map_err(|error| error.to_string())?;
    let at = before
        .len()
        .checked_sub(directory_bytes as usize)
        .filter(|at| *at >= header_bytes)
        .ok_or("the pack is cut short")?;
    let plain = open_directory(keys, &object[..header_bytes], &before[at..])
        .map_err(|error| error.to_string())?;
    let frames =
        directory::decode(&plain, header.sessions.len()).map_err(|error| error.to_string())?;
    let frames_bytes: u64 = frames.iter().map(|frame| u64::from(frame.sealed_bytes)).sum();
    if header_bytes as u64 + frames_bytes != at as u64 {
        return Err("its frames do not fill it".to_owned());
    }
    Ok(PackEntry { id: *id, bytes: object.len() as u64, header, frames })
}
