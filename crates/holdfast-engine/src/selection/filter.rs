//! Filters: which snapshots a command considers.

use std::fmt;

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

/// The command-line options that give this filter.
impl fmt::Display for SnapshotFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.hosts.iter().map(|host| format!("--host {}", quoted(host)));
        let tags = self.tags.iter().map(|list| format!("--tag {}", quoted(&list.0.join(","))));
        let paths = self.paths.iter().map(|path| {
            let path = String::from_utf8_lossy(&path.0);
            format!("--path {}", quoted(&path))
        });
        f.write_str(&hosts.chain(tags).chain(paths).collect::<Vec<_>>().join(" "))
    }
}

/// Quotes text that is not a plain word; also keeps control characters off the terminal.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@+=".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.escape_debug())
    }
}
