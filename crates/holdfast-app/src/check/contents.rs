//! Contents whose hashes rows state but which the capture did not read: being unchanged, they are
//! in a snapshot already, and are read from there, once.

use std::io;

use holdfast_engine::look::{FileReader, SnapshotRoot};
use holdfast_engine::{EngineError, Observer};
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};

use super::hashes::{Digests, Hasher};
use super::names::RowNames;
use super::passing::identity;
use super::references::Open;
use super::watch::SourceWatch;

/// One source in the snapshots that a capture takes unchanged contents from.
pub(crate) struct SnapshotContents<'a> {
    /// Their repository.
    pub repository: &'a Repository,
    /// The snapshots, the best first.
    pub parents: &'a [SnapshotInfo],
    /// Name of the source.
    pub source: &'a str,
    /// How rows refer to what the source holds.
    pub names: &'a RowNames,
}

/// Reads contents not yet compared from the snapshots that the capture took them from.
pub(crate) fn read_open(
    contents: &SnapshotContents<'_>,
    watch: &SourceWatch,
    observer: &dyn Observer,
) -> Result<(), EngineError> {
    for open in watch.open() {
        if observer.is_interrupted() {
            return Err(EngineError::Interrupted);
        }
        for parent in contents.parents {
            // A parent that cannot be read is skipped, as the capture does.
            if let Ok(Some(digests)) = contents.read(parent, &open) {
                watch.has_content(&open.key, &digests);
                break;
            }
        }
    }
    Ok(())
}

impl SnapshotContents<'_> {
    /// The hashes of a content as stored in a snapshot; `None` if the snapshot has different
    /// content.
    fn read(&self, parent: &SnapshotInfo, open: &Open) -> Result<Option<Digests>, EngineError> {
        let Some(path) = self.names.path_of(&open.key) else { return Ok(None) };
        let root = SnapshotRoot::of_source(&parent.snapshot, self.source)?;
        let place = root.resolve(&mut BlobReader::new(self.repository), &path)?;
        let Some(entry) = place.into_entry() else { return Ok(None) };
        if !self.is_same(&entry, open) {
            return Ok(None);
        }
        let stored = Digests::stored(&entry.metadata.xattrs);
        if stored.sha256.is_some() && !open.kinds.md5 {
            return Ok(Some(stored));
        }
        let mut hasher = Hasher::new(open.kinds);
        let mut reader = FileReader::new(self.repository, &path, &entry)?;
        io::copy(&mut reader, &mut hasher).map_err(EngineError::Source)?;
        Ok(Some(hasher.finish()))
    }

    fn is_same(&self, entry: &Entry, open: &Open) -> bool {
        let EntryKind::File { size, .. } = entry.kind else { return false };
        let found = identity(&entry.metadata, size, self.names.order());
        !entry.metadata.changed && found == open.identity
    }
}
