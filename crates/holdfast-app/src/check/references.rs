//! Rows that name objects or files, and which of them a source does not hold.
//!
//! The rows are read first, inside the cut of the database. Then the source passes by, in its
//! order, while it is being captured: both are walked side by side, so that a bucket of any size
//! needs memory for the rows only.

use std::cmp::Ordering;
use std::collections::BTreeSet;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Key of the object, or path of the file.
    pub key: Vec<u8>,
    /// Bytes that it must have, if the row says so.
    pub size_bytes: Option<u64>,
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
}

impl References {
    /// Rows in any order, also several of one key: then the last size counts.
    pub fn new(order: SourceOrder, mut rows: Vec<Reference>) -> Self {
        rows.sort_by(|left, right| order.compare(&left.key, &right.key));
        rows.dedup_by(|later, kept| {
            let is_same = later.key == kept.key;
            if is_same {
                kept.size_bytes = later.size_bytes.or(kept.size_bytes);
            }
            is_same
        });
        let findings = Findings { wanted: rows.len() as u64, ..Findings::default() };
        Self { order, wanted: rows, next: 0, findings, unreadable: BTreeSet::new() }
    }

    /// The source holds this; it must be called in the order of the source.
    pub fn holds(&mut self, key: &[u8], size_bytes: u64) {
        while let Some(reference) = self.wanted.get(self.next) {
            match self.order.compare(&reference.key, key) {
                Ordering::Less => {
                    let key = reference.key.clone();
                    self.next += 1;
                    self.fail(key, Fault::Missing);
                }
                Ordering::Equal => {
                    let wanted = reference.size_bytes.filter(|wanted| *wanted != size_bytes);
                    self.next += 1;
                    if let Some(wanted) = wanted {
                        self.fail(key.to_vec(), Fault::Size { wanted, found: size_bytes });
                    }
                    return;
                }
                Ordering::Greater => break,
            }
        }
        self.findings.orphans += 1;
    }

    /// The source has trouble with this; it may be called in any order, before or after
    /// [`References::holds`].
    pub fn is_unreadable(&mut self, key: &[u8]) {
        let order = self.order;
        let place = self.wanted.binary_search_by(|reference| order.compare(&reference.key, key));
        if place.is_ok() {
            self.unreadable.insert(key.to_vec());
        }
    }

    /// The source is at its end.
    pub fn finish(mut self) -> Findings {
        for reference in self.wanted.split_off(self.next) {
            self.fail(reference.key, Fault::Missing);
        }
        let named: BTreeSet<Vec<u8>> =
            self.findings.named.iter().map(|(key, _)| key.clone()).collect();
        for key in std::mem::take(&mut self.unreadable) {
            // What was not listed at all was counted as missing.
            if !named.contains(&key) {
                self.fail(key, Fault::Unreadable);
            }
        }
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn rows(keys: &[&str]) -> Vec<Reference> {
        let reference = |key: &&str| Reference { key: key.as_bytes().to_vec(), size_bytes: None };
        keys.iter().map(reference).collect()
    }

    fn walk(mut references: References, held: &[&str]) -> Findings {
        held.iter().for_each(|key| references.holds(key.as_bytes(), 1));
        references.finish()
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_not_wanted_is_counted() {
        let references = References::new(SourceOrder::Keys, rows(&["b", "a", "d", "b", "z"]));
        let findings = walk(references, &["a", "aa", "b", "c", "e"]);
        let named: Vec<_> = findings.named.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(named, [b"d", b"z"]);
        assert_eq!((findings.wanted, findings.failed, findings.orphans), (4, 2, 3));
    }

    #[test]
    fn another_size_is_a_fault() {
        let wanted = Reference { key: b"a".to_vec(), size_bytes: Some(2) };
        let findings = walk(References::new(SourceOrder::Keys, vec![wanted]), &["a"]);
        assert_eq!(findings.named, [(b"a".to_vec(), Fault::Size { wanted: 2, found: 1 })]);
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_only_where_it_is_wanted() {
        let mut references = References::new(SourceOrder::Keys, rows(&["a", "b"]));
        references.is_unreadable(b"c");
        references.is_unreadable(b"a");
        let findings = walk(references, &["a", "c"]);
        let expected = [(b"b".to_vec(), Fault::Missing), (b"a".to_vec(), Fault::Unreadable)];
        assert_eq!(findings.named, expected);
        assert_eq!(findings.failed, 2);
    }

    #[test]
    fn paths_are_walked_as_folders_are() {
        // A dash sorts before a slash, but a folder is left before what follows it begins.
        let references = References::new(SourceOrder::Paths, rows(&["a-b", "a/x", "a/y"]));
        let findings = walk(references, &["a/x", "a/y", "a-b"]);
        assert_eq!((findings.failed, findings.orphans), (0, 0));
    }

    proptest! {
        #[test]
        fn it_agrees_with_two_sets(
            wanted in proptest::collection::vec("[a-c/.-]{1,4}", 0..30),
            held in proptest::collection::btree_set("[a-c/.-]{1,4}", 0..30),
            is_bucket in any::<bool>(),
        ) {
            let order = if is_bucket { SourceOrder::Keys } else { SourceOrder::Paths };
            let reference = |key: &String| Reference { key: key.clone().into(), size_bytes: None };
            let mut references = References::new(order, wanted.iter().map(reference).collect());
            let mut passing: Vec<&String> = held.iter().collect();
            passing.sort_by(|left, right| order.compare(left.as_bytes(), right.as_bytes()));
            passing.iter().for_each(|key| references.holds(key.as_bytes(), 0));
            let findings = references.finish();

            let different: BTreeMap<&String, ()> = wanted.iter().map(|key| (key, ())).collect();
            let missing = different.keys().filter(|key| !held.contains(**key)).count() as u64;
            let orphans = held.iter().filter(|key| !different.contains_key(key)).count() as u64;
            prop_assert_eq!(findings.wanted, different.len() as u64);
            prop_assert_eq!(findings.failed, missing);
            prop_assert_eq!(findings.orphans, orphans);
        }
    }
}
