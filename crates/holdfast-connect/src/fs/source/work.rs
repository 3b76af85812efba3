//! What a scanning thread does: list a directory, examine a batch of its names.

use std::io;
use std::sync::Arc;

use rustix::fs::RawDir;

use super::context::Context;
use super::directory::Directory;
use super::ignores::Ignores;
use super::listing::{Listing, Scope};
use super::look::Look;
use super::metadata::LastOwners;
use super::names::Names;
use crate::{Item, Trouble};

/// Names examined at a time.
const NAMES_PER_BATCH: usize = 256;
/// Size of the buffer for directory entries.
const LIST_BYTES: usize = 128 * 1024;

/// A piece of work.
#[derive(Debug)]
pub(super) enum Unit {
    /// List a directory and examine its first names.
    List(Task),
    /// Examine the names from this position on.
    Look(Arc<Listing>, usize),
}

/// A directory to be listed.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) directory: Arc<Directory>,
    pub(super) scope: Scope,
    /// Rules of the `.gitignore` files above.
    pub(super) ignores: Option<Arc<Ignores>>,
}

/// Some consecutive entries of a directory.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The entries; what is in its directories comes later, in batches of their own.
    pub(super) items: Vec<Item>,
    /// Positions, among the names, of the directories in `items`.
    pub(super) directories: Vec<u32>,
    /// Where the next batch of this directory begins, if there is one.
    pub(super) next: Option<u32>,
}

/// The result of a unit.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) batch: Batch,
    /// Work found, by position among the names.
    pub(super) found: Vec<(u32, Unit)>,
}

/// The state of one scanning thread.
pub(super) struct Worker {
    pub(super) context: Arc<Context>,
    /// Owners of the entry met last.
    pub(super) last_owners: LastOwners,
    list_buffer: Vec<u8>,
    path: Vec<u8>,
}

impl Unit {
    /// True if the unit begins a directory.
    pub(super) fn is_new_directory(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

impl Worker {
    /// A worker of this scan.
    pub(super) fn new(context: Arc<Context>) -> Self {
        let list_buffer = Vec::with_capacity(LIST_BYTES);
        Self { context, last_owners: LastOwners::default(), list_buffer, path: Vec::new() }
    }

    /// Does a unit.
    pub(super) fn run(&mut self, unit: Unit) -> Output {
        let mut output = Output::default();
        match unit {
            Unit::Look(listing, start) => self.look(&listing, start, &mut output),
            Unit::List(task) => {
                let (listing, error) = self.list(task);
                if let Some(error) = error {
                    output.batch.items.push(trouble(&listing.directory, error));
                }
                let listing = Arc::new(listing);
                self.look(&listing, 0, &mut output);
                // All other batches at once, so that several threads can examine one large
                // directory.
                for start in (NAMES_PER_BATCH..listing.names.len()).step_by(NAMES_PER_BATCH) {
                    output.found.push((start as u32, Unit::Look(Arc::clone(&listing), start)));
                }
            }
        }
        output
    }

    /// Lists a directory as far as it can be read.
    fn list(&mut self, task: Task) -> (Listing, Option<io::Error>) {
        let Task { directory, scope, ignores } = task;
        let mut names = Names::default();
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
        let listing = Listing::new(context, directory, scope, names, ignores);
        (listing, result.err())
    }

    /// Examines the names from `start` on.
    fn look(&mut self, listing: &Arc<Listing>, start: usize, output: &mut Output) {
        if listing.names.len() == 0 {
            return;
        }
        let handle = match listing.directory.open() {
            Ok(handle) => handle,
            Err(error) => return output.batch.items.push(trouble(&listing.directory, error)),
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
            Look { listing, handle: &handle, index, name, path: &path }.at(self, output);
        }
        self.path = path;
        output.batch.next = (end < listing.names.len()).then_some(end as u32);
    }
}

fn read_names(
    directory: &Arc<Directory>,
    buffer: &mut Vec<u8>,
    names: &mut Names,
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

fn trouble(directory: &Directory, error: io::Error) -> Item {
    let mut path = Vec::new();
    directory.path(&mut path);
    if path.len() > 1 {
        path.pop();
    }
    Item::Trouble(Trouble { path, during: "scan", error })
}
