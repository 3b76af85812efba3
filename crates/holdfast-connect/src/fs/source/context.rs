//! What all parts of one scan share: options, exclude rules, names of owners.

use holdfast_format::record::{Marker, Scope, Text};

use super::metadata::OwnerNames;
use crate::fs::filter::Filter;

/// How a tree is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsOptions {
    /// Stay on the file system of each named path. A mount point of another one is kept, but not
    /// its contents.
    pub one_file_system: bool,
    /// Record access times.
    pub with_atime: bool,
    /// Leave out what lies beside a valid `CACHEDIR.TAG`.
    pub exclude_caches: bool,
    /// Leave out what lies beside a file of this name that begins with these bytes, if any are
    /// given. The file itself is kept.
    pub exclude_if_present: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Leave out files larger than this many bytes.
    pub exclude_larger_than: Option<u64>,
    /// Leave out what the `.gitignore` files in the tree match.
    pub gitignore: bool,
    /// Directories, by device and inode, that are left out wherever they occur: the program's own.
    pub own: Vec<(u64, u64)>,
    /// Threads that scan ahead of the consumer; with 0 the consumer scans for itself.
    pub scan_threads: usize,
}

impl Default for FsOptions {
    fn default() -> Self {
        Self {
            one_file_system: false,
            with_atime: false,
            exclude_caches: false,
            exclude_if_present: Vec::new(),
            exclude_larger_than: None,
            gitignore: false,
            own: Vec::new(),
            scan_threads: 3,
        }
    }
}

impl FsOptions {
    /// The rules as a snapshot records them; the caller adds paths and patterns.
    pub fn scope(&self) -> Scope {
        let marker = |(name, header): &(Vec<u8>, Option<Vec<u8>>)| Marker {
            name: Text(name.clone()),
            header: Text(header.clone().unwrap_or_default()),
        };
        Scope {
            one_file_system: self.one_file_system,
            exclude_caches: self.exclude_caches,
            exclude_if_present: self.exclude_if_present.iter().map(marker).collect(),
            exclude_larger_than: self.exclude_larger_than,
            gitignore: self.gitignore,
            ..Scope::default()
        }
    }
}

/// What all parts of one scan share.
#[derive(Debug)]
pub(super) struct ScanContext {
    pub(super) options: FsOptions,
    pub(super) filter: Filter,
    pub(super) owners: OwnerNames,
}

/// The file that marks a directory as a cache (<https://bford.info/cachedir/>).
pub const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
/// How a valid one begins.
pub const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

impl ScanContext {
    /// A scan with these options and exclude rules. From here on, the cache tag is just another
    /// file that marks a directory.
    pub(super) fn new(mut options: FsOptions, filter: Filter) -> Self {
        if options.exclude_caches {
            let tag = (CACHE_TAG.to_vec(), Some(CACHE_SIGNATURE.to_vec()));
            options.exclude_if_present.push(tag);
        }
        Self { options, filter, owners: OwnerNames::default() }
    }
}
