//! Index objects: the directories of several packs (`docs/format.md`, section 7).

use crate::directory::{self, FrameEntry};
use crate::limits::{DIRECTORY_BYTES_MAX, FORMAT_VERSION, PACK_BYTES_MAX};
use crate::pack::PackHeader;
use crate::wire::{WireReader, put_bytes, put_varint};
use crate::{FormatError, ObjectId, RepositoryId};

const MAGIC: &[u8; 8] = b"HFINDEX1";
const WHAT: &str = "index object";

/// One pack as an index object lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackEntry {
    /// Hash of the pack's bytes.
    pub id: ObjectId,
    /// Size of the pack in bytes.
    pub bytes: u64,
    /// The pack's header.
    pub header: PackHeader,
    /// The pack's frames, in order; the first follows the header.
    pub frames: Vec<FrameEntry>,
}

/// The plaintext prefix of an index object: magic and version. It is also the additional data,
/// before the repository's id.
pub fn prefix() -> [u8; 10] {
    let mut out = [0; 10];
    out[..8].copy_from_slice(MAGIC);
    out[8..].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    out
}

/// Splits an index object into its plain prefix and its sealed rest.
///
/// # Errors
/// [`FormatError`] if the object does not start as an index object.
pub fn split(object: &[u8]) -> Result<&[u8], FormatError> {
    let mut reader = WireReader::new(object, WHAT);
    reader.magic_and_version(MAGIC)?;
    Ok(reader.rest())
}

/// What authenticates an index object besides its bytes.
pub fn associated_data(repository: &RepositoryId) -> Vec<u8> {
    let mut data = prefix().to_vec();
    data.extend_from_slice(repository.as_bytes());
    data
}

/// The encoded body.
pub fn encode(packs: &[PackEntry]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, packs.len() as u64);
    for pack in packs {
        out.extend_from_slice(pack.id.as_bytes());
        put_varint(&mut out, pack.bytes);
        put_bytes(&mut out, &pack.header.encode());
        put_bytes(&mut out, &directory::encode(&pack.frames));
    }
    out
}

/// Reads a body.
///
/// # Errors
/// Any [`FormatError`] if the bytes are not the body of an index object.
pub fn decode(body: &[u8]) -> Result<Vec<PackEntry>, FormatError> {
    let mut reader = WireReader::new(body, WHAT);
    let count = reader.count(36)?;
    let mut packs = Vec::new();
    for _ in 0..count {
        let id = ObjectId::from_bytes(reader.array()?);
        let bytes = reader.limited(PACK_BYTES_MAX)?;
        let header_bytes = reader.bytes(DIRECTORY_BYTES_MAX)?;
        let (header, length) = PackHeader::decode(header_bytes)?;
        if length != header_bytes.len() {
            return Err(reader.invalid("bytes follow a pack's header"));
        }
        let entries = reader.bytes(DIRECTORY_BYTES_MAX)?;
        let frames = directory::decode_unpadded(entries, header.sessions.len())?;
        packs.push(PackEntry { id, bytes, header, frames });
    }
    reader.finish()?;
    Ok(packs)
}
