//! Why an object requested by its id cannot be shown.

use holdfast_repo::RepoError;

use crate::EngineError;

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
        what: &'static str,
        /// The digits.
        prefix: String,
    },
    /// Several objects of this kind have such an id.
    #[error("more than one {what} has an id that starts with {prefix}; give more digits")]
    Ambiguous {
        /// The kind of object.
        what: &'static str,
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
