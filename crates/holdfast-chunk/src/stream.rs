//! Cutting a stream that arrives in pieces.

use crate::Cutter;

/// The buffer holds this many chunks of the largest size, so that few bytes are moved to its start.
const BUFFER_CHUNKS: usize = 4;
/// Smallest buffer in bytes: small chunks are still read in large steps.
const BUFFER_BYTES_MIN: usize = 1 << 20;

/// Accepts a stream in pieces of any size and returns its chunks; the cuts depend only on the
/// bytes.
///
/// Bytes are read straight into [`space`](Self::space) and lent out by
/// [`next_slice`](Self::next_slice): the only copy is the one that [`next_chunk`](Self::next_chunk)
/// makes.
#[derive(Debug)]
pub struct StreamCutter<'a> {
    cutter: &'a Cutter,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    finished: bool,
}

impl<'a> StreamCutter<'a> {
    /// A cutter at the start of a stream.
    pub fn new(cutter: &'a Cutter) -> Self {
        let bytes = (cutter.sizes().bytes_max as usize * BUFFER_CHUNKS).max(BUFFER_BYTES_MIN);
        Self { cutter, buffer: vec![0; bytes], start: 0, end: 0, finished: false }
    }

    /// Room for the next bytes of the stream, never empty after `next_chunk` returned `None`.
    /// Report the number of bytes written with [`filled`](Self::filled).
    pub fn space(&mut self) -> &mut [u8] {
        let largest = self.cutter.sizes().bytes_max as usize;
        if self.start > 0 && self.buffer.len() - self.end < largest {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.buffer[self.end..]
    }

    /// The first `count` bytes of [`space`](Self::space) are the next of the stream.
    ///
    /// # Panics
    /// If `count` exceeds that space.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.buffer.len() - self.end, "more bytes than there was space for");
        self.end += count;
    }

    /// Copies in as many bytes as fit; for callers that cannot read into [`space`](Self::space).
    pub fn push(&mut self, bytes: &[u8]) {
        if self.space().len() < bytes.len() {
            self.buffer.resize(self.end + bytes.len(), 0);
        }
        self.buffer[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Marks the end of the stream: the rest is returned as chunks.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Starts another stream with the same buffer; bytes not taken are dropped.
    pub fn restart(&mut self) {
        (self.start, self.end, self.finished) = (0, 0, false);
    }

    /// The next chunk, borrowed; `None` if more bytes are needed or, after
    /// [`finish`](Self::finish), at the end.
    pub fn next_slice(&mut self) -> Option<&[u8]> {
        let waiting = &self.buffer[self.start..self.end];
        let complete = self.finished || waiting.len() >= self.cutter.sizes().bytes_max as usize;
        if waiting.is_empty() || !complete {
            return None;
        }
        let length = self.cutter.cut(waiting);
        self.start += length;
        Some(&waiting[..length])
    }

    /// The next chunk, copied; otherwise like [`next_slice`](Self::next_slice).
    pub fn next_chunk(&mut self) -> Option<Vec<u8>> {
        self.next_slice().map(<[u8]>::to_vec)
    }
}
