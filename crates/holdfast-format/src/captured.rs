//! How much of a source a snapshot has, and what it lacks (`docs/format.md`, section 9).

use serde::{Deserialize, Serialize};

use crate::limits::{MISSED_PATHS_BYTES_MAX, MISSED_PATHS_MAX};
use crate::record::Text;

/// How much of a source a snapshot has, and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Captured {
    /// Entries of its tree that are not directories, and their bytes.
    #[serde(flatten)]
    pub extent: SourceExtent,
    /// Entries that could not be read: they are missing from the tree, or there without their
    /// attributes.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread: u64,
    /// Entries that changed while being read.
    #[serde(skip_serializing_if = "is_zero")]
    pub changed: u64,
    /// Entries that a repair left out because their data is lost.
    #[serde(skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// Paths of the entries counted in `unread`, `changed` and `lost`, as far as a record has room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Text>,
    /// Totals of the last capture that was neither incomplete nor shrunk itself, if this one has so
    /// much less that it counts as shrunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk_from: Option<SourceExtent>,
}

/// How much a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceExtent {
    /// Files, objects, links and everything else that is not a directory.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
}

impl Captured {
    /// True if the tree has everything that the source had, as it was when it was read.
    pub fn is_complete(&self) -> bool {
        self.incomplete() == 0
    }

    /// Number of entries that are missing or differ from the source.
    pub fn incomplete(&self) -> u64 {
        self.unread.saturating_add(self.changed).saturating_add(self.lost)
    }

    /// Adds the path of a counted entry, if there is room for it and all previous ones fitted.
    pub fn name(&mut self, path: &[u8]) {
        let bytes: usize = self.missed.iter().map(|path| path.0.len()).sum();
        let has_room = self.missed.len() < MISSED_PATHS_MAX
            && bytes.saturating_add(path.len()) <= MISSED_PATHS_BYTES_MAX;
        if has_room {
            self.missed.push(Text(path.to_vec()));
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
