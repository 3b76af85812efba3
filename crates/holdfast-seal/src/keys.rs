//! The master key and what is derived from it (`docs/format.md`, sections 3 and 4).

use std::fmt;

use blake3::Hasher;
use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::{BlobEntry, FrameContext, frame_id_message};
use holdfast_format::{BlobId, BlobType, FrameId, RepositoryId, SessionId, WriterId};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::SealError;
use crate::random::{Random, SystemRandom, array};

/// Prefix of every purpose string.
const PURPOSE_PREFIX: &str = "holdfast v1 2026-09 ";
/// What the gear table is an extendable output of.
const GEAR_MESSAGE: &[u8] = b"gear v1";

/// 32 random bytes from which all keys of a repository are derived. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A new key for a new repository.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn generate() -> Result<Self, SealError> {
        Self::generate_from(&mut SystemRandom)
    }

    pub(crate) fn generate_from(random: &mut dyn Random) -> Result<Self, SealError> {
        Ok(Self(array(random)?))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(secret)")
    }
}

/// One derived key. Wiped when dropped; not printable.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SecretKey([u8; 32]);

impl SecretKey {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn derive(purpose: &str, master: &MasterKey) -> Self {
        Self(blake3::derive_key(&format!("{PURPOSE_PREFIX}{purpose}"), master.as_bytes()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Keyed hash of the parts, one after the other.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = Hasher::new_keyed(&self.0);
        for part in parts {
            hasher.update(part);
        }
        let hash = *hasher.finalize().as_bytes();
        hasher.zeroize();
        hash
    }
}

/// All derived keys of a repository. Share it by reference or in an `Arc`; wiped when dropped.
pub struct Keys {
    repository_id: RepositoryId,
    id_data: SecretKey,
    id_tree: SecretKey,
    id_frame: SecretKey,
    gear: SecretKey,
    split: SecretKey,
    session: SecretKey,
    writer: SecretKey,
    fingerprint: SecretKey,
    local: SecretKey,
    pub(crate) nonce: SecretKey,
    pub(crate) directory: SecretKey,
    pub(crate) record: SecretKey,
    pub(crate) config: SecretKey,
    pub(crate) slot: SecretKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("repository_id", &self.repository_id).finish_non_exhaustive()
    }
}

impl Keys {
    /// Derives all keys.
    pub fn derive(master: &MasterKey) -> Self {
        Self {
            repository_id: RepositoryId::from_bytes(
                *SecretKey::derive("repo-id", master).as_bytes(),
            ),
            id_data: SecretKey::derive("id data", master),
            id_tree: SecretKey::derive("id tree", master),
            id_frame: SecretKey::derive("id frame", master),
            gear: SecretKey::derive("gear", master),
            split: SecretKey::derive("split", master),
            session: SecretKey::derive("session", master),
            writer: SecretKey::derive("writer", master),
            fingerprint: SecretKey::derive("fingerprint", master),
            local: SecretKey::derive("local state", master),
            nonce: SecretKey::derive("nonce", master),
            directory: SecretKey::derive("directory", master),
            record: SecretKey::derive("record", master),
            config: SecretKey::derive("config", master),
            slot: SecretKey::derive("slot label", master),
        }
    }

    /// The repository's public name; it is bound to everything that is sealed.
    pub fn repository_id(&self) -> RepositoryId {
        self.repository_id
    }

    /// The id of a blob with this plaintext.
    pub fn blob_id(&self, blob_type: BlobType, plaintext: &[u8]) -> BlobId {
        let key = match blob_type {
            BlobType::Data => &self.id_data,
            BlobType::Tree => &self.id_tree,
        };
        BlobId::from_bytes(*blake3::keyed_hash(key.as_bytes(), plaintext).as_bytes())
    }

    /// Checks, in constant time, that this plaintext is the blob `id`. Readers must do this for
    /// each blob they use.
    ///
    /// # Errors
    /// [`SealError::WrongId`].
    pub fn check_blob(
        &self,
        blob_type: BlobType,
        id: &BlobId,
        plaintext: &[u8],
    ) -> Result<(), SealError> {
        let found = self.blob_id(blob_type, plaintext);
        let same: bool = found.as_bytes().ct_eq(id.as_bytes()).into();
        if same { Ok(()) } else { Err(SealError::WrongId) }
    }

    /// The id of a frame that holds these blobs in this order.
    pub fn frame_id(&self, blob_type: BlobType, blobs: &[BlobEntry]) -> FrameId {
        FrameId::from_bytes(self.id_frame.hash(&[&frame_id_message(blob_type, blobs)]))
    }

    /// What [`FrameOpener`](crate::FrameOpener) needs, for a frame as a pack's directory lists it.
    pub fn frame_context(&self, entry: &FrameEntry, session: SessionId) -> FrameContext {
        FrameContext {
            blob_type: entry.blob_type,
            algorithm: entry.algorithm,
            frame: self.frame_id(entry.blob_type, &entry.blobs),
            session,
            raw_bytes: entry.raw_bytes(),
        }
    }

    /// The hash that decides where a node of a tree ends: 0 modulo 32 ends it.
    pub fn split_hash(&self, bytes: &[u8]) -> u64 {
        let hash = blake3::keyed_hash(self.split.as_bytes(), bytes);
        first_u64(hash.as_bytes())
    }

    /// The chunker's secret table.
    pub fn gear(&self) -> [u64; 256] {
        let mut hasher = Hasher::new_keyed(self.gear.as_bytes());
        let mut output = hasher.update(GEAR_MESSAGE).finalize_xof();
        let mut table = [0; 256];
        for value in &mut table {
            let mut bytes = [0; 8];
            output.fill(&mut bytes);
            *value = u64::from_le_bytes(bytes);
        }
        table
    }

    /// The chain of a writer: the same for the same host, wherever it runs.
    pub fn writer_id(&self, host: &str) -> WriterId {
        let hash = self.writer.hash(&[host.as_bytes()]);
        let mut id = [0; WriterId::BYTES];
        id.copy_from_slice(&hash[..WriterId::BYTES]);
        WriterId::from_bytes(id)
    }

    /// The key of fingerprints of an application's keys. It has no other use: anyone given it can
    /// compare their keys with those that the repository knows, and open nothing.
    pub fn fingerprint_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.fingerprint.as_bytes())
    }

    /// A key for local state of this name: data that was not written with it, or has changed since,
    /// is not trusted.
    pub fn local_key(&self, name: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.local.hash(&[name]))
    }

    /// The key of one session's frames of one type.
    pub(crate) fn session_key(&self, blob_type: BlobType, session: &SessionId) -> SecretKey {
        SecretKey(self.session.hash(&[&[blob_type.byte()], session.as_bytes()]))
    }
}

fn first_u64(hash: &[u8; 32]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(first)
}
