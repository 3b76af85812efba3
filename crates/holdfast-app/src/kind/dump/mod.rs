//! A database dump that another program makes.

mod restore;
mod settings;

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use holdfast_connect::Source as Connector;
use holdfast_connect::postgres::DumpFileSource;
use holdfast_format::record::SourceRecord;
use jiff::{SignedDuration, Timestamp};

pub use settings::DumpSettings;

use super::postgres::{overlap, refuse_live};
use super::step::{Origin, RestoreError, RestorePart, StepScene};
use super::{
    AppSource, CaptureError, CaptureScene, Kind, Manner, Move, PostgresSettings, Probe,
    RestoreRank, SourceCapture, SourceKind,
};
use crate::connections::Connections;

impl DumpSettings {
    pub(super) const WORD: &str = "dump";
    pub(super) const ABOUT: &str = "A database dump that another program makes.";

    /// The dump must exist and be recent: otherwise it would go unnoticed that it is no longer
    /// made.
    fn look(&self, now: Timestamp) -> Result<String, String> {
        let shown = self.file.display();
        let found =
            self.file.metadata().map_err(|error| format!("{shown} cannot be read: {error}"))?;
        if found.is_dir() {
            return Err(format!(
                "{shown} is a folder, as written by pg_dump -Fd; use a single-file dump (-Fc)"
            ));
        }
        let changed = Timestamp::new(found.mtime(), 0).unwrap_or_default();
        let age = now.duration_since(changed);
        match self.max_age.and_then(|max_age| SignedDuration::try_from(max_age).ok()) {
            Some(max_age) if age > max_age => Err(format!(
                "{shown} was written at {changed}, {age:#} ago, but may be at most {max_age:#} \
                 old; check the program that makes it"
            )),
            _ => Ok(format!("{shown}, written at {changed}")),
        }
    }
}

impl Kind for DumpSettings {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    fn secret_files(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        self.restore.as_mut().map(|postgres| postgres.secret_files()).unwrap_or_default()
    }

    fn paths(&self) -> &[PathBuf] {
        std::slice::from_ref(&self.file)
    }

    fn database(&self) -> Option<&PostgresSettings> {
        self.restore.as_deref()
    }

    /// Secrets in a dump are in rows, which cannot be moved elsewhere.
    fn is_scanned(&self) -> bool {
        false
    }

    fn probe(&self, scene: &CaptureScene<'_>) -> Result<Probe, CaptureError> {
        let found = self.look((scene.now)()).map_err(CaptureError::Unusable)?;
        Ok(Probe { found, warnings: Vec::new() })
    }

    fn capture<'a>(
        &'a self,
        _scene: &'a CaptureScene<'a>,
        _previous: Option<&SourceRecord>,
    ) -> Result<Box<dyn SourceCapture + 'a>, CaptureError> {
        Ok(Box::new(DumpCapture(self)))
    }

    fn restore_rank(&self) -> RestoreRank {
        RestoreRank::Databases
    }

    fn overlap(&self, live: &SourceKind) -> Option<String> {
        overlap(self.restore.as_deref()?, live.database()?)
    }

    fn refuse_live(
        &self,
        part: &RestorePart<'_>,
        live: &AppSource,
        origin: Origin<'_>,
        connections: &Connections<'_>,
    ) -> Result<(), RestoreError> {
        match (self.restore.as_deref(), live.kind.database()) {
            (Some(to), Some(database)) => {
                refuse_live(part, to, (live, database), origin, connections)
            }
            _ => Ok(()),
        }
    }

    fn moves<'a>(
        &'a self,
        part: &RestorePart<'a>,
        origin: Origin<'a>,
        scene: &StepScene<'a>,
    ) -> Result<Vec<Move<'a>>, RestoreError> {
        restore::moves(self, part, origin, &scene.context.connections)
    }
}

/// A dump ready to be read.
struct DumpCapture<'a>(&'a DumpSettings);

impl SourceCapture for DumpCapture<'_> {
    fn source(&self) -> io::Result<Box<dyn Connector>> {
        Ok(Box::new(DumpFileSource::open(&self.0.file)?))
    }

    fn manner(&self) -> Manner {
        Manner::of_stream()
    }
}
