//! A run: captures everything that an app file names into one snapshot, committed last.
//!
//! The order is that of decision 0008. Servers are probed for whether a capture would succeed
//! ([`preflight()`]). Keys come first, into their own repository ([`keys`]). Then the moment of
//! each database is fixed ([`cuts`]) and the checks query it ([`questions`]). Then the sources are
//! captured in the order of the file ([`source`]), watched for what the checks need and for secrets
//! ([`watch`]). Then the checks are judged, and only then is the snapshot committed. A failure
//! before that leaves no snapshot.

mod contents;
mod cuts;
mod error;
mod keys;
mod lost;
mod preflight;
mod questions;
mod recheck;
mod report;
mod retention;
mod source;
mod useless_keys;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use holdfast_engine::backup::{Capture, CaptureOptions, FencedAttempts, parents};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_engine::look::shown_path;
use holdfast_engine::{EngineError, Observer};
use holdfast_format::record::{Application, Snapshot, SnapshotSummary, SourceRecord, Text, Window};
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::bucket::{Access, WithKeys};
use crate::config::{AppFile, Class, OnFinding, Password, Source, SourceKind};
use crate::hooks::{Hooks, Outcome, Stage, StageError, State};
use crate::secrets::Scanner;
use cuts::Cuts;
pub(crate) use cuts::server;
pub use error::RunError;
pub use preflight::{Preflight, preflight};
use questions::{Asking, Questions};
pub(crate) use recheck::Recheck;
pub use report::{CheckReport, Judgement, RunReport, SourceReport};
pub use retention::{RetentionReport, retain};
use source::Made;
pub(crate) use source::was_unsorted;
pub use watch::Found;
use watch::Watched;

/// Reads a password from its source in the app file; the error is one sentence.
pub type ReadPassword<'a> = dyn Fn(&Password) -> Result<Zeroizing<String>, String> + Sync + 'a;

/// The environment of a run, supplied by the program.
pub struct RunContext<'a> {
    /// ID of the run: the same in both snapshots, in notices and hooks.
    pub run: &'a str,
    /// What a snapshot records about who made it.
    pub maker: Maker,
    /// Tells the time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// How blobs are written.
    pub write: WriteOptions,
    /// Reads passwords.
    pub password: &'a ReadPassword<'a>,
    /// The password file of libpq.
    pub password_file: Option<PathBuf>,
    /// Settings from the environment for connections to buckets.
    pub buckets: Access,
    /// Folder of the caches; without one, contents that rows have hashes of are read in each run.
    pub cache_folder: Option<PathBuf>,
    /// True to accept the size of all sources: none counts as shrunk.
    pub accept_shrunk: bool,
    /// Directories of the program itself, by device and inode, which sources of files leave out.
    pub own: Vec<(u64, u64)>,
    /// Set when the run should stop.
    pub stop: Arc<AtomicBool>,
}

/// Where a run stores its snapshots.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The repository of the data.
    pub data: &'a Repository,
    /// The repository of the keys; required if anything of class `keys` is captured.
    pub keys: Option<&'a Repository>,
}

/// What a snapshot records about who made it.
#[derive(Debug, Clone, Default)]
pub struct Maker {
    /// Host name.
    pub host: String,
    /// User name.
    pub user: String,
    /// User ID.
    pub uid: u32,
    /// Group ID of the user.
    pub gid: u32,
    /// Program and version.
    pub program: String,
}

