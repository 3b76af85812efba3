//! Rows that refer to objects or files, and which of those are missing from a source or differ from
//! their row.
//!
//! The rows are read first, inside the cut of the database. Then the source is walked in its order
//! while it is captured, side by side with the rows, so that a bucket of any size needs memory for
//! the rows only. A content that a row has a hash of stays open until it has been read, by the
//! capture or by the caller of [`References::open`].

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use holdfast_format::entry::FileTime;

use super::hashes::{Column, Digests, Hasher, Hashes, Kinds};
use super::memory::{SharedMemory, Token};

/// Most faults that a report names; more are only counted.
pub const NAMED_MAX: usize = 100;

/// The order in which a source yields its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceOrder {
    /// A bucket: by the bytes of the key.
    Keys,
    /// Folders: by the bytes of each name in the path, a folder before its contents.
    Paths,
}

impl SourceOrder {
    /// Compares two names as the source orders them.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::Keys => left.cmp(right),
            Self::Paths => left.split(is_slash).cmp(right.split(is_slash)),
        }
    }
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

/// What one row refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Reference {
    /// Key of the object, or path of the file.
    pub key: Vec<u8>,
    /// Its size in bytes, if the row states it.
    pub size_bytes: Option<u64>,
    /// Hashes that its content must have, as far as the row states them.
    pub hashes: Hashes,
}

/// An object or file in a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thing<'a> {
    /// Key of the object, or path of the file.
    pub key: &'a [u8],
    /// Bytes that it has.
    pub size_bytes: u64,
    /// The ETag that the store gave it.
    pub etag: Option<&'a str>,
    /// A value that changes whenever its content may have changed; without it, earlier comparisons
    /// do not count.
    pub identity: Option<&'a [u8]>,
    /// When it last changed, if its identity depends on that.
    pub changed: Option<FileTime>,
}

/// A content that has not been read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Key of the object, or path of the file.
    pub key: Vec<u8>,
    /// The hashes to compute.
    pub kinds: Kinds,
    /// Its identity when the source yielded it.
    pub identity: Vec<u8>,
}

/// What is wrong with something that a row refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It does not exist.
    Missing,
    /// It exists but could not be read.
    Unreadable,
    /// It has another size.
    Size {
        /// Bytes according to the row.
        wanted: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Its content differs from a column.
    Hash {
        /// The column.
        column: Column,
        /// What the row says.
        wanted: String,
        /// The value found; empty if there is none.
        found: String,
    },
    /// A column has a malformed hash.
    Senseless {
        /// The column.
        column: Column,
        /// What the row says.
        wanted: String,
    },
    /// Its content could not be compared with the row.
    NotCompared,
}

/// The findings of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Number of distinct objects or files that rows refer to.
    pub wanted: u64,
    /// Those that are missing or differ from their row.
    pub failed: u64,
    /// The first of them, in the order of the source; at most [`NAMED_MAX`].
    pub named: Vec<(Vec<u8>, Fault)>,
    /// Entries of the source that no row refers to.
    pub orphans: u64,
    /// Those whose content or ETag was compared with the row, now or earlier.
    pub compared: u64,
}

/// Walks rows side by side with a source.
#[derive(Debug, Clone)]
pub struct References {
    order: SourceOrder,
    /// In the order of the source, each key once.
    wanted: Vec<Reference>,
    /// The first one that the source has not reached yet.
    next: usize,
    findings: Findings,
    /// Those reported as unreadable.
    unreadable: BTreeSet<Vec<u8>>,
    /// Those whose content is still to be compared, by index in `wanted`.
    open: BTreeMap<usize, Unread>,
    memory: Option<(String, SharedMemory)>,
}

/// What must still be computed from a content.
#[derive(Debug, Clone)]
struct Unread {
    kinds: Kinds,
    identity: Vec<u8>,
    /// The token to remember once it is found correct.
    token: Option<Token>,
}

impl References {
    /// Rows in any order; of several with one key, the last size and the last hashes count.
    pub fn new(order: SourceOrder, mut rows: Vec<Reference>) -> Self {
        rows.sort_by(|left, right| order.compare(&left.key, &right.key));
        rows.dedup_by(|later, kept| {
            let is_same = later.key == kept.key;
            if is_same {
                kept.size_bytes = later.size_bytes.or(kept.size_bytes);
                let before = std::mem::take(&mut kept.hashes);
                kept.hashes = std::mem::take(&mut later.hashes).or(before);
            }
            is_same
        });
        let findings = Findings { wanted: rows.len() as u64, ..Findings::default() };
        let (unreadable, open) = (BTreeSet::new(), BTreeMap::new());
        Self { order, wanted: rows, next: 0, findings, unreadable, open, memory: None }
    }

    /// Uses earlier comparisons of contents of the source of this name.
    #[must_use]
    pub fn with_memory(mut self, source: &str, memory: &SharedMemory) -> Self {
        self.memory = Some((source.to_owned(), Arc::clone(memory)));
        self
    }

    /// The order of the source.
    pub fn order(&self) -> SourceOrder {
        self.order
    }

    /// True if any row has a hash of a content.
    pub fn wants_contents(&self) -> bool {
        self.wanted.iter().any(|it| !it.hashes.to_compute(None).is_empty())
    }

