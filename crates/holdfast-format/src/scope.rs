//! What a source of files was asked to include (`docs/format.md`, section 9).

use serde::{Deserialize, Serialize};

use crate::record::Text;

/// What a source of files was asked to include: which paths were named, and which rules excluded
/// what. A restore that deletes must know this, because excluded entries are not in the tree
/// either.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Absolute paths that were named; empty if they are those of the snapshot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Text>,
    /// Patterns of excluded entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<Text>,
    /// The same, case-insensitive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes_any_case: Vec<Text>,
    /// True if other file systems were not entered.
    #[serde(skip_serializing_if = "is_false")]
    pub one_file_system: bool,
    /// True if everything next to a valid `CACHEDIR.TAG` was excluded.
    #[serde(skip_serializing_if = "is_false")]
    pub exclude_caches: bool,
    /// Files next to which everything was excluded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_if_present: Vec<Marker>,
    /// Files above this size in bytes were excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_larger_than: Option<u64>,
    /// True if entries listed in `.gitignore` files were excluded.
    #[serde(skip_serializing_if = "is_false")]
    pub gitignore: bool,
}

/// A file next to which everything was excluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Its name.
    pub name: Text,
    /// How its content had to start; empty if any content counted.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub header: Text,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_empty(text: &Text) -> bool {
    text.0.is_empty()
}
