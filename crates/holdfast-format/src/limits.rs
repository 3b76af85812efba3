//! Maximum sizes and counts (`docs/format.md`, section 10): decoders accept no more, so encoders
//! must check before anything counts as stored.

use crate::FormatError;

/// Newest version of every versioned object that this program reads and writes.
pub const FORMAT_VERSION: u16 = 1;
/// Plaintext bytes of one frame.
pub const FRAME_RAW_BYTES_MAX: usize = 16 << 20;
/// Bytes of one pack.
pub const PACK_BYTES_MAX: u64 = 256 << 20;
/// Sealed bytes of one pack directory.
pub const DIRECTORY_BYTES_MAX: usize = 64 << 20;
/// Bytes of one index object.
pub const INDEX_BYTES_MAX: u64 = 64 << 20;
/// Bytes of one tree node.
pub const NODE_BYTES_MAX: usize = 4 << 20;
/// Encoded bytes of one directory entry.
pub const ENTRY_BYTES_MAX: usize = 1 << 20;
/// Bytes of one record (a slot of a chain).
pub const RECORD_BYTES_MAX: u64 = 16 << 20;
/// Bytes of a config or a key slot.
pub const SMALL_OBJECT_BYTES_MAX: u64 = 64 << 10;
/// Sessions named in one pack header.
pub const SESSIONS_MAX: usize = 4096;
/// Base frames of one frame.
pub const BASES_MAX: usize = 3;
/// Directories on a path below the root of a tree.
pub const TREE_DEPTH_MAX: usize = 4096;
/// Levels of branches above the leaves of one sequence.
pub const NODE_LEVEL_MAX: u8 = 16;
/// Bytes of one name.
pub const NAME_BYTES_MAX: usize = 4096;
/// Extents stored inside an entry; a longer list becomes a tree of its own.
pub const INLINE_EXTENTS_MAX: usize = 8;
/// Paths of missing entries that a source's record names.
pub const MISSED_PATHS_MAX: usize = 100;
/// Total bytes of those paths.
pub const MISSED_PATHS_BYTES_MAX: usize = 8 << 10;

/// A maximum size or count, and what it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeLimit {
    /// What must not exceed it, in the words of `docs/format.md`.
    pub what: &'static str,
    /// The maximum.
    pub max: u64,
}

/// Plaintext of a frame.
pub const FRAME: SizeLimit = SizeLimit::new("frame plaintext", FRAME_RAW_BYTES_MAX as u64);
/// A pack.
pub const PACK: SizeLimit = SizeLimit::new("pack", PACK_BYTES_MAX);
/// A pack directory.
pub const DIRECTORY: SizeLimit = SizeLimit::new("pack directory", DIRECTORY_BYTES_MAX as u64);
/// An index object.
pub const INDEX: SizeLimit = SizeLimit::new("index object", INDEX_BYTES_MAX);
/// A tree node.
pub const NODE: SizeLimit = SizeLimit::new("tree node", NODE_BYTES_MAX as u64);
/// A directory entry.
pub const ENTRY: SizeLimit = SizeLimit::new("directory entry", ENTRY_BYTES_MAX as u64);
/// A name of an entry, an owner or an extended attribute.
pub const NAME: SizeLimit = SizeLimit::new("name", NAME_BYTES_MAX as u64);
/// A record.
pub const RECORD: SizeLimit = SizeLimit::new("record", RECORD_BYTES_MAX);
/// A config or a key slot.
pub const SMALL_OBJECT: SizeLimit = SizeLimit::new("config and key slot", SMALL_OBJECT_BYTES_MAX);
/// Sessions in a pack header.
pub const SESSIONS: SizeLimit = SizeLimit::new("sessions per pack", SESSIONS_MAX as u64);
/// Base frames of a frame.
pub const BASES: SizeLimit = SizeLimit::new("bases per frame", BASES_MAX as u64);
/// Nested directories.
pub const TREE_DEPTH: SizeLimit = SizeLimit::new("tree depth", TREE_DEPTH_MAX as u64);
/// Levels of branches.
pub const NODE_LEVEL: SizeLimit = SizeLimit::new("node level", NODE_LEVEL_MAX as u64);
/// Extents of an entry.
pub const INLINE_EXTENTS: SizeLimit =
    SizeLimit::new("extents in an entry", INLINE_EXTENTS_MAX as u64);

/// All limits, in the order of `docs/format.md`.
pub const ALL: [SizeLimit; 14] = [
    FRAME,
    PACK,
    DIRECTORY,
    INDEX,
    NODE,
    ENTRY,
    NAME,
    RECORD,
    SMALL_OBJECT,
    SESSIONS,
    BASES,
    TREE_DEPTH,
    NODE_LEVEL,
    INLINE_EXTENTS,
];

impl SizeLimit {
    const fn new(what: &'static str, max: u64) -> Self {
        Self { what, max }
    }

    /// Fails if `found` is more than the limit.
    ///
    /// # Errors
    /// [`FormatError::Limit`].
    pub fn check(self, found: u64) -> Result<(), FormatError> {
        let (what, limit) = (self.what, self.max);
        if found > limit { Err(FormatError::Limit { what, found, limit }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `docs/format.md`: `| what | value |`, where a value may have a unit.
    fn documented() -> Vec<(String, u64)> {
        let text = include_str!("../../../docs/format.md");
        let (_, rest) = text.split_once("\n## 10. Limits\n").unwrap();
        let (section, _) = rest.split_once("\n## ").unwrap();
        let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
        rows.map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let mut words = cells[2].split(' ');
            let number: u64 = words.next().unwrap().replace(',', "").parse().unwrap();
            let unit = match words.next() {
                Some("KiB") => 1 << 10,
                Some("MiB") => 1 << 20,
                _ => 1,
            };
            (cells[1].to_owned(), number * unit)
        })
        .collect()
    }

    #[test]
    fn the_format_page_names_every_limit() {
        let known: Vec<_> = ALL.iter().map(|limit| (limit.what.to_owned(), limit.max)).collect();
        assert_eq!(documented(), known);
    }

    #[test]
    fn a_limit_is_what_is_still_accepted() {
        for limit in ALL {
            assert!(limit.check(limit.max).is_ok());
            assert!(limit.check(limit.max + 1).is_err());
        }
    }
}
