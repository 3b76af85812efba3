//! Events that a verb reports while it works. Text and JSON output are made from them elsewhere.

use std::time::Duration;

/// What was done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryAction {
    /// Backup: the parent does not have it. Restore: it did not exist.
    New,
    /// It differs from the previous version.
    Modified,
    /// It is unchanged.
    Unchanged,
    /// Restore: it was removed.
    Deleted,
}

/// What a backup added for an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Plaintext bytes of its content that the repository did not have.
    pub data: u64,
    /// The same of trees.
    pub metadata: u64,
    /// Time for which it was read.
    pub reading: Duration,
}

/// One thing that happened.
#[derive(Debug)]
pub enum EngineEvent<'a> {
    /// Total work, as far as it is known; repeated while a scan is in progress.
    Total {
        /// Files; for a restore, entries of any kind.
        files: u64,
        /// Bytes of files.
        bytes: u64,
        /// True once the total is final.
        is_final: bool,
    },
    /// An entry is done.
    Entry {
        /// Absolute path within the snapshot.
        path: &'a [u8],
        /// What was done.
        action: EntryAction,
        /// True for a directory.
        is_directory: bool,
        /// True for a regular file.
        is_file: bool,
        /// Bytes of the file.
        bytes: u64,
        /// What a backup added for it.
        added: Added,
    },
    /// Work on a file begins.
    Started {
        /// Absolute path within the snapshot.
        path: &'a [u8],
    },
    /// Bytes were processed (read, restored, verified), beyond those that [`EngineEvent::Entry`]
    /// reports as unchanged.
    Processed {
        /// Number of bytes since the last such event.
        bytes: u64,
    },
    /// An entry could not be handled. It is counted; the verb continues.
    Trouble {
        /// Absolute path.
        path: &'a [u8],
        /// The operation: `scan`, `open`, `read`, `xattr`, `restore`, `verify`.
        during: &'a str,
        /// One clear sentence.
        message: &'a str,
    },
    /// A rule left an entry out.
    Excluded {
        /// Absolute path.
        path: &'a [u8],
    },
    /// Restore: something is kept although the snapshot does not have it.
    Spared {
        /// Path below the target.
        path: &'a [u8],
        /// Why, as a clause.
        why: &'a str,
    },
    /// Something the user should know, in one sentence.
    Note {
        /// The sentence.
        message: &'a str,
    },
}

/// Listens to a verb, and can ask it to stop.
pub trait Observer: Sync {
    /// Takes an event. Called from several threads.
    fn event(&self, event: EngineEvent<'_>);

    /// True if the verb should stop as soon as that is safe.
    fn is_interrupted(&self) -> bool {
        false
    }

    /// True, once, if a backup should commit what it has so far.
    fn wants_checkpoint(&self) -> bool {
        false
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: EngineEvent<'_>) {}
}
