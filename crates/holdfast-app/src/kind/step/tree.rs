//! Access to files of a snapshot that a restore reads itself.

use std::io::{self, Read};

use holdfast_connect::postgres::StoredDatabase;
use holdfast_engine::look::{FileReader, Place, SnapshotRoot, ls};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};

/// Largest file that is read into memory.
const WHOLE_BYTES_MAX: u64 = 256 << 20;

/// A snapshot and its repository.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The snapshot.
    pub snapshot: &'a SnapshotInfo,
}

/// The tree of one source.
#[derive(Clone)]
pub struct SourceTree<'a> {
    pub repository: &'a Repository,
    pub root: SnapshotRoot,
}

impl<'a> Origin<'a> {
    /// The tree of a source.
    pub fn tree(&self, source: &str) -> Result<SourceTree<'a>, EngineError> {
        let root = SnapshotRoot::of_source(&self.snapshot.snapshot, source)?;
        Ok(SourceTree { repository: self.repository, root })
    }
}

impl<'a> SourceTree<'a> {
    /// What is at a path; `None` if nothing is.
    pub fn find(&self, path: &[u8]) -> Result<Option<Place>, EngineError> {
        match self.root.resolve(&mut BlobReader::new(self.repository), path) {
            Ok(place) => Ok(Some(place)),
            Err(EngineError::NoSuchPath { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The folder at a path as a tree of its own.
    pub fn below(&self, path: &[u8]) -> Result<Self, EngineError> {
        let root = self.root.enter(&mut BlobReader::new(self.repository), path)?;
        Ok(Self { repository: self.repository, root })
    }

    /// Names of the folders in a folder; empty if it does not exist.
    pub fn folders(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, EngineError> {
        let mut names = Vec::new();
        if self.find(path)?.is_some() {
            let mut reader = BlobReader::new(self.repository);
            let mut each = |found: &[u8], entry: &Entry| {
                // The folder itself comes first.
                let is_below = found.strip_prefix(b"/") != Some(path);
                if is_below && matches!(entry.kind, EntryKind::Directory(_)) {
                    names.push(entry.name.clone());
                }
                Ok(())
            };
            ls(&mut reader, &self.root, &[path.to_vec()], false, &Silent, &mut each)?;
        }
        Ok(names)
    }

    /// Opens a file for reading; `None` if it does not exist.
    pub fn open(&self, path: &[u8]) -> Result<Option<(Entry, FileReader<'a>)>, EngineError> {
        match self.find(path)?.and_then(Place::into_entry) {
            Some(entry) => {
                let reader = FileReader::new(self.repository, path, &entry)?;
                Ok(Some((entry, reader)))
            }
            None => Ok(None),
        }
    }

    /// The content of a small file; `None` if it does not exist.
    pub fn whole(&self, path: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let Some((entry, reader)) = self.open(path)? else { return Ok(None) };
        let size = match entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        };
        if size > WHOLE_BYTES_MAX {
            let text = format!("{} is too long", String::from_utf8_lossy(path));
            return Err(EngineError::Source(io::Error::other(text)));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        let read = reader.take(WHOLE_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(EngineError::Source)?;
        Ok(Some(bytes))
    }
}

impl StoredDatabase for SourceTree<'_> {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        match SourceTree::open(self, path.as_bytes()).map_err(io::Error::other)? {
            Some((_, reader)) => Ok(Box::new(reader)),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "the snapshot does not have it")),
        }
    }
}
