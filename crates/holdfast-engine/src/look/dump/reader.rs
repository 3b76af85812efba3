//! The bytes of a file, read on demand.

use std::io::{self, Read};

use holdfast_format::entry::Entry;
use holdfast_repo::Repository;

use super::chunks::{Chunk, Chunks, Readers};
use crate::EngineError;

/// Reads a file of a snapshot from start to end, with zeros for holes. It buffers one chunk.
pub struct FileReader<'a> {
    readers: Readers<'a>,
    chunks: Chunks,
    /// The rest of the current chunk.
    data: io::Cursor<Vec<u8>>,
    zeros: u64,
}

impl<'a> FileReader<'a> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`EngineError::WrongKind`] if it is not a file; one whose content is stored in a form that
    /// this version does not know.
    pub fn new(
        repository: &'a Repository,
        path: &[u8],
        entry: &Entry,
    ) -> Result<Self, EngineError> {
        let chunks = Chunks::of(path, &entry.kind)?;
        let readers = Readers::new(repository);
        Ok(Self { readers, chunks, data: io::Cursor::default(), zeros: 0 })
    }

    /// Takes the next chunk; false at the end.
    fn advance(&mut self) -> Result<bool, EngineError> {
        match self.chunks.next(&mut self.readers)? {
            None => return Ok(false),
            Some(Chunk::Zeros(bytes)) => self.zeros = bytes,
            Some(Chunk::Data(data)) => self.data = io::Cursor::new(data),
        }
        Ok(true)
    }
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.zeros > 0 {
                let count = self.zeros.min(buffer.len() as u64);
                buffer[..count as usize].fill(0);
                self.zeros -= count;
                return Ok(count as usize);
            }
            match self.data.read(buffer)? {
                0 if self.advance().map_err(io::Error::other)? => {}
                count => return Ok(count),
            }
        }
    }
}
