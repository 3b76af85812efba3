//! A file system target that changes owner and mode.

use std::path::Path;

use holdfast_connect::fs::target::{FsTarget, FsTargetOptions};
use holdfast_connect::{Existing, FileSlot, Leftovers, Replace, Target, TargetError};
use holdfast_engine::EngineError;
use holdfast_format::entry::{Entry, Metadata};

use super::FilesRestore;

/// A file system target that changes owner and mode.
pub(super) struct AdjustedTarget {
    target: FsTarget,
    rules: FilesRestore,
}

impl AdjustedTarget {
    pub(super) fn open(base: &Path, rules: FilesRestore) -> Result<Self, EngineError> {
        Ok(Self { target: FsTarget::open(base, FsTargetOptions::default())?, rules })
    }
}

/// The metadata of a file with the rules applied.
pub(super) fn adjusted(rules: FilesRestore, metadata: &Metadata, is_file: bool) -> Metadata {
    let mut metadata = metadata.clone();
    if let Some(owner) = rules.owner {
        (metadata.uid, metadata.gid) = (owner.uid, owner.gid);
        (metadata.user, metadata.group) = (Vec::new(), Vec::new());
    }
    if let Some(mode) = rules.mode.filter(|_| is_file) {
        metadata.mode = mode;
    }
    metadata
}

/// A file whose owner or mode is changed when it is finished.
struct AdjustedSlot {
    slot: Box<dyn FileSlot>,
    rules: FilesRestore,
}

impl FileSlot for AdjustedSlot {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        self.slot.write_at(offset, bytes)
    }

    fn keep(&self, offset: u64, bytes: u64) -> Result<(), TargetError> {
        self.slot.keep(offset, bytes)
    }

    fn finish(self: Box<Self>, metadata: &Metadata) -> Result<(), TargetError> {
        self.slot.finish(&adjusted(self.rules, metadata, true))
    }
}

impl Target for AdjustedTarget {
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError> {
        self.target.existing(path)
    }

    fn directory(&self, path: &[u8]) -> Result<bool, TargetError> {
        self.target.directory(path)
    }

    fn finish_directory(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        self.target.finish_directory(path, &adjusted(self.rules, metadata, false))
    }

    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        let slot = self.target.file(path, bytes, replace)?;
        Ok(Box::new(AdjustedSlot { slot, rules: self.rules }))
    }

    fn special(&self, path: &[u8], entry: &Entry, replace: Replace) -> Result<(), TargetError> {
        let metadata = adjusted(self.rules, &entry.metadata, false);
        self.target.special(path, &Entry { metadata, ..entry.clone() }, replace)
    }

    fn hard_link(&self, path: &[u8], original: &[u8], replace: Replace) -> Result<(), TargetError> {
        self.target.hard_link(path, original, replace)
    }

    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        self.target.update_metadata(path, &adjusted(self.rules, metadata, true))
    }

    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError> {
        self.target.read_at(path, offset, buffer)
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError> {
        self.target.list(path)
    }

    fn remove(&self, path: &[u8]) -> Result<(), TargetError> {
        self.target.remove(path)
    }

    fn remove_leftovers(&self, path: &[u8]) -> Result<Leftovers, TargetError> {
        self.target.remove_leftovers(path)
    }

    fn sync(&self) -> Result<(), TargetError> {
        self.target.sync()
    }
}
