//! A buffered stream that knows how far it has been read.

use std::io::{self, BufRead, Read};

use super::error::{ArchiveFault, Decoded};

/// Bytes requested from the stream at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A stream with a buffer and a position.
pub(super) struct ArchiveInput<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The start of what has not been taken from the buffer yet.
    start: usize,
    end: usize,
    /// Bytes taken so far.
    position: u64,
}

impl<R: Read> ArchiveInput<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, position: 0 }
    }

    /// Number of bytes that have been taken.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes without taking them: `length` of them, unless the stream or the buffer ends
    /// earlier. At the start of the stream the buffer has room for all of them.
    pub fn look_ahead(&mut self, length: usize) -> io::Result<&[u8]> {
        let length = length.min(BUFFER_BYTES - self.start);
        while self.end - self.start < length {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let end = self.end.min(self.start + length);
        Ok(&self.buffer[self.start..end])
    }

    /// The next byte; `None` at the end of the stream.
    pub fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.fill_buf()?.first().copied();
        self.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// The next byte, which must exist.
    pub fn byte(&mut self) -> Decoded<u8> {
        self.next_byte()?.ok_or(ArchiveFault::End)
    }
}

impl<R: Read> Read for ArchiveInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for ArchiveInput<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.look_ahead(1)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.position += count as u64;
    }
}
