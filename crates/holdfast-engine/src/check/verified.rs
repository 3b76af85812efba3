//! When each pack was last read in full and found good: a file in the local cache that can be
//! deleted at any time. It belongs to one copy of a repository: reading another copy proves
//! nothing.
//!
//! ```text
//! magic "HFVERIF1" 8, repository id 32, per pack: id 32, seconds since 1970 i64,
//! at the end blake3(all before)[0..16]
//! ```

use std::collections::HashMap;
use std::io;
use std::path::Path;

use holdfast_format::{ObjectId, RepositoryId};
use holdfast_repo::local;

const MAGIC: &[u8; 8] = b"HFVERIF1";
const ROW_BYTES: usize = 40;
const CHECKSUM_BYTES: usize = 16;

/// Seconds since 1970 at which packs were verified.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct VerifiedPacks(HashMap<ObjectId, i64>);

impl VerifiedPacks {
    /// Reads the file of this repository in `folder`. A missing or damaged one counts as empty.
    pub fn read(folder: &Path, repository: &RepositoryId) -> Self {
        let decoded = local::read_file(&folder.join(local::VERIFIED)).ok();
        decoded.and_then(|bytes| Self::decode(&bytes, repository)).unwrap_or_default()
    }

    /// Replaces the file atomically.
    pub fn write(&self, folder: &Path, repository: &RepositoryId) -> io::Result<()> {
        local::create_place(folder)?;
        local::replace_file(&folder.join(local::VERIFIED), &self.encode(repository))
    }

    /// When a pack was last verified.
    pub fn when(&self, pack: &ObjectId) -> Option<i64> {
        self.0.get(pack).copied()
    }

    /// Records that a pack is good.
    pub fn insert(&mut self, pack: ObjectId, seconds: i64) {
        self.0.insert(pack, seconds);
    }

    /// Keeps only what `keep` accepts.
    pub fn retain(&mut self, keep: impl Fn(&ObjectId) -> bool) {
        self.0.retain(|pack, _| keep(pack));
    }

    fn encode(&self, repository: &RepositoryId) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.0.len() * ROW_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(repository.as_bytes());
        let mut rows: Vec<_> = self.0.iter().collect();
        rows.sort_unstable();
        for (pack, seconds) in rows {
            out.extend_from_slice(pack.as_bytes());
            out.extend_from_slice(&seconds.to_le_bytes());
        }
        let checksum = blake3::hash(&out);
        out.extend_from_slice(&checksum.as_bytes()[..CHECKSUM_BYTES]);
        out
    }

    fn decode(bytes: &[u8], repository: &RepositoryId) -> Option<Self> {
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
        let rows = body.strip_prefix(MAGIC)?.strip_prefix(repository.as_bytes())?;
        if blake3::hash(body).as_bytes()[..CHECKSUM_BYTES] != checksum[..] {
            return None;
        }
        let row = |row: &[u8]| {
            let (pack, seconds) = row.split_first_chunk::<32>()?;
            Some((ObjectId::from_bytes(*pack), i64::from_le_bytes(seconds.try_into().ok()?)))
        };
        rows.chunks(ROW_BYTES).map(row).collect::<Option<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_refuses_damage_and_other_repositories() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("repository/place");
        let (ours, theirs) = (RepositoryId::from_bytes([1; 32]), RepositoryId::from_bytes([2; 32]));
        let mut verified = VerifiedPacks::default();
        for n in 0..5 {
            verified.insert(ObjectId::from_bytes([n; 32]), i64::from(n) - 2);
        }
        verified.write(&folder, &ours).unwrap();
        assert_eq!(VerifiedPacks::read(&folder, &ours), verified);
        assert_eq!(VerifiedPacks::read(&folder, &theirs), VerifiedPacks::default());
        let bytes = verified.encode(&ours);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(VerifiedPacks::decode(&flipped, &ours), None);
            assert_eq!(VerifiedPacks::decode(&bytes[..at], &ours), None);
        }
    }
}
