//! The chunks of a file, one after the other, and their consistency checks.

use std::collections::VecDeque;

use holdfast_format::FormatError;
use holdfast_format::entry::{Content, EntryKind};
use holdfast_format::node::Extent;
use holdfast_repo::read::{BlobReader, ReadAhead};
use holdfast_repo::{RepoError, Repository};

use crate::EngineError;
use crate::look::nodes::Extents;

/// Maximum number of planned extents of a file.
const PLANNED_MAX: usize = 32 << 10;

/// What is needed to read chunks.
pub(super) struct Readers<'a> {
    pub nodes: BlobReader<'a>,
    data: ReadAhead<'a>,
}

impl<'a> Readers<'a> {
    pub fn new(repository: &'a Repository) -> Self {
        Self { nodes: BlobReader::new(repository), data: ReadAhead::new(repository) }
    }
}

/// One piece of a file.
pub(super) enum FilePiece {
    /// A hole of this many bytes.
    Zeros(u64),
    Data(Vec<u8>),
}

impl FilePiece {
    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Zeros(bytes) => *bytes,
            Self::Data(data) => data.len() as u64,
        }
    }
}

/// The chunks of one file that were not read yet.
pub(super) struct FileChunkReader {
    extents: Extents,
    /// Those whose chunks are being read ahead.
    planned: VecDeque<Extent>,
    /// Why no more can be planned; what was planned earlier is read first.
    failure: Option<EngineError>,
    /// The size that they must add up to.
    left: u64,
    path: String,
}

impl FileChunkReader {
    /// All chunks of the file at `path`.
    ///
    /// # Errors
    /// [`EngineError::WrongKind`] if it is not a file; one whose content is stored in a form that
    /// this version does not know.
    pub fn of(path: &[u8], kind: &EntryKind) -> Result<Self, EngineError> {
        let (size, main) = content_of(path, kind)?;
        let path = String::from_utf8_lossy(path).into_owned();
        let (extents, planned) = (Extents::of(main), VecDeque::new());
        Ok(Self { extents, planned, failure: None, left: size, path })
    }

    /// Reads the next one; `None` at the end of the file.
    ///
    /// # Errors
    /// Those of reading; damage if the chunks do not add up to the size of the file.
    pub fn next(&mut self, readers: &mut Readers<'_>) -> Result<Option<FilePiece>, EngineError> {
        self.plan(readers);
        let Some(extent) = self.planned.pop_front() else {
            return match self.failure.take() {
                Some(failure) => Err(failure),
                None if self.left > 0 => Err(self.wrong_size()),
                None => Ok(None),
            };
        };
        let chunk = match extent {
            Extent::Hole { bytes } => FilePiece::Zeros(bytes),
            Extent::Data { .. } => FilePiece::Data(readers.data.read_next()?.unwrap_or_default()),
        };
        if chunk.bytes() != extent.bytes() {
            return Err(self.wrong_size());
        }
        self.left = self.left.checked_sub(chunk.bytes()).ok_or_else(|| self.wrong_size())?;
        Ok(Some(chunk))
    }

    /// Plans as much as the limits allow.
    fn plan(&mut self, readers: &mut Readers<'_>) {
        let Readers { nodes, data } = readers;
        while self.failure.is_none() && self.planned.len() < PLANNED_MAX && !data.is_full() {
            match self.extents.next(nodes, &mut |_| Ok(true)) {
                Ok(Some(extent)) => {
                    if let Extent::Data { id, .. } = &extent {
                        data.plan(id);
                    }
                    self.planned.push_back(extent);
                }
                Ok(None) => return,
                Err(failure) => self.failure = Some(failure),
            }
        }
    }

    fn wrong_size(&self) -> EngineError {
        wrong_size(&self.path)
    }
}

/// Size and content of the file at `path`.
pub(super) fn content_of<'e>(
    path: &[u8],
    kind: &'e EntryKind,
) -> Result<(u64, &'e Content), EngineError> {
    let EntryKind::File { size, codec, main, .. } = kind else {
        let path = String::from_utf8_lossy(path).into_owned();
        return Err(EngineError::WrongKind { path, wanted: "file" });
    };
    if *codec != 0 {
        let feature = format!("content codec {codec}");
        return Err(RepoError::Newer(FormatError::Feature { feature }).into());
    }
    Ok((*size, main))
}

/// The chunks of a file are not what its entry says.
pub(super) fn wrong_size(path: &str) -> EngineError {
    RepoError::damaged(path, "its chunks do not add up to its size").into()
}