/// Captures everything that the file names, running the hooks of sources around each source.
///
/// Errors with single files or objects, and failures of checks that only warn, are reported without
/// failing the run; see [`RunReport::is_complete`].
///
/// # Errors
/// [`RunError`]: nothing was committed to the repository of the data.
pub fn run(
    file: &AppFile,
    context: &RunContext<'_>,
    places: Places<'_>,
    hooks: &Hooks<'_>,
    observer: &dyn Observer,
) -> Result<RunReport, RunError> {
    let scanner = match file.secrets.on_finding {
        OnFinding::Ignore => None,
        OnFinding::Warn | OnFinding::Fail => Some(Arc::new(Scanner::new(&file.secrets)?)),
    };
    let work = Work { file, context, places, hooks, observer, scanner };
    let (mut attempt, mut warnings) = (1, Vec::new());
    let mut fenced = FencedAttempts::default();
    loop {
        let mut is_lost = false;
        match work.attempt(&mut is_lost) {
            Err(error) if error.is_fenced() => fenced.begin_again(error, observer)?,
            Err(error) if attempt < lost::ATTEMPTS_MAX && is_lost && work.answers_again(None) => {
                warnings.push(format!("the run was restarted: {error}"));
                attempt += 1;
            }
            outcome => {
                return outcome.map(|mut report| {
                    report.warnings.extend(warnings);
                    report
                });
            }
        }
    }
}

/// What is known before a source is captured, and the questions about it.
struct Asked<'a> {
    /// Its record in the previous snapshot.
    previous: Option<&'a SourceRecord>,
    /// Snapshots whose unchanged contents need not be read again.
    parents: &'a [SnapshotInfo],
    asking: &'a Asking<'a>,
    questions: &'a mut Questions,
    cuts: &'a mut Cuts,
}

/// What all steps of a run need.
struct Work<'a> {
    file: &'a AppFile,
    context: &'a RunContext<'a>,
    places: Places<'a>,
    hooks: &'a Hooks<'a>,
    observer: &'a dyn Observer,
    scanner: Option<Arc<Scanner>>,
}

