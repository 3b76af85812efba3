//! Writing what is in a snapshot to a stream: a file as it is, a directory as an archive.

mod chunks;
mod content;
mod pax;
mod reader;
mod tar;
mod zip;

use std::io::Write;

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;

use super::root::{Place, SnapshotRoot, clean};
use super::walk::{Walk, check_interrupt, walk_each};
use crate::{EngineError, Event, Observer};
use content::Contents;
pub use reader::FileReader;

/// How a directory is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// A tar archive with everything that a snapshot keeps, but sockets.
    Tar,
    /// A zip archive: files, directories and symbolic links.
    Zip {
        /// True to deflate files, false to store them.
        deflate: bool,
    },
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DumpStats {
    /// Entries.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Entries that the archive cannot hold; an [`Event::Note`] names each.
    pub skipped: u64,
}

/// Writes what `path` leads to: a file as its bytes, a directory as an archive. As in restic,
/// entries of the archive are called by their whole path below `root`, without the leading slash.
///
/// # Errors
/// [`EngineError::NoSuchPath`], [`EngineError::WrongKind`] if it is neither file nor directory,
/// [`EngineError::Output`], [`EngineError::Interrupted`]; repository failures. What was written
/// until then is not complete.
pub fn dump(
    repository: &Repository,
    root: &SnapshotRoot,
    path: &[u8],
    format: ArchiveFormat,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<DumpStats, EngineError> {
    match root.resolve(&mut BlobReader::new(repository), path)? {
        Place::Entry(entry) if matches!(entry.kind, EntryKind::File { .. }) => {
            let bytes = dump_file(repository, path, &entry, out, observer)?;
            Ok(DumpStats { entries: 1, bytes, skipped: 0 })
        }
        place => dump_archive(repository, path, &place, format, out, observer),
    }
}

/// Writes the bytes of a file, zeros where it has holes; gives how many there were.
///
/// # Errors
/// [`EngineError::WrongKind`] if it is no file; otherwise as [`dump`].
pub fn dump_file(
    repository: &Repository,
    path: &[u8],
    entry: &Entry,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<u64, EngineError> {
    let bytes = Contents::new(repository, observer).write(path, &entry.kind, out)?;
    out.flush().map_err(EngineError::Output)?;
    Ok(bytes)
}

/// An archive that is being written.
trait Archive {
    /// Adds an entry, or skips one that it cannot hold; false then.
    fn add(
        &mut self,
        path: &[u8],
        entry: &Entry,
        contents: &mut Contents<'_>,
    ) -> Result<bool, EngineError>;

    /// Writes the end.
    fn finish(&mut self) -> Result<(), EngineError>;
}

/// Writes the directory at `place` and what is in it as an archive. The directory itself is in it
/// unless it is the root.
///
/// # Errors
/// [`EngineError::WrongKind`] if it is no directory; otherwise as [`dump`].
pub fn dump_archive(
    repository: &Repository,
    path: &[u8],
    place: &Place,
    format: ArchiveFormat,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<DumpStats, EngineError> {
    match format {
        ArchiveFormat::Tar => {
            fill(repository, path, place, &mut tar::TarArchive::new(out, observer), observer)
        }
        ArchiveFormat::Zip { deflate } => {
            let mut archive = zip::ZipArchive::new(out, deflate, observer);
            fill(repository, path, place, &mut archive, observer)
        }
    }
}

fn fill(
    repository: &Repository,
    path: &[u8],
    place: &Place,
    archive: &mut dyn Archive,
    observer: &dyn Observer,
) -> Result<DumpStats, EngineError> {
    let path = clean(path);
    let folder = place.folder().ok_or_else(|| EngineError::WrongKind {
        path: String::from_utf8_lossy(&path).into_owned(),
        wanted: "file or directory",
    })?;
    let mut contents = Contents::new(repository, observer);
    let mut stats = DumpStats::default();
    let mut add = |path: &[u8], entry: &Entry| -> Result<Walk, EngineError> {
        check_interrupt(observer)?;
        match archive.add(&path[1..], entry, &mut contents)? {
            true => stats.entries += 1,
            false => stats.skipped += 1,
        }
        Ok(Walk::Descend)
    };
    if let Place::Entry(entry) = place {
        add(&path, entry)?;
    }
    walk_each(&mut BlobReader::new(repository), &folder, &path, add)?;
    archive.finish()?;
    stats.bytes = contents.written();
    Ok(stats)
}

/// Tells the user something about an entry.
fn note(observer: &dyn Observer, path: &[u8], what: &str) {
    let message = format!("{}: {what}", String::from_utf8_lossy(path));
    observer.event(Event::Note { message: &message });
}
