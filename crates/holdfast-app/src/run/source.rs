//! The capture of one source in a run.

use std::sync::Arc;

use holdfast_connect::Source as Connector;
use holdfast_engine::backup::{Capture, SourceOptions};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_engine::{EngineError, Observer};
use holdfast_format::record::{SourceRecord, Window};
use holdfast_repo::SnapshotInfo;
use jiff::Timestamp;

use super::cuts::Cuts;
use super::report::{RunReport, SourceReport};
use super::{RunError, RunWork};
use crate::check::{CheckEvaluation, SharedMemory, SnapshotContents, SourceWatch, read_open};
use crate::hooks::{EndState, Stage, StageError, WorkOutcome};
use crate::kind::{AppSource, SourceCapture};
use crate::secrets::{self, SecretWatch};

/// The capture of one source, and what is known before it.
pub(super) struct SourceRun<'r, 'a, 'c> {
    pub work: &'r RunWork<'a>,
    pub source: &'r AppSource,
    /// Its record in the previous snapshot.
    pub previous: Option<&'r SourceRecord>,
    /// Snapshots whose unchanged contents need not be read again.
    pub parents: &'r [SnapshotInfo],
    pub capture: &'r mut Capture<'c>,
    pub checks: &'r mut CheckEvaluation,
    pub cuts: &'r mut Cuts,
    /// When the run started.
    pub time: Timestamp,
    pub memory: &'r SharedMemory,
    pub report: &'r mut RunReport,
}

/// What is watched for while a source is read.
#[derive(Default)]
pub(super) struct SourceWatches {
    checks: SourceWatch,
    secrets: Option<Arc<SecretWatch>>,
}

impl SourceWatches {
    fn wrap(&self, source: Box<dyn Connector>) -> Box<dyn Connector> {
        let source = self.checks.wrap(source);
        match &self.secrets {
            Some(secrets) => secrets.wrap(source),
            None => source,
        }
    }
}

impl<'r> SourceRun<'r, '_, '_> {
    /// Captures it between its hooks.
    pub fn with_hooks(&mut self) -> Result<(), RunError> {
        let (hooks, name) = (self.work.hooks, &self.source.name);
        let before = self.report.errors();
        let ready = self.ready()?;
        let outcome = hooks.around(
            Stage::Source(name),
            || self.persistently(ready),
            |outcome| {
                let state = match outcome {
                    Ok(errors) if *errors > before => EndState::Incomplete,
                    Ok(_) => EndState::Ok,
                    Err(_) => EndState::Failed,
                };
                let error = outcome.as_ref().err().map(ToString::to_string);
                WorkOutcome { state, snapshot: None, error }
            },
        );
        outcome.map(drop).map_err(|error| match error {
            StageError::Work(error) => error,
            StageError::Hook(report) => {
                RunError::Hook { name: name.to_string(), report: report.to_string() }
            }
        })
    }

    /// Prepares its capture, at its moment if it has one.
    pub fn ready(&self) -> Result<Box<dyn SourceCapture + 'r>, RunError> {
        match self.cuts.get(&self.source.name) {
            Some(cut) => Ok(cut.capture()),
            None => ready(self.work, self.source, self.previous),
        }
    }

    /// Captures it; again, if objects that rows refer to appeared only after the capture had passed
    /// them: many applications write the row first. Returns the errors of all sources so far.
    pub fn with_missing(&mut self, ready: &dyn SourceCapture) -> Result<u64, RunError> {
        let mut watch = self.watch();
        match self.once(ready, &watch) {
            Err(RunError::Source { error, .. }) if ready.has_learned(&error) => {
                watch = self.watch();
                self.once(ready, &watch)?;
            }
            outcome => outcome?,
        }
        self.read_open(&watch)?;
        let missing = self.checks.missing(&self.source.name);
        if missing.iter().any(|name| ready.has_now(name)) {
            self.capture.withdraw();
            self.report.sources.pop();
            let watch = self.watch();
            self.once(ready, &watch)?;
            self.read_open(&watch)?;
        }
        Ok(self.report.errors())
    }

    /// What to watch for.
    fn watch(&mut self) -> SourceWatches {
        let source = self.source;
        let scanner = self.work.scanner.as_ref().filter(|_| source.kind.is_scanned());
        let token = self.previous.and_then(|record| record.token.get(secrets::TOKEN));
        let found = token.map(|token| secrets::from_token(token)).unwrap_or_default();
        SourceWatches {
            checks: self.checks.watch(&source.name, source.kind.row_names()),
            secrets: scanner.map(|it| Arc::new(SecretWatch::new(Arc::clone(it), found))),
        }
    }

    fn once(&mut self, ready: &dyn SourceCapture, watch: &SourceWatches) -> Result<(), RunError> {
        capture(self.work, self.capture, self.source, ready, watch, self.report)
    }

    /// Reads contents that checks compare and that the capture did not read.
    fn read_open(&self, watch: &SourceWatches) -> Result<(), RunError> {
        let Some(names) = self.source.kind.row_names() else { return Ok(()) };
        let contents = SnapshotContents {
            repository: self.work.places.data,
            parents: self.parents,
            source: self.source.name.as_str(),
            names: &names,
        };
        Ok(read_open(&contents, &watch.checks, self.work.observer)?)
    }
}

