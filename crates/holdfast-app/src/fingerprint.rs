//! Fingerprints of keys: they reveal whether two keys are the same, and nothing else.
//!
//! A snapshot of data records the fingerprints of the keys that the data needs, so that a restore
//! can check whether it has the keys of that era. The hash is keyed by a key of the repository: a
//! file such as `.env` may hold so little that its content could be guessed from a plain hash.

use std::fmt;
use std::io::{self, Write};

use blake3::Hasher;
use holdfast_engine::look::{SnapshotRoot, dump_file, ls};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::entry::EntryKind;
use holdfast_format::record::{KeyFingerprint, Text};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};

/// Fingerprints of every file in the sources of a snapshot of keys that `wants` selects, keyed by
/// the repository of the data: with only the snapshots of the data one can compare eras, but
/// without that repository's key one cannot test guesses of a key.
///
/// The files are read from the repository, so a fingerprint covers what can be restored.
///
/// # Errors
/// Repository failures.
pub fn of_snapshot(
    keys: &Repository,
    snapshot: &SnapshotInfo,
    data: &Repository,
    wants: &dyn Fn(&str) -> bool,
) -> Result<Vec<KeyFingerprint>, EngineError> {
    let mut found = Vec::new();
    let secret = data.keys().fingerprint_key();
    for source in snapshot.snapshot.sources.iter().filter(|source| wants(&source.name)) {
        let root = SnapshotRoot::of_source(&snapshot.snapshot, &source.name)?;
        let mut reader = BlobReader::new(keys);
        ls(&mut reader, &root, &[], true, &Silent, &mut |path, entry| {
            if matches!(entry.kind, EntryKind::File { .. }) {
                let mut fingerprint = Fingerprint::new(&secret);
                dump_file(keys, path, entry, &mut fingerprint, &Silent)?;
                let (source, path) = (source.name.clone(), Text(path.to_vec()));
                let fingerprint = fingerprint.finish();
                found.push(KeyFingerprint { source, path, fingerprint });
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// Computes the fingerprint of what is written to it.
pub struct Fingerprint(Hasher);

impl Fingerprint {
    /// Starts a fingerprint under the key from `holdfast_seal::Keys::fingerprint_key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Hasher::new_keyed(key))
    }

    /// The fingerprint of these bytes.
    pub fn of(key: &[u8; 32], bytes: &[u8]) -> String {
        let mut fingerprint = Self::new(key);
        fingerprint.0.update(bytes);
        fingerprint.finish()
    }

    /// The fingerprint of everything written, as 64 hexadecimal digits.
    pub fn finish(self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

impl Write for Fingerprint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn equal_keys_have_equal_fingerprints_in_one_repository() {
        let secret = b"AUTH_SECRET=hunter2\n";
        assert_eq!(Fingerprint::of(&KEY, secret), Fingerprint::of(&KEY, secret));
        assert_ne!(Fingerprint::of(&KEY, secret), Fingerprint::of(&KEY, b"AUTH_SECRET=hunter3\n"));
        assert_ne!(Fingerprint::of(&KEY, secret), Fingerprint::of(&[8; 32], secret));
    }

    /// Without the repository's key, guesses cannot be tested.
    #[test]
    fn it_is_no_plain_hash() {
        let found = Fingerprint::of(&KEY, b"hunter2");
        assert_ne!(found, blake3::hash(b"hunter2").to_hex().as_str());
        assert_ne!(found, Fingerprint::of(&[0; 32], b"hunter2"));
        assert_eq!(found, blake3::keyed_hash(&KEY, b"hunter2").to_hex().as_str());
    }

    #[test]
    fn pieces_make_the_same_whole() {
        let mut fingerprint = Fingerprint::new(&KEY);
        fingerprint.write_all(b"hun").unwrap();
        fingerprint.write_all(b"ter2").unwrap();
        assert!(!format!("{fingerprint:?}").contains('7'));
        assert_eq!(fingerprint.finish(), Fingerprint::of(&KEY, b"hunter2"));
    }
}
