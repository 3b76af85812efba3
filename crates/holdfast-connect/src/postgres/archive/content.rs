//! What a table holds, in a few bytes that do not depend on the order of its rows.
//!
//! A restored table has the same rows as the dump if both give the same [`Content`]: the number of
//! rows, their bytes, and the sum modulo 2^128 of the first 16 bytes of BLAKE3 of each line of
//! `COPY`, as a number with the least byte first. Two equal rows do not cancel out, and a row
//! counts wherever PostgreSQL puts it. The sum finds errors; it is no signature against somebody
//! who chooses the rows.

use std::fmt;

use super::toc::Entry;

/// What a content consists of; only contents of one kind can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// Rows of a table, one line of `COPY` each.
    Rows,
    /// SQL, as `pg_dump --inserts` writes it: lines are counted, and a row may have several.
    Statements,
    /// Bytes of a large object, in their order.
    Bytes,
}

/// What a member of an archive, or a table, holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// What is counted.
    pub kind: ContentKind,
    /// Rows; lines of SQL; 0 for a large object.
    pub rows: u64,
    /// Bytes of all lines with their line feeds, or of the large object.
    pub bytes: u64,
    /// Sum of the hashes of all lines, or the start of the hash of the large object.
    pub hash: u128,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, rows, bytes, hash } = self;
        write!(formatter, "{kind:?}({rows} rows, {bytes} bytes, {hash:032x})")
    }
}

/// Why bytes cannot be the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The dump of a table stops before its end.
    #[error("the rows stop without the line that marks their end")]
    NoEnd,
    /// Something follows the end.
    #[error("bytes follow the line that marks the end of the rows")]
    AfterEnd,
    /// The last line has no line feed.
    #[error("the rows stop in the middle of a line")]
    UnfinishedLine,
}

/// Works out a [`Content`] while the bytes pass, in pieces of any size.
#[derive(Debug, Clone)]
pub struct ContentHasher {
    form: Form,
    /// Of the line, or the large object, that has begun.
    hasher: blake3::Hasher,
    /// Bytes of the line that has begun.
    line_bytes: u64,
    /// How that line begins.
    line_start: [u8; END.len()],
    has_ended: bool,
    content: Content,
}

/// How the bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Rows up to the line that ends them, as in an archive.
    DumpedRows,
    /// Rows up to the end of the stream.
    CopiedRows,
    Statements,
    Bytes,
}

/// The line behind the last row of a dump. No row looks like it: a backslash is doubled in data.
const END: &[u8; 2] = b"\\.";

impl ContentHasher {
    /// For the data of an entry in an archive that is no large object.
    pub fn of_entry(entry: &Entry) -> Self {
        Self::new(if entry.has_copy_rows() { Form::DumpedRows } else { Form::Statements })
    }

    /// For one large object.
    pub fn of_large_object() -> Self {
        Self::new(Form::Bytes)
    }

    /// For what a server sends for `COPY ... TO STDOUT`.
    pub fn of_copy_to_stdout() -> Self {
        Self::new(Form::CopiedRows)
    }

    fn new(form: Form) -> Self {
        let kind = match form {
            Form::DumpedRows | Form::CopiedRows => ContentKind::Rows,
            Form::Statements => ContentKind::Statements,
            Form::Bytes => ContentKind::Bytes,
        };
        Self {
            form,
            hasher: blake3::Hasher::new(),
            line_bytes: 0,
            line_start: [0; END.len()],
            has_ended: false,
            content: Content { kind, rows: 0, bytes: 0, hash: 0 },
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`ContentError::AfterEnd`].
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), ContentError> {
        if self.form == Form::Bytes {
            self.hasher.update(bytes);
            self.content.bytes += bytes.len() as u64;
            return Ok(());
        }
        while !self.has_ended {
            let Some(length) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.keep(bytes);
                return Ok(());
            };
            self.keep(&bytes[..length]);
            self.end_line();
            bytes = &bytes[length + 1..];
        }
        // pg_dump puts empty lines behind the end.
        match bytes.iter().all(|byte| *byte == b'\n') {
            true => Ok(()),
            false => Err(ContentError::AfterEnd),
        }
    }

    /// The content, when all bytes have passed.
    ///
    /// # Errors
    /// [`ContentError`]: the bytes are not whole.
    pub fn finish(mut self) -> Result<Content, ContentError> {
        match self.form {
            Form::Bytes => self.content.hash = number(self.hasher.finalize()),
            Form::DumpedRows if !self.has_ended => return Err(ContentError::NoEnd),
            _ if self.line_bytes > 0 => return Err(ContentError::UnfinishedLine),
            _ => {}
        }
        Ok(self.content)
    }

    /// Takes a part of a line.
    fn keep(&mut self, part: &[u8]) {
        let known = usize::try_from(self.line_bytes).unwrap_or(usize::MAX).min(END.len());
        for (place, byte) in self.line_start[known..].iter_mut().zip(part) {
            *place = *byte;
        }
        self.hasher.update(part);
        self.line_bytes += part.len() as u64;
    }

    /// Ends the line that was kept.
    fn end_line(&mut self) {
        let is_end = self.line_bytes == END.len() as u64 && self.line_start == *END;
        self.has_ended = is_end && self.form == Form::DumpedRows;
        if !self.has_ended {
            self.content.rows += 1;
            self.content.bytes += self.line_bytes + 1;
            let hash = number(self.hasher.finalize());
            self.content.hash = self.content.hash.wrapping_add(hash);
        }
        self.hasher.reset();
        self.line_bytes = 0;
    }
}

/// The first 16 bytes of a hash.
fn number(hash: blake3::Hash) -> u128 {
    let mut start = [0; 16];
    start.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(start)
}
