//! The bytes of files.

use std::io::Write;

use holdfast_format::entry::EntryKind;
use holdfast_repo::Repository;

use super::chunks::{FileChunkReader, FilePiece, Readers};
use crate::look::walk::check_interrupt;
use crate::{EngineError, EngineEvent, Observer};

/// Zeros written at once for a hole.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Writes the bytes of files one after the other.
pub(super) struct Contents<'a> {
    readers: Readers<'a>,
    observer: &'a dyn Observer,
    written: u64,
}

impl<'a> Contents<'a> {
    pub fn new(repository: &'a Repository, observer: &'a dyn Observer) -> Self {
        Self { readers: Readers::new(repository), observer, written: 0 }
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
        let mut chunks = FileChunkReader::of(path, kind)?;
        let mut bytes = 0;
        while let Some(chunk) = chunks.next(&mut self.readers)? {
            check_interrupt(self.observer)?;
            match &chunk {
                FilePiece::Zeros(bytes) => write_zeros(*bytes, out)?,
                FilePiece::Data(data) => out.write_all(data).map_err(EngineError::Output)?,
            }
            bytes += chunk.bytes();
            self.written += chunk.bytes();
            self.observer.event(EngineEvent::Processed { bytes: chunk.bytes() });
        }
        Ok(bytes)
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
