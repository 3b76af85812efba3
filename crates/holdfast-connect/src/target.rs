//! The interface to whatever data is restored to.

use std::io;

use holdfast_format::entry::{Entry, FileTime, Metadata};

/// Why a target refused something; it concerns one entry.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The path would leave the target, or passes through something that is not a directory.
    #[error("it would be written outside the target")]
    Escapes,
    /// The target's system said no.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done, as in "create the file".
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A non-empty directory has that name.
    #[error("a folder with files in it is in the way")]
    Occupied,
    /// The name was expected to be free.
    #[error(
        "the name is taken: either another process created it during the restore, or the target \
         treats two names as one, as case-insensitive file systems do"
    )]
    Taken,
    /// The entry has its final name and its content, but lacks part of its metadata.
    #[error("it was restored, but cannot {action}: {source}")]
    Incomplete {
        /// What was being done, as in "set the owner".
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl TargetError {
    /// True if the target has no space left, so that later writes will fail too.
    pub fn is_full(&self) -> bool {
        let (Self::Io { source, .. } | Self::Incomplete { source, .. }) = self else {
            return false;
        };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// What already exists at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// True for a regular file.
    pub is_file: bool,
    /// True for a directory.
    pub is_directory: bool,
    /// Size in bytes of a regular file.
    pub bytes: u64,
    /// Last change of its content.
    pub mtime: FileTime,
    /// Device and inode, if the target has them: two names with the same identity are one file.
    pub identity: Option<(u64, u64)>,
}

/// What an entry may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Nothing: the name must be free, else [`TargetError::Taken`].
    Nothing,
    /// Whatever has the name, except a non-empty directory ([`TargetError::Occupied`]).
    Entry,
}

/// What killed restores left in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Unfinished files that were removed.
    pub removed: u64,
    /// Names that look like leftovers without proof that they are; these are kept.
    pub unproven: Vec<Vec<u8>>,
}

/// A destination for restored entries.
///
/// Paths are relative to the target: valid entry names joined by `/`; the empty path is the target
/// itself. Every method may be called from any thread, and files are written in any order, several
/// at a time, at any offset.
pub trait Target: Send + Sync {
    /// What exists at `path`, without following a link; `None` if nothing does.
    ///
    /// # Errors
    /// [`TargetError`], for this entry.
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError>;

    /// Makes sure that `path` is a directory; its parent must exist. A link or file with that name
    /// is replaced. True if the directory was created by this call: nothing can exist in it yet,
    /// and it is private to the user until [`Target::finish_directory`]. An existing one keeps its
    /// permissions until then, except for those that the user needs to write in it.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn directory(&self, path: &[u8]) -> Result<bool, TargetError>;

    /// Gives a directory its owner, mode, attributes and times, after all its entries are done.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn finish_directory(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError>;

    /// Begins a file under a temporary name beside `path`; `bytes` is its final size. When it is
    /// finished, it may replace what `replace` allows.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError>;

    /// Like [`Target::file`], for targets that must know what a file will be before they take its
    /// first byte. [`FileSlot::finish`] is given the same metadata.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn file_with(
        &self,
        path: &[u8],
        bytes: u64,
        _metadata: &Metadata,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        self.file(path, bytes, replace)
    }

    /// Whether the file at `path` already has the content of `entry`; `None` if that takes reading
    /// it, as it usually does.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn is_current(&self, _path: &[u8], _entry: &Entry) -> Result<Option<bool>, TargetError> {
        Ok(None)
    }

    /// Creates a symbolic link, device, named pipe or socket with its metadata, replacing what
    /// `replace` allows.
    ///
    /// # Errors
    /// [`TargetError`], for this entry.
    fn special(&self, path: &[u8], entry: &Entry, replace: Replace) -> Result<(), TargetError>;

    /// Makes `path` a hard link to the finished file at `original`, replacing what `replace`
    /// allows.
    ///
    /// # Errors
    /// [`TargetError`], for this entry.
    fn hard_link(&self, path: &[u8], original: &[u8], replace: Replace) -> Result<(), TargetError>;

    /// Corrects owner, mode, attributes and times of an existing file that already has the right
    /// content.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError>;

    /// Reads part of an existing regular file at `path`; fewer bytes only at its end.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError>;

    /// Names in the directory at `path`, in no particular order.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError>;

    /// Removes the one entry at `path`, without following links; does nothing if there is none.
    ///
    /// # Errors
    /// [`TargetError::Occupied`] for a non-empty directory; [`TargetError`], for this entry.
    fn remove(&self, path: &[u8]) -> Result<(), TargetError>;

    /// Removes the unfinished files that killed restores left in the directory at `path` and
    /// everywhere else they were working; those of a running restore are silently kept.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn remove_leftovers(&self, _path: &[u8]) -> Result<Leftovers, TargetError> {
        Ok(Leftovers::default())
    }

    /// Makes everything that was restored durable. Once this returns, no loss of power undoes it.
    ///
    /// # Errors
    /// [`TargetError`], if part of it may be lost.
    fn sync(&self) -> Result<(), TargetError>;
}

/// A file being restored. Dropping it unfinished removes the temporary file: no half-written file
/// is ever visible.
pub trait FileSlot: Send + Sync {
    /// Writes `bytes` at `offset`. No range is written or kept twice: a target may leave out zeros.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError>;

    /// Copies a range from the file that is now at the final path.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn keep(&self, offset: u64, bytes: u64) -> Result<(), TargetError>;

    /// Gives the file its size (ranges never written are holes), metadata and final name, in this
    /// order.
    ///
    /// # Errors
    /// [`TargetError`], for this file; the final name is then untouched, except with
    /// [`TargetError::Incomplete`], when the file has that name and all of its content.
    fn finish(self: Box<Self>, metadata: &Metadata) -> Result<(), TargetError>;
}
