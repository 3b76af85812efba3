//! What a restore deletes because the snapshot does not have it.
//!
//! [`rules`] say what a snapshot's sources were asked to include. [`survey`] compares the snapshot
//! with the target before anything is changed and lists what will be deleted: only entries in or
//! below a directory that was named to the backup, and that the backup would have included.
//! [`ground`] knows, directory by directory, what is kept nevertheless: what the backup left out or
//! could not read, other file systems, and holdfast's own files. [`remove`] deletes what was
//! listed, checking again.

mod ground;
mod remove;
mod rules;
mod survey;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicU64;

use holdfast_connect::Target;
use holdfast_format::entry::Metadata;
use holdfast_format::record::Snapshot;
use holdfast_repo::Repository;

use super::{Overwrite, Select};
use crate::look::Folder;
use crate::{EngineError, Observer};
use ground::Ground;
use rules::DeletionRules;

pub use ground::Spared;

/// Which part of which snapshot is restored, and what no restore may delete.
#[derive(Debug, Clone, Copy)]
pub struct DeletionRequest<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Name of the source, if only one of several is restored.
    pub source: Option<&'a str>,
    /// Folder of the snapshot, or of that source, that becomes the target; empty for all.
    pub subfolder: &'a [u8],
    /// What happens to existing entries: some of these rules replace no folder by something else.
    pub overwrite: Overwrite,
    /// Device and inode of holdfast's own files and folders on this machine: repositories, caches,
    /// keys.
    pub own: &'a HashSet<(u64, u64)>,
}

/// What a restore will delete.
pub struct Deletion<'a> {
    rules: DeletionRules,
    select: &'a Select<'a>,
    own: &'a HashSet<(u64, u64)>,
    doomed: Vec<Doomed>,
    /// Folders in the way of entries of another kind, by their paths in the target.
    replaced: BTreeMap<Vec<u8>, Replaced>,
    overwrite: Overwrite,
    entries: u64,
    spared: u64,
    /// Entries of replaced folders that were removed.
    cleared: AtomicU64,
}

/// A folder in the way of an entry of another kind.
struct Replaced {
    /// Its path as displayed.
    shown: Vec<u8>,
    /// The state of its parent folder.
    above: Ground,
    entries: u64,
}

/// Entries of one directory to delete.
struct Doomed {
    /// The directory, relative to the target.
    directory: Vec<u8>,
    /// The same as displayed.
    shown: Vec<u8>,
    /// Its entry in the snapshot; deleting changes its times.
    metadata: Option<Metadata>,
    ground: Ground,
    /// Names in it, and how many entries each represents.
    names: Vec<(Vec<u8>, u64)>,
}

impl<'a> Deletion<'a> {
    /// Finds entries of the target that are not in the snapshot and may be deleted. Nothing is
    /// changed.
    ///
    /// # Errors
    /// [`EngineError::DeleteRefused`] if the snapshot does not say what it lacks;
    /// [`EngineError::Interrupted`]; repository failures.
    pub fn plan(
        repository: &Repository,
        request: &DeletionRequest<'a>,
        folder: &Folder,
        target: &dyn Target,
        select: &'a Select<'a>,
        observer: &dyn Observer,
    ) -> Result<Self, EngineError> {
        let rules = DeletionRules::new(request)?;
        let mut deletion = Self {
            rules,
            select,
            own: request.own,
            doomed: Vec::new(),
            replaced: BTreeMap::new(),
            overwrite: request.overwrite,
            entries: 0,
            spared: 0,
            cleared: AtomicU64::new(0),
        };
        survey::survey(&mut deletion, repository, folder, target, observer)?;
        Ok(deletion)
    }

    /// Number of entries that will be deleted.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Number of entries kept though the snapshot does not have them.
    pub fn spared(&self) -> u64 {
        self.spared
    }

    /// What will be deleted, by topmost path and the number of entries that it represents.
    pub fn each(&self, each: &mut dyn FnMut(&[u8], u64)) {
        for replaced in self.replaced.values() {
            each(&replaced.shown, replaced.entries);
        }
        for doomed in &self.doomed {
            for (name, entries) in &doomed.names {
                each(&[&doomed.shown, &b"/"[..], name].concat(), *entries);
            }
        }
    }

    /// True if the folder at this path of the target is deleted to make room for something else.
    pub(super) fn replaces(&self, path: &[u8]) -> bool {
        self.replaced.contains_key(path)
    }
}
