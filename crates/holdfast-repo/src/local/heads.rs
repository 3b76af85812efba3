//! How far the chains of a repository went when it was last used at a location, so that an older
//! state of it is noticed.
//!
//! A chain only ever grows. So if the last record of a chain is gone or has been replaced, the
//! storage shows another state than before: it was restored from a copy, or newer records are being
//! hidden. Damaged records are another matter.
//!
//! Two copies of a repository that are used alternately, on two disks, have two locations. A copy
//! that replaces another one, at the same address on the same medium, is compared with it.
//!
//! ```text
//! magic "HFHEADS1" 8, blake3(address and medium)[0..16], per chain: kind 1 (0 generations,
//! 1 writer), writer 16, first free slot u64, id of the last record 32; at the end
//! blake3(keyed, all before)[0..16]
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use holdfast_backend::{Backend, BackendError, StorageLocation};
use holdfast_format::limits::RECORD_BYTES_MAX;
use holdfast_format::name::Chain;
use holdfast_format::{ObjectId, WriterId};
use holdfast_seal::{Keys, open_record};

use super::{create_place, read_file, replace_file};
use crate::RepoError;
use crate::chain::ChainHead;
use crate::names::object_name;

const FILE: &str = "heads";
const MAGIC: &[u8; 8] = b"HFHEADS1";
const SITE_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
const ROW_BYTES: usize = 1 + WriterId::BYTES + 8 + ObjectId::BYTES;

/// The last record of each chain.
pub(crate) type Heads = BTreeMap<Chain, ChainHead>;

/// The evidence that a repository is in another state than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rollback {
    /// Name of a record that used to be there.
    pub object: String,
    /// True if another record is in its place.
    pub is_replaced: bool,
}

/// What is known about the copy that this folder belongs to, or else about the one last used at the
/// same address on the same medium.
pub(crate) fn known(folder: &Path, keys: &Keys, place: &StorageLocation) -> Option<Heads> {
    let site = site(place);
    if let Some((_, heads)) = read(folder, keys) {
        return Some(heads);
    }
    let siblings = fs::read_dir(folder.parent()?).ok()?;
    let mut met: Vec<(SystemTime, Heads)> = siblings
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let when = fs::metadata(folder.join(FILE)).ok()?.modified().ok()?;
            let (found, heads) = read(&folder, keys)?;
            (found == site).then_some((when, heads))
        })
        .collect();
    met.sort_by_key(|(when, _)| *when);
    met.pop().map(|(_, heads)| heads)
}

/// Saves the current state. If that fails, an older state may go unnoticed.
pub(crate) fn remember(folder: &Path, keys: &Keys, place: &StorageLocation, heads: &Heads) {
    let _unnoticed = create_place(folder)
        .and_then(|()| replace_file(&folder.join(FILE), &encode(keys, &site(place), heads)));
}

impl Rollback {
    /// Compares what was `known` with what there is `now`.
    ///
    /// # Errors
    /// None from the storage: an unreadable record is no sign of an older state.
    pub fn find(
        backend: &dyn Backend,
        keys: &Keys,
        known: &Heads,
        now: &Heads,
    ) -> Result<Option<Self>, RepoError> {
        for (chain, head) in known {
            if now.get(chain) == Some(head) {
                continue;
            }
            let Some(last) = head.next.checked_sub(1) else { continue };
            let object = chain.record(last);
            let is_replaced = match backend.get(&object_name(object.clone())?, RECORD_BYTES_MAX) {
                Ok(record) if ObjectId::of(&record) == head.last => continue,
                Ok(record) if open_record(keys, chain, last, &record).is_ok() => true,
                Err(BackendError::NotFound { .. })
                    if now.get(chain).is_none_or(|now| now.next <= last) =>
                {
                    false
                }
                Ok(_) | Err(_) => continue,
            };
            return Ok(Some(Self { object, is_replaced }));
        }
        Ok(None)
    }
}

/// What copies have in common that replace each other.
fn site(place: &StorageLocation) -> [u8; SITE_BYTES] {
    let place = StorageLocation { copy: Vec::new(), ..place.clone() };
    let mut site = [0; SITE_BYTES];
    site.copy_from_slice(&blake3::hash(&place.encode()).as_bytes()[..SITE_BYTES]);
    site
}

