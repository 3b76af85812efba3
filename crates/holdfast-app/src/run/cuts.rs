//! The moments at which the databases of an application are captured.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::RunError;
use crate::check::{CheckScene, Queries, RowNames, SharedMemory};
use crate::config::AppFile;
use crate::kind::{AppSource, CaptureScene, SharedCut};
use crate::settings::SourceName;

/// An open cut for each source that has one.
#[derive(Default)]
pub(super) struct Cuts(BTreeMap<SourceName, SharedCut>);

impl Cuts {
    /// Fixes the moment of every database, in quick succession.
    pub fn open(file: &AppFile, scene: &CaptureScene<'_>) -> Result<Self, RunError> {
        let mut cuts = Self::default();
        file.sources.iter().try_for_each(|source| cuts.open_one(source, scene))?;
        Ok(cuts)
    }

    /// Fixes a new moment for a source.
    pub fn open_one(
        &mut self,
        source: &AppSource,
        scene: &CaptureScene<'_>,
    ) -> Result<(), RunError> {
        let cut = source.kind.cut(scene).map_err(|error| RunError::of(&source.name, error))?;
        if let Some(cut) = cut {
            self.0.insert(source.name.clone(), cut);
        }
        Ok(())
    }

    /// True if the moment of a source was lost.
    pub fn has_lost(&self, source: &AppSource) -> bool {
        self.get(&source.name).is_some_and(|cut| cut.check().is_err())
    }

    /// The cut of a source.
    pub fn get(&self, source: &SourceName) -> Option<&SharedCut> {
        self.0.get(source)
    }

    /// The sources whose globals are stored with the keys.
    pub fn with_globals_apart<'f>(
        &self,
        file: &'f AppFile,
    ) -> impl Iterator<Item = (&'f AppSource, &SharedCut)> {
        let sources = file.sources.iter().filter(|source| source.kind.has_globals_apart());
        sources.filter_map(|source| Some((source, self.get(&source.name)?)))
    }

    /// Makes sure that all cuts are still held.
    pub fn check(&self) -> Result<(), RunError> {
        self.0
            .iter()
            .try_for_each(|(name, cut)| cut.check().map_err(|error| RunError::of(name, error)))
    }
}

/// What checks see of a run.
pub(super) struct CutScene<'a> {
    pub file: &'a AppFile,
    pub run: &'a str,
    pub now: Timestamp,
    pub memory: &'a SharedMemory,
    pub cuts: &'a Cuts,
}

impl CheckScene for CutScene<'_> {
    fn queries(&self, source: &SourceName) -> Option<&dyn Queries> {
        Some(self.cuts.get(source)?.queries())
    }

    fn row_names(&self, source: &SourceName) -> Option<RowNames> {
        self.file.source(source.as_str())?.kind.row_names()
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn run(&self) -> &str {
        self.run
    }

    fn memory(&self) -> Option<&SharedMemory> {
        Some(self.memory)
    }
}
