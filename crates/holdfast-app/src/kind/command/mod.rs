//! What a command prints, as one file.

mod feed;
mod settings;
mod step;

use std::io;
use std::sync::Arc;

use holdfast_connect::Source as Connector;
use holdfast_connect::command::{CommandSource, StreamEntry};
use holdfast_format::record::SourceRecord;

pub use settings::{CommandRestore, CommandSettings};

use super::step::{Origin, RestoreError, RestorePart, StepScene};
use super::{CaptureError, CaptureScene, Kind, Manner, Move, Probe, SourceCapture, SourceKind};
use crate::settings::Argv;
use step::CommandStep;

impl CommandSettings {
    pub(super) const WORD: &str = "command";
    pub(super) const ABOUT: &str = "What a command prints, as one file.";

    /// The path of the output in the snapshot.
    fn path(&self) -> String {
        format!("/{}", self.file.trim_start_matches('/'))
    }
}

impl Kind for CommandSettings {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    fn commands(&self) -> Vec<(&'static str, &Argv)> {
        vec![("command", &self.command)]
    }

    fn programs(&self) -> Vec<String> {
        vec![self.command.program().to_owned()]
    }

    fn probe(&self, _scene: &CaptureScene<'_>) -> Result<Probe, CaptureError> {
        Ok(Probe { found: self.command.program().to_owned(), warnings: Vec::new() })
    }

    fn capture<'a>(
        &'a self,
        scene: &'a CaptureScene<'a>,
        _previous: Option<&SourceRecord>,
    ) -> Result<Box<dyn SourceCapture + 'a>, CaptureError> {
        let entry = StreamEntry {
            file_name: self.file.clone().into_bytes(),
            time: (scene.now)().into(),
            uid: scene.maker.uid,
            gid: scene.maker.gid,
            user: scene.maker.user.clone().into_bytes(),
            group: Vec::new(),
        };
        Ok(Box::new(CommandCapture { output: self, entry, scene }))
    }

    fn moves<'a>(
        &'a self,
        part: &RestorePart<'a>,
        origin: Origin<'a>,
        _scene: &StepScene<'a>,
    ) -> Result<Vec<Move<'a>>, RestoreError> {
        let SourceKind::Command(from) = &part.from.kind else { return Ok(Vec::new()) };
        let step = CommandStep { part: *part, path: from.path(), to: self, origin };
        Ok(vec![Move::Step(Box::new(step))])
    }
}

/// A command ready to be run.
struct CommandCapture<'a> {
    output: &'a CommandSettings,
    entry: StreamEntry,
    scene: &'a CaptureScene<'a>,
}

impl SourceCapture for CommandCapture<'_> {
    fn source(&self) -> io::Result<Box<dyn Connector>> {
        let words = self.output.command.os_words();
        let stop = Arc::clone(&self.scene.connections.stop);
        Ok(Box::new(CommandSource::new(words, self.entry.clone(), stop)?))
    }

    fn manner(&self) -> Manner {
        Manner::of_stream()
    }
}
