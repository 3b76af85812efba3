//! The parent snapshots beside the scan: for each entry, what a parent has of that name.

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::record::Snapshot;
use holdfast_repo::index::IndexReader;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::{DirectoryCursor, extents};
use holdfast_repo::{RepoError, Repository, SnapshotInfo};
use jiff::Timestamp;

use super::Compare;

/// Snapshots that a new one is compared with, best first, among those that `is_same` accepts:
/// unfinished ones that are newer than the newest complete one, and that one.
///
/// Those dated after `now` come last: they would stay the parents of all that follow until then.
pub fn parents(
    repository: &Repository,
    now: Timestamp,
    is_same: impl Fn(&Snapshot) -> bool,
) -> Vec<SnapshotInfo> {
    let mut snapshots = repository.history().snapshots();
    snapshots.sort_by_key(|info| info.snapshot.time <= now);
    let mut found = Vec::new();
    for info in snapshots.into_iter().rev().filter(|info| is_same(&info.snapshot)) {
        let is_complete = !info.snapshot.partial;
        found.push(info);
        if is_complete {
            break;
        }
    }
    found
}

/// Cursors into the parents' trees, for each directory that the scan is in.
pub(super) struct Parents<'a> {
    reader: BlobReader<'a>,
    index: IndexReader,
    /// Per level the cursors of all parents that have this directory, best parent first.
    levels: Vec<Vec<DirectoryCursor>>,
}

impl<'a> Parents<'a> {
    pub fn new(repository: &'a Repository, roots: &[BlobId]) -> Self {
        Self {
            reader: BlobReader::new(repository),
            index: repository.index().reader(),
            levels: vec![roots.iter().map(|root| DirectoryCursor::new(*root)).collect()],
        }
    }

    /// What the best parent that has an entry called `name` in the present directory has there.
    ///
    /// A parent that cannot be read is given up for this directory: its entries are read from the
    /// source instead.
    pub fn find(&mut self, name: &[u8]) -> Result<Vec<Entry>, RepoError> {
        let mut found = Vec::new();
        if let Some(cursors) = self.levels.last_mut() {
            let reader = &mut self.reader;
            cursors.retain_mut(|cursor| match cursor.advance_to(reader, name) {
                Ok(entry) => {
                    found.extend(entry);
                    true
                }
                Err(_) => false,
            });
        }
        Ok(found)
    }

    /// Goes into a directory, of which the parents have these entries.
    pub fn enter(&mut self, entries: &[Entry]) {
        let cursors = entries.iter().filter_map(|entry| match entry.kind {
            EntryKind::Directory(root) => Some(DirectoryCursor::new(root)),
            _ => None,
        });
        self.levels.push(cursors.collect());
    }

    /// Goes out of the directory entered last.
    pub fn leave(&mut self) {
        self.levels.pop();
    }

    /// True if the repository still has every chunk of this file: a lost pack is mended by reading
    /// the file again.
    pub fn has_content(&mut self, entry: &Entry) -> Result<bool, RepoError> {
        let EntryKind::File { main, codec: 0, second: None, .. } = &entry.kind else {
            return Ok(false);
        };
        let index = &self.index;
        let mut has_all = true;
        let outcome = extents(&mut self.reader, main, &mut |extent| {
            if let Extent::Data { id, .. } = extent {
                has_all &= index.contains(&id)?;
            }
            Ok(())
        });
        Ok(has_all && outcome.is_ok())
    }
}

/// True if a file with this metadata and size must be the one that `parent` describes.
pub(super) fn is_unchanged(
    metadata: &Metadata,
    size: u64,
    parent: &Entry,
    compare: Compare,
) -> bool {
    let before = &parent.metadata;
    matches!(&parent.kind, EntryKind::File { size: then, .. } if *then == size)
        && !before.changed
        && before.mtime == metadata.mtime
        && (!compare.ctime || before.ctime == metadata.ctime)
        && (!compare.inode || before.inode == metadata.inode)
}

/// True if nothing was done to an entry since: then its extended attributes are the parent's too.
pub(super) fn has_same_attributes(metadata: &Metadata, parent: &Metadata) -> bool {
    parent.ctime == metadata.ctime && parent.inode == metadata.inode && !parent.xattrs_unread
}
