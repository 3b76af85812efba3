//! Writing the contents of a snapshot to a stream: a file as it is, a directory as an archive.

mod chunks;
mod content;
mod pax;
mod random;
mod reader;
mod tar;
mod zip;
mod zip_writer;

use std::io::Write;

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;

use super::root::{Place, SnapshotRoot};
use super::walk::{Visitor, Walk, check_interrupt, tell_too_deep, walk_as_files};
use crate::{EngineError, EngineEvent, Observer};
use content::Contents;
pub use reader::FileReader;

/// How a directory is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// A tar archive with everything that a snapshot stores, except sockets.
    Tar,
    /// A zip archive: files, directories and symbolic links.
    Zip {
        /// True to deflate files, false to store them.
        deflate: bool,
    },
}

/// Totals of what was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DumpStats {
    /// Entries.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Entries that the archive cannot hold; an [`EngineEvent::Note`] names each.
    pub skipped: u64,
    /// Directories that are nested too deep to be read; an [`EngineEvent::Trouble`] names each.
    pub too_deep: u64,
    /// Objects whose keys cannot be file names, and which have other names; an
    /// [`EngineEvent::Note`] names each.
    pub renamed: u64,
}

/// Writes what is at `path`: a file as its bytes, a directory as an archive. As in restic, entries
/// of the archive are named by their whole path below `root`, without the leading slash.
///
/// # Errors
/// [`EngineError::NoSuchPath`], [`EngineError::WrongKind`] if it is neither file nor directory,
/// [`EngineError::Output`], [`EngineError::Interrupted`]; repository failures. The output written
/// so far is then incomplete.
pub fn dump(
    repository: &Repository,
    root: &SnapshotRoot,
    path: &[u8],
    format: ArchiveFormat,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<DumpStats, EngineError> {
    let place = root.resolve(&mut BlobReader::new(repository), path)?;
    match place.entry() {
        Some(entry) if matches!(entry.kind, EntryKind::File { .. }) => {
            let bytes = dump_file(repository, path, entry, out, observer)?;
            Ok(DumpStats { entries: 1, bytes, ..DumpStats::default() })
        }
        _ => dump_archive(repository, &place, format, out, observer),
    }
}

/// Writes the bytes of a file, with zeros for holes; returns how many there were.
///
/// # Errors
/// [`EngineError::WrongKind`] if it is not a file; otherwise as [`dump`].
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

/// An archive being written.
trait Archive {
    /// Adds an entry, or skips one that it cannot hold and returns false.
    fn add(
        &mut self,
        path: &[u8],
        entry: &Entry,
        contents: &mut Contents<'_>,
    ) -> Result<bool, EngineError>;

    /// Writes the end.
    fn finish(&mut self) -> Result<(), EngineError>;
}

/// Writes the directory at `place` and its contents as an archive. The directory itself is included
/// unless it is the root.
///
/// # Errors
/// [`EngineError::WrongKind`] if it is not a directory; otherwise as [`dump`].
pub fn dump_archive(
    repository: &Repository,
    place: &Place,
    format: ArchiveFormat,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<DumpStats, EngineError> {
    match format {
        ArchiveFormat::Tar => {
            fill(repository, place, &mut tar::TarArchive::new(out, observer), observer)
        }
        ArchiveFormat::Zip { deflate } => {
            let mut archive = zip::ZipArchive::new(out, deflate, observer);
            fill(repository, place, &mut archive, observer)
        }
    }
}

fn fill(
    repository: &Repository,
    place: &Place,
    archive: &mut dyn Archive,
    observer: &dyn Observer,
) -> Result<DumpStats, EngineError> {
    let folder = place.folder().ok_or_else(|| EngineError::WrongKind {
        path: String::from_utf8_lossy(place.path()).into_owned(),
        wanted: "file or directory",
    })?;
    let contents = Contents::new(repository, observer);
    let (stats, renamed) = (DumpStats::default(), None);
    let mut filling = Filling { archive, contents, stats, renamed, observer };
    if let Some(entry) = place.entry() {
        filling.entry(place.file_path(), entry)?;
    }
    let mut reader = BlobReader::new(repository);
    walk_as_files(&mut reader, folder, place.file_path(), place.path(), &mut filling)?;
    filling.archive.finish()?;
    Ok(DumpStats { bytes: filling.contents.written(), ..filling.stats })
}

/// Puts the entries of a walk into an archive.
struct Filling<'a> {
    archive: &'a mut dyn Archive,
    contents: Contents<'a>,
    stats: DumpStats,
    /// The path by key of the next object, if it cannot have that name.
    renamed: Option<Vec<u8>>,
    observer: &'a dyn Observer,
}

impl Visitor for Filling<'_> {
    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<Walk, EngineError> {
        check_interrupt(self.observer)?;
        let path = &path[1..];
        if let Some(key_path) = self.renamed.take() {
            let name = path.escape_ascii();
            let what = format!("this key cannot be a file name; in the archive it is {name}");
            note(self.observer, &key_path, &what);
            self.stats.renamed += 1;
        }
        match self.archive.add(path, entry, &mut self.contents)? {
            true => self.stats.entries += 1,
            false => self.stats.skipped += 1,
        }
        Ok(Walk::Descend)
    }

    fn too_deep(&mut self, path: &[u8], error: &EngineError) {
        self.stats.too_deep += 1;
        tell_too_deep(self.observer, path, error);
    }

    fn renamed(&mut self, key_path: &[u8]) {
        self.renamed = Some(key_path[1..].to_vec());
    }
}

/// Tells the user something about an entry.
fn note(observer: &dyn Observer, path: &[u8], what: &str) {
    let message = format!("{}: {what}", String::from_utf8_lossy(path));
    observer.event(EngineEvent::Note { message: &message });
}
