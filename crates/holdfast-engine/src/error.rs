//! What ends a verb early.

use std::io;

use holdfast_connect::TargetError;
use holdfast_repo::RepoError;

/// Trouble that ends a verb. Trouble with single entries is an [`crate::Event`] and a count
/// instead.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The repository failed.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The source as a whole failed: nothing was committed.
    #[error("the source failed: {0}")]
    Source(io::Error),
    /// A stream or a command's output did not end as it should: nothing was committed.
    #[error("no snapshot was made, because {0}")]
    Stream(io::Error),
    /// The target as a whole cannot be used.
    #[error("the target cannot be used: {0}")]
    Target(#[from] TargetError),
    /// The target has no space left, which ends a restore: no other entry would fare better.
    #[error("no space is left in the target: {0}")]
    Full(TargetError),
    /// What was restored may not have reached the disk.
    #[error("what was restored may be lost if the machine stops now: {0}")]
    NotDurable(TargetError),
    /// What a snapshot cannot tell from what it never held cannot be deleted.
    #[error("nothing was restored: {why}, so it cannot be told what --delete may delete")]
    DeleteRefused {
        /// What it does not say.
        why: String,
    },
    /// Not one of the named paths could be read.
    #[error("none of the paths to back up could be read")]
    NothingToBackUp,
    /// A path does not exist in a snapshot.
    #[error("the snapshot has no {path}")]
    NoSuchPath {
        /// The path, made safe for a terminal by whoever prints it.
        path: String,
    },
    /// A snapshot has no source of this name.
    #[error("the snapshot has no source called {name:?}; it has: {sources}")]
    NoSuchSource {
        /// The name.
        name: String,
        /// The names that there are, as people write a list.
        sources: String,
    },
    /// The verb needs another kind of entry at this place.
    #[error("{path} is not a {wanted}")]
    WrongKind {
        /// The path.
        path: String,
        /// What it should have been.
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
        /// As the system gives it.
        source: io::Error,
    },
    /// A rule would have removed every snapshot of a group.
    #[error("this would remove every snapshot of {group}")]
    RemovesEverything {
        /// The group, as people write it.
        group: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl EngineError {
    /// True if a prune at the same time made an attempt of a backup useless; another one will
    /// succeed.
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Repo(RepoError::Fenced))
    }

    /// True if it ends a restore and does not only concern what was just looked for.
    pub(crate) fn ends_reading(&self) -> bool {
        match self {
            Self::Repo(error) => error.ends_reading(),
            error => matches!(error, Self::Interrupted),
        }
    }

    /// What went wrong with a source, without what it means for the verb: for those who say that.
    pub fn cause(&self) -> String {
        match self {
            Self::Source(error) | Self::Stream(error) => error.to_string(),
            other => other.to_string(),
        }
    }
}
