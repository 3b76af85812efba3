//! The bytes of a file, read on demand.

use std::io::{self, Read};

use holdfast_format::entry::Entry;
use holdfast_repo::Repository;

use super::chunks::{FileChunkReader, FilePiece, Readers, content_of, wrong_size};
use super::random::OffsetReader;
use crate::EngineError;

/// Reads a file of a snapshot, with zeros for holes: from start to end through [`Read`], or at any
/// offset, for callers that seek as a mount does. It buffers one chunk for each.
pub struct FileReader<'a> {
    readers: Readers<'a>,
    chunks: FileChunkReader,
    random: OffsetReader,
    size: u64,
    path: String,
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
        let chunks = FileChunkReader::of(path, &entry.kind)?;
        let (size, content) = content_of(path, &entry.kind)?;
        let random = OffsetReader::new(content.clone());
        let (readers, path) =
            (Readers::new(repository), String::from_utf8_lossy(path).into_owned());
        Ok(Self { readers, chunks, random, size, path, data: io::Cursor::default(), zeros: 0 })
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills `buffer` from `offset` on and returns how many bytes that were: fewer than asked for
    /// only at the end of the file. Where [`Read`] is in the file does not change.
    ///
    /// # Errors
    /// Repository failures; damage if the chunks do not add up to the size of the file.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, EngineError> {
        let left = self.size.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let mut done = 0;
        while done < left {
            let part = &mut buffer[done..left];
            match self.random.read_some(&mut self.readers.nodes, offset + done as u64, part)? {
                0 => return Err(wrong_size(&self.path)),
                count => done += count,
            }
        }
        Ok(done)
    }

    /// Takes the next chunk; false at the end.
    fn advance(&mut self) -> Result<bool, EngineError> {
        match self.chunks.next(&mut self.readers)? {
            None => return Ok(false),
            Some(FilePiece::Zeros(bytes)) => self.zeros = bytes,
            Some(FilePiece::Data(data)) => self.data = io::Cursor::new(data),
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
