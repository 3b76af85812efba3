//! Why a run made no snapshot.

use holdfast_connect::fs::filter::PatternError;
use holdfast_connect::postgres::PostgresError;
use holdfast_engine::EngineError;

use super::report::CheckReport;

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
    /// A source cannot be reached, or its settings are not right.
    #[error("source {name} cannot be read, so no snapshot was made: {why}")]
    Settings {
        /// The source.
        name: String,
        /// Why.
        why: String,
    },
    /// A hook before a source failed.
    #[error("source {name} was not captured, so no snapshot was made: {report}")]
    Hook {
        /// The source.
        name: String,
        /// What became of the hook.
        report: String,
    },
    /// There are keys and no place for them.
    #[error("there are keys to capture, and no repository for keys was opened")]
    NoKeysRepository,
    /// Keys cannot be read.
    #[error(
        "{errors} of the keys could not be read, so no snapshot was made: data without the keys \
         that open them are no backup"
    )]
    KeysUnread {
        /// How many.
        errors: u64,
    },
    /// A check cannot be asked.
    #[error("check {check:?} cannot be asked, so no snapshot was made: {why}")]
    Question {
        /// The check.
        check: String,
        /// Why.
        why: String,
    },
    /// A check that may not fail has failed.
    #[error("check {:?} failed, so no snapshot was made: {}", .0.name, .0.sentence())]
    Check(Box<CheckReport>),
    /// A secret was found in an ordinary source, and the file says that there must be none.
    #[error("source {name} holds a secret, so no snapshot was made: {what}")]
    Secret {
        /// The source.
        name: String,
        /// Where, and what kind.
        what: String,
    },
    /// A pattern of paths that are not looked at for secrets is malformed.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl RunError {
    /// True if a prune at the same time made the capture useless; another one may succeed.
    pub(super) fn is_fenced(&self) -> bool {
        matches!(self, Self::Engine(error) if error.is_fenced())
    }
}
