//! How two snapshots differ.
//!
//! Both sides are read in step ([`pair`]): wherever the same node comes next on both, it is skipped
//! without being read, whether it is the root of a directory or a part of a long one. The cost is
//! that of the difference, not that of the snapshots.
//!
//! Objects of buckets are compared as they are stored, in one flat directory, and reported by their
//! keys: a common prefix of keys is not an entry here.

mod change;
mod pair;
mod tally;

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::Repository;

pub use change::PathChange;

use super::root::{Folder, SnapshotRoot};
use super::walk::{check_interrupt, tell_too_deep};
use crate::{EngineError, Observer};
use change::modifier;
use pair::{NameDifference, RemainingPair};
use tally::{Side, Tally};

/// What a comparison should report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffOptions {
    /// Also entries of which only the metadata changed.
    pub metadata: bool,
}

/// What one side has and the other does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SideStatistics {
    /// Files.
    pub files: u64,
    /// Directories.
    pub dirs: u64,
    /// Anything else.
    pub others: u64,
    /// Blobs of data.
    pub data_blobs: u64,
    /// Nodes of trees.
    pub tree_blobs: u64,
    /// Bytes of these blobs before compression.
    pub bytes: u64,
}

/// Totals of a comparison. Blobs are compared among the parts that differ: one that a changed file
/// gained and that an unchanged part has always had counts as added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiffStatistics {
    /// Files whose content changed.
    pub changed_files: u64,
    /// What only the second snapshot has.
    pub added: SideStatistics,
    /// What only the first snapshot has.
    pub removed: SideStatistics,
    /// Blobs of files that no pack has any more; they are not counted anywhere else.
    pub missing_blobs: u64,
    /// Nodes that were read.
    pub nodes_read: u64,
}

/// Receives a change.
pub type TakeChange<'a> = &'a mut dyn FnMut(&PathChange<'_>) -> Result<(), EngineError>;

/// Calls `each` for the changes from `left` to `right`, in path order; a directory comes before its
/// contents. Everything in an added or removed directory is reported individually, even where a
/// file replaced a directory.
///
/// # Errors
/// [`EngineError::Interrupted`]; repository failures and what `each` returns.
pub fn diff(
    repository: &Repository,
    left: &SnapshotRoot,
    right: &SnapshotRoot,
    options: DiffOptions,
    observer: &dyn Observer,
    each: TakeChange<'_>,
) -> Result<DiffStatistics, EngineError> {
    let tally = Tally::new(repository);
    let mut run =
        DiffRun { tally, options, statistics: DiffStatistics::default(), path: Vec::new(), each };
    let has_sources = |root: &SnapshotRoot| matches!(root.folder(), Folder::Sources(_));
    let levels_above = usize::from(has_sources(left) || has_sources(right));
    let pair = RemainingPair::new(Some(left.folder().clone()), Some(right.folder().clone()));
    let mut levels = vec![DirectoryPair { pair, path_bytes: 0 }];
    while let Some(level) = levels.last_mut() {
        check_interrupt(observer)?;
        run.path.truncate(level.path_bytes);
        let Some(difference) = level.pair.next(&mut run.tally)? else {
            levels.pop();
            continue;
        };
        run.tell(&level.pair, &difference)?;
        let depth = levels.len() - levels_above;
        let Some(level) = levels.last() else { continue };
        match level.pair.below(&difference, depth) {
            Ok(None) => {}
            Ok(Some(pair)) => levels.push(DirectoryPair { pair, path_bytes: run.path.len() }),
            Err(error) => tell_too_deep(observer, &run.path, &error),
        }
    }
    Ok(run.finish())
}

/// A pair of directories being compared.
struct DirectoryPair {
    pair: RemainingPair,
    path_bytes: usize,
}

struct DiffRun<'a, 'e> {
    tally: Tally<'a>,
    options: DiffOptions,
    statistics: DiffStatistics,
    path: Vec<u8>,
    each: TakeChange<'e>,
}

impl DiffRun<'_, '_> {
    /// Appends the name to the path; reports and counts the difference.
    fn tell(
        &mut self,
        pair: &RemainingPair,
        difference: &NameDifference,
    ) -> Result<(), EngineError> {
        let (left, right) = (difference.left.as_deref(), difference.right.as_deref());
        self.path.push(b'/');
        self.path.extend(pair.shown_name(difference));
        self.count(left, right);
        self.tally.contents(left.map(|entry| &entry.kind), right.map(|entry| &entry.kind))?;
        if let Some(modifier) = modifier(left, right, self.options.metadata) {
            self.statistics.changed_files += u64::from(modifier.starts_with('M') && is_file(right));
            let ends_with_slash = right.or(left).is_some_and(is_directory);
            let path_bytes = self.path.len();
            if ends_with_slash {
                self.path.push(b'/');
            }
            (self.each)(&PathChange { path: &self.path, modifier, left, right })?;
            self.path.truncate(path_bytes);
        }
        Ok(())
    }

    fn count(&mut self, left: Option<&Entry>, right: Option<&Entry>) {
        let (entry, side) = match (left, right) {
            (Some(entry), None) => (entry, &mut self.statistics.removed),
            (None, Some(entry)) => (entry, &mut self.statistics.added),
            _ => return,
        };
        match entry.kind {
            EntryKind::File { .. } => side.files += 1,
            EntryKind::Directory(_) => side.dirs += 1,
            _ => side.others += 1,
        }
    }

    fn finish(self) -> DiffStatistics {
        let mut statistics = self.statistics;
        self.tally.put_into(Side::Left, &mut statistics.removed);
        self.tally.put_into(Side::Right, &mut statistics.added);
        statistics.missing_blobs = self.tally.missing_blobs();
        statistics.nodes_read = self.tally.nodes_read();
        statistics
    }
}

fn is_file(entry: Option<&Entry>) -> bool {
    entry.is_some_and(|entry| matches!(entry.kind, EntryKind::File { .. }))
}

fn is_directory(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Directory(_))
}
