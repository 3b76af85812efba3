//! What a scanning thread does: list a directory, examine a batch of its names.

use std::io;
use std::sync::Arc;

use rustix::fs::RawDir;

use super::context::ScanContext;
use super::directory::ScannedDirectory;
use super::ignores::Ignores;
use super::listing::{FolderListing, ListingScope};
use super::look::NameLookup;
use super::metadata::LastOwners;
use super::names::SortedNames;
use crate::{SourceItem, UnreadEntry};

/// Names examined at a time.
const NAMES_PER_BATCH: usize = 256;
/// Size of the buffer for directory entries.
const LIST_BYTES: usize = 128 * 1024;

/// A piece of work.
#[derive(Debug)]
pub(super) enum ScanUnit {
    /// List a directory and examine its first names.
    List(Task),
    /// Examine the names from this position on.
    Look(Arc<FolderListing>, usize),
}

/// A directory to be listed.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) directory: Arc<ScannedDirectory>,
    pub(super) scope: ListingScope,
    /// Rules of the `.gitignore` files above.
    pub(super) ignores: Option<Arc<Ignores>>,
}

/// Some consecutive entries of a directory.
#[derive(Debug, Default)]
pub(super) struct EntryBatch {
    /// The entries; what is in its directories comes later, in batches of their own.
    pub(super) items: Vec<SourceItem>,
    /// Positions, among the names, of the directories in `items`.
    pub(super) directories: Vec<u32>,
    /// Where the next batch of this directory begins, if there is one.
    pub(super) next: Option<u32>,
}

/// The result of a unit.
#[derive(Debug, Default)]
pub(super) struct UnitOutput {
    pub(super) batch: EntryBatch,
    /// Work found, by position among the names.
    pub(super) found: Vec<(u32, ScanUnit)>,
}

/// The state of one scanning thread.
pub(super) struct ScanWorker {
    pub(super) context: Arc<ScanContext>,
    /// Owners of the entry met last.
    pub(super) last_owners: LastOwners,
    list_buffer: Vec<u8>,
    path: Vec<u8>,
}

impl ScanUnit {
    /// True if the unit begins a directory.
    pub(super) fn is_new_directory(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

impl ScanWorker {
    /// A worker of this scan.
    pub(super) fn new(context: Arc<ScanContext>) -> Self {
        let list_buffer = Vec::with_capacity(LIST_BYTES);
        Self { context, last_owners: LastOwners::default(), list_buffer, path: Vec::new() }
    }

    /// Does a unit.
    pub(super) fn run(&mut self, unit: ScanUnit) -> UnitOutput {
        let mut output = UnitOutput::default();
        match unit {
            ScanUnit::Look(listing, start) => self.look(&listing, start, &mut output),
            ScanUnit::List(task) => {
                let (listing, error) = self.list(task);
                if let Some(error) = error {
                    output.batch.items.push(unread(&listing.directory, error));
                }
                let listing = Arc::new(listing);
                self.look(&listing, 0, &mut output);
                // All other batches at once, so that several threads can examine one large
                // directory.
                for start in (NAMES_PER_BATCH..listing.names.len()).step_by(NAMES_PER_BATCH) {
                    output.found.push((start as u32, ScanUnit::Look(Arc::clone(&listing), start)));
                }
            }
        }
        output
    }

    /// Lists a directory as far as it can be read.
    fn list(&mut self, task: Task) -> (FolderListing, Option<io::Error>) {
        let Task { directory, scope, ignores } = task;
        let mut names = SortedNames::default();
        let mut result = Ok(());
        if scope.is_whole {
            result = read_names(&directory, &mut self.list_buffer, &mut names);
        }
        // A named path that is not listed must be looked up all the same, to be reported missing.
        for name in scope.plan.iter().flat_map(|plan| plan.children.keys()) {
            result = result.and(names.push(name));
        }
        names.sort();
        let context = Arc::clone(&self.context);
        let listing = FolderListing::new(context, directory, scope, names, ignores);
        (listing, result.err())
    }

    /// Examines the names from `start` on.
    fn look(&mut self, listing: &Arc<FolderListing>, start: usize, output: &mut UnitOutput) {
        if listing.names.len() == 0 {
            return;
        }
        let handle = match listing.directory.open() {
            Ok(handle) => handle,
            Err(error) => return output.batch.items.push(unread(&listing.directory, error)),
        };
        let end = listing.names.len().min(start + NAMES_PER_BATCH);
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        listing.directory.path(&mut path);
        let prefix = path.len();
        output.batch.items.reserve(end - start);
        for index in start..end {
            let name = listing.names.name(index);
            path.truncate(prefix);
            path.extend_from_slice(name.to_bytes());
            NameLookup { listing, handle: &handle, index, name, path: &path }.at(self, output);
        }
        self.path = path;
        output.batch.next = (end < listing.names.len()).then_some(end as u32);
    }
}

fn read_names(
    directory: &Arc<ScannedDirectory>,
    buffer: &mut Vec<u8>,
    names: &mut SortedNames,
) -> io::Result<()> {
    let handle = directory.open()?;
    // A descriptor that was kept may have been listed before.
    rustix::fs::seek(&handle, rustix::fs::SeekFrom::Start(0))?;
    let mut is_damaged = false;
    let mut list = RawDir::new(&*handle, buffer.spare_capacity_mut());
    while let Some(entry) = list.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        // A damaged or hostile file system; the kernel would take the name for a path.
        if name.is_empty() || name.contains(&b'/') {
            is_damaged = true;
            continue;
        }
        names.push(name)?;
    }
    match is_damaged {
        true => Err(io::Error::other("the directory has an empty name or one with a slash")),
        false => Ok(()),
    }
}

fn unread(directory: &ScannedDirectory, error: io::Error) -> SourceItem {
    let mut path = Vec::new();
    directory.path(&mut path);
    if path.len() > 1 {
        path.pop();
    }
    SourceItem::Unread(UnreadEntry { path, during: "scan", error })
}
