//! Tests of the whole crate, and what they share.

mod frames;
mod nonces;
mod objects;
mod refused;
mod refused_vectors;
mod secrets;
mod slots;
mod vectors;

use holdfast_format::frame::FrameContext;
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobType, SessionId};

use crate::random::Random;
use crate::slot::create_slot_from;
use crate::{
    BlobInput, FrameCompression, FrameSealer, Keys, MasterKey, SealError, SealedFrame, Secret,
    Session, SlotLabel,
};

/// Returns 00, 01, 02 and so on: vectors can be computed elsewhere.
pub(crate) struct CountingNonces(pub u8);

impl Random for CountingNonces {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SealError> {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

/// A broken generator that always returns the same.
pub(crate) struct Stuck;

impl Random for Stuck {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SealError> {
        bytes.fill(0x55);
        Ok(())
    }
}

/// The master key of all vectors: 00, 01, ... 1f.
pub(crate) fn master() -> MasterKey {
    MasterKey::generate_from(&mut CountingNonces(0)).unwrap()
}

pub(crate) fn keys() -> Keys {
    Keys::derive(&master())
}

/// Keys of another repository.
pub(crate) fn other_keys() -> Keys {
    Keys::derive(&MasterKey::from_bytes([0xee; 32]))
}

pub(crate) fn session(keys: &Keys) -> Session {
    Session::start_from(keys, &mut CountingNonces(0x80)).unwrap()
}

pub(crate) fn seal(
    keys: &Keys,
    session: &Session,
    blob_type: BlobType,
    plaintexts: &[&[u8]],
    compression: FrameCompression,
) -> SealedFrame {
    let blobs: Vec<_> = plaintexts
        .iter()
        .map(|bytes| BlobInput { id: keys.blob_id(blob_type, bytes), bytes })
        .collect();
    FrameSealer::with_random(Box::new(CountingNonces(0)))
        .seal(keys, session, blob_type, &blobs, compression, true)
        .unwrap()
}

pub(crate) fn context(sealed: &SealedFrame, session: SessionId) -> FrameContext {
    FrameContext {
        blob_type: sealed.blob_type,
        algorithm: sealed.algorithm,
        frame: sealed.frame,
        session,
        raw_bytes: sealed.raw_bytes,
    }
}

pub(crate) fn label() -> SlotLabel {
    SlotLabel {
        label: "laptop".to_owned(),
        host: "alpha.example".to_owned(),
        user: "ada".to_owned(),
        created: "2026-09-01T12:00:00Z".parse().unwrap(),
    }
}

pub(crate) fn slot(secret: &Secret) -> holdfast_format::slot::KeySlot {
    let random = &mut CountingNonces(0x40);
    create_slot_from(&master(), &keys(), secret, KdfCost::MIN, &label(), random).unwrap()
}

/// Bytes that zstd cannot shrink.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}