/// Prepares the capture of a source without a moment.
pub(super) fn ready<'a>(
    work: &RunWork<'a>,
    source: &'a AppSource,
    previous: Option<&SourceRecord>,
) -> Result<Box<dyn SourceCapture + 'a>, RunError> {
    let failed = |error| RunError::of(&source.name, error);
    source.kind.capture(&work.context.scene, previous).map_err(failed)
}

/// Captures a source, and reports it.
pub(super) fn capture(
    work: &RunWork<'_>,
    capture: &mut Capture<'_>,
    source: &AppSource,
    ready: &dyn SourceCapture,
    watch: &SourceWatches,
    report: &mut RunReport,
) -> Result<(), RunError> {
    let now = work.context.scene.now;
    let begin = now();
    let before = capture.record().summary;
    let own = ready.observer(work.observer);
    let inner: &dyn Observer = own.as_deref().unwrap_or(work.observer);
    let listening = watch.checks.observer(inner);
    let failed = |error: EngineError| match error {
        // Neither is an error of the source.
        EngineError::Interrupted => error.into(),
        error if error.is_fenced() => error.into(),
        error => RunError::Source { name: source.name.to_string(), error },
    };
    let make = || Ok(watch.wrap(ready.source()?));
    let options = options(work, source, ready);
    let record = capture.source(&make, &options, &listening).map_err(failed)?;
    let window = Window { begin, end: now() };
    record.window = Some(window);
    record.token = ready.token();
    let mut secrets = watch.secrets.as_ref().map(|it| it.findings()).unwrap_or_default();
    if !secrets.is_empty() {
        record.token.insert(secrets::TOKEN.to_owned(), secrets::to_token(&secrets));
    }
    let captured = record.captured.clone().unwrap_or_default();
    let remarks = ready.remarks().into_iter();
    let remarks = remarks.map(|it| format!("source {:?}: {it}", source.name.as_str()));
    // A source captured twice makes the same remarks twice.
    let remarks: Vec<_> = remarks.filter(|it| !report.warnings.contains(it)).collect();
    report.warnings.extend(remarks);
    secrets.iter_mut().for_each(|found| found.path.0 = ready.shown_path(&found.path.0));
    let summary = &capture.record().summary;
    report.sources.push(SourceReport {
        captured,
        ..SourceReport::new(source, window, &before, summary, secrets)
    });
    Ok(())
}

fn options(work: &RunWork<'_>, source: &AppSource, ready: &dyn SourceCapture) -> SourceOptions {
    let manner = ready.manner();
    SourceOptions {
        name: source.name.to_string(),
        connector: source.kind.word().to_owned(),
        profile: manner.profile,
        compare: manner.compare,
        read_concurrency: manner.read_concurrency,
        count_first: false,
        is_stream: manner.is_stream,
        shrink_limit: match work.context.accept_shrunk {
            true => ShrinkLimit::NONE,
            false => source.shrink_limit,
        },
        scope: manner.scope,
    }
}
