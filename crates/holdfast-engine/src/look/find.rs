//! Finding entries by name and time.

use holdfast_connect::fs::filter::IncludeFilter;
use holdfast_format::entry::{Entry, EntryKind, FileTime};
use holdfast_repo::read::BlobReader;

use super::ls::TakeEntry;
use super::root::SnapshotRoot;
use super::walk::{Walk, check_interrupt, walk_each};
use crate::{EngineError, Observer};

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct FindOptions {
    /// Patterns: those without a slash match names, those with one match paths. As in restic,
    /// everything below a matching directory matches too. An empty list matches everything.
    pub patterns: IncludeFilter,
    /// Only entries modified at this time or later.
    pub oldest: Option<FileTime>,
    /// Only entries modified at this time or earlier.
    pub newest: Option<FileTime>,
}

impl FindOptions {
    fn matches(&self, path: &[u8], entry: &Entry) -> bool {
        let mtime = entry.metadata.mtime;
        (self.patterns.is_empty() || self.patterns.matches(path))
            && self.oldest.is_none_or(|oldest| mtime >= oldest)
            && self.newest.is_none_or(|newest| mtime <= newest)
    }

    fn may_match_below(&self, path: &[u8]) -> bool {
        self.patterns.is_empty()
            || self.patterns.matches(path)
            || self.patterns.may_match_below(path)
    }
}

/// Calls `each` for the entries that match, in path order. Directories in which nothing can match
/// are not read.
///
/// # Errors
/// [`EngineError::Interrupted`]; repository failures and what `each` returns.
pub fn find(
    reader: &mut BlobReader<'_>,
    root: &SnapshotRoot,
    options: &FindOptions,
    observer: &dyn Observer,
    each: TakeEntry<'_>,
) -> Result<(), EngineError> {
    walk_each(reader, root.folder(), b"", observer, |path, entry| {
        check_interrupt(observer)?;
        if options.matches(path, entry) {
            each(path, entry)?;
        }
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        Ok(if is_directory && !options.may_match_below(path) { Walk::Skip } else { Walk::Descend })
    })
}
