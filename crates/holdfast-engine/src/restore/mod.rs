//! Restore: from a tree to a target.
//!
//! [`walk`] goes through the tree, makes directories and decides for every name what becomes of it.
//! What must be written is gathered in a [`window`] of bounded size; when it is full, it is
//! [worked off](work): [`fetch`] reads each frame that it needs once, in the order of the packs, in
//! parallel, and writes every chunk wherever it is wanted; then hard links are made, directories
//! that are done get their metadata, and, if asked, files are read back. At the end [`deletion`]
//! removes what it said that it would, and everything is made durable.

mod compare;
pub mod deletion;
mod fetch;
mod file;
mod leaf;
mod links;
mod names;
mod origin;
mod walk;
mod window;
mod work;

use holdfast_connect::Target;
use holdfast_repo::Repository;

pub use deletion::{Deletion, DeletionRequest};
pub use origin::Above;
pub use window::WINDOW_BYTES;

use crate::look::Folder;
use crate::{EngineError, Event, Observer};
use walk::Walker;

/// What happens to files that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// They get the snapshot's content; chunks that are right already are kept.
    Always,
    /// As `Always`, but a file with the same size and modification time is believed to be right; a
    /// target that knows what its files are is asked instead.
    IfChanged,
    /// Only if the snapshot's file is newer. What is of another kind stays.
    IfNewer,
    /// They stay.
    Never,
}

/// What a rule says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Restore it.
    Take,
    /// A folder that is made where it is missing, as it was, and left as it is where it is not.
    Make,
    /// Do not restore it, but look below it.
    Descend,
    /// Neither it nor what is below it.
    Skip,
}

/// Says what to do with a path (relative to the restored folder, starting with `/`); true for
/// directories.
pub type Select<'a> = dyn Fn(&[u8], bool) -> Selection + Sync + 'a;

/// How a restore is made.
#[derive(Clone, Copy)]
pub struct RestoreOptions<'a> {
    /// What happens to files that are there already.
    pub overwrite: Overwrite,
    /// What is removed, because the snapshot does not have it.
    pub delete: Option<&'a Deletion<'a>>,
    /// True to change nothing and only report.
    pub dry_run: bool,
    /// True to read everything back and compare.
    pub verify: bool,
    /// Memory in bytes for what is gathered before it is written, [`WINDOW_BYTES`] as a rule.
    /// Frames are read once for each such window.
    pub window_bytes: usize,
}

/// What a restore did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// Entries that were selected.
    pub total_files: u64,
    /// Entries that were written.
    pub files_restored: u64,
    /// Files that stayed as they were.
    pub files_skipped: u64,
    /// Entries that were removed.
    pub files_deleted: u64,
    /// Bytes of the selected files.
    pub total_bytes: u64,
    /// Bytes that were written.
    pub bytes_restored: u64,
    /// Bytes of files, or parts of files, that were right already.
    pub bytes_skipped: u64,
    /// Files read back by `verify` that are as in the snapshot.
    pub files_verified: u64,
    /// Entries that could not be restored as they should be.
    pub errors: u64,
    /// Objects that were restored under other names, because no file can be called as their keys.
    pub renamed: u64,
    /// Unfinished files of killed restores that were removed.
    pub leftovers: u64,
}

/// Restores a directory into a target; the sources of a snapshot that has several each into a
/// directory of its own. Of a folder whose objects are called by their keys, the parts of the keys
/// become directories. When this returns, what was restored is durable.
///
/// Trouble with single entries is reported and counted; such a file keeps what stood under its name
/// before, or is absent. If there was any, nothing is deleted.
///
/// # Errors
/// Repository failures that concern more than single files; [`EngineError::NotDurable`];
/// [`EngineError::Full`]; [`EngineError::Interrupted`].
pub fn restore(
    repository: &Repository,
    folder: impl Into<Folder>,
    target: &dyn Target,
    select: &Select<'_>,
    options: &RestoreOptions<'_>,
    observer: &dyn Observer,
) -> Result<RestoreReport, EngineError> {
    let walker = Walker::new(repository, target, select, options, observer);
    let mut report = walker.walk(&folder.into())?;
    let (files, bytes) = (report.total_files, report.total_bytes);
    observer.event(Event::Total { files, bytes, is_final: true });
    if let Some(deletion) = options.delete {
        match report.errors {
            0 => deletion.carry_out(target, options.dry_run, &mut report, observer)?,
            _ => observer.event(Event::Note {
                message: "nothing was deleted, because not everything could be restored",
            }),
        }
    }
    if !options.dry_run {
        target.sync().map_err(EngineError::NotDurable)?;
    }
    Ok(report)
}

impl RestoreReport {
    /// Counts an outcome, and reports it if it is trouble.
    fn settle<E: std::fmt::Display>(
        &mut self,
        outcome: Result<(), E>,
        path: &[u8],
        observer: &dyn Observer,
        count: impl FnOnce(&mut Self),
    ) {
        match outcome {
            Ok(()) => count(self),
            Err(error) => self.trouble(path, &error, observer),
        }
    }

    /// Counts and reports trouble with the entry at this path of the target.
    fn trouble(&mut self, path: &[u8], error: &dyn std::fmt::Display, observer: &dyn Observer) {
        self.errors += 1;
        trouble(observer, &[b"/", path].concat(), &error);
    }
}

/// Reports trouble with one entry.
fn trouble(observer: &dyn Observer, path: &[u8], error: &dyn std::fmt::Display) {
    let message = error.to_string();
    observer.event(Event::Trouble { path, during: "restore", message: &message });
}
