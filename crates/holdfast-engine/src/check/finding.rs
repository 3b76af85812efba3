//! What a check found: each damage by the name of its object, with the affected files and what
//! helps.

use std::collections::HashMap;

/// Files named with one finding; the rest are counted.
const FILES_NAMED_MAX: usize = 20;

/// What helps against a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// A repair of the index, for index objects and second copies.
    RepairIndex,
    /// A repair of the index that reads all packs, then a backup, which stores missing data again.
    ReadAllPacks,
    /// A backup, which stores missing data again, then a repair of the snapshots.
    RepairSnapshots,
    /// A copy of the object from elsewhere, or to write this generation off: snapshots that it
    /// removed reappear, and tags and holds that it set are lost. Until then nothing is deleted.
    WriteOffGeneration,
    /// A copy of the object from elsewhere, or to write the snapshot of this record off. Until then
    /// nothing is deleted.
    WriteOffRecord,
    /// A new key slot for the passphrase or key of this one.
    ReplaceKey,
}

/// What kind of object is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// One of the two copies of the config or of a key slot; the other is intact.
    Copy,
    /// Both copies of a key slot.
    KeySlot,
    /// A record of a chain.
    Record,
    /// An index object.
    IndexObject,
    /// A pack, or a part of it.
    Pack,
    /// Blobs that no pack holds.
    MissingBlobs,
    /// An inconsistent tree.
    Tree,
}

/// One damaged object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamageFinding {
    /// Name of the object.
    pub object: String,
    /// What kind of object it is.
    pub kind: FindingKind,
    /// What is wrong with it, in one sentence.
    pub message: String,
    /// The first few affected files: short id of the snapshot, and path. A path that ends in `/` is
    /// a directory that is partly unreadable.
    pub files: Vec<(String, Vec<u8>)>,
    /// Total number of affected files, counted in each snapshot.
    pub files_count: u64,
    /// What to do next.
    pub remedy: Remedy,
}

/// Collects findings; further damage of the same object joins the first.
#[derive(Debug, Default)]
pub(crate) struct DamageFindings {
    list: Vec<DamageFinding>,
    numbers: HashMap<(FindingKind, String), usize>,
}

impl DamageFindings {
    /// Adds a finding, unless there is one of this object already; returns its number.
    pub fn add(
        &mut self,
        kind: FindingKind,
        object: impl Into<String>,
        message: impl Into<String>,
        remedy: Remedy,
    ) -> usize {
        let object = object.into();
        let number = *self.numbers.entry((kind, object.clone())).or_insert(self.list.len());
        if number == self.list.len() {
            let (message, files) = (message.into(), Vec::new());
            self.list.push(DamageFinding { object, kind, message, files, files_count: 0, remedy });
        }
        number
    }

    /// Replaces the message of a finding.
    pub fn reword(&mut self, number: usize, message: String) {
        if let Some(finding) = self.list.get_mut(number) {
            finding.message = message;
        }
    }

    /// Records that a finding affects a file.
    pub fn hurts(&mut self, number: usize, snapshot: &str, path: &[u8]) {
        let Some(finding) = self.list.get_mut(number) else { return };
        finding.files_count += 1;
        if finding.files.len() < FILES_NAMED_MAX {
            finding.files.push((snapshot.to_owned(), path.to_vec()));
        }
    }

    /// All findings, in order of discovery.
    pub fn into_list(self) -> Vec<DamageFinding> {
        self.list
    }
}
