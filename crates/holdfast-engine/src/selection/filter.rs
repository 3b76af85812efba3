//! Filters: which snapshots a command considers.

use holdfast_format::record::Text;

use crate::retention::{Candidate, TagList};

/// Conditions on a snapshot; an empty list sets none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotFilter {
    /// It belongs to one of these hosts.
    pub hosts: Vec<String>,
    /// One of these lists matches its tags.
    pub tags: Vec<TagList>,
    /// It recorded all of these paths, each exactly as given.
    pub paths: Vec<Text>,
}

impl SnapshotFilter {
    /// True if every snapshot matches.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.tags.is_empty() && self.paths.is_empty()
    }

    /// True if the snapshot matches.
    pub fn matches(&self, snapshot: &Candidate) -> bool {
        let host = self.hosts.is_empty() || self.hosts.contains(&snapshot.host);
        let tags = self.tags.is_empty() || self.tags.iter().any(|l| l.matches(&snapshot.tags));
        host && tags && self.paths.iter().all(|path| snapshot.paths.contains(path))
    }
}
