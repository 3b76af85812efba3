//! The plaintext parts of a pack: header and trailer (`docs/format.md`, section 6).

use crate::limits::{self, FORMAT_VERSION};
use crate::wire::WireReader;
use crate::{FormatError, RepositoryId, SessionId, WriterId};

const MAGIC: &[u8; 8] = b"HFPACK01";
const END_MAGIC: &[u8; 8] = b"HFPACKE1";
const WHAT: &str = "pack";
const SESSION_SYMMETRIC: u8 = 0;

/// Bytes of the trailer at the end of a pack.
pub const TRAILER_BYTES: usize = 4 + 8;
/// Bytes of a header that names one session.
pub const HEADER_BYTES_ONE_SESSION: usize = 8 + 2 + 16 + 16 + 8 + 2 + 35;

/// The header of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackHeader {
    /// Random: the same frames packed again give a pack with another name.
    pub salt: [u8; 16],
    /// Chain of the writer whose session made the pack.
    pub writer: WriterId,
    /// First slot of that chain to which the session could commit.
    pub start_slot: u64,
    /// Sessions whose keys sealed the frames.
    pub sessions: Vec<SessionId>,
}

impl PackHeader {
    /// The encoded header.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES_ONE_SESSION + self.sessions.len() * 35);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(self.writer.as_bytes());
        out.extend_from_slice(&self.start_slot.to_le_bytes());
        out.extend_from_slice(&(self.sessions.len() as u16).to_le_bytes());
        for session in &self.sessions {
            out.extend_from_slice(session.as_bytes());
            out.push(SESSION_SYMMETRIC);
            out.extend_from_slice(&0u16.to_le_bytes());
        }
        out
    }

    /// Reads a header from the start of `bytes`, which may be followed by more; returns it with its
    /// length in bytes.
    ///
    /// # Errors
    /// Any [`FormatError`] if the bytes do not start with a header.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), FormatError> {
        let mut reader = WireReader::new(bytes, WHAT);
        reader.magic_and_version(MAGIC)?;
        let salt = reader.array()?;
        let writer = WriterId::from_bytes(reader.array()?);
        let start_slot = reader.u64()?;
        let count = usize::from(reader.u16()?);
        limits::SESSIONS.check(count as u64)?;
        let mut sessions = Vec::new();
        for _ in 0..count {
            sessions.push(SessionId::from_bytes(reader.array()?));
            if reader.byte()? != SESSION_SYMMETRIC || reader.u16()? != 0 {
                return Err(FormatError::Feature { feature: "write-only-sessions".to_owned() });
            }
        }
        let length = bytes.len() - reader.rest().len();
        Ok((Self { salt, writer, start_slot, sessions }, length))
    }
}

/// The trailer of a pack whose sealed directory has this size.
pub fn encode_trailer(sealed_directory_bytes: u32) -> [u8; TRAILER_BYTES] {
    let mut out = [0; TRAILER_BYTES];
    out[..4].copy_from_slice(&sealed_directory_bytes.to_le_bytes());
    out[4..].copy_from_slice(END_MAGIC);
    out
}

/// Bytes of the sealed directory, from the last [`TRAILER_BYTES`] bytes of a pack.
///
/// # Errors
/// [`FormatError`] if those bytes are not a trailer.
pub fn decode_trailer(bytes: &[u8]) -> Result<u32, FormatError> {
    let mut reader = WireReader::new(bytes, "pack trailer");
    let length = reader.u32()?;
    if reader.take(8)? != END_MAGIC {
        return Err(FormatError::Magic { what: "pack trailer" });
    }
    reader.finish()?;
    if length < 40 {
        return Err(FormatError::Truncated { what: limits::DIRECTORY.what });
    }
    limits::DIRECTORY.check(u64::from(length))?;
    Ok(length)
}

/// What authenticates a directory besides its bytes: the repository and the pack's header.
pub fn directory_associated_data(repository: &RepositoryId, header: &[u8]) -> Vec<u8> {
    let mut data = b"HFDIR001".to_vec();
    data.extend_from_slice(repository.as_bytes());
    data.extend_from_slice(blake3::hash(header).as_bytes());
    data
}
