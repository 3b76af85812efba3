//! The parent snapshots during the scan: for each entry, what a parent has of that name.

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata};
use holdfast_format::record::Snapshot;
use holdfast_repo::index::{Baseline, Presence};
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::{DirectoryCursor, content_blobs};
use holdfast_repo::{RepoError, Repository, SnapshotInfo};
use jiff::Timestamp;

use super::Compare;

/// Snapshots that a new one is compared with, best first, among those that `is_same` accepts:
/// unfinished ones that are newer than the newest complete one, and that one.
///
/// Those dated after `now` come last: otherwise they would be the parents of all later ones until
/// then.
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

/// The coarsest timestamps of any file system: FAT counts in steps of two seconds.
const TIME_STEP_SECONDS: i64 = 2;

/// Anything last modified before this time was no longer changing when something started at
/// `start`: a later change would have a different time, however coarse the clock of the file
/// system.
pub fn settled_before(start: Timestamp) -> FileTime {
    let start = FileTime::from(start);
    FileTime { seconds: start.seconds - TIME_STEP_SECONDS, ..start }
}

/// A parent's tree of the source, and which times in it can be relied on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ParentTree {
    root: BlobId,
    /// Anything last modified before this time cannot have changed since the parent: its time would
    /// differ now.
    settled_before: FileTime,
}

impl ParentTree {
    /// The tree of `parent` with this root, for a run that started at `now`.
    ///
    /// A file that was modified while the parent was made, or so shortly before that a coarse clock
    /// gives a later change the same time, may have changed again after it was read. The same holds
    /// for anything dated after the start of this run: the clock was set back. If the parent's
    /// start time is unknown, no time is trusted.
    pub fn new(root: BlobId, parent: &Snapshot, now: Option<Timestamp>) -> Self {
        let began =
            parent.summary.backup_start.map(|start| now.map_or(start, |now| start.min(now)));
        let nothing = FileTime { seconds: i64::MIN, nanoseconds: 0 };
        Self { root, settled_before: began.map_or(nothing, settled_before) }
    }
}

/// What a parent has of a name.
#[derive(Debug)]
pub(super) struct ParentEntry {
    pub entry: Entry,
    settled_before: FileTime,
}

/// Cursors into the parents' trees, for each directory that the scan is in.
pub(super) struct Parents<'a> {
    reader: BlobReader<'a>,
    presence: Presence,
    /// For each level the cursors of all parents that have this directory, best parent first.
    levels: Vec<Vec<ParentCursor>>,
}

struct ParentCursor {
    cursor: DirectoryCursor,
    settled_before: FileTime,
}

impl ParentCursor {
    fn new(root: BlobId, settled_before: FileTime) -> Self {
        Self { cursor: DirectoryCursor::new(root), settled_before }
    }
}

impl<'a> Parents<'a> {
    pub fn new(
        repository: &'a Repository,
        begun_with: &Baseline,
        trees: &[ParentTree],
    ) -> Result<Self, RepoError> {
        let cursors = trees.iter().map(|tree| ParentCursor::new(tree.root, tree.settled_before));
        Ok(Self {
            reader: BlobReader::new(repository),
            presence: repository.index().presence(begun_with)?,
            levels: vec![cursors.collect()],
        })
    }

    /// The entry called `name` in the current directory, from each parent that has it, best parent
    /// first.
    ///
    /// An unreadable parent is dropped for this directory: its entries are read from the source
    /// instead.
    pub fn find(&mut self, name: &[u8]) -> Result<Vec<ParentEntry>, RepoError> {
        let mut found = Vec::new();
        if let Some(cursors) = self.levels.last_mut() {
            let reader = &mut self.reader;
            cursors.retain_mut(|parent| match parent.cursor.advance_to(reader, name) {
                Ok(entry) => {
                    let settled_before = parent.settled_before;
                    found.extend(entry.map(|entry| ParentEntry { entry, settled_before }));
                    true
                }
                Err(_) => false,
            });
        }
        Ok(found)
    }

    /// Enters a directory, for which the parents have these entries.
    pub fn enter(&mut self, known: &[ParentEntry]) {
        let cursors = known.iter().filter_map(|known| match known.entry.kind {
            EntryKind::Directory(root) => Some(ParentCursor::new(root, known.settled_before)),
            _ => None,
        });
        self.levels.push(cursors.collect());
    }

    /// Leaves the directory entered last.
    pub fn leave(&mut self) {
        self.levels.pop();
    }

    /// True if a new snapshot may rely on every chunk of this file and on every node that lists
    /// them: a lost pack is repaired by reading the file again.
    pub fn has_content(&mut self, entry: &Entry) -> Result<bool, RepoError> {
        let EntryKind::File { main, codec: 0, second: None, .. } = &entry.kind else {
            return Ok(false);
        };
        let presence = &mut self.presence;
        let mut has_all = true;
        let outcome = content_blobs(&mut self.reader, main, &mut |id| {
            has_all &= presence.contains(&id)?;
            Ok(())
        });
        Ok(has_all && outcome.is_ok())
    }
}

impl ParentEntry {
    /// True if a file with this metadata and size must be the parent's file. If its store
    /// `identifies` contents, no timestamp needs to be trusted.
    pub fn is_unchanged(
        &self,
        metadata: &Metadata,
        size: u64,
        compare: Compare,
        identifies: bool,
    ) -> bool {
        let before = &self.entry.metadata;
        let last_change = if compare.ctime { before.ctime } else { before.mtime };
        matches!(&self.entry.kind, EntryKind::File { size: then, .. } if *then == size)
            && !before.changed
            && before.mtime == metadata.mtime
            && (!compare.ctime || before.ctime == metadata.ctime)
            && (!compare.inode || has_same_inode(metadata, before))
            && (identifies || last_change < self.settled_before)
    }

    /// True if the entry was not touched since: then its extended attributes are the parent's too.
    /// A store that `identifies` contents also says when it was last asked for attributes.
    pub fn has_same_attributes(&self, metadata: &Metadata, identifies: bool) -> bool {
        let before = &self.entry.metadata;
        before.ctime == metadata.ctime
            && has_same_inode(metadata, before)
            && !before.xattrs_unread
            && (identifies || before.ctime < self.settled_before)
    }
}

/// True unless the inode number shows that this is a different file. A source reports 0 if its
/// inode numbers are not stable.
fn has_same_inode(metadata: &Metadata, before: &Metadata) -> bool {
    metadata.inode == 0 || before.inode == metadata.inode
}
