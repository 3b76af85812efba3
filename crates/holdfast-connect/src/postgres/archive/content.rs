//! What a table holds, in a few bytes that do not depend on the order of its rows.
//!
//! A restored table has the same rows as the dump if both have the same [`MemberSummary`]: the
//! number of rows, their bytes, and the sum modulo 2^128 of the XXH3-128 of each line of `COPY`.
//! Two equal rows do not cancel out, and a row counts wherever PostgreSQL puts it. The sum detects
//! errors; it does not protect against someone who chooses the rows. It is computed over every byte
//! of every dump, so it has to be cheaper than the dump itself, even for rows of a few bytes.

use std::fmt;

use memchr::memchr;
use twox_hash::XxHash3_128;

use super::toc::TocEntry;

/// The kind of a content; only contents of the same kind can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// Rows of a table, one line of `COPY` each.
    Rows,
    /// SQL, as `pg_dump --inserts` writes it: lines are counted, and a row may have several.
    Statements,
    /// The bytes of a large object, in order.
    Bytes,
}

/// The content of a member of an archive, or of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MemberSummary {
    /// What is counted.
    pub kind: ContentKind,
    /// Rows; lines of SQL; 0 for a large object.
    pub rows: u64,
    /// Bytes of all lines including line feeds, or of the large object.
    pub bytes: u64,
    /// Sum of the hashes of all lines, or the start of the hash of the large object.
    pub hash: u128,
}

impl fmt::Debug for MemberSummary {
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

impl fmt::Debug for ContentHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ContentHasher")
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Computes a [`MemberSummary`] while the bytes pass, in pieces of any size.
#[derive(Clone)]
pub struct ContentHasher {
    form: ContentForm,
    /// The line that began in an earlier piece, or the large object.
    unfinished: Option<PartialLine>,
    has_ended: bool,
    content: MemberSummary,
}

/// A line whose end has not arrived yet.
#[derive(Clone)]
struct PartialLine {
    hasher: XxHash3_128,
    bytes: u64,
    /// How it begins.
    start: [u8; END.len()],
}

/// The form in which the bytes arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentForm {
    /// Rows up to the line that ends them, as in an archive.
    DumpedRows,
    /// Rows up to the end of the stream.
    CopiedRows,
    Statements,
    Bytes,
}

/// The line after the last row of a dump. No row looks like it: a backslash is doubled in data.
const END: &[u8; 2] = b"\\.";

impl ContentHasher {
    /// For the data of an entry in an archive, unless it is a large object.
    pub fn of_entry(entry: &TocEntry) -> Self {
        Self::new(if entry.has_copy_rows() {
            ContentForm::DumpedRows
        } else {
            ContentForm::Statements
        })
    }

    /// For one large object.
    pub fn of_large_object() -> Self {
        Self::new(ContentForm::Bytes)
    }

    /// For what a server sends in response to `COPY ... TO STDOUT`.
    pub fn of_copy_to_stdout() -> Self {
        Self::new(ContentForm::CopiedRows)
    }

    fn new(form: ContentForm) -> Self {
        let kind = match form {
            ContentForm::DumpedRows | ContentForm::CopiedRows => ContentKind::Rows,
            ContentForm::Statements => ContentKind::Statements,
            ContentForm::Bytes => ContentKind::Bytes,
        };
        Self {
            form,
            unfinished: None,
            has_ended: false,
            content: MemberSummary { kind, rows: 0, bytes: 0, hash: 0 },
        }
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`ContentError::AfterEnd`].
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), ContentError> {
        if self.form == ContentForm::Bytes {
            self.keep(bytes);
            self.content.bytes += bytes.len() as u64;
            return Ok(());
        }
        while !self.has_ended {
            let Some(length) = memchr(b'\n', bytes) else {
                self.keep(bytes);
                return Ok(());
            };
            self.end_line(&bytes[..length]);
            bytes = &bytes[length + 1..];
        }
        // pg_dump writes empty lines after the end.
        match bytes.iter().all(|byte| *byte == b'\n') {
            true => Ok(()),
            false => Err(ContentError::AfterEnd),
        }
    }

    /// The content, once all bytes have passed.
    ///
    /// # Errors
    /// [`ContentError`]: the bytes are incomplete.
    pub fn finish(mut self) -> Result<MemberSummary, ContentError> {
        match (self.form, &self.unfinished) {
            (ContentForm::Bytes, unfinished) => {
                let hash = unfinished.as_ref().map(|it| it.hasher.finish_128());
                self.content.hash = hash.unwrap_or_else(|| XxHash3_128::oneshot(b""));
            }
            (ContentForm::DumpedRows, _) if !self.has_ended => return Err(ContentError::NoEnd),
            (_, Some(_)) => return Err(ContentError::UnfinishedLine),
            (_, None) => {}
        }
        Ok(self.content)
    }

    /// Adds a part of a line that does not end it.
    fn keep(&mut self, part: &[u8]) {
        if !part.is_empty() {
            self.unfinished.get_or_insert_with(PartialLine::begin).keep(part);
        }
    }

    /// Adds the last part of a line.
    fn end_line(&mut self, part: &[u8]) {
        let (hash, bytes, is_end) = match self.unfinished.take() {
            None => (XxHash3_128::oneshot(part), part.len() as u64, part == END),
            Some(mut line) => {
                line.keep(part);
                (line.hasher.finish_128(), line.bytes, line.is_end())
            }
        };
        self.has_ended = is_end && self.form == ContentForm::DumpedRows;
        if !self.has_ended {
            self.content.rows += 1;
            self.content.bytes += bytes + 1;
            self.content.hash = self.content.hash.wrapping_add(hash);
        }
    }
}

impl PartialLine {
    fn begin() -> Self {
        Self { hasher: XxHash3_128::new(), bytes: 0, start: [0; END.len()] }
    }

    fn keep(&mut self, part: &[u8]) {
        let known = usize::try_from(self.bytes).unwrap_or(usize::MAX).min(END.len());
        for (place, byte) in self.start[known..].iter_mut().zip(part) {
            *place = *byte;
        }
        self.hasher.write(part);
        self.bytes += part.len() as u64;
    }

    /// True if it is the line after the last row of a dump.
    fn is_end(&self) -> bool {
        self.bytes == END.len() as u64 && self.start == *END
    }
}
