//! What a source of files was asked for (`docs/format.md`, section 9).

use serde::{Deserialize, Serialize};

use crate::record::Text;

/// What a source of files was asked for: which paths were named, and which rules left out what. A
/// restore that deletes must know it, for what was left out is not in the tree either.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Absolute paths that were named; none if they are those of the snapshot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Text>,
    /// Patterns of what was left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<Text>,
    /// The same without a difference between upper and lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes_any_case: Vec<Text>,
    /// True if other file systems were not entered.
    #[serde(skip_serializing_if = "is_false")]
    pub one_file_system: bool,
    /// True if what lies beside a valid `CACHEDIR.TAG` was left out.
    #[serde(skip_serializing_if = "is_false")]
    pub exclude_caches: bool,
    /// Files beside which everything was left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_if_present: Vec<Marker>,
    /// Files above this size in bytes were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_larger_than: Option<u64>,
    /// True if what `.gitignore` files name was left out.
    #[serde(skip_serializing_if = "is_false")]
    pub gitignore: bool,
}

/// A file beside which everything was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Its name.
    pub name: Text,
    /// What its content had to begin with; nothing if any content would do.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub header: Text,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_empty(text: &Text) -> bool {
    text.0.is_empty()
}
