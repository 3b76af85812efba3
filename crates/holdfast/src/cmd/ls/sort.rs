//! Sorts any number of entries in bounded memory.
//!
//! Lines are collected with their sort keys. When there are too many, the lines in memory are
//! sorted and appended to a temporary file; at the end, all its parts are merged.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use holdfast_engine::EngineError;
use holdfast_format::entry::{Entry, EntryKind, FileTime};

use super::SortOrder;

/// Approximate limit of the bytes of lines held in memory.
const BYTES_MAX: usize = 16 << 20;
/// Bytes read at a time from each part of the temporary file.
const BUFFER_BYTES: usize = 32 << 10;

/// Collects lines until all of them are known.
pub struct Sorter {
    order: SortOrder,
    reverse: bool,
    bytes_max: usize,
    rows: Vec<SortedRow>,
    bytes: usize,
    /// Number of lines so far, which keeps equal ones in the order of their paths.
    count: u64,
    spilled: Option<Spilled>,
}

/// A line and its sort key: bytes that ascend as the lines do. No key is a prefix of another.
#[derive(Debug, PartialEq, Eq)]
struct SortedRow {
    key: Vec<u8>,
    line: String,
}

impl Sorter {
    /// `None` if the order of the walk is already the desired one.
    pub fn new(order: SortOrder, reverse: bool) -> Option<Sorter> {
        let is_needed = reverse || order != SortOrder::Name;
        is_needed.then(|| Self::with_memory(order, reverse, BYTES_MAX))
    }

    fn with_memory(order: SortOrder, reverse: bool, bytes_max: usize) -> Sorter {
        let (rows, spilled) = (Vec::new(), None);
        Sorter { order, reverse, bytes_max, rows, bytes: 0, count: 0, spilled }
    }

    /// Adds a line with its sort key.
    ///
    /// # Errors
    /// [`EngineError::Temporary`].
    pub fn push(&mut self, entry: &Entry, line: String) -> Result<(), EngineError> {
        let mut key = key(self.order, entry);
        key.extend(self.count.to_be_bytes());
        if self.reverse {
            key.iter_mut().for_each(|byte| *byte = !*byte);
        }
        self.count += 1;
        self.bytes += size_of::<SortedRow>() + key.len() + line.len();
        self.rows.push(SortedRow { key, line });
        if self.bytes > self.bytes_max { self.spill().map_err(cannot_sort) } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.rows.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            empty => empty.insert(Spilled::new()?),
        };
        spilled.add(self.rows.drain(..))?;
        self.bytes = 0;
        Ok(())
    }

    /// Passes all lines to `each` in order.
    ///
    /// # Errors
    /// [`EngineError::Temporary`] and what `each` returns.
    pub fn finish(
        mut self,
        mut each: impl FnMut(&str) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        if self.spilled.is_some() {
            self.spill().map_err(cannot_sort)?;
        }
        let Some(spilled) = self.spilled else {
            self.rows.sort_unstable_by(|one, other| one.key.cmp(&other.key));
            return self.rows.iter().try_for_each(|row| each(&row.line));
        };
        let mut merge = spilled.merge().map_err(cannot_sort)?;
        while let Some(row) = merge.next().map_err(cannot_sort)? {
            each(&row.line)?;
        }
        Ok(())
    }
}

fn cannot_sort(source: io::Error) -> EngineError {
    EngineError::Temporary { purpose: "sort", source }
}

/// Sorted parts, one after the other, in an unnamed file.
struct Spilled {
    file: File,
    /// Where each part ends.
    ends: Vec<u64>,
}

impl Spilled {
    fn new() -> io::Result<Spilled> {
        Ok(Spilled { file: tempfile::tempfile()?, ends: Vec::new() })
    }

    /// Adds a part of sorted rows.
    fn add(&mut self, rows: impl Iterator<Item = SortedRow>) -> io::Result<()> {
        let mut out = io::BufWriter::with_capacity(BUFFER_BYTES, &self.file);
        let mut end = self.ends.last().copied().unwrap_or(0);
        for row in rows {
            for field in [&row.key[..], row.line.as_bytes()] {
                out.write_all(&(field.len() as u64).to_le_bytes())?;
                out.write_all(field)?;
                end += 8 + field.len() as u64;
            }
        }
        out.flush()?;
        drop(out);
        self.ends.push(end);
        Ok(())
    }

