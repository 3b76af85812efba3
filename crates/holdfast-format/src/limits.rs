//! Largest sizes and counts that a decoder accepts (`docs/format.md`, section 10).

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
/// Nested directories of a tree.
pub const TREE_DEPTH_MAX: usize = 4096;
/// Levels of branches above the leaves of one sequence.
pub const NODE_LEVEL_MAX: u8 = 16;
/// Bytes of one name.
pub const NAME_BYTES_MAX: usize = 4096;
/// Extents kept inside an entry; a longer list becomes a tree of its own.
pub const INLINE_EXTENTS_MAX: usize = 8;
/// Paths of missing entries that a source's record names.
pub const MISSED_PATHS_MAX: usize = 100;
/// Bytes of those paths.
pub const MISSED_PATHS_BYTES_MAX: usize = 8 << 10;
