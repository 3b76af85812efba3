//! Contents whose hashes rows state but which the capture did not read: being unchanged, they are
//! in a snapshot already, and are read from there, once.

use std::io;
use std::sync::PoisonError;

use holdfast_engine::EngineError;
use holdfast_engine::look::{FileReader, SnapshotRoot};
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{SnapshotInfo, local};
use jiff::Timestamp;

use super::report::RunReport;
use super::source::{order_of, path_of_name};
use super::watch::Watched;
use super::{RunError, Work};
use crate::check::{Digests, Hasher, Memory, Open, SharedMemory, identity};
use crate::config::Source;

/// What earlier runs on this machine compared, for a run that started at `start`.
pub(super) fn memory(work: &Work<'_>, start: Timestamp) -> SharedMemory {
    let keys = work.places.data.keys();
    let id = keys.repository_id();
    let name = format!("contents.{}", work.file.app.name.as_str());
    let folder = work.context.cache_folder.as_ref().filter(|_| !work.context.write.dry_run);
    let path = folder.map(|folder| local::repository_folder(folder, &id).join(name));
    SharedMemory::new(Memory::read(path, keys.fingerprint_key()).of_run(start).into())
}

/// Saves it for the next run.
pub(super) fn remember(memory: &SharedMemory, report: &mut RunReport) {
    let written = memory.lock().unwrap_or_else(PoisonError::into_inner).write();
    if let Err(error) = written {
        report.warnings.push(format!(
            "could not cache which contents were verified, so the next run reads them again: \
             {error}"
        ));
    }
}

/// Reads contents not yet compared from the snapshots that the capture took them from.
pub(super) fn read_open(
    work: &Work<'_>,
    source: &Source,
    parents: &[SnapshotInfo],
    watched: &Watched,
) -> Result<(), RunError> {
    for open in watched.open() {
        if work.observer.is_interrupted() {
            return Err(EngineError::Interrupted.into());
        }
        for parent in parents {
            let found = read(work, source, parent, &open);
            // A parent that cannot be read is skipped, as the capture does.
            if let Ok(Some(digests)) = found {
                watched.has_content(&open.key, &digests);
                break;
            }
        }
    }
    Ok(())
}

/// The hashes of a content as stored in a snapshot; `None` if the snapshot has different content.
fn read(
    work: &Work<'_>,
    source: &Source,
    parent: &SnapshotInfo,
    open: &Open,
) -> Result<Option<Digests>, EngineError> {
    let repository = work.places.data;
    let Some(path) = path_of_name(source, &open.key) else { return Ok(None) };
    let root = SnapshotRoot::of_source(&parent.snapshot, source.name.as_str())?;
    let place = root.resolve(&mut BlobReader::new(repository), &path)?;
    let Some(entry) = place.into_entry() else { return Ok(None) };
    if !is_same(&entry, source, open) {
        return Ok(None);
    }
    let stored = Digests::stored(&entry.metadata.xattrs);
    if stored.sha256.is_some() && !open.kinds.md5 {
        return Ok(Some(stored));
    }
    let mut hasher = Hasher::new(open.kinds);
    let mut reader = FileReader::new(repository, &path, &entry)?;
    io::copy(&mut reader, &mut hasher).map_err(EngineError::Source)?;
    Ok(Some(hasher.finish()))
}

fn is_same(entry: &Entry, source: &Source, open: &Open) -> bool {
    let EntryKind::File { size, .. } = entry.kind else { return false };
    !entry.metadata.changed && identity(&entry.metadata, size, order_of(source)) == open.identity
}
