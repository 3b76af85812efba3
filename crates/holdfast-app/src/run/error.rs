//! Why a run made no snapshot.

use holdfast_connect::fs::filter::PatternError;
use holdfast_connect::postgres::PostgresError;
use holdfast_engine::EngineError;

use crate::check::{CheckError, CheckOutcome};
use crate::kind::CaptureError;
use crate::settings::SourceName;

/// Why a run made no snapshot of the data.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The repository cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A source cannot be captured.
    #[error("source {name} failed, so no snapshot was made: {}", .error.cause())]
    Source {
        /// The source.
        name: String,
        /// Why.
        error: EngineError,
    },
    /// A database cannot be captured.
    #[error("source {name} failed, so no snapshot was made: {error}")]
    Postgres {
        /// The source.
        name: String,
        /// Why.
        error: PostgresError,
    },
    /// A source cannot be reached, or its settings are wrong.
    #[error("source {name} cannot be read, so no snapshot was made: {error}")]
    Unusable {
        /// The source.
        name: String,
        /// Why.
        error: CaptureError,
    },
    /// A hook before a source failed.
    #[error("source {name} was not captured, so no snapshot was made: {report}")]
    Hook {
        /// The source.
        name: String,
        /// The outcome of the hook.
        report: String,
    },
    /// There are keys but no repository for them.
    #[error("there are keys to back up, but no repository of keys was opened")]
    NoKeysRepository,
    /// Keys cannot be read.
    #[error(
        "{errors} of the keys could not be read, so no snapshot was made: data without its keys \
         is not a backup"
    )]
    KeysUnread {
        /// How many.
        errors: u64,
    },
    /// A check could not be evaluated.
    #[error("check {:?} could not be evaluated, so no snapshot was made: {}", .0.check, .0.why)]
    CheckUnanswered(#[from] CheckError),
    /// A check with `on-failure = "fail"` failed.
    #[error("check {:?} failed, so no snapshot was made: {}", .0.name, .0.sentence())]
    Check(Box<CheckOutcome>),
    /// A secret was found in an ordinary source, which the file forbids.
    #[error("source {name} contains a secret, so no snapshot was made: {what}")]
    Secret {
        /// The source.
        name: String,
        /// Where, and what kind.
        what: String,
    },
    /// A pattern of paths not to scan for secrets is malformed.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl RunError {
    /// Why a source cannot be captured.
    pub(super) fn of(source: &SourceName, error: CaptureError) -> Self {
        let name = source.to_string();
        match error {
            CaptureError::Postgres(error) => Self::Postgres { name, error },
            error @ (CaptureError::Bucket(_) | CaptureError::Unusable(_)) => {
                Self::Unusable { name, error }
            }
        }
    }

    /// True if a concurrent prune invalidated the capture; another attempt may succeed.
    pub(super) fn is_fenced(&self) -> bool {
        matches!(self, Self::Engine(error) if error.is_fenced())
    }

    /// Why a source failed, without what that means for the snapshot.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Source { error, .. } => error.cause().to_string(),
            Self::Postgres { error, .. } => error.to_string(),
            other => other.to_string(),
        }
    }
}
