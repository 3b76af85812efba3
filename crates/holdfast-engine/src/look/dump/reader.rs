//! The bytes of a file as they are asked for.

use std::io::{self, Read};

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::node::Extent;
use holdfast_format::{BlobType, FormatError};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use crate::EngineError;
use crate::look::nodes::Extents;

/// Reads a file of a snapshot from start to end, zeros where it has holes. It holds one chunk.
pub struct FileReader<'a> {
    /// Chunk lists and data have a reader each, so that neither drives the other's frames out.
    nodes: BlobReader<'a>,
    data: BlobReader<'a>,
    extents: Extents,
    /// Bytes that the chunks after the present one must add up to.
    left: u64,
    /// What is left of the present chunk.
    chunk: io::Cursor<Vec<u8>>,
    zeros: u64,
    path: String,
}

impl<'a> FileReader<'a> {
    /// Begins at the start of the file that `path` leads to.
    ///
    /// # Errors
    /// [`EngineError::WrongKind`] if it is no file; one whose content is kept in a form that this
    /// version does not know.
    pub fn new(
        repository: &'a Repository,
        path: &[u8],
        entry: &Entry,
    ) -> Result<Self, EngineError> {
        let path = String::from_utf8_lossy(path).into_owned();
        let EntryKind::File { size, codec, main, .. } = &entry.kind else {
            return Err(EngineError::WrongKind { path, wanted: "file" });
        };
        if *codec != 0 {
            let feature = format!("content codec {codec}");
            return Err(RepoError::Newer(FormatError::Feature { feature }).into());
        }
        Ok(Self {
            nodes: BlobReader::new(repository),
            data: BlobReader::new(repository),
            extents: Extents::of(main),
            left: *size,
            chunk: io::Cursor::default(),
            zeros: 0,
            path,
        })
    }

    /// Takes the next chunk; false at the end.
    fn advance(&mut self) -> Result<bool, EngineError> {
        let wrong_size =
            || RepoError::damaged(self.path.clone(), "its chunks do not add up to its size");
        let Some(extent) = self.extents.next(&mut self.nodes, &mut |_| Ok(true))? else {
            return if self.left > 0 { Err(wrong_size().into()) } else { Ok(false) };
        };
        self.left = self.left.checked_sub(extent.bytes()).ok_or_else(wrong_size)?;
        match extent {
            Extent::Hole { bytes } => self.zeros = bytes,
            Extent::Data { id, bytes } => {
                let data = self.data.blob(&id, BlobType::Data)?;
                if data.len() as u64 != bytes {
                    return Err(wrong_size().into());
                }
                self.chunk = io::Cursor::new(data);
            }
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
            match self.chunk.read(buffer)? {
                0 if self.advance().map_err(io::Error::other)? => {}
                count => return Ok(count),
            }
        }
    }
}
