//! A file read from any reader, usually standard input.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use holdfast_format::entry::Metadata;

use super::{StreamEntry, single};
use crate::{ContentPiece, ContentReader, Opener, Source, SourceItem};

/// A source of one file, whose content comes from a reader.
pub struct StreamSource {
    items: VecDeque<SourceItem>,
}

impl StreamSource {
    /// A source of all that `reader` yields, as the file that `entry` names.
    ///
    /// # Errors
    /// If the file's name is not valid.
    pub fn stdin(reader: Box<dyn Read + Send>, entry: &StreamEntry) -> io::Result<Self> {
        let names = entry.names()?;
        let opener = Box::new(StreamOpener(Mutex::new(Some(reader))));
        Ok(Self { items: single::items(entry, names, opener) })
    }
}

impl Source for StreamSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        Ok(self.items.pop_front())
    }
}

/// The reader, until it is opened.
struct StreamOpener(Mutex<Option<Box<dyn Read + Send>>>);

impl fmt::Debug for StreamOpener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StreamOpener")
    }
}

impl Opener for StreamOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let reader = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader = reader.ok_or_else(already_read)?;
        Ok(Box::new(StreamContent { reader }))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

struct StreamContent {
    reader: Box<dyn Read + Send>,
}

impl ContentReader for StreamContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        fill(&mut self.reader, buffer)
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}

/// Reads until the buffer is full or the stream ends: a pipe yields little at a time.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<ContentPiece> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if filled == 0 { ContentPiece::End } else { ContentPiece::Data(filled) })
}

/// A stream cannot be read a second time.
pub(super) fn already_read() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a stream can be read only once")
}