    fn merge(self) -> io::Result<Merge> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let mut parts: Vec<SortPart> =
            starts.zip(&self.ends).map(|(start, end)| SortPart::new(start, *end)).collect();
        let mut heads = BinaryHeap::new();
        for (number, part) in parts.iter_mut().enumerate() {
            heads.extend(part.next(&self.file)?.map(|row| Head { row, part: number }));
        }
        Ok(Merge { file: self.file, parts, heads })
    }
}

/// All rows of a file in their order.
struct Merge {
    file: File,
    parts: Vec<SortPart>,
    heads: BinaryHeap<Head>,
}

impl Merge {
    fn next(&mut self) -> io::Result<Option<SortedRow>> {
        let Some(Head { row, part }) = self.heads.pop() else { return Ok(None) };
        let next = self.parts[part].next(&self.file)?;
        self.heads.extend(next.map(|row| Head { row, part }));
        Ok(Some(row))
    }
}

/// The first remaining row of a part; the greatest in a heap comes first.
#[derive(PartialEq, Eq)]
struct Head {
    row: SortedRow,
    part: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        other.row.key.cmp(&self.row.key)
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A part that is being read.
struct SortPart {
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    /// How much of the buffer was consumed.
    used: usize,
}

impl SortPart {
    fn new(next: u64, end: u64) -> SortPart {
        SortPart { next, end, buffer: Vec::new(), used: 0 }
    }

    fn next(&mut self, file: &File) -> io::Result<Option<SortedRow>> {
        if self.next == self.end && self.used == self.buffer.len() {
            return Ok(None);
        }
        let key = self.field(file)?;
        let line = String::from_utf8(self.field(file)?).map_err(io::Error::other)?;
        Ok(Some(SortedRow { key, line }))
    }

    fn field(&mut self, file: &File) -> io::Result<Vec<u8>> {
        let mut length = [0; 8];
        length.copy_from_slice(&self.take(file, 8)?);
        self.take(file, u64::from_le_bytes(length) as usize)
    }

    fn take(&mut self, file: &File, count: usize) -> io::Result<Vec<u8>> {
        if self.buffer.len() - self.used < count {
            self.buffer.drain(..self.used);
            self.used = 0;
            let held = self.buffer.len();
            let wanted = count.max(BUFFER_BYTES) - held;
            let wanted = (self.end - self.next).min(wanted as u64) as usize;
            self.buffer.resize(held + wanted, 0);
            file.read_exact_at(&mut self.buffer[held..], self.next)?;
            self.next += wanted as u64;
        }
        let taken = self.buffer.get(self.used..self.used + count);
        let taken = taken.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec();
        self.used += count;
        Ok(taken)
    }
}

/// The sort key of an entry: bytes that ascend in the desired order.
fn key(order: SortOrder, entry: &Entry) -> Vec<u8> {
    let metadata = &entry.metadata;
    match order {
        SortOrder::Name => Vec::new(),
        SortOrder::Size => {
            let size = match entry.kind {
                EntryKind::File { size, .. } => size,
                _ => 0,
            };
            (!size).to_be_bytes().to_vec()
        }
        // Names contain no NUL.
        SortOrder::Extension => [extension(&entry.name), &[0]].concat(),
        SortOrder::Time => newest_first(Some(metadata.mtime)),
        SortOrder::Atime => newest_first(metadata.atime),
        SortOrder::Ctime => newest_first(Some(metadata.ctime)),
    }
}

/// Entries without a time come last.
fn newest_first(time: Option<FileTime>) -> Vec<u8> {
    let Some(FileTime { seconds, nanoseconds }) = time else { return vec![u8::MAX] };
    // With the sign bit flipped, negative numbers sort below the others.
    let seconds = seconds.cast_unsigned() ^ 1 << 63;
    let mut key = vec![0];
    key.extend((!seconds).to_be_bytes());
    key.extend((!nanoseconds).to_be_bytes());
    key
}

/// The part after the last dot; a name whose only dot comes first has none.
fn extension(name: &[u8]) -> &[u8] {
    match name.iter().rposition(|byte| *byte == b'.') {
        None | Some(0) => b"",
        Some(dot) => &name[dot + 1..],
    }
}

#[cfg(test)]
mod tests {
    use holdfast_format::entry::{Content, Metadata};

