//! Why something that was asked for by its id cannot be shown.

use holdfast_repo::RepoError;

use crate::EngineError;

/// Why something that was asked for by its id cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The text is no start of an id.
    #[error("{text:?} is not an id: ids are up to 64 hexadecimal digits")]
    NotAnId {
        /// What was given.
        text: String,
    },
    /// Nothing of the kind has such an id.
    #[error("no {what} has an id that starts with {prefix}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The digits.
        prefix: String,
    },
    /// Several of the kind have such an id.
    #[error("more than one {what} has an id that starts with {prefix}; give more digits")]
    Ambiguous {
        /// What was looked for.
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
