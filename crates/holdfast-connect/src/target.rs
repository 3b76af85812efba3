//! The seam towards what is restored.

use std::io;

use holdfast_format::entry::{Entry, FileTime, Metadata};

/// Which order of writes a target takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOrder {
    /// Any file, any offset, any number at a time.
    Any,
    /// One file after the other, from start to end.
    Sequential,
}

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
    /// A directory with something in it has the name.
    #[error("a folder with files in it is in the way")]
    Occupied,
    /// Something has a name that was to be free.
    #[error(
        "the name is taken: either something appeared there meanwhile, or the target takes two \
         names for one, as where upper and lower case are the same"
    )]
    Taken,
    /// The entry stands at its final name with its content, but without part of its metadata.
    #[error("it was restored, but cannot {action}: {source}")]
    Incomplete {
        /// What was being done, as in "set the owner".
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl TargetError {
    /// True if the target has no space left: what comes next will not fare better.
    pub fn is_full(&self) -> bool {
        let (Self::Io { source, .. } | Self::Incomplete { source, .. }) = self else {
            return false;
        };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// What already stands at a path.
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
    /// Device and inode, where the target has such: two names with the same are one file.
    pub identity: Option<(u64, u64)>,
}

/// What an entry may take the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Of nothing: the name must be free, else [`TargetError::Taken`].
    Nothing,
    /// Of whatever has the name, but for a directory with something in it
    /// ([`TargetError::Occupied`]).
    Entry,
}

/// What killed restores left in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Unfinished files that were removed.
    pub removed: u64,
    /// Names of such as look like leftovers, but that nothing proves to be; they stay.
    pub unproven: Vec<Vec<u8>>,
}

/// A place that entries are restored to.
///
/// Paths are relative to the target: valid entry names joined by `/`, the empty path being the
/// target itself. Every method may be called from any thread.
pub trait Target: Send + Sync {
    /// Which order of writes it takes.
    fn order(&self) -> WriteOrder;

    /// What stands at `path`, without following a link; `None` if nothing does.
    ///
    /// # Errors
    /// [`TargetError`], for this entry.
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError>;

    /// Makes sure that a directory stands at `path`, in a directory that stands there already.
    /// A link or file that has the name is replaced. True if it was made now: then nothing can
    /// exist in it yet, and it is private to the user until [`Target::finish_directory`]. One that
    /// stood there keeps its permissions until then, but for what the user needs to write in it.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn directory(&self, path: &[u8]) -> Result<bool, TargetError>;

    /// Gives a directory its owner, mode, attributes and times, after all its entries are done.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn finish_directory(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError>;

    /// Begins a file under a temporary name beside `path`; `bytes` is its final size. It may take
    /// the place of what `replace` says when it is finished.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError>;

    /// As [`Target::file`], for targets that must know what a file will be before they take its
    /// first byte. What [`FileSlot::finish`] is given is the same.
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

    /// Whether the file that stands at `path` has the content of `entry` already; `None` if that
    /// can only be told by reading it, as it usually is.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn is_current(&self, _path: &[u8], _entry: &Entry) -> Result<Option<bool>, TargetError> {
        Ok(None)
    }

    /// Creates a symbolic link, device, named pipe or socket with its metadata, in the place of
    /// what `replace` says.
    ///
    /// # Errors
    /// [`TargetError`], for this entry.
    fn special(&self, path: &[u8], entry: &Entry, replace: Replace) -> Result<(), TargetError>;

    /// Makes `path` a hard link to the finished file at `original`, in the place of what `replace`
    /// says.
    ///
    /// # Errors
    /// [`TargetError`], for this entry.
    fn hard_link(&self, path: &[u8], original: &[u8], replace: Replace) -> Result<(), TargetError>;

    /// Corrects owner, mode, attributes and times of a file that stands there already with the
    /// right content.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError>;

    /// Reads part of a regular file that stands at `path`; fewer bytes only at its end.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError>;

    /// Names in the directory at `path`, in no order.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError>;

    /// Removes the one entry at `path`; links are not followed, and nothing happens if it is not
    /// there.
    ///
    /// # Errors
    /// [`TargetError::Occupied`] for a directory with something in it; [`TargetError`], for this
    /// entry.
    fn remove(&self, path: &[u8]) -> Result<(), TargetError>;

    /// Removes the unfinished files that killed restores left in the directory at `path` and
    /// wherever else they were at work; those of a restore that is under way stay, without a word.
    ///
    /// # Errors
    /// [`TargetError`], for this directory.
    fn remove_leftovers(&self, _path: &[u8]) -> Result<Leftovers, TargetError> {
        Ok(Leftovers::default())
    }

    /// Makes everything that was restored durable. When this returns, no loss of power undoes it.
    ///
    /// # Errors
    /// [`TargetError`], if part of it may be lost.
    fn sync(&self) -> Result<(), TargetError>;
}

/// A file being restored. Dropping it unfinished removes the temporary file: no half-written file
/// is ever seen.
pub trait FileSlot: Send + Sync {
    /// Writes `bytes` at `offset`. No range is written or kept twice: a target may leave zeros out.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError>;

    /// Takes a range over from the file that stands at the final path now.
    ///
    /// # Errors
    /// [`TargetError`], for this file.
    fn keep(&self, offset: u64, bytes: u64) -> Result<(), TargetError>;

    /// Gives the file its size (ranges never written are holes), metadata and final name, in this
    /// order.
    ///
    /// # Errors
    /// [`TargetError`], for this file; the final name is then untouched, but for
    /// [`TargetError::Incomplete`], with which the file stands there with all of its content.
    fn finish(self: Box<Self>, metadata: &Metadata) -> Result<(), TargetError>;
}
