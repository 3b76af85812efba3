//! Rows that name objects or files, and which of them a source does not hold as the row says.
//!
//! The rows are read first, inside the cut of the database. Then the source passes by, in its
//! order, while it is being captured: both are walked side by side, so that a bucket of any size
//! needs memory for the rows only. Where a row has a hash of the content, that is open until
//! somebody has read it: the capture on its way, or else whoever asks for [`References::open`].

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use holdfast_format::entry::FileTime;

use super::hashes::{Column, Digests, Hasher, Hashes, Kinds};
use super::memory::{SharedMemory, Token};

/// Names of missing things that a report lists; more are only counted.
pub const NAMED_MAX: usize = 100;

/// The order in which a source yields what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceOrder {
    /// A bucket: by the bytes of the key.
    Keys,
    /// Folders: by the bytes of each name on the way, a folder before what is in it.
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

/// What one row wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Reference {
    /// Key of the object, or path of the file.
    pub key: Vec<u8>,
    /// Bytes that it must have, if the row says so.
    pub size_bytes: Option<u64>,
    /// What its content must be, as far as the row says so.
    pub hashes: Hashes,
}

/// Something that a source holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thing<'a> {
    /// Key of the object, or path of the file.
    pub key: &'a [u8],
    /// Bytes that it has.
    pub size_bytes: u64,
    /// The ETag that the store gave it.
    pub etag: Option<&'a str>,
    /// What changes whenever its content may have changed; without it nothing that was compared
    /// before counts.
    pub identity: Option<&'a [u8]>,
    /// When it was changed last, if its identity rests on that.
    pub changed: Option<FileTime>,
}

/// A content that nobody has read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Key of the object, or path of the file.
    pub key: Vec<u8>,
    /// What is to be computed of it.
    pub kinds: Kinds,
    /// The identity that it had when it passed.
    pub identity: Vec<u8>,
}

/// What is wrong with something that a row wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is there, but could not be read.
    Unreadable,
    /// It has another size.
    Size {
        /// Bytes that the row wants.
        wanted: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Its content is another one than a column says.
    Hash {
        /// The column.
        column: Column,
        /// What the row says.
        wanted: String,
        /// What there is; empty if there is nothing of the kind.
        found: String,
    },
    /// A column says something that is no hash of its kind.
    Senseless {
        /// The column.
        column: Column,
        /// What the row says.
        wanted: String,
    },
    /// Nobody could compare its content with what the row says.
    NotCompared,
}

/// What a walk beside a source found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Different things that rows want.
    pub wanted: u64,
    /// Those that are not there as they should be.
    pub failed: u64,
    /// The first of them, in the order of the source; at most [`NAMED_MAX`].
    pub named: Vec<(Vec<u8>, Fault)>,
    /// Things of the source that no row wants.
    pub orphans: u64,
    /// Things whose content or ETag was compared with what the row says, now or before.
    pub compared: u64,
}

/// Walks rows beside a source.
#[derive(Debug, Clone)]
pub struct References {
    order: SourceOrder,
    /// In the order of the source, each key once.
    wanted: Vec<Reference>,
    /// The first that the source has not passed yet.
    next: usize,
    findings: Findings,
    /// Things that were there; they may turn out to be unreadable.
    unreadable: BTreeSet<Vec<u8>>,
    /// By their place among the wanted, those whose content is still to be compared.
    open: BTreeMap<usize, Unread>,
    memory: Option<(String, SharedMemory)>,
}

/// What is to be known of a content.
#[derive(Debug, Clone)]
struct Unread {
    kinds: Kinds,
    identity: Vec<u8>,
    /// What to remember it by once it was found right.
    token: Option<Token>,
}

impl References {
    /// Rows in any order, also several of one key: then the last size and the last hashes count.
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

    /// Contents of the source of this name that were compared before count.
    #[must_use]
    pub fn with_memory(mut self, source: &str, memory: &SharedMemory) -> Self {
        self.memory = Some((source.to_owned(), Arc::clone(memory)));
        self
    }

    /// The order of the source.
    pub fn order(&self) -> SourceOrder {
        self.order
    }

    /// True if a row has a hash of a content.
    pub fn wants_contents(&self) -> bool {
        self.wanted.iter().any(|it| !it.hashes.to_compute(None).is_empty())
    }

    /// The source holds this; it must be called in the order of the source. What must be computed
    /// of its content is still open then.
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

    /// Compares what a listing tells with the row at this place.
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

    /// The content must be read, unless it was compared before or there is none.
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
            // Nobody opens an empty file.
            self.has_content(thing.key, &Hasher::new(kinds).finish());
            return Kinds::default();
        }
        kinds
    }

    /// A content that was still open has these hashes; it may be called in any order, also for
    /// things that nobody wants.
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

    /// What must still be read, in the order of the source: the capture did not, because it had not
    /// changed.
    pub fn open(&self) -> Vec<Open> {
        let one = |(place, unread): (&usize, &Unread)| Open {
            key: self.wanted[*place].key.clone(),
            kinds: unread.kinds,
            identity: unread.identity.clone(),
        };
        self.open.iter().map(one).filter(|it| !self.unreadable.contains(&it.key)).collect()
    }

    /// The source has trouble with this; it may be called in any order, before or after
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

    /// The source is at its end.
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
            // What was not listed at all was counted as missing.
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
