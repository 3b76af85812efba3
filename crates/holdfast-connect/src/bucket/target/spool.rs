//! Content that arrives in pieces, kept in local files until it can be sent.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::http::payload::Payload;

/// A folder for such files, removed with its contents when it is dropped.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    next: AtomicU64,
}

impl Spool {
    /// Creates a private folder in `parent`.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn new(parent: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("holdfast-spool-{}", data_encoding::HEXLOWER.encode(&random));
        let folder = parent.join(name);
        DirBuilder::new().mode(0o700).recursive(true).create(&folder)?;
        Ok(Self { folder, next: AtomicU64::new(0) })
    }

    /// A piece of this many bytes, with nothing written yet.
    pub fn piece(self: &Arc<Self>, bytes: u64) -> SpoolFile {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        SpoolFile { path: self.folder.join(number.to_string()), bytes, _spool: Arc::clone(self) }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Anything left is removed with the parent folder, or by its creator.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One file of a spool. It is open only while it is used: there may be more pieces than files that
/// may be open.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    bytes: u64,
    _spool: Arc<Spool>,
}

impl SpoolFile {
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&self.path)
    }

    /// Writes some of it.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.open()?.write_all_at(bytes, offset)
    }

    /// All of it; what was never written is zeros. It stays readable after the piece is dropped,
    /// and disappears with the payload.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn payload(&self) -> io::Result<Payload> {
        let file = self.open()?;
        file.set_len(self.bytes)?;
        Ok(Payload::File { file: Arc::new(file), offset: 0, bytes: self.bytes })
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &Payload) -> Vec<u8> {
        let mut all = Vec::new();
        payload.each(|bytes| all.extend_from_slice(bytes)).unwrap();
        all
    }

    #[test]
    fn pieces_come_together_and_leave_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let spool = Arc::new(Spool::new(parent.path()).unwrap());
        let (one, other) = (spool.piece(6), spool.piece(3));
        one.write_at(3, b"def").unwrap();
        one.write_at(0, b"a").unwrap();
        let payloads = (one.payload().unwrap(), other.payload().unwrap());
        drop((one, other, spool));
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
        assert_eq!(read(&payloads.0), b"a\0\0def");
        assert_eq!(read(&payloads.1), [0; 3]);
    }
}
