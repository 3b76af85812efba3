//! Why an object requested by its id cannot be shown.

use std::fmt;

use holdfast_repo::RepoError;

use crate::EngineError;

/// Kinds of objects that are requested by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A snapshot.
    Snapshot,
    /// A key slot.
    Key,
    /// A pack.
    Pack,
    /// An index object.
    Index,
    /// A blob.
    Blob,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Snapshot => "snapshot",
            Self::Key => "key",
            Self::Pack => "pack",
            Self::Index => "index object",
            Self::Blob => "blob",
        })
    }
}

/// Why an object requested by its id cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The text is not a prefix of an id.
    #[error("{text:?} is not an id: ids are up to 64 hexadecimal digits")]
    NotAnId {
        /// What was given.
        text: String,
    },
    /// No object of this kind has such an id.
    #[error("no {what} has an id that starts with {prefix}")]
    NotFound {
        /// The kind of object.
        what: ObjectKind,
        /// The digits.
        prefix: String,
    },
    /// Several objects of this kind have such an id.
    #[error("more than one {what} has an id that starts with {prefix}; give more digits")]
    Ambiguous {
        /// The kind of object.
        what: ObjectKind,
        /// The digits.
        prefix: String,
    },
    /// Anything else.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<RepoError> for LookError {
    fn from(error: RepoError) -> Self {
        Self::Engine(error.into())
    }
}
