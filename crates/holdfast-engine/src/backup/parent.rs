//! The parent snapshots beside the scan: for each entry, what a parent has of that name.

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata};
use holdfast_format::record::Snapshot;
use holdfast_repo::index::{IndexReader, Presence};
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::{DirectoryCursor, content_blobs};
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

/// The coarsest times that file systems keep: FAT counts in steps of two seconds.
const TIME_STEP_SECONDS: i64 = 2;

/// What was changed last before this time had been changed for good when something began at
/// `start`: a later change would have given it another time, however coarse the clock of the file
/// system.
pub fn settled_before(start: Timestamp) -> FileTime {
    let start = FileTime::from(start);
    FileTime { seconds: start.seconds - TIME_STEP_SECONDS, ..start }
}

/// A parent's tree of the source, and which times in it can be relied on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ParentTree {
    root: BlobId,
    /// What was changed last before this time cannot have been changed again behind the parent's
    /// back: it would have another time now.
    settled_before: FileTime,
}

impl ParentTree {
    /// The tree of `parent` with this root, for a run that began at `now`.
    ///
    /// A file that was changed while the parent was made, or so shortly before that a coarse clock
    /// gives a later change the same time, may have been changed once more after it was read. So
    /// may everything that is dated behind the beginning of this run: the clock was set back.
    /// Without the time at which the parent began nothing is relied on.
    pub fn new(root: BlobId, parent: &Snapshot, now: Option<Timestamp>) -> Self {
        let began =
            parent.summary.backup_start.map(|start| now.map_or(start, |now| start.min(now)));
        let nothing = FileTime { seconds: i64::MIN, nanoseconds: 0 };
        Self { root, settled_before: began.map_or(nothing, settled_before) }
    }
}

/// What a parent has of a name.
#[derive(Debug)]
pub(super) struct Known {
    pub entry: Entry,
    settled_before: FileTime,
}

/// Cursors into the parents' trees, for each directory that the scan is in.
pub(super) struct Parents<'a> {
    reader: BlobReader<'a>,
    presence: Presence,
    /// Per level the cursors of all parents that have this directory, best parent first.
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
        begun_with: &IndexReader,
        trees: &[ParentTree],
    ) -> Result<Self, RepoError> {
        let cursors = trees.iter().map(|tree| ParentCursor::new(tree.root, tree.settled_before));
        Ok(Self {
            reader: BlobReader::new(repository),
            presence: repository.index().presence(begun_with)?,
            levels: vec![cursors.collect()],
        })
    }

    /// What the parents have that have an entry called `name` in the present directory, best parent
    /// first.
    ///
    /// A parent that cannot be read is given up for this directory: its entries are read from the
    /// source instead.
    pub fn find(&mut self, name: &[u8]) -> Result<Vec<Known>, RepoError> {
        let mut found = Vec::new();
        if let Some(cursors) = self.levels.last_mut() {
            let reader = &mut self.reader;
            cursors.retain_mut(|parent| match parent.cursor.advance_to(reader, name) {
                Ok(entry) => {
                    let settled_before = parent.settled_before;
                    found.extend(entry.map(|entry| Known { entry, settled_before }));
                    true
                }
                Err(_) => false,
            });
        }
        Ok(found)
    }

    /// Goes into a directory, of which the parents have these entries.
    pub fn enter(&mut self, known: &[Known]) {
        let cursors = known.iter().filter_map(|known| match known.entry.kind {
            EntryKind::Directory(root) => Some(ParentCursor::new(root, known.settled_before)),
            _ => None,
        });
        self.levels.push(cursors.collect());
    }

    /// Goes out of the directory entered last.
    pub fn leave(&mut self) {
        self.levels.pop();
    }

    /// True if a new snapshot may rely on every chunk of this file and on every node that lists
    /// them: a lost pack is mended by reading the file again.
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

impl Known {
    /// True if a file with this metadata and size must be the one that the parent has. Where its
    /// store `identifies` contents, no time has to be relied on.
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

    /// True if nothing was done to the entry since: then its extended attributes are the parent's
    /// too. A store that `identifies` contents also says up to when it was asked for attributes.
    pub fn has_same_attributes(&self, metadata: &Metadata, identifies: bool) -> bool {
        let before = &self.entry.metadata;
        before.ctime == metadata.ctime
            && has_same_inode(metadata, before)
            && !before.xattrs_unread
            && (identifies || before.ctime < self.settled_before)
    }
}

/// True unless the inode number says that this is another file than before. A source says 0 where
/// its numbers do not last.
fn has_same_inode(metadata: &Metadata, before: &Metadata) -> bool {
    metadata.inode == 0 || before.inode == metadata.inode
}
