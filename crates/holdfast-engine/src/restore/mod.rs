//! Restore: from a tree to a target.
//!
//! [`plan`] walks the tree, makes directories and decides for every file which of its chunks are
//! missing at the target. [`fetch`] then reads each frame once, in the order of the packs, in
//! parallel, and writes every chunk wherever it is wanted. [`finish`] makes hard links, removes
//! what should not be there, gives directories their metadata and, if asked, reads everything back.

mod compare;
mod fetch;
mod file;
mod finish;
mod plan;

use holdfast_connect::Target;
use holdfast_repo::Repository;

use crate::look::Folder;
use crate::{EngineError, Observer};
use plan::Planner;

/// What happens to files that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// They get the snapshot's content; chunks that are right already are kept.
    Always,
    /// As `Always`, but a file with the same size and modification time is believed to be right; a
    /// target that knows what its files are is asked instead.
    IfChanged,
    /// Only if the snapshot's file is newer.
    IfNewer,
    /// They stay.
    Never,
}

/// What a rule says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Restore it.
    Take,
    /// Do not restore it, but look below it.
    Descend,
    /// Neither it nor what is below it.
    Skip,
}

/// Says what to do with a path (relative to the restored folder, starting with `/`); true for
/// directories.
pub type Select<'a> = dyn Fn(&[u8], bool) -> Selection + Sync + 'a;

/// How a restore is made.
#[derive(Debug, Clone, Copy)]
pub struct RestoreOptions {
    /// What happens to files that are there already.
    pub overwrite: Overwrite,
    /// True to remove what the snapshot does not have.
    pub delete: bool,
    /// True to change nothing and only report.
    pub dry_run: bool,
    /// True to read everything back and compare.
    pub verify: bool,
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
    /// Files read back by `verify`.
    pub files_verified: u64,
    /// Entries that could not be restored as they should be.
    pub errors: u64,
    /// Objects that were restored under other names, because no file can be called as their keys.
    pub renamed: u64,
}

/// Restores a directory into a target; the sources of a snapshot that has several each into a
/// directory of its own. Of a folder whose objects are called by their keys, the parts of the keys
/// become directories.
///
/// Trouble with single entries is reported and counted; such a file keeps what stood under its name
/// before, or is absent.
///
/// # Errors
/// Repository failures that concern more than single files; [`EngineError::Interrupted`].
pub fn restore(
    repository: &Repository,
    folder: impl Into<Folder>,
    target: &dyn Target,
    select: &Select<'_>,
    options: &RestoreOptions,
    observer: &dyn Observer,
) -> Result<RestoreReport, EngineError> {
    let folder = folder.into();
    let mut plan = Planner::new(repository, target, select, options, observer).plan(&folder)?;
    let (files, bytes) = (plan.report.total_files, plan.report.total_bytes);
    observer.event(crate::Event::Total { files, bytes, is_final: true });
    if !options.dry_run {
        fetch::fetch(repository, target, &mut plan, observer)?;
    }
    finish::finish(repository, target, plan, options, observer)
}
