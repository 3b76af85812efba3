//! Files and folders.

mod capture;
mod path_move;
mod settings;
mod step;
mod target;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use holdfast_connect::Source as Connector;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_format::record::SourceRecord;

pub(super) use path_move::PathMove;
pub use settings::{FilesRestore, FilesSettings, Owner};

use super::step::{Origin, RestoreError, RestorePart, StepScene};
use super::{
    CaptureError, CaptureScene, Kind, Move, NamedSource, Probe, SourceCapture, SourceKind,
};
use crate::check::{NameOf, RowNames};
use crate::connections::Connections;
use capture::FilesCapture;
use step::FilesStep;

impl FilesSettings {
    pub(super) const WORD: &str = "files";
    pub(super) const ABOUT: &str = "Files and folders.";
}

impl Kind for FilesSettings {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn files(&self) -> Option<&FilesSettings> {
        Some(self)
    }

    /// Rows may give paths relative to the only path of their source.
    fn row_names(&self) -> Option<RowNames> {
        let base = match self.paths.as_slice() {
            [path] => path.as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        Some(RowNames::of_paths(base))
    }

    fn probe(&self, _scene: &CaptureScene<'_>) -> Result<Probe, CaptureError> {
        let missing = self.paths.iter().filter(|path| !path.exists());
        let warnings =
            missing.map(|path| format!("{} does not exist or cannot be accessed", path.display()));
        let found = self.paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>();
        Ok(Probe { found: found.join(", "), warnings: warnings.collect() })
    }

    fn capture<'a>(
        &'a self,
        scene: &'a CaptureScene<'a>,
        _previous: Option<&SourceRecord>,
    ) -> Result<Box<dyn SourceCapture + 'a>, CaptureError> {
        Ok(Box::new(FilesCapture { files: self, scene }))
    }

    /// Both sides must have the same number of paths.
    fn check_target(&self, part: &RestorePart<'_>) -> Result<(), RestoreError> {
        let SourceKind::Files(from) = &part.from.kind else { return Ok(()) };
        if from.paths.len() == self.paths.len() {
            return Ok(());
        }
        let (from, to) = (from.paths.len(), self.paths.len());
        let message = format!("source {:?} has {from} paths, but its target has {to}", part.name());
        let next = "give the same number of paths in the file of targets, in the same order";
        Err(RestoreError::refused(message).or(next))
    }

    fn overlap(&self, live: &SourceKind) -> Option<String> {
        let SourceKind::Files(live) = live else { return None };
        let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        self.paths.iter().find_map(|to| {
            let to = real(to);
            let touches = |live: &&PathBuf| {
                let live = real(live);
                to.starts_with(&live) || live.starts_with(&to)
            };
            live.paths.iter().find(touches).map(|live| live.display().to_string())
        })
    }

    fn destination(&self, from: &SourceKind, path: &Path) -> Option<PathBuf> {
        let SourceKind::Files(from) = from else { return None };
        let pairs = from.paths.iter().zip(&self.paths);
        let found = pairs.filter_map(|(from, to)| Some((path.strip_prefix(from).ok()?, to)));
        let (rest, to) = found.min_by_key(|(rest, _)| rest.components().count())?;
        Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
    }

    fn moves<'a>(
        &'a self,
        part: &RestorePart<'a>,
        origin: Origin<'a>,
        _scene: &StepScene<'a>,
    ) -> Result<Vec<Move<'a>>, RestoreError> {
        let SourceKind::Files(from) = &part.from.kind else { return Ok(Vec::new()) };
        Ok(vec![Move::Step(Box::new(FilesStep { part: *part, from, to: self, origin }))])
    }

    fn restored(
        &self,
        from: &SourceKind,
        _connections: &Connections<'_>,
    ) -> io::Result<Vec<NamedSource>> {
        let SourceKind::Files(from) = from else { return Ok(Vec::new()) };
        let mut pairs: Vec<_> = from.paths.iter().zip(&self.paths).collect();
        pairs.sort_by(|(one, _), (other, _)| one.components().cmp(other.components()));
        let open = |(from_path, to): (&PathBuf, &PathBuf)| {
            let source = FsSource::new(vec![to.clone()], FsOptions::default(), from.filter())?;
            let (from_path, to) = (from_path.clone(), to.clone());
            let name_of = move |path: &[u8]| {
                let rest = path.strip_prefix(to.as_os_str().as_bytes())?;
                Some([from_path.as_os_str().as_bytes(), rest].concat())
            };
            Ok((Box::new(source) as Box<dyn Connector>, Box::new(name_of) as Box<NameOf>))
        };
        pairs.into_iter().map(open).collect()
    }
}
