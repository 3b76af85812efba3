//! One source, as it was captured, and its target.

use std::path::{Path, PathBuf};

use holdfast_format::record::{Snapshot, SourceRecord};

use super::{NextStep, RestoreError};
use crate::kind::AppSource;

/// One source: as it was captured, and its target.
#[derive(Debug, Clone, Copy)]
pub struct RestorePart<'a> {
    /// The source of the app file.
    pub from: &'a AppSource,
    /// Its target; the same unless another file gives the targets.
    pub to: &'a AppSource,
}

impl RestorePart<'_> {
    /// Name of the source.
    pub fn name(&self) -> &str {
        self.from.name.as_str()
    }

    /// The target of a path of the source; `None` if it is below none of its paths.
    pub fn destination(&self, path: &Path) -> Option<PathBuf> {
        self.to.kind.destination(&self.from.kind, path)
    }

    /// The record of the source in a snapshot, if it has one of this kind.
    ///
    /// # Errors
    /// It has one of another kind.
    pub fn record<'s>(
        &self,
        snapshot: &'s Snapshot,
    ) -> Result<Option<&'s SourceRecord>, RestoreError> {
        let found = snapshot.sources.iter().find(|it| it.name == self.name());
        match found {
            Some(record) if record.connector != self.from.kind.word() => {
                let message = format!(
                    "source {:?} is of type {} in the snapshot, but of type {} in the app file",
                    self.name(),
                    record.connector,
                    self.from.kind.word()
                );
                Err(RestoreError::refused(message).or(NextStep::OlderAppFile))
            }
            found => Ok(found),
        }
    }
}
