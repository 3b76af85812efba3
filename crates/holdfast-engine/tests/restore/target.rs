//! A target that misreports its state.

use holdfast_connect::fs::target::FsTarget;
use holdfast_connect::{Existing, FileSlot, Leftovers, Replace, Target, TargetError};
use holdfast_format::entry::{Entry, Metadata};

/// Reports that part of a folder is on another file system, or that nothing reaches the disk, or
/// treats names as one that differ in case only.
pub struct Lying {
    pub target: FsTarget,
    /// Paths with this prefix are on another device.
    pub elsewhere: &'static [u8],
    pub fails_to_sync: bool,
    pub folds_case: bool,
}

impl Lying {
    pub fn new(target: FsTarget) -> Self {
        Self { target, elsewhere: b"no such prefix", fails_to_sync: false, folds_case: false }
    }

    /// The path as the target takes it.
    fn at(&self, path: &[u8]) -> Vec<u8> {
        if self.folds_case { path.to_ascii_lowercase() } else { path.to_vec() }
    }
}

impl Target for Lying {
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError> {
        let existing = self.target.existing(&self.at(path))?;
        Ok(existing.map(|mut existing| {
            if path.starts_with(self.elsewhere) {
                existing.identity = existing.identity.map(|(device, inode)| (device + 1, inode));
            }
            existing
        }))
    }

    fn directory(&self, path: &[u8]) -> Result<bool, TargetError> {
        self.target.directory(&self.at(path))
    }

    fn finish_directory(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        self.target.finish_directory(&self.at(path), metadata)
    }

    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        self.target.file(&self.at(path), bytes, replace)
    }

    fn special(&self, path: &[u8], entry: &Entry, replace: Replace) -> Result<(), TargetError> {
        self.target.special(&self.at(path), entry, replace)
    }

    fn hard_link(&self, path: &[u8], original: &[u8], replace: Replace) -> Result<(), TargetError> {
        self.target.hard_link(&self.at(path), &self.at(original), replace)
    }

    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        self.target.update_metadata(&self.at(path), metadata)
    }

    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError> {
        self.target.read_at(&self.at(path), offset, buffer)
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError> {
        self.target.list(&self.at(path))
    }

    fn remove(&self, path: &[u8]) -> Result<(), TargetError> {
        self.target.remove(&self.at(path))
    }

    fn remove_leftovers(&self, path: &[u8]) -> Result<Leftovers, TargetError> {
        self.target.remove_leftovers(&self.at(path))
    }

    fn sync(&self) -> Result<(), TargetError> {
        match self.fails_to_sync {
            false => self.target.sync(),
            true => {
                let source = std::io::Error::other("the disk is gone");
                Err(TargetError::Io { action: "write", source })
            }
        }
    }
}
