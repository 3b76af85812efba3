//! The chunks of a file, one after the other, and what must be true of them.

use holdfast_format::entry::EntryKind;
use holdfast_format::node::Extent;
use holdfast_format::{BlobType, FormatError};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use crate::EngineError;
use crate::look::nodes::Extents;

/// What chunks are read with. It keeps the frames that it opened last, so that neighbouring blobs,
/// also of several small files, open their frame once.
pub(super) struct Readers<'a> {
    /// Chunk lists and data have a reader each, so that neither drives the other's frames out.
    nodes: BlobReader<'a>,
    data: BlobReader<'a>,
}

impl<'a> Readers<'a> {
    pub fn new(repository: &'a Repository) -> Self {
        Self { nodes: BlobReader::new(repository), data: BlobReader::new(repository) }
    }
}

/// One piece of a file.
pub(super) enum Chunk {
    /// A hole of so many bytes.
    Zeros(u64),
    Data(Vec<u8>),
}

impl Chunk {
    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Zeros(bytes) => *bytes,
            Self::Data(data) => data.len() as u64,
        }
    }
}

/// The chunks of one file that were not read yet.
pub(super) struct Chunks {
    extents: Extents,
    /// Bytes that they must add up to.
    left: u64,
    path: String,
}

impl Chunks {
    /// All chunks of what `path` leads to.
    ///
    /// # Errors
    /// [`EngineError::WrongKind`] if it is no file; one whose content is kept in a form that this
    /// version does not know.
    pub fn of(path: &[u8], kind: &EntryKind) -> Result<Self, EngineError> {
        let path = String::from_utf8_lossy(path).into_owned();
        let EntryKind::File { size, codec, main, .. } = kind else {
            return Err(EngineError::WrongKind { path, wanted: "file" });
        };
        if *codec != 0 {
            let feature = format!("content codec {codec}");
            return Err(RepoError::Newer(FormatError::Feature { feature }).into());
        }
        Ok(Self { extents: Extents::of(main), left: *size, path })
    }

    /// Reads the next one; none at the end of the file.
    ///
    /// # Errors
    /// Those of reading; damage if the chunks are not as long together as the file.
    pub fn next(&mut self, readers: &mut Readers<'_>) -> Result<Option<Chunk>, EngineError> {
        let Some(extent) = self.extents.next(&mut readers.nodes, &mut |_| Ok(true))? else {
            return if self.left > 0 { Err(self.wrong_size()) } else { Ok(None) };
        };
        let chunk = match extent {
            Extent::Hole { bytes } => Chunk::Zeros(bytes),
            Extent::Data { id, .. } => Chunk::Data(readers.data.blob(&id, BlobType::Data)?),
        };
        if chunk.bytes() != extent.bytes() {
            return Err(self.wrong_size());
        }
        self.left = self.left.checked_sub(chunk.bytes()).ok_or_else(|| self.wrong_size())?;
        Ok(Some(chunk))
    }

    fn wrong_size(&self) -> EngineError {
        let why = "its chunks do not add up to its size";
        RepoError::damaged(self.path.clone(), why).into()
    }
}
