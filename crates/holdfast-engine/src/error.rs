//! Errors that end a verb.

use std::io;

use holdfast_connect::TargetError;
use holdfast_repo::RepoError;

/// An error that ends a verb. An error with a single entry is an [`crate::EngineEvent`] and a count
/// instead.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The repository failed.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The source as a whole failed: nothing was committed.
    #[error("the source failed: {0}")]
    Source(io::Error),
    /// A stream or a command's output did not end properly: nothing was committed.
    #[error("no snapshot was made, because {0}")]
    Stream(io::Error),
    /// The target as a whole cannot be used.
    #[error("the target cannot be used: {0}")]
    Target(#[from] TargetError),
    /// The target has no space left, which ends a restore: no other entry would fare better.
    #[error("no space left in the target: {0}")]
    Full(TargetError),
    /// The restored data may not have reached the disk.
    #[error("restored data may be lost if the machine stops now: {0}")]
    NotDurable(TargetError),
    /// Entries that the backup left out cannot be distinguished from extra ones, so none may be
    /// deleted.
    #[error("nothing was restored: {why}, so it is unknown which extra files may be deleted")]
    DeleteRefused {
        /// What the snapshot does not say.
        why: String,
    },
    /// None of the named paths could be read.
    #[error("none of the paths to back up could be read")]
    NothingToBackUp,
    /// A path does not exist in a snapshot.
    #[error("the snapshot has no {path}")]
    NoSuchPath {
        /// The path, to be made safe for a terminal by the caller.
        path: String,
    },
    /// A snapshot has no source of this name.
    #[error("the snapshot has no source called {name:?}; it has: {sources}")]
    NoSuchSource {
        /// The name.
        name: String,
        /// The existing names, as a readable list.
        sources: String,
    },
    /// The verb needs another kind of entry at this path.
    #[error("{path} is not a {wanted}")]
    WrongKind {
        /// The path.
        path: String,
        /// The kind that was needed.
        wanted: &'static str,
    },
    /// Writing an archive or a stream failed.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// A temporary file cannot be written or read.
    #[error("too much to {purpose} in memory, and no temporary file can be used: {source}")]
    Temporary {
        /// What it is needed for.
        purpose: &'static str,
        /// As reported by the system.
        source: io::Error,
    },
    /// A rule would have removed every snapshot of a group.
    #[error("this would remove every snapshot of {group}")]
    RemovesEverything {
        /// The group, in readable form.
        group: String,
    },
    /// An object that a prune needs to know the whole index is missing or cannot be read, so
    /// nothing was deleted.
    #[error("{object} is damaged: {reason}")]
    IndexGap {
        /// The object.
        object: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl EngineError {
    /// True if a concurrent prune made an attempt of a backup useless; another one will succeed.
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Repo(RepoError::Fenced))
    }

    /// True if the error ends a restore rather than concerning only the object being read.
    pub(crate) fn ends_reading(&self) -> bool {
        match self {
            Self::Repo(error) => error.ends_reading(),
            error => matches!(error, Self::Interrupted),
        }
    }

    /// What went wrong with a source, without what it means for the verb: for callers that say that
    /// themselves.
    pub fn cause(&self) -> String {
        match self {
            Self::Source(error) | Self::Stream(error) => error.to_string(),
            other => other.to_string(),
        }
    }
}
