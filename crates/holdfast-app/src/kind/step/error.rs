//! Why a restore of an application did not start, or did not finish.

use holdfast_connect::bucket::BucketError;
use holdfast_connect::postgres::{ErrorKind, PostgresError};
use holdfast_engine::EngineError;

use super::next::NextStep;

/// Why a restore of an application did not start, or why one of its steps failed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A repository or file system failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A server failed.
    #[error("source {source_name:?}: {error}")]
    Postgres {
        /// The source.
        source_name: String,
        /// Why.
        error: PostgresError,
    },
    /// A bucket failed.
    #[error("source {source_name:?}: {error}")]
    Bucket {
        /// The source.
        source_name: String,
        /// Why.
        error: BucketError,
    },
    /// The command that stops or starts the application failed.
    #[error("{message}")]
    Command {
        /// One sentence without a full stop.
        message: String,
        /// What to do next.
        next: NextStep,
    },
    /// The request was refused, for this reason.
    #[error("{message}")]
    Refused {
        /// One sentence without a full stop.
        message: String,
        /// What to do next, one step each.
        next: Vec<NextStep>,
    },
    /// A location has changed since the plan was made, and was left unchanged.
    #[error("{message}")]
    Changed {
        /// One sentence without a full stop.
        message: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl RestoreError {
    /// A refusal; [`or`](Self::or) adds what to do next.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), next: Vec::new() }
    }

    /// Adds a next step to a refusal.
    #[must_use]
    pub(crate) fn or(self, step: impl Into<NextStep>) -> Self {
        match self {
            Self::Refused { message, mut next } => {
                next.push(step.into());
                Self::Refused { message, next }
            }
            other => other,
        }
    }

    /// The error for a location that has changed.
    pub(crate) fn changed(message: String) -> Self {
        Self::Changed { message }
    }

    /// True if the same command would always fail in the same way.
    pub(crate) fn fails_again(&self) -> bool {
        use ErrorKind::{Differs, Options, Owners, Privilege, Statement, Tool, Version};
        let lasting = [Differs, Options, Owners, Privilege, Statement, Tool, Version];
        matches!(self, Self::Postgres { error, .. } if lasting.contains(&error.kind))
    }

    /// True if the user asked to stop.
    pub fn is_interruption(&self) -> bool {
        match self {
            Self::Interrupted | Self::Engine(EngineError::Interrupted) => true,
            Self::Postgres { error, .. } => error.kind == ErrorKind::Stopped,
            Self::Engine(_)
            | Self::Bucket { .. }
            | Self::Command { .. }
            | Self::Refused { .. }
            | Self::Changed { .. } => false,
        }
    }

    /// What to do next, one step each.
    pub fn next(&self) -> Vec<NextStep> {
        match self {
            Self::Refused { next, .. } => next.clone(),
            Self::Command { next, .. } => vec![next.clone()],
            Self::Changed { .. } => {
                vec!["run the same command again and review its plan".into()]
            }
            Self::Engine(_) | Self::Postgres { .. } | Self::Bucket { .. } | Self::Interrupted => {
                Vec::new()
            }
        }
    }
}
