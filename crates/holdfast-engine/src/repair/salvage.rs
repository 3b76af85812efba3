//! Extracting what can still be read from a damaged pack.

use std::collections::BTreeMap;

use holdfast_format::directory::FrameEntry;
use holdfast_format::index::PackEntry;
use holdfast_format::{BlobId, FrameId, ObjectId, SessionId, WriterId, name};
use holdfast_repo::Repository;
use holdfast_repo::write::{BlobWriter, WriteOptions};
use holdfast_seal::SealedFrame;

use crate::EngineError;
use crate::check::PackVerifier;

/// Frames that open, by id, with the session of each.
#[derive(Default)]
struct Intact {
    frames: BTreeMap<FrameId, (SealedFrame, SessionId)>,
    tag: Option<(WriterId, u64)>,
    blobs: u64,
    lost: Vec<BlobId>,
}

/// Result of examining a suspicious pack.
pub(super) enum Salvaged {
    /// There is nothing wrong with the pack itself.
    Whole,
    /// The pack is damaged. Its readable parts are in new packs.
    Moved {
        /// Index objects that list those.
        index: Vec<ObjectId>,
        /// How many blobs they hold.
        blobs: u64,
        /// Blobs that cannot be read from the damaged pack.
        lost: Vec<BlobId>,
    },
}

/// Examines a pack; `said` is what the index says about it. If it is damaged, every frame that
/// opens is moved into new packs, whether the index or the pack's own directory lists it.
pub(super) fn salvage(
    repository: &Repository,
    id: &ObjectId,
    object: &[u8],
    said: Option<&PackEntry>,
    options: WriteOptions,
) -> Result<Salvaged, EngineError> {
    let mut verifier = PackVerifier::default();
    let verdict = verifier.verify(repository.keys(), id, object);
    let is_whole = verdict.is_named_right && verdict.broken.is_empty();
    let own = match verdict.entry {
        Ok(_) if is_whole => return Ok(Salvaged::Whole),
        Ok(entry) => Some(entry),
        Err(_) => None,
    };
    let mut intact = Intact::default();
    for entry in own.iter().chain(said) {
        intact.take(repository, &mut verifier, entry, object);
    }
    let index = intact.write(repository, options)?;
    Ok(Salvaged::Moved { index, blobs: intact.blobs, lost: intact.lost })
}

/// The bytes of a pack that the medium does not return in full, with zeros for the unreadable
/// frames.
pub(super) fn read_in_parts(
    repository: &Repository,
    id: &ObjectId,
    said: Option<&PackEntry>,
) -> Result<Vec<u8>, EngineError> {
    let Some(said) = said else { return Ok(Vec::new()) };
    let mut object = said.header.encode();
    for frame in &said.frames {
        let (offset, bytes) = (object.len() as u64, frame.sealed_bytes as usize);
        match repository.fetch_range(&name::pack(id), offset, bytes)? {
            Ok(sealed) => object.extend_from_slice(&sealed),
            Err(_) => object.resize(object.len() + bytes, 0),
        }
    }
    Ok(object)
}

impl Intact {
    /// Collects the frames of `entry` that open.
    fn take(
        &mut self,
        repository: &Repository,
        verifier: &mut PackVerifier,
        entry: &PackEntry,
        object: &[u8],
    ) {
        let keys = repository.keys();
        let broken = verifier.broken_frames(keys, entry, object);
        self.tag.get_or_insert((entry.header.writer, entry.header.start_slot));
        let mut offset = entry.header.encode().len();
        for frame in &entry.frames {
            let end = offset.saturating_add(frame.sealed_bytes as usize);
            let session = entry.header.sessions.get(usize::from(frame.session));
            let is_broken = broken.iter().any(|broken| broken.offset == offset as u64);
            match (object.get(offset..end), session) {
                (Some(bytes), Some(session)) if !is_broken => {
                    let sealed =
                        sealed_frame(keys.frame_id(frame.blob_type, &frame.blobs), frame, bytes);
                    self.frames.insert(sealed.frame, (sealed, *session));
                }
                _ => self.lost.extend(frame.blobs.iter().map(|blob| blob.id)),
            }
            offset = end;
        }
    }

    /// Writes the frames into new packs that carry the tag of the old one, so that a prune judges
    /// them as it would have.
    fn write(
        &mut self,
        repository: &Repository,
        options: WriteOptions,
    ) -> Result<Vec<ObjectId>, EngineError> {
        let Some((writer, start_slot)) = self.tag.filter(|_| !self.frames.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut blobs = BlobWriter::new(repository, writer, start_slot, options)?;
        for (frame, session) in std::mem::take(&mut self.frames).into_values() {
            self.blobs += frame.blobs.len() as u64;
            blobs.move_frame(frame, session)?;
        }
        Ok(blobs.flush()?.to_vec())
    }
}

fn sealed_frame(id: FrameId, entry: &FrameEntry, bytes: &[u8]) -> SealedFrame {
    SealedFrame {
        bytes: bytes.to_vec(),
        blob_type: entry.blob_type,
        algorithm: entry.algorithm,
        frame: id,
        blobs: entry.blobs.clone(),
        raw_bytes: entry.raw_bytes(),
    }
}
