//! Groups: rules are applied to each of them separately.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use holdfast_format::record::Text;

use super::candidate::Candidate;

/// What snapshots of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupBy {
    /// The host.
    pub host: bool,
    /// The paths.
    pub paths: bool,
    /// The tags.
    pub tags: bool,
}

impl Default for GroupBy {
    fn default() -> Self {
        Self { host: true, paths: true, tags: false }
    }
}

/// A word that is not a grouping key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot group by \"{word}\"; use host, paths and tags, comma-separated, or '' for one group"
)]
pub struct GroupByError {
    word: String,
}

impl FromStr for GroupBy {
    type Err = GroupByError;

    fn from_str(text: &str) -> Result<Self, GroupByError> {
        let mut group_by = Self { host: false, paths: false, tags: false };
        for word in text.split(',') {
            match word {
                "host" | "hosts" => group_by.host = true,
                "path" | "paths" => group_by.paths = true,
                "tag" | "tags" => group_by.tags = true,
                "" => {}
                _ => return Err(GroupByError { word: word.to_owned() }),
            }
        }
        Ok(group_by)
    }
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.host, "host"), (self.paths, "paths"), (self.tags, "tags")];
        let words: Vec<_> = words.iter().filter(|(used, _)| *used).map(|(_, word)| *word).collect();
        f.write_str(&words.join(","))
    }
}

/// The values that identify a group; empty where the grouping does not use them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GroupKey {
    /// The host.
    pub host: String,
    /// The paths, sorted.
    pub paths: Vec<Text>,
    /// The tags, sorted.
    pub tags: Vec<String>,
}

impl GroupBy {
    /// The group of a snapshot.
    pub fn key(&self, candidate: &Candidate) -> GroupKey {
        let mut key = GroupKey::default();
        if self.host {
            key.host.clone_from(&candidate.host);
        }
        if self.paths {
            key.paths = sorted(&candidate.paths);
        }
        if self.tags {
            key.tags = sorted(&candidate.tags);
        }
        key
    }

    /// Divides snapshots into their groups.
    pub fn split(&self, snapshots: Vec<Candidate>) -> BTreeMap<GroupKey, Vec<Candidate>> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for candidate in snapshots {
            groups.entry(self.key(&candidate)).or_default().push(candidate);
        }
        groups
    }
}

fn sorted<T: Ord + Clone>(values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort();
    values.dedup();
    values
}
