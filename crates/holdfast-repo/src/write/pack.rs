//! Packs being filled.

use holdfast_format::directory::{self, FrameEntry};
use holdfast_format::limits::SESSIONS_MAX;
use holdfast_format::pack::PackHeader;
use holdfast_format::{SessionId, WriterId};
use holdfast_seal::{Keys, SealError, SealedFrame, Session, new_pack_salt, seal_directory};

/// Bytes reserved for the directory when the size of a pack is planned: per blob its id and length.
const DIRECTORY_BYTES_PER_BLOB: usize = 36;

/// A pack of many tiny blobs is closed at this number: its directory is held in memory several
/// times.
const BLOBS_MAX: usize = 1 << 15;

/// Sealed frames that will be one pack.
#[derive(Debug)]
pub(super) struct OpenPack {
    header: PackHeader,
    entries: Vec<FrameEntry>,
    frames: Vec<Vec<u8>>,
    bytes: usize,
    blobs: usize,
}

/// A pack ready to be stored: its bytes in parts, and its entry for an index object.
pub(super) struct FinishedPack {
    pub parts: Vec<Vec<u8>>,
    pub header: PackHeader,
    pub frames: Vec<FrameEntry>,
    pub bytes: u64,
}

impl OpenPack {
    pub fn new(writer: WriterId, start_slot: u64, session: &Session) -> Result<Self, SealError> {
        let sessions = vec![session.id()];
        let header = PackHeader { salt: new_pack_salt()?, writer, start_slot, sessions };
        Ok(Self { header, entries: Vec::new(), frames: Vec::new(), bytes: 0, blobs: 0 })
    }

    /// An empty pack of the same session.
    pub fn next(&self, session: &Session) -> Result<Self, SealError> {
        Self::new(self.header.writer, self.header.start_slot, session)
    }

    /// Changes the first slot to which its session can commit; for later packs too.
    pub fn start_from(&mut self, start_slot: u64) {
        self.header.start_slot = start_slot;
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// True if the pack must be closed before a frame of this size is added.
    pub fn is_full_with(&self, bytes: usize, pack_bytes_max: usize) -> bool {
        let planned = self.bytes + self.blobs * DIRECTORY_BYTES_PER_BLOB + bytes;
        !self.is_empty()
            && (planned > pack_bytes_max
                || self.blobs >= BLOBS_MAX
                || self.header.sessions.len() + 1 >= SESSIONS_MAX)
    }

    /// Adds a frame of the pack's own session.
    pub fn push(&mut self, frame: SealedFrame) {
        self.push_numbered(frame, 0);
    }

    /// Adds a frame of any session.
    pub fn push_from(&mut self, frame: SealedFrame, session: SessionId) {
        let known = self.header.sessions.iter().position(|id| *id == session);
        let number = known.unwrap_or_else(|| {
            self.header.sessions.push(session);
            self.header.sessions.len() - 1
        });
        self.push_numbered(frame, number as u16);
    }

    fn push_numbered(&mut self, frame: SealedFrame, session: u16) {
        self.bytes += frame.bytes.len();
        self.blobs += frame.blobs.len();
        self.entries.push(FrameEntry {
            blob_type: frame.blob_type,
            algorithm: frame.algorithm,
            session,
            sealed_bytes: frame.bytes.len() as u32,
            blobs: frame.blobs,
        });
        self.frames.push(frame.bytes);
    }

    /// Adds header, directory and trailer.
    pub fn finish(self, keys: &Keys) -> Result<FinishedPack, SealError> {
        let header = self.header.encode();
        let so_far = (header.len() + self.bytes) as u64;
        let entries = directory::encode(&self.entries);
        let tail = seal_directory(keys, &header, so_far, &entries)?;
        let bytes = so_far + tail.len() as u64;
        let mut parts = Vec::with_capacity(self.frames.len() + 2);
        parts.push(header);
        parts.extend(self.frames);
        parts.push(tail);
        Ok(FinishedPack { parts, header: self.header, frames: self.entries, bytes })
    }
}
