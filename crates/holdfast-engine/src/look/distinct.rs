//! Counting distinct keys, in any number, in bounded memory.
//!
//! Keys are kept in a hash table until there are too many; then they are moved, sorted, to a
//! temporary file. A key is looked up in the table and in each file; a sample of every file's keys
//! is kept in memory to find the right page. Files are merged before there are many.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

/// A key: the first bytes of a hash, or two numbers.
pub(super) type DistinctKey = [u8; KEY_BYTES];
const KEY_BYTES: usize = 16;

/// Keys in the table; at seventeen bytes each, doubled while it grows.
const TABLE_KEYS: usize = 7 << 16;
/// Keys that are read at a time.
const PAGE_KEYS: usize = 256;
/// Files that are searched before they are merged.
const FILES_MAX: usize = 8;

/// A set of keys.
#[derive(Debug)]
pub(super) struct Distinct {
    table: HashSet<DistinctKey>,
    table_keys_max: usize,
    files: Vec<SortedFile>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self::with_table(TABLE_KEYS)
    }
}

impl Distinct {
    fn with_table(table_keys_max: usize) -> Self {
        Self { table: HashSet::new(), table_keys_max, files: Vec::new() }
    }

    /// Adds a key; true if it is new.
    ///
    /// # Errors
    /// If a temporary file cannot be written or read.
    pub fn insert(&mut self, key: DistinctKey) -> io::Result<bool> {
        if self.table.contains(&key) {
            return Ok(false);
        }
        for file in &self.files {
            if file.contains(&key)? {
                return Ok(false);
            }
        }
        if self.table.len() >= self.table_keys_max {
            self.spill()?;
        }
        self.table.insert(key);
        Ok(true)
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.table.clear();
        self.files.clear();
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut keys: Vec<DistinctKey> = self.table.drain().collect();
        keys.sort_unstable();
        self.files.push(SortedFile::write(keys.into_iter().map(Ok))?);
        if self.files.len() >= FILES_MAX {
            let merged = SortedFile::merge(&self.files)?;
            self.files = vec![merged];
        }
        Ok(())
    }
}

/// Keys in ascending order, each once, in a file without a name.
#[derive(Debug)]
struct SortedFile {
    file: File,
    keys: u64,
    /// The first key of each page.
    pages: Vec<DistinctKey>,
}

impl SortedFile {
    fn write(keys: impl Iterator<Item = io::Result<DistinctKey>>) -> io::Result<Self> {
        let mut out = BufWriter::new(tempfile::tempfile()?);
        let (mut count, mut pages) = (0, Vec::new());
        for key in keys {
            let key = key?;
            if count % PAGE_KEYS as u64 == 0 {
                pages.push(key);
            }
            out.write_all(&key)?;
            count += 1;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Self { file, keys: count, pages })
    }

    /// The keys of all files, which have none in common.
    fn merge(files: &[Self]) -> io::Result<Self> {
        let mut readers: Vec<SortedKeys<'_>> = files.iter().map(SortedKeys::new).collect();
        let mut heads = BinaryHeap::new();
        for (place, reader) in readers.iter_mut().enumerate() {
            heads.extend(reader.next()?.map(|key| Reverse((key, place))));
        }
        Self::write(std::iter::from_fn(|| {
            let Reverse((key, place)) = heads.pop()?;
            let mut advance = || {
                heads.extend(readers[place].next()?.map(|next| Reverse((next, place))));
                Ok(key)
            };
            Some(advance())
        }))
    }

    fn page(&self, number: usize) -> io::Result<Vec<DistinctKey>> {
        let first = (number * PAGE_KEYS) as u64;
        let count = self.keys.saturating_sub(first).min(PAGE_KEYS as u64) as usize;
        let mut bytes = vec![0; count * KEY_BYTES];
        self.file.read_exact_at(&mut bytes, first * KEY_BYTES as u64)?;
        Ok(bytes.as_chunks().0.to_vec())
    }

    fn contains(&self, key: &DistinctKey) -> io::Result<bool> {
        match self.pages.partition_point(|first| first <= key) {
            0 => Ok(false),
            behind => Ok(self.page(behind - 1)?.binary_search(key).is_ok()),
        }
    }
}

/// The keys of a file, in order.
struct SortedKeys<'a> {
    file: &'a SortedFile,
    next_page: usize,
    page: std::vec::IntoIter<DistinctKey>,
}

impl<'a> SortedKeys<'a> {
    fn new(file: &'a SortedFile) -> Self {
        Self { file, next_page: 0, page: Vec::new().into_iter() }
    }

    fn next(&mut self) -> io::Result<Option<DistinctKey>> {
        if self.page.len() == 0 {
            self.page = self.file.page(self.next_page)?.into_iter();
            self.next_page += 1;
        }
        Ok(self.page.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a table so small that all but a few keys are in files, merged many times.
    #[test]
    fn tells_new_keys_from_old_ones_wherever_they_are() {
        let mut distinct = Distinct::with_table(300);
        let mut expected = HashSet::new();
        let mut number = 1_u64;
        for step in 0..20_000_u64 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut key = DistinctKey::default();
            // Keys with common prefixes of every length, many of them repeated.
            let value = (number >> 33) % 9_000;
            key[(value % 9) as usize..][..8].copy_from_slice(&value.to_be_bytes()[..8]);
            assert_eq!(distinct.insert(key).unwrap(), expected.insert(key), "{step}");
        }
        assert!(distinct.files.len() < FILES_MAX && !distinct.files.is_empty());
        let kept: u64 = distinct.files.iter().map(|file| file.keys).sum();
        assert_eq!(kept as usize + distinct.table.len(), expected.len());
        distinct.clear();
        assert!(distinct.insert(DistinctKey::default()).unwrap());
    }
}
