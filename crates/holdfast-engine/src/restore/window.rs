//! Work collected before it is written: little enough that memory is bounded, and as much as that
//! allows, because frames are read once for each window.

use std::sync::Arc;

use holdfast_connect::Replace;
use holdfast_format::BlobId;
use holdfast_format::entry::{Content, Entry, Metadata};
use holdfast_repo::index::BlobLocation;

use super::file::PlannedFile;
use super::links::LinkKey;

/// Bytes of memory that a window uses by default.
pub const WINDOW_BYTES: usize = 24 << 20;

/// One chunk to be written at one place of one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write {
    pub location: BlobLocation,
    pub id: BlobId,
    /// Index of the file in the window.
    pub file: u32,
    pub offset: u64,
}

/// Another name of a file whose first name exists or is planned.
pub(super) struct PlannedLink {
    pub key: LinkKey,
    pub path: Vec<u8>,
    /// Its entry, in case it has to be restored individually.
    pub entry: Entry,
    pub replace: Replace,
    /// True if something existed there.
    pub exists: bool,
}

/// A file to be read back.
pub(super) struct WrittenFile {
    pub path: Vec<u8>,
    pub content: Content,
    pub bytes: u64,
    /// The file that it was written by; `None` if it was right already.
    pub file: Option<Arc<PlannedFile>>,
}

/// What is to be done next.
#[derive(Default)]
pub(super) struct RestoreWindow {
    pub files: Vec<Arc<PlannedFile>>,
    pub writes: Vec<Write>,
    pub links: Vec<PlannedLink>,
    /// Directories whose contents are all in this window or an earlier one; children come first.
    pub directories: Vec<(Vec<u8>, Metadata)>,
    /// Files to be read back.
    pub to_verify: Vec<WrittenFile>,
    /// Files with several names whose first name is in this window.
    pub first_names: Vec<LinkKey>,
    bytes: usize,
}

impl RestoreWindow {
    /// True if it must be processed before anything is added.
    pub fn is_full(&self, bytes_max: usize) -> bool {
        self.bytes + self.writes.len() * size_of::<Write>() >= bytes_max
    }

    /// Adds a file and returns its index.
    pub fn add_file(&mut self, file: Arc<PlannedFile>) -> u32 {
        self.bytes += size_of::<PlannedFile>() + file.path.len() + heap_bytes(&file.metadata);
        self.bytes += file.kept.len() * size_of::<(u64, u64)>() + size_of::<Arc<PlannedFile>>();
        self.files.push(file);
        (self.files.len() - 1) as u32
    }

    /// Adds another name.
    pub fn add_link(&mut self, link: PlannedLink) {
        self.bytes += size_of::<PlannedLink>() + link.path.len() + heap_bytes(&link.entry.metadata);
        self.links.push(link);
    }

    /// Adds a directory whose contents are all done.
    pub fn add_directory(&mut self, path: Vec<u8>, metadata: Metadata) {
        self.bytes += size_of::<(Vec<u8>, Metadata)>() + path.len() + heap_bytes(&metadata);
        self.directories.push((path, metadata));
    }

    /// Adds a file to be read back.
    pub fn add_to_verify(&mut self, written: WrittenFile) {
        self.bytes += size_of::<WrittenFile>() + written.path.len() + CONTENT_BYTES;
        self.to_verify.push(written);
    }

    /// Adds a file with several names.
    pub fn add_first_name(&mut self, key: LinkKey) {
        self.bytes += size_of::<LinkKey>();
        self.first_names.push(key);
    }
}

/// Maximum size of the extents inside an entry.
const CONTENT_BYTES: usize = 8 * 48;
/// Overhead of each allocation.
const ALLOCATION_BYTES: usize = 16;

fn heap_bytes(metadata: &Metadata) -> usize {
    let attribute = |(name, value): &(Vec<u8>, Vec<u8>)| {
        name.len() + value.len() + 2 * (ALLOCATION_BYTES + size_of::<Vec<u8>>())
    };
    let attributes: usize = metadata.xattrs.iter().map(attribute).sum();
    metadata.user.len() + metadata.group.len() + attributes + 4 * ALLOCATION_BYTES
}
