//! What a verb tells while it works. Text and JSON output are made from it elsewhere.

use std::time::Duration;

/// What was done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Backup: the parent does not have it. Restore: it was not there.
    New,
    /// It differs from what was there.
    Modified,
    /// It is as it was.
    Unchanged,
    /// Restore: it was removed.
    Deleted,
}

/// What a backup took for an entry.
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
pub enum Event<'a> {
    /// How much there is to do, as far as it is known; repeated while a scan goes on.
    Total {
        /// Files; for a restore, entries of any kind.
        files: u64,
        /// Bytes of files.
        bytes: u64,
        /// True once nothing will be added.
        is_final: bool,
    },
    /// An entry is done.
    Entry {
        /// Absolute path within the snapshot.
        path: &'a [u8],
        /// What was done.
        action: Action,
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
    /// Bytes were worked through (read, restored, verified), beyond those that [`Event::Entry`]
    /// reports as unchanged.
    Processed {
        /// How many since the last such event.
        bytes: u64,
    },
    /// An entry could not be handled. It is counted; the rest goes on.
    Trouble {
        /// Absolute path.
        path: &'a [u8],
        /// What was being done: `scan`, `open`, `read`, `xattr`, `restore`, `verify`.
        during: &'a str,
        /// One clear sentence.
        message: &'a str,
    },
    /// A rule left an entry out.
    Excluded {
        /// Absolute path.
        path: &'a [u8],
    },
    /// Restore: something stays though the snapshot does not have it.
    Spared {
        /// Path below the target.
        path: &'a [u8],
        /// Why, as half a sentence.
        why: &'a str,
    },
    /// Something that the user should know, in one sentence.
    Note {
        /// The sentence.
        message: &'a str,
    },
}

/// Listens to a verb, and can ask it to stop.
pub trait Observer: Sync {
    /// Takes an event. Called from several threads.
    fn event(&self, event: Event<'_>);

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
    fn event(&self, _event: Event<'_>) {}
}
