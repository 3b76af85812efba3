//! Restore: from a tree to a target.
//!
//! [`walk`] goes through the tree, creates directories and decides what to do with every name. What
//! must be written is collected in a [`window`] of bounded size; when it is full, it is
//! [processed](work): [`fetch`] reads each frame that it needs once, in the order of the packs, in
//! parallel, and writes every chunk wherever it is wanted; then hard links are made, finished
//! directories get their metadata, and, if requested, files are read back. At the end [`deletion`]
//! removes what it announced, and everything is made durable.

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
use crate::{EngineError, EngineEvent, Observer};
use walk::RestoreWalker;

/// What happens to existing files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// They get the snapshot's content; chunks that are right already are kept.
    Always,
    /// Like `Always`, but a file with the same size and modification time is assumed to be right; a
    /// target that knows the contents of its files is asked instead.
    IfChanged,
    /// Only if the snapshot's file is newer. Entries of another kind are kept.
    IfNewer,
    /// They are kept.
    Never,
}

/// What a rule says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Restore it.
    Take,
    /// A folder that is created with its metadata if it is missing, and otherwise left as it is.
    Make,
    /// Do not restore it, but look below it.
    Descend,
    /// Neither it nor what is below it.
    Skip,
}

/// Says what to do with a path (relative to the restored folder, starting with `/`); the flag is
/// true for directories.
pub type Select<'a> = dyn Fn(&[u8], bool) -> Selection + Sync + 'a;

/// How to restore.
#[derive(Clone, Copy)]
pub struct RestoreOptions<'a> {
    /// What happens to existing files.
    pub overwrite: Overwrite,
    /// What is removed because the snapshot does not have it.
    pub delete: Option<&'a Deletion<'a>>,
    /// True to change nothing and only report.
    pub dry_run: bool,
    /// True to read everything back and compare.
    pub verify: bool,
    /// Memory in bytes for data collected before it is written, normally [`WINDOW_BYTES`]. Frames
    /// are read once for each such window.
    pub window_bytes: usize,
}

/// Result of a restore.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// Entries that were selected.
    pub total_files: u64,
    /// Entries that were written.
    pub files_restored: u64,
    /// Files left unchanged.
    pub files_skipped: u64,
    /// Entries that were removed.
    pub files_deleted: u64,
    /// Bytes of the selected files.
    pub total_bytes: u64,
    /// Bytes that were written.
    pub bytes_restored: u64,
    /// Bytes of files, or parts of files, that were right already.
    pub bytes_skipped: u64,
    /// Files read back by `verify` that match the snapshot.
    pub files_verified: u64,
    /// Entries that could not be restored properly.
    pub errors: u64,
    /// Objects that were restored under other names, because their keys cannot be file names.
    pub renamed: u64,
    /// Unfinished files of interrupted restores that were removed.
    pub leftovers: u64,
}

/// Restores a directory into a target; the sources of a snapshot with several are each restored
/// into a directory of their own. In a folder whose objects are named by their keys, the parts of
/// the keys become directories. When this returns, the restored data is durable.
///
/// Errors with single entries are reported and counted; such a file keeps what was under its name
/// before, or is absent. If there were any, nothing is deleted.
///
/// # Errors
/// Repository failures that affect more than single files; [`EngineError::NotDurable`];
/// [`EngineError::Full`]; [`EngineError::Interrupted`].
pub fn restore(
    repository: &Repository,
    folder: impl Into<Folder>,
    target: &dyn Target,
    select: &Select<'_>,
    options: &RestoreOptions<'_>,
    observer: &dyn Observer,
) -> Result<RestoreReport, EngineError> {
    let walker = RestoreWalker::new(repository, target, select, options, observer);
    let mut report = walker.walk(&folder.into())?;
    let (files, bytes) = (report.total_files, report.total_bytes);
    observer.event(EngineEvent::Total { files, bytes, is_final: true });
    if let Some(deletion) = options.delete {
        match report.errors {
            0 => deletion.carry_out(target, options.dry_run, &mut report, observer)?,
            _ => observer.event(EngineEvent::Note {
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
    /// Counts an outcome, and reports it if it is an error.
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

    /// Counts and reports an error with the entry at this path of the target.
    fn trouble(&mut self, path: &[u8], error: &dyn std::fmt::Display, observer: &dyn Observer) {
        self.errors += 1;
        trouble(observer, &[b"/", path].concat(), &error);
    }
}

/// Reports an error with one entry.
fn trouble(observer: &dyn Observer, path: &[u8], error: &dyn std::fmt::Display) {
    let message = error.to_string();
    observer.event(EngineEvent::Trouble { path, during: "restore", message: &message });
}