    use super::*;

    fn file(name: &str, size: u64, time: FileTime) -> Entry {
        let metadata = Metadata { mtime: time, ctime: time, ..Metadata::default() };
        let main = Content::Inline(Vec::new());
        let kind = EntryKind::File { size, codec: 0, main, second: None };
        Entry { name: name.as_bytes().to_vec(), metadata, kind }
    }

    fn lines(sorter: Sorter) -> Vec<String> {
        let mut lines = Vec::new();
        sorter
            .finish(|line| {
                lines.push(line.to_owned());
                Ok(())
            })
            .unwrap();
        lines
    }

    fn sorted(order: SortOrder, reverse: bool) -> String {
        let Some(mut sorter) = Sorter::new(order, reverse) else { return "as walked".to_owned() };
        for (name, size, seconds) in [("a.txt", 5, 3), ("b.c", 9, 1), (".d", 5, 2)] {
            let time = FileTime { seconds, nanoseconds: 0 };
            sorter.push(&file(name, size, time), name.to_owned()).unwrap();
        }
        lines(sorter).join(" ")
    }

    #[test]
    fn orders() {
        assert_eq!(sorted(SortOrder::Name, false), "as walked");
        assert_eq!(sorted(SortOrder::Name, true), ".d b.c a.txt");
        assert_eq!(sorted(SortOrder::Size, false), "b.c a.txt .d");
        assert_eq!(sorted(SortOrder::Size, true), ".d a.txt b.c");
        assert_eq!(sorted(SortOrder::Time, false), "a.txt .d b.c");
        assert_eq!(sorted(SortOrder::Atime, false), "a.txt b.c .d");
        assert_eq!(sorted(SortOrder::Extension, false), ".d b.c a.txt");
    }

    /// More lines than fit into memory come in the order of a plain stable sort.
    #[test]
    fn what_does_not_fit_into_memory_comes_in_the_same_order() {
        let extensions = ["", "a", "ab", "abc", "b"];
        let mut number = 1_u64;
        let mut random = |limit: u64| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (number >> 33) % limit
        };
        let entries: Vec<Entry> = (0..3_000)
            .map(|place| {
                let seconds = random(7) as i64 - 3;
                let time = FileTime { seconds, nanoseconds: random(2) as u32 };
                let extension = extensions[random(5) as usize];
                file(&format!("{place}.{extension}"), random(9), time)
            })
            .collect();
        for order in [SortOrder::Name, SortOrder::Size, SortOrder::Time, SortOrder::Extension] {
            for reverse in [false, true] {
                let mut expected: Vec<&Entry> = entries.iter().collect();
                expected.sort_by(|one, other| match (order, &one.kind, &other.kind) {
                    (
                        SortOrder::Size,
                        EntryKind::File { size: one, .. },
                        EntryKind::File { size: other, .. },
                    ) => other.cmp(one),
                    (SortOrder::Time, ..) => other.metadata.mtime.cmp(&one.metadata.mtime),
                    (SortOrder::Extension, ..) => extension(&one.name).cmp(extension(&other.name)),
                    _ => Ordering::Equal,
                });
                if reverse {
                    expected.reverse();
                }
                let mut sorter = Sorter::with_memory(order, reverse, 10_000);
                for entry in &entries {
                    let line = String::from_utf8(entry.name.clone()).unwrap();
                    sorter.push(entry, line.repeat(1 + line.len() % 3)).unwrap();
                }
                let parts = sorter.spilled.as_ref().unwrap().ends.len();
                assert!(parts > 10, "{parts}");
                let found = lines(sorter);
                let expected = expected.iter().map(|entry| {
                    let line = String::from_utf8(entry.name.clone()).unwrap();
                    line.repeat(1 + line.len() % 3)
                });
                assert!(found.iter().cloned().eq(expected), "{order:?} {reverse}");
            }
        }
    }
}