impl Work<'_> {
    /// Captures everything once. `is_lost` is set if a database session was lost before the end of
    /// its dump, because the server was restarted or ended the session, and capturing that source
    /// again was not enough.
    fn attempt(&self, is_lost: &mut bool) -> Result<RunReport, RunError> {
        let mut report = RunReport::default();
        let ready = preflight(self.file, self.context)?;
        report.warnings.extend(ready.warnings);
        let time = (self.context.now)();
        let keys_options =
            self.places.keys.map(|place| (place, self.capture_options(place, Class::Keys, time)));
        let place = keys_options.as_ref().map(|(place, options)| (*place, options));
        let keys = keys::begin(self, place, &mut report)?;
        let mut cuts = Cuts::open(self.file, self.context)?;
        let captured = self.at(&mut cuts, time, keys, report);
        *is_lost = captured.is_err() && cuts.check().is_err();
        captured
    }

    /// Captures everything at the moments of `cuts`.
    fn at(
        &self,
        cuts: &mut Cuts,
        time: Timestamp,
        keys: Option<Capture<'_>>,
        mut report: RunReport,
    ) -> Result<RunReport, RunError> {
        let mut application = self.application();
        if let Some(keys) = keys::commit(self, keys, cuts, &application, &mut report)? {
            let repository = self.places.keys.ok_or(RunError::NoKeysRepository)?;
            application.keys = keys::fingerprints(self, &keys, repository)?;
            application.linked_repository = Some(repository.keys().repository_id());
            application.linked_snapshot = Some(keys.id);
            report.keys = Some(keys);
        }
        let memory = contents::memory(self, time);
        let (file, run) = (self.file, self.context.run);
        let asking = Asking { file, now: time, run, memory: Some(&memory) };
        let mut questions = Questions::ask(&asking, cuts)?;
        if let Some(keys) = &report.keys {
            keys::answer(self, keys, &mut questions)?;
        }
        let options = self.capture_options(self.places.data, Class::Data, time);
        let parent = options.parents.iter().find(|info| !info.snapshot.partial);
        let mut capture = Capture::start(self.places.data, &options)?;
        for source in self.file.sources_of(Class::Data) {
            let previous = parent.and_then(|info| record_of(info, source));
            let parents = options.parents.as_slice();
            let (asking, questions) = (&asking, &mut questions);
            let mut asked = Asked { previous, parents, asking, questions, cuts: &mut *cuts };
            self.source_with_hooks(&mut capture, source, &mut asked, &mut report)?;
        }
        cuts.check()?;
        report.join_sources();
        contents::remember(&memory, &mut report);
        report.checks = questions.judge();
        let before = parent.and_then(|info| info.snapshot.application.as_ref());
        let before = before.map(|it| it.checks.as_slice()).unwrap_or_default();
        report.checks.iter_mut().for_each(|check| check.compare(before));
        self.refuse(&report)?;
        application.checks = report.checks.iter().map(CheckReport::record).collect();
        report.data = Some(capture.commit(Some(application), self.context.now)?);
        Ok(report)
    }

    fn application(&self) -> Application {
        Application {
            name: self.file.app.name.as_str().to_owned(),
            run: self.context.run.to_owned(),
            linked_repository: None,
            linked_snapshot: None,
            keys: Vec::new(),
            checks: Vec::new(),
        }
    }

    fn source_with_hooks(
        &self,
        capture: &mut Capture<'_>,
        source: &Source,
        asked: &mut Asked<'_>,
        report: &mut RunReport,
    ) -> Result<(), RunError> {
        let before = report.errors();
        let made = Made::new(source, self.context, asked.cuts, asked.previous)?;
        let outcome = self.hooks.around(
            Stage::Source(&source.name),
            || self.persistently(capture, source, made, asked, report),
            |outcome| {
                let state = match outcome {
                    Ok(errors) if *errors > before => State::Incomplete,
                    Ok(_) => State::Ok,
                    Err(_) => State::Failed,
                };
                let error = outcome.as_ref().err().map(ToString::to_string);
                Outcome { state, snapshot: None, error }
            },
        );
        outcome.map(drop).map_err(|error| match error {
            StageError::Work(error) => error,
            StageError::Hook(report) => {
                RunError::Hook { name: source.name.to_string(), report: report.to_string() }
            }
        })
    }

    /// Captures a source; again, if objects that rows refer to appeared only after the capture had
    /// passed them: many applications write the row first. Returns the errors of all sources so
    /// far.
    fn source_and_missing(
        &self,
        capture: &mut Capture<'_>,
        source: &Source,
        made: &Made<'_>,
        asked: &mut Asked<'_>,
        report: &mut RunReport,
    ) -> Result<u64, RunError> {
        let Asked { previous, parents, questions, .. } = asked;
        let token = previous.and_then(|record| record.token.get(watch::TOKEN));
        let found = token.map(|token| watch::from_token(token)).unwrap_or_default();
        let mut watched = questions.watch(source, self.scanner.as_ref(), found.clone());
        match self.source(capture, source, made, &watched, report) {
            Err(error) if made.is_to_be_sorted(&error) => {
                watched = questions.watch(source, self.scanner.as_ref(), found.clone());
                self.source(capture, source, made, &watched, report)?;
            }
            outcome => outcome?,
        }
        contents::read_open(self, source, parents, &watched)?;
        let missing = questions.missing(source);
        if missing.iter().any(|key| made.has_now(key)) {
            capture.withdraw();
            report.sources.pop();
            let watched = questions.watch(source, self.scanner.as_ref(), found.clone());
            self.source(capture, source, made, &watched, report)?;
            contents::read_open(self, source, parents, &watched)?;
        }
        Ok(report.errors())
    }

    fn source(
        &self,
        capture: &mut Capture<'_>,
        source: &Source,
        made: &Made<'_>,
        watched: &Watched,
        report: &mut RunReport,
    ) -> Result<(), RunError> {
        let begin = (self.context.now)();
        let before = capture.record().summary;
        let with_keys = WithKeys(self.observer);
        let is_bucket = matches!(source.kind, SourceKind::Bucket(_));
        let inner: &dyn Observer = if is_bucket { &with_keys } else { self.observer };
        let listening = watched.observer(inner);
        let failed = |error: EngineError| match error {
            // Neither is an error of the source.
            EngineError::Interrupted => error.into(),
            error if error.is_fenced() => error.into(),
            error => RunError::Source { name: source.name.to_string(), error },
        };
        let make = || Ok(watched.wrap(made.source()?));
        let limit = match self.context.accept_shrunk {
            true => ShrinkLimit::NONE,
            false => source.shrink_limit,
        };
        let options = made.options(source, limit);
        let record = capture.source(&make, &options, &listening).map_err(failed)?;
        let window = Window { begin, end: (self.context.now)() };
        record.window = Some(window);
        record.token = made.token();
        let findings = watched.findings();
        if !findings.is_empty() {
            record.token.insert(watch::TOKEN.to_owned(), watch::to_token(&findings));
        }
        let captured = record.captured.clone().unwrap_or_default();
        let said =
            made.said().into_iter().map(|it| format!("source {:?}: {it}", source.name.as_str()));
        // A source captured twice reports the same remarks twice.
        let said: Vec<_> = said.filter(|it| !report.warnings.contains(it)).collect();
        report.warnings.extend(said);
        let summary = &capture.record().summary;
        let mut findings = findings;
        if is_bucket {
            findings.iter_mut().for_each(|found| found.path.0 = shown_path(&found.path.0));
        }
        report.sources.push(SourceReport {
            captured,
            ..SourceReport::new(source, window, &before, summary, findings)
        });
        Ok(())
    }

    /// Refuses to commit what the file forbids.
    fn refuse(&self, report: &RunReport) -> Result<(), RunError> {
        if let Some(failed) = report.checks.iter().find(|it| it.is_refusal()) {
            return Err(RunError::Check(Box::new(failed.clone())));
        }
        let is_refused = self.file.secrets.on_finding == OnFinding::Fail;
        match report.sources.iter().find(|source| is_refused && !source.secrets.is_empty()) {
            Some(source) => Err(RunError::Secret {
                name: source.name.clone(),
                what: source.secrets[0].to_string(),
            }),
            None => Ok(()),
        }
    }

    fn capture_options(
        &self,
        repository: &Repository,
        class: Class,
        time: Timestamp,
    ) -> CaptureOptions {
        let snapshot = self.snapshot(class, time);
        // A snapshot dated later cannot serve as the parent.
        let is_same = |it: &Snapshot| {
            it.host == snapshot.host && it.paths == snapshot.paths && it.time <= snapshot.time
        };
        let parents = parents(repository, time, is_same);
        CaptureOptions { parents, snapshot, write: self.context.write }
    }

    /// The record, without what the capture itself determines.
    fn snapshot(&self, class: Class, time: Timestamp) -> Snapshot {
        let maker = &self.context.maker;
        // The same path in every snapshot of the application, even if its sources change.
        let paths = vec![path_of(self.file, class)];
        Snapshot {
            user: maker.user.clone(),
            uid: maker.uid,
            gid: maker.gid,
            tags: self.file.app.tags.clone(),
            program: maker.program.clone(),
            summary: SnapshotSummary { backup_start: Some(time), ..SnapshotSummary::default() },
            ..Snapshot::begun(time, &maker.host, paths)
        }
    }
}

/// The path that represents an application in `snapshots` and groups its snapshots in `forget`;
/// keys have a different one, even if they may be stored in the same repository.
pub fn path_of(file: &AppFile, class: Class) -> Text {
    let name = &file.app.name;
    Text(match class {
        Class::Data => format!("/{name}").into_bytes(),
        Class::Keys => format!("/{name}/keys").into_bytes(),
    })
}

/// The record of a source in a snapshot.
fn record_of<'s>(info: &'s SnapshotInfo, source: &Source) -> Option<&'s SourceRecord> {
    info.snapshot.sources.iter().find(|record| record.name == source.name.as_str())
}
