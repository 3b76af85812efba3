//! Key slots: the master key under one secret (`docs/format.md`, section 3.1).

use crate::config::{checked, checksum};
use crate::limits::FORMAT_VERSION;
use crate::wire::WireReader;
use crate::{FormatError, RepositoryId, SlotId};

const MAGIC: &[u8; 8] = b"HFKEYSLT";
const WHAT: &str = "key slot";
/// Bytes before the commitment.
pub const HEADER_BYTES: usize = 96;

/// Cost of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl KdfCost {
    /// For human-chosen passphrases: about a second on a small machine.
    pub const DEFAULT: Self = Self { memory_kib: 256 << 10, passes: 3, lanes: 4 };
    /// The minimum that a reader accepts; for tests.
    pub const MIN: Self = Self { memory_kib: 19 << 10, passes: 1, lanes: 1 };

    fn is_valid(&self) -> bool {
        (Self::MIN.memory_kib..=4 << 20).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// What opens a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A passphrase, stretched by Argon2id.
    Passphrase(KdfCost),
    /// A generated key of 256 bits, used directly.
    GeneratedKey,
}

/// The plaintext header of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotHeader {
    /// What opens it.
    pub kind: SlotKind,
    /// Its name.
    pub id: SlotId,
    /// The repository that it belongs to.
    pub repository_id: RepositoryId,
    /// Salt of Argon2id and of the key derivation.
    pub salt: [u8; 32],
}

/// A slot as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlot {
    /// Plaintext header.
    pub header: SlotHeader,
    /// Verifies that a secret is the right one, and commits to the key.
    pub commitment: [u8; 32],
    /// Nonce of the sealed master key.
    pub nonce: [u8; 24],
    /// The master key, sealed under the secret.
    pub sealed_master_key: [u8; 48],
    /// Nonce of the label.
    pub label_nonce: [u8; 24],
    /// The label, sealed under the master key over the rest of the slot.
    pub sealed_label: Vec<u8>,
}

impl SlotHeader {
    /// The encoded header.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let (kind, cost) = match self.kind {
            SlotKind::Passphrase(cost) => (1, cost),
            SlotKind::GeneratedKey => (2, KdfCost { memory_kib: 0, passes: 0, lanes: 0 }),
        };
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[10] = kind;
        out[12..20].copy_from_slice(self.id.as_bytes());
        out[20..52].copy_from_slice(self.repository_id.as_bytes());
        out[52..56].copy_from_slice(&cost.memory_kib.to_le_bytes());
        out[56..60].copy_from_slice(&cost.passes.to_le_bytes());
        out[60..64].copy_from_slice(&cost.lanes.to_le_bytes());
        out[64..].copy_from_slice(&self.salt);
        out
    }

    fn decode(reader: &mut WireReader<'_>) -> Result<Self, FormatError> {
        reader.magic_and_version(MAGIC)?;
        let (kind, reserved) = (reader.byte()?, reader.byte()?);
        let id = SlotId::from_bytes(reader.array()?);
        let repository_id = RepositoryId::from_bytes(reader.array()?);
        let cost =
            KdfCost { memory_kib: reader.u32()?, passes: reader.u32()?, lanes: reader.u32()? };
        let kind = match kind {
            1 if cost.is_valid() => SlotKind::Passphrase(cost),
            1 => return Err(reader.invalid("the cost it asks for is out of bounds")),
            2 if cost.memory_kib == 0 && cost.passes == 0 && cost.lanes == 0 => {
                SlotKind::GeneratedKey
            }
            2 => return Err(reader.invalid("a generated key has no cost")),
            _ => return Err(reader.invalid("its kind is unknown")),
        };
        if reserved != 0 {
            return Err(reader.invalid("a reserved byte is set"));
        }
        Ok(Self { kind, id, repository_id, salt: reader.array()? })
    }
}

impl KeySlot {
    /// The bytes that the label's seal covers.
    pub fn encode_before_label(&self) -> Vec<u8> {
        let mut out = self.header.encode().to_vec();
        out.extend_from_slice(&self.commitment);
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.sealed_master_key);
        out
    }

    /// The object's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_before_label();
        out.extend_from_slice(&self.label_nonce);
        out.extend_from_slice(&(self.sealed_label.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.sealed_label);
        let checksum = checksum(&out);
        out.extend_from_slice(&checksum);
        out
    }

    /// Reads a slot.
    ///
    /// # Errors
    /// [`FormatError::Version`] if it needs a newer program, [`FormatError::Checksum`] if it is
    /// damaged, others if it is not a slot or its cost is out of bounds.
    pub fn decode(object: &[u8]) -> Result<Self, FormatError> {
        let body = checked(object, WHAT)?;
        let mut reader = WireReader::new(body, WHAT);
        let header = SlotHeader::decode(&mut reader)?;
        let commitment = reader.array()?;
        let nonce = reader.array()?;
        let sealed_master_key = reader.array()?;
        let label_nonce = reader.array()?;
        let length = usize::from(reader.u16()?);
        let sealed_label = reader.take(length)?.to_vec();
        reader.finish()?;
        Ok(Self { header, commitment, nonce, sealed_master_key, label_nonce, sealed_label })
    }
}
