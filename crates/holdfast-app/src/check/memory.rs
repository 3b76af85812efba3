//! Contents found to match their rows: a file in the local cache that can be deleted at any time.
//!
//! A content compared once is not read again while neither the row nor the object changes. An entry
//! is a keyed hash of both, so that the file reveals nothing about either.
//!
//! ```text
//! magic "HFCONTS1" 8, per content 16 bytes, ascending, at the end blake3(all before)[0..16]
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use holdfast_engine::backup::settled_before;
use holdfast_format::entry::FileTime;
use holdfast_repo::local;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::hashes::Hashes;

const MAGIC: &[u8; 8] = b"HFCONTS1";
const TOKEN_BYTES: usize = 16;
/// Entries not used this time are kept only up to this total: 16 MiB.
const KEPT_MAX: usize = 1 << 20;

/// A memory shared by the checks of several sources.
pub type SharedMemory = Arc<Mutex<Memory>>;

/// Identifies a content and what a row says about it.
pub type Token = [u8; TOKEN_BYTES];

/// What was compared and found correct.
#[derive(Debug)]
pub struct Memory {
    key: Zeroizing<[u8; 32]>,
    path: Option<PathBuf>,
    /// Contents changed at this time or later may change again without a visible sign.
    settled_before: Option<FileTime>,
    known: BTreeSet<Token>,
    /// Those looked up or added.
    used: BTreeSet<Token>,
}

impl Memory {
    /// Reads the file at `path`. A missing or damaged file counts as empty; without a path nothing
    /// is saved.
    pub fn read(path: Option<PathBuf>, key: Zeroizing<[u8; 32]>) -> Self {
        let bytes = path.as_ref().and_then(|path| local::read_file(path).ok());
        let known = bytes.and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Self { key, path, settled_before: None, known, used: BTreeSet::new() }
    }

    /// The memory of a run that started at `start`: contents changed while it ran, or shortly
    /// before, are not remembered, as with a backup's unchanged files.
    #[must_use]
    pub fn of_run(mut self, start: Timestamp) -> Self {
        self.settled_before = Some(settled_before(start));
        self
    }

    /// True if a content last changed at this time may be remembered; without a time, its identity
    /// suffices.
    pub fn is_settled(&self, changed: Option<FileTime>) -> bool {
        changed.zip(self.settled_before).is_none_or(|(changed, before)| changed < before)
    }

    /// The token of an object or file: `identity` changes whenever its content may have changed.
    pub fn token(&self, source: &str, key: &[u8], identity: &[u8], hashes: &Hashes) -> Token {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let md5 = hashes.md5.as_ref().map(|it| &it[..]);
        let sha256 = hashes.sha256.as_ref().map(|it| &it[..]);
        let parts = [source.as_bytes(), key, identity];
        for part in parts.into_iter().chain([md5, sha256].map(Option::unwrap_or_default)) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let mut token = [0; TOKEN_BYTES];
        hasher.finalize_xof().fill(&mut token);
        token
    }

    /// True if this was found correct before.
    pub fn knows(&mut self, token: &Token) -> bool {
        let is_known = self.known.contains(token);
        if is_known {
            self.used.insert(*token);
        }
        is_known
    }

    /// Notes that this is correct.
    pub fn add(&mut self, token: Token) {
        self.known.insert(token);
        self.used.insert(token);
    }

    /// Replaces the file atomically, if anything was used.
    ///
    /// # Errors
    /// If it cannot be written; then contents are compared again next time.
    pub fn write(&self) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| !self.used.is_empty()) else {
            return Ok(());
        };
        let kept = if self.known.len() <= KEPT_MAX { &self.known } else { &self.used };
        if let Some(folder) = path.parent() {
            local::create_cache(folder)?;
        }
        local::replace_file(path, &encode(kept))
    }
}

fn encode(tokens: &BTreeSet<Token>) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    tokens.iter().for_each(|token| out.extend_from_slice(token));
    let checksum = blake3::hash(&out);
    out.extend_from_slice(&checksum.as_bytes()[..TOKEN_BYTES]);
    out
}

fn decode(bytes: &[u8]) -> Option<BTreeSet<Token>> {
    let (body, checksum) = bytes.split_last_chunk::<TOKEN_BYTES>()?;
    let tokens = body.strip_prefix(MAGIC)?;
    if blake3::hash(body).as_bytes()[..TOKEN_BYTES] != checksum[..] {
        return None;
    }
    tokens.chunks(TOKEN_BYTES).map(|token| token.try_into().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key(byte: u8) -> Zeroizing<[u8; 32]> {
        Zeroizing::new([byte; 32])
    }

    #[test]
    fn it_comes_back_and_refuses_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache").join("contents.app");
        let hashes = Hashes::read(None, Some("5d41402abc4b2a76b9719d911017c592"), None);
        let mut memory = Memory::read(Some(path.clone()), key(1));
        memory.write().unwrap();
        assert!(!path.exists(), "nothing was used");
        let token = memory.token("vault", b"a", b"identity", &hashes);
        assert!(!memory.knows(&token));
        memory.add(token);
        memory.write().unwrap();
        assert!(Memory::read(Some(path.clone()), key(1)).knows(&token));
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!((decode(&flipped), decode(&bytes[..at])), (None, None));
        }
    }

    #[test]
    fn another_row_object_or_key_is_another_token() {
        let memory = Memory::read(None, key(1));
        let other = Memory::read(None, key(2));
        let md5 = Hashes::read(None, Some("5d41402abc4b2a76b9719d911017c592"), None);
        let tokens = BTreeSet::from([
            memory.token("vault", b"a", b"i", &md5),
            memory.token("vaul", b"ta", b"i", &md5),
            memory.token("vault", b"ai", b"", &md5),
            memory.token("vault", b"a", b"j", &md5),
            memory.token("vault", b"a", b"i", &Hashes::default()),
            other.token("vault", b"a", b"i", &md5),
        ]);
        assert_eq!(tokens.len(), 6);
    }
}