    /// Notes that the source holds this; must be called in the order of the source. Returns what
    /// must still be computed from its content.
    pub fn holds(&mut self, thing: &Thing<'_>) -> Kinds {
        while let Some(reference) = self.wanted.get(self.next) {
            match self.order.compare(&reference.key, thing.key) {
                Ordering::Less => {
                    let key = reference.key.clone();
                    self.next += 1;
                    self.fail(key, Fault::Missing);
                }
                Ordering::Equal => {
                    self.next += 1;
                    return self.compare(self.next - 1, thing);
                }
                Ordering::Greater => break,
            }
        }
        self.findings.orphans += 1;
        Kinds::default()
    }

    /// Compares a listing entry with the row at this index.
    fn compare(&mut self, place: usize, thing: &Thing<'_>) -> Kinds {
        let Reference { size_bytes, hashes, .. } = &self.wanted[place];
        let found = thing.size_bytes;
        let fault = if let Some(wanted) = size_bytes.filter(|wanted| *wanted != found) {
            Some(Fault::Size { wanted, found })
        } else if let Some((column, wanted)) = hashes.senseless.clone() {
            Some(Fault::Senseless { column, wanted })
        } else {
            let differs = hashes.etag_differs(thing.etag);
            differs.map(|(column, wanted, found)| Fault::Hash { column, wanted, found })
        };
        if let Some(fault) = fault {
            self.fail(thing.key.to_vec(), fault);
            return Kinds::default();
        }
        if hashes.is_empty() {
            return Kinds::default();
        }
        self.findings.compared += 1;
        let kinds = hashes.to_compute(thing.etag);
        if kinds.is_empty() {
            return kinds;
        }
        self.await_content(place, thing, kinds)
    }

    /// Marks the content as to be read, unless it was compared before or is empty.
    fn await_content(&mut self, place: usize, thing: &Thing<'_>, kinds: Kinds) -> Kinds {
        let hashes = &self.wanted[place].hashes;
        let token = match (&self.memory, thing.identity) {
            (Some((source, memory)), Some(identity)) => {
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                let token = memory.token(source, thing.key, identity, hashes);
                if memory.knows(&token) {
                    return Kinds::default();
                }
                memory.is_settled(thing.changed).then_some(token)
            }
            _ => None,
        };
        let identity = thing.identity.unwrap_or_default().to_vec();
        self.open.insert(place, Unread { kinds, identity, token });
        if thing.size_bytes == 0 {
            // Empty files are never opened.
            self.has_content(thing.key, &Hasher::new(kinds).finish());
            return Kinds::default();
        }
        kinds
    }

    /// Gives the hashes of an open content; may be called in any order, also for keys that no row
    /// refers to.
    pub fn has_content(&mut self, key: &[u8], digests: &Digests) {
        let Some(place) = self.place(key) else { return };
        let Some(unread) = self.open.remove(&place) else { return };
        let mut wanted = self.wanted[place].hashes.clone();
        if !unread.kinds.md5 {
            wanted.md5 = None;
        }
        match wanted.content_differs(digests) {
            Some((column, wanted, found)) => {
                self.findings.compared -= 1;
                self.fail(key.to_vec(), Fault::Hash { column, wanted, found });
            }
            None => {
                if let (Some((_, memory)), Some(token)) = (&self.memory, unread.token) {
                    memory.lock().unwrap_or_else(PoisonError::into_inner).add(token);
                }
            }
        }
    }

    /// What must still be read, in the order of the source: the capture did not read it, because it
    /// was unchanged.
    pub fn open(&self) -> Vec<Open> {
        let one = |(place, unread): (&usize, &Unread)| Open {
            key: self.wanted[*place].key.clone(),
            kinds: unread.kinds,
            identity: unread.identity.clone(),
        };
        self.open.iter().map(one).filter(|it| !self.unreadable.contains(&it.key)).collect()
    }

    /// Notes that this could not be read; may be called in any order, before or after
    /// [`References::holds`].
    pub fn is_unreadable(&mut self, key: &[u8]) {
        if self.place(key).is_some() {
            self.unreadable.insert(key.to_vec());
        }
    }

    fn place(&self, key: &[u8]) -> Option<usize> {
        let order = self.order;
        self.wanted.binary_search_by(|reference| order.compare(&reference.key, key)).ok()
    }

    /// Ends the walk.
    pub fn finish(mut self) -> Findings {
        for reference in self.wanted.split_off(self.next) {
            self.fail(reference.key, Fault::Missing);
        }
        for place in std::mem::take(&mut self.open).into_keys() {
            let key = self.wanted[place].key.clone();
            self.findings.compared -= 1;
            if !self.unreadable.contains(&key) {
                self.fail(key, Fault::NotCompared);
            }
        }
        let named: BTreeSet<Vec<u8>> =
            self.findings.named.iter().map(|(key, _)| key.clone()).collect();
        for key in std::mem::take(&mut self.unreadable) {
            // What was not listed at all is already counted as missing.
            if !named.contains(&key) {
                self.fail(key, Fault::Unreadable);
            }
        }
        let order = self.order;
        self.findings.named.sort_by(|left, right| order.compare(&left.0, &right.0));
        self.findings
    }

    fn fail(&mut self, key: Vec<u8>, fault: Fault) {
        self.findings.failed += 1;
        if self.findings.named.len() < NAMED_MAX {
            self.findings.named.push((key, fault));
        }
    }
}

#[cfg(test)]
#[path = "references_tests.rs"]
mod tests;
