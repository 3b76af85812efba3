//! The primitive fields of header and table of contents: integers, strings, offsets.
//!
//! An integer is a sign byte and the magnitude, least significant byte first; a string is its
//! length and its bytes, with length -1 for none. pg_dump writes each value in only one way, and
//! nothing else is accepted: so what was read encodes to the same bytes again, and a shifted stream
//! fails soon.

use std::io::{BufRead, Read};

use super::error::{ArchiveFault, Decoded};
use super::input::ArchiveInput;

/// Bytes as in the database, in any encoding; `None` is not the same as empty.
pub(super) type ArchiveText = Option<Box<[u8]>>;

/// What an archive may request. Each limit is checked before memory is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One string of the table of contents, such as the definition of a function, in bytes.
    pub string_bytes_max: u32,
    /// The table of contents as it is held in memory, in bytes.
    pub toc_bytes_max: u64,
    /// Entries of the table of contents. Before PostgreSQL 17 each large object had its own.
    pub entries_max: u32,
    /// Window of zstd-compressed data, as a power of two. pg_restore accepts up to 27 (128 MiB).
    pub zstd_window_log_max: u32,
}

impl Limits {
    /// For archives of databases of any size, as printed by pg_dump here.
    pub const DEFAULT: Self = Self {
        string_bytes_max: 256 << 20,
        toc_bytes_max: 4 << 30,
        entries_max: 1 << 24,
        zstd_window_log_max: 27,
    };

    /// For an archive from somewhere else, by the size of its file, which may be compressed as a
    /// whole. An entry of a real dump takes at least some 20 bytes when compressed, and less than a
    /// KiB in memory; no one writes functions of 16 MiB.
    pub fn of_file(bytes: u64) -> Self {
        const FREE_BYTES: u64 = 32 << 20;
        const RATIO: u64 = 64;
        const BYTES_MAX: u64 = 2 << 30;
        let toc_bytes_max = bytes.saturating_mul(RATIO).saturating_add(FREE_BYTES).min(BYTES_MAX);
        Self { string_bytes_max: 16 << 20, toc_bytes_max, ..Self::DEFAULT }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The widths of numbers in an archive, from its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Widths {
    /// Magnitude of an integer, in bytes.
    pub int_bytes: u8,
    /// Offset in the file, in bytes.
    pub offset_bytes: u8,
}

/// Reads fields from a stream.
pub(super) struct FieldReader<'a, R> {
    pub input: &'a mut ArchiveInput<R>,
    pub widths: Widths,
    limits: &'a Limits,
    /// How much may still be held.
    bytes_left: u64,
}

impl<'a, R: Read> FieldReader<'a, R> {
    pub fn new(input: &'a mut ArchiveInput<R>, limits: &'a Limits, widths: Widths) -> Self {
        Self { input, widths, limits, bytes_left: limits.toc_bytes_max }
    }

    pub fn byte(&mut self) -> Decoded<u8> {
        self.input.byte()
    }

    pub fn int(&mut self) -> Decoded<i32> {
        int(self.input, self.widths.int_bytes)
    }

    /// A byte-string; `None` if the archive has none.
    pub fn text(&mut self) -> Decoded<ArchiveText> {
        let length = match self.int()? {
            -1 => return Ok(None),
            length => {
                u32::try_from(length).map_err(|_| ArchiveFault::damaged("a length is negative"))?
            }
        };
        let max = self.limits.string_bytes_max;
        if length > max {
            return Err(ArchiveFault::TooLarge { what: "a text", max: max.into() });
        }
        self.charge(length.into())?;
        self.bytes(length as usize).map(|bytes| Some(bytes.into_boxed_slice()))
    }

    /// Accounts for memory that the following data will take.
    pub fn charge(&mut self, bytes: u64) -> Decoded<()> {
        let left = self.bytes_left.checked_sub(bytes);
        let max = self.limits.toc_bytes_max;
        self.bytes_left = left.ok_or(ArchiveFault::TooLarge { what: "entries and texts", max })?;
        Ok(())
    }

    /// A byte-string that every archive has.
    pub fn required_text(&mut self) -> Decoded<Box<[u8]>> {
        self.text()?.ok_or_else(|| ArchiveFault::damaged("a text is missing"))
    }

    /// A number stored as decimal digits.
    pub fn decimal<T: std::str::FromStr + ToString>(&mut self) -> Decoded<T> {
        decimal(&self.required_text()?)
    }

    /// An offset in the file.
    pub fn offset(&mut self) -> Decoded<u64> {
        magnitude(self.input, self.widths.offset_bytes)
    }

    /// Memory grows with what arrives, not with what is announced.
    fn bytes(&mut self, length: usize) -> Decoded<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Err(ArchiveFault::End);
            }
            let count = available.len().min(length - bytes.len());
            bytes.extend_from_slice(&available[..count]);
            self.input.consume(count);
        }
        Ok(bytes)
    }
}

/// A number written as decimal digits, in the only way it is printed.
pub(super) fn decimal<T: std::str::FromStr + ToString>(text: &[u8]) -> Decoded<T> {
    let digits = std::str::from_utf8(text).ok();
    let value = digits.and_then(|digits| digits.parse::<T>().ok());
    value
        .filter(|value| value.to_string().as_bytes() == text)
        .ok_or_else(|| ArchiveFault::damaged("expected decimal digits"))
}

/// An integer of the archive.
pub(super) fn int<R: Read>(input: &mut ArchiveInput<R>, int_bytes: u8) -> Decoded<i32> {
    let sign = input.byte()?;
    let magnitude = magnitude(input, int_bytes)?;
    let value = match (sign, magnitude) {
        (0, magnitude) => i32::try_from(magnitude).ok(),
        (1, 1..=0x8000_0000) => i32::try_from(-(magnitude as i64)).ok(),
        _ => None,
    };
    value.ok_or_else(|| ArchiveFault::damaged("a number is out of range"))
}

/// An unsigned number of at most 8 bytes, least significant byte first.
fn magnitude<R: Read>(input: &mut ArchiveInput<R>, bytes: u8) -> Decoded<u64> {
    (0..bytes)
        .try_fold(0, |value, place| Ok(value | u64::from(input.byte()?) << (u32::from(place) * 8)))
}

/// Appends an integer.
pub(super) fn put_int(out: &mut Vec<u8>, int_bytes: u8, value: i32) {
    out.push(u8::from(value < 0));
    put_magnitude(out, int_bytes, value.unsigned_abs().into());
}

/// Appends a byte-string or none. One whose length does not fit an integer cannot have been read.
pub(super) fn put_text(out: &mut Vec<u8>, int_bytes: u8, text: Option<&[u8]>) {
    let Some(text) = text else { return put_int(out, int_bytes, -1) };
    put_int(out, int_bytes, i32::try_from(text.len()).unwrap_or(i32::MAX));
    out.extend_from_slice(text);
}

/// Appends an offset in the file.
pub(super) fn put_offset(out: &mut Vec<u8>, offset_bytes: u8, offset: u64) {
    put_magnitude(out, offset_bytes, offset);
}

fn put_magnitude(out: &mut Vec<u8>, bytes: u8, value: u64) {
    out.extend_from_slice(&value.to_le_bytes()[..usize::from(bytes).min(8)]);
}