fn tag(keys: &Keys, body: &[u8]) -> [u8; TAG_BYTES] {
    let hash = blake3::keyed_hash(&keys.local_key(b"heads"), body);
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&hash.as_bytes()[..TAG_BYTES]);
    tag
}

fn encode(keys: &Keys, site: &[u8; SITE_BYTES], heads: &Heads) -> Vec<u8> {
    let mut out = [MAGIC.as_slice(), site].concat();
    for (chain, head) in heads {
        let (kind, writer) = match chain {
            Chain::Generations => (0, [0; WriterId::BYTES]),
            Chain::Writer(writer) => (1, *writer.as_bytes()),
        };
        out.push(kind);
        out.extend_from_slice(&writer);
        out.extend_from_slice(&head.next.to_le_bytes());
        out.extend_from_slice(head.last.as_bytes());
    }
    let tag = tag(keys, &out);
    out.extend_from_slice(&tag);
    out
}

/// A file that is missing or damaged tells nothing.
fn read(folder: &Path, keys: &Keys) -> Option<([u8; SITE_BYTES], Heads)> {
    let bytes = read_file(&folder.join(FILE)).ok()?;
    let (body, found) = bytes.split_last_chunk::<TAG_BYTES>()?;
    if tag(keys, body) != *found {
        return None;
    }
    let (site, rows) = body.strip_prefix(MAGIC)?.split_first_chunk::<SITE_BYTES>()?;
    let row = |row: &[u8]| {
        let (kind, row) = row.split_first()?;
        let (writer, row) = row.split_first_chunk::<{ WriterId::BYTES }>()?;
        let (next, last) = row.split_first_chunk::<8>()?;
        let chain = match kind {
            0 => Chain::Generations,
            _ => Chain::Writer(WriterId::from_bytes(*writer)),
        };
        let last = ObjectId::from_bytes(last.try_into().ok()?);
        Some((chain, ChainHead { next: u64::from_le_bytes(*next), last }))
    };
    Some((*site, rows.chunks(ROW_BYTES).map(row).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use holdfast_seal::MasterKey;

    use super::*;

    fn place(address: &str, medium: &str, copy: &str) -> StorageLocation {
        StorageLocation { address: address.into(), medium: medium.into(), copy: copy.into() }
    }

    fn heads(next: u64) -> Heads {
        let chain = Chain::Writer(WriterId::from_bytes([3; 16]));
        let head = |next| ChainHead { next, last: ObjectId::of(&[next as u8]) };
        Heads::from([(Chain::Generations, head(2)), (chain, head(next))])
    }

    #[test]
    fn what_is_known_comes_back_and_nothing_else_does() {
        let caches = tempfile::tempdir().unwrap();
        let keys = Keys::derive(&MasterKey::generate().unwrap());
        let folder = |place: &StorageLocation| {
            super::super::place_folder(caches.path(), &keys.repository_id(), place)
        };
        let disk = place("/mnt", "a", "1");
        assert_eq!(known(&folder(&disk), &keys, &disk), None);
        remember(&folder(&disk), &keys, &disk, &heads(7));
        assert_eq!(known(&folder(&disk), &keys, &disk), Some(heads(7)));
        let put_back = place("/mnt", "a", "2");
        assert_eq!(known(&folder(&put_back), &keys, &put_back), Some(heads(7)));
        let renumbered = place("/mnt", "c", "1");
        assert_eq!(known(&folder(&renumbered), &keys, &renumbered), Some(heads(7)));
        for other in [place("/mnt", "b", "2"), place("/srv", "a", "1"), place("/mnt", "b", "")] {
            assert_eq!(known(&folder(&other), &keys, &other), None);
        }
        let path = folder(&disk).join(FILE);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            assert_eq!(known(&folder(&disk), &keys, &disk), None);
            fs::write(&path, &bytes[..at]).unwrap();
            assert_eq!(known(&folder(&disk), &keys, &disk), None);
        }
    }
}
