//! The bytes of files.

use std::io::Write;

use holdfast_format::entry::EntryKind;
use holdfast_format::node::Extent;
use holdfast_format::{BlobType, FormatError};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use crate::look::nodes::Extents;
use crate::look::walk::check_interrupt;
use crate::{EngineError, Event, Observer};

/// Zeros written at once for a hole.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Writes the bytes of files one after the other. It keeps the frames that it opened last, so that
/// neighbouring blobs, also of several small files, open their frame once.
pub(super) struct Contents<'a> {
    /// Chunk lists and data have a reader each, so that neither drives the other's frames out.
    nodes: BlobReader<'a>,
    data: BlobReader<'a>,
    observer: &'a dyn Observer,
    written: u64,
}

impl<'a> Contents<'a> {
    pub fn new(repository: &'a Repository, observer: &'a dyn Observer) -> Self {
        let (nodes, data) = (BlobReader::new(repository), BlobReader::new(repository));
        Self { nodes, data, observer, written: 0 }
    }

    /// Bytes of all files so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes exactly as many bytes as the file has.
    pub fn write(
        &mut self,
        path: &[u8],
        kind: &EntryKind,
        out: &mut dyn Write,
    ) -> Result<u64, EngineError> {
        let shown = || String::from_utf8_lossy(path).into_owned();
        let EntryKind::File { size, codec, main, .. } = kind else {
            return Err(EngineError::WrongKind { path: shown(), wanted: "file" });
        };
        if *codec != 0 {
            let feature = format!("content codec {codec}");
            return Err(RepoError::Newer(FormatError::Feature { feature }).into());
        }
        let wrong_size = || RepoError::damaged(shown(), "its chunks do not add up to its size");
        let mut extents = Extents::of(main);
        let mut left = *size;
        while let Some(extent) = extents.next(&mut self.nodes, &mut |_| Ok(true))? {
            check_interrupt(self.observer)?;
            left = left.checked_sub(extent.bytes()).ok_or_else(wrong_size)?;
            match extent {
                Extent::Hole { bytes } => write_zeros(bytes, out)?,
                Extent::Data { id, bytes } => {
                    let data = self.data.blob(&id, BlobType::Data)?;
                    if data.len() as u64 != bytes {
                        return Err(wrong_size().into());
                    }
                    out.write_all(&data).map_err(EngineError::Output)?;
                }
            }
            self.written += extent.bytes();
            self.observer.event(Event::Processed { bytes: extent.bytes() });
        }
        if left > 0 { Err(wrong_size().into()) } else { Ok(*size) }
    }
}

fn write_zeros(mut bytes: u64, out: &mut dyn Write) -> Result<(), EngineError> {
    while bytes > 0 {
        let now = bytes.min(ZEROS.len() as u64);
        out.write_all(&ZEROS[..now as usize]).map_err(EngineError::Output)?;
        bytes -= now;
    }
    Ok(())
}
