//! Entries in another order than that of a walk.

use std::cmp::{Ordering, Reverse};

use holdfast_format::entry::{Entry, EntryKind, FileTime};

use super::SortOrder;

/// Lines that wait until all of them are known, and what they are sorted by.
pub struct Sorter {
    order: SortOrder,
    reverse: bool,
    rows: Vec<Row>,
}

struct Row {
    size: u64,
    time: Option<FileTime>,
    extension: Vec<u8>,
    line: String,
}

impl Sorter {
    /// `None` if the order of the walk is the one that is wanted.
    pub fn new(order: SortOrder, reverse: bool) -> Option<Sorter> {
        let is_needed = reverse || order != SortOrder::Name;
        is_needed.then(|| Sorter { order, reverse, rows: Vec::new() })
    }

    /// Keeps a line and what it is sorted by.
    pub fn push(&mut self, entry: &Entry, line: String) {
        let metadata = &entry.metadata;
        let time = match self.order {
            SortOrder::Atime => metadata.atime,
            SortOrder::Ctime => Some(metadata.ctime),
            _ => Some(metadata.mtime),
        };
        let size = match entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        };
        let extension = match self.order {
            SortOrder::Extension => extension(&entry.name).to_vec(),
            _ => Vec::new(),
        };
        self.rows.push(Row { size, time, extension, line });
    }

    /// All lines in their order; equal ones stay in the order of their paths.
    pub fn finish(mut self) -> impl Iterator<Item = String> {
        let order = self.order;
        self.rows.sort_by(|one, other| compare(order, one, other));
        if self.reverse {
            self.rows.reverse();
        }
        self.rows.into_iter().map(|row| row.line)
    }
}

fn compare(order: SortOrder, one: &Row, other: &Row) -> Ordering {
    match order {
        SortOrder::Name => Ordering::Equal,
        SortOrder::Size => Reverse(one.size).cmp(&Reverse(other.size)),
        SortOrder::Extension => one.extension.cmp(&other.extension),
        SortOrder::Time | SortOrder::Atime | SortOrder::Ctime => {
            Reverse(one.time).cmp(&Reverse(other.time))
        }
    }
}

/// What follows the last dot; a name that begins with its only dot has none.
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

    fn sorted(order: SortOrder, reverse: bool) -> String {
        let Some(mut sorter) = Sorter::new(order, reverse) else { return "as walked".to_owned() };
        for (name, size, seconds) in [("a.txt", 5, 3), ("b.c", 9, 1), (".d", 5, 2)] {
            let mtime = FileTime { seconds, nanoseconds: 0 };
            let metadata = Metadata { mtime, ..Metadata::default() };
            let main = Content::Inline(Vec::new());
            let kind = EntryKind::File { size, codec: 0, main, second: None };
            let entry = Entry { name: name.as_bytes().to_vec(), metadata, kind };
            sorter.push(&entry, name.to_owned());
        }
        sorter.finish().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn orders() {
        assert_eq!(sorted(SortOrder::Name, false), "as walked");
        assert_eq!(sorted(SortOrder::Name, true), ".d b.c a.txt");
        assert_eq!(sorted(SortOrder::Size, false), "b.c a.txt .d");
        assert_eq!(sorted(SortOrder::Size, true), ".d a.txt b.c");
        assert_eq!(sorted(SortOrder::Time, false), "a.txt .d b.c");
        assert_eq!(sorted(SortOrder::Extension, false), ".d b.c a.txt");
    }
}
