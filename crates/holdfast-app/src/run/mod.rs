//! A whole run: everything that an app file names, captured into one snapshot that is committed
//! last.
//!
//! The order is that of decision 0008. Servers are asked whether a capture would succeed
//! ([`preflight()`]). Keys come first, into their own repository ([`keys`]). Then the moment of
//! each database is fixed ([`cuts`]) and asked for what must hold ([`questions`]); then the sources
//! are captured in the order of the file ([`source`]), each watched for what the questions want and
//! for secrets that should not be there ([`watch`]); then the answers are judged, and only then is
//! the snapshot committed. Whatever fails before that leaves nothing that counts.

mod contents;
mod cuts;
mod error;
mod keys;
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_engine::backup::{Capture, CaptureOptions, begin_again, parents};
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
use questions::Questions;
pub(crate) use recheck::Recheck;
pub use report::{CheckReport, Judgement, RunReport, SourceReport};
pub use retention::{RetentionReport, retain};
use source::Made;
pub(crate) use source::was_unsorted;
pub use watch::Found;
use watch::Watched;

/// Attempts of a run that loses the server of a database on the way.
const ATTEMPTS_MAX: usize = 3;

/// How long a server that is restarted may take to answer again.
const RESTART_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two questions whether it does.
const RESTART_INTERVAL: Duration = Duration::from_millis(500);

/// Reads a password from where the app file says it is; the error is one sentence.
pub type ReadPassword<'a> = dyn Fn(&Password) -> Result<Zeroizing<String>, String> + Sync + 'a;

/// The surroundings of a run, which only the program knows.
pub struct RunContext<'a> {
    /// Id of the run: the same in both snapshots, in notices and hooks.
    pub run: &'a str,
    /// What a snapshot says of its maker.
    pub maker: Maker,
    /// Tells the time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// How blobs are written.
    pub write: WriteOptions,
    /// Reads passwords.
    pub password: &'a ReadPassword<'a>,
    /// What the surroundings give to connections with buckets.
    pub buckets: Access,
    /// Folder of the caches; without one, contents that were compared with rows are read again
    /// each time.
    pub cache_folder: Option<PathBuf>,
    /// True if sources may be as small as they are: none counts as shrunk.
    pub accept_shrunk: bool,
    /// Directories of the program itself, by device and inode, which no source of files holds.
    pub own: Vec<(u64, u64)>,
    /// True once the run should end.
    pub stop: Arc<AtomicBool>,
}

/// Where a run's snapshots go.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The repository of the data.
    pub data: &'a Repository,
    /// The repository of the keys; must be there if something of class `keys` is captured.
    pub keys: Option<&'a Repository>,
}

/// What a snapshot says of its maker.
#[derive(Debug, Clone, Default)]
pub struct Maker {
    /// Host that it belongs to.
    pub host: String,
    /// Name of the user.
    pub user: String,
    /// Number of the user.
    pub uid: u32,
    /// Number of the user's group.
    pub gid: u32,
    /// Program and version.
    pub program: String,
}

/// Captures everything that the file names, with the hooks of sources around each source.
///
/// Trouble with single files or objects is counted, and so are checks that fail but are to be
/// reported only; see [`RunReport::is_complete`].
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
    loop {
        let mut is_lost = false;
        match work.attempt(&mut is_lost) {
            Err(error) if error.is_fenced() => begin_again(observer)?,
            Err(error) if attempt < ATTEMPTS_MAX && is_lost && work.answers_again() => {
                warnings.push(format!("the run began again, because {error}"));
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

/// What is known before a source is captured, and what is to be known after it.
struct Asked<'a> {
    /// What the previous snapshot says of it.
    previous: Option<&'a SourceRecord>,
    /// Snapshots that have what it need not give again.
    parents: &'a [SnapshotInfo],
    questions: &'a mut Questions,
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
    /// True once what cannot be captured answers again. A server that is restarted does so soon.
    fn answers_again(&self) -> bool {
        let is_stopped = || self.context.stop.load(Ordering::SeqCst);
        let until = Instant::now() + RESTART_TIMEOUT;
        while !is_stopped() && Instant::now() < until {
            if preflight(self.file, self.context).is_ok() {
                return true;
            }
            std::thread::sleep(RESTART_INTERVAL);
        }
        false
    }

    /// Captures everything once. `is_lost` tells that a database was not held to the end of its
    /// dump: its server was restarted, or ended the session.
    fn attempt(&self, is_lost: &mut bool) -> Result<RunReport, RunError> {
        let mut report = RunReport::default();
        let ready = preflight(self.file, self.context)?;
        report.warnings.extend(ready.warnings);
        let time = (self.context.now)();
        let mut application = self.application();
        let keys_options =
            self.places.keys.map(|place| (place, self.capture_options(place, Class::Keys, time)));
        let place = keys_options.as_ref().map(|(place, options)| (*place, options));
        let keys = keys::begin(self, place, &mut report)?;
        let cuts = Cuts::open(self.file, self.context)?;
        if let Some(keys) = keys::commit(self, keys, &cuts, &application, &mut report)? {
            let repository = self.places.keys.ok_or(RunError::NoKeysRepository)?;
            application.keys = keys::fingerprints(self, &keys, repository)?;
            application.linked_repository = Some(repository.keys().repository_id());
            application.linked_snapshot = Some(keys.id);
            report.keys = Some(keys);
        }
        let memory = contents::memory(self, time);
        let run = self.context.run;
        let mut questions = Questions::ask(self.file, &cuts, time, run, Some(&memory))?;
        if let Some(keys) = &report.keys {
            keys::answer(self, keys, &mut questions)?;
        }
        let options = self.capture_options(self.places.data, Class::Data, time);
        let parent = options.parents.iter().find(|info| !info.snapshot.partial);
        let mut capture = Capture::start(self.places.data, &options)?;
        for source in self.file.sources_of(Class::Data) {
            let previous = parent.and_then(|info| record_of(info, source));
            let made = Made::new(source, self.context, &cuts, previous)?;
            let parents = options.parents.as_slice();
            let asked = Asked { previous, parents, questions: &mut questions };
            let captured = self.source_with_hooks(&mut capture, source, &made, asked, &mut report);
            *is_lost = captured.is_err() && cuts.check().is_err();
            captured?;
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
        made: &Made<'_>,
        asked: Asked<'_>,
        report: &mut RunReport,
    ) -> Result<(), RunError> {
        let before = report.errors();
        let outcome = self.hooks.around(
            Stage::Source(&source.name),
            || self.source_and_missing(capture, source, made, asked, report),
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

    /// Captures a source; once more if things that rows name came only after they were looked for:
    /// many applications write the row first. Returns the errors of all sources so far.
    fn source_and_missing(
        &self,
        capture: &mut Capture<'_>,
        source: &Source,
        made: &Made<'_>,
        asked: Asked<'_>,
        report: &mut RunReport,
    ) -> Result<u64, RunError> {
        let Asked { previous, parents, questions } = asked;
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
            // Neither is the fault of the source.
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
        // A source may be captured twice.
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

    /// Refuses to commit what the file says must not be.
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
        // One dated after this one cannot tell what changed since.
        let is_same = |it: &Snapshot| {
            it.host == snapshot.host && it.paths == snapshot.paths && it.time <= snapshot.time
        };
        let parents = parents(repository, time, is_same);
        CaptureOptions { parents, snapshot, write: self.context.write }
    }

    /// The record, but for what the capture itself finds out.
    fn snapshot(&self, class: Class, time: Timestamp) -> Snapshot {
        let maker = &self.context.maker;
        // The same path in every snapshot of the application, whatever its sources are by then.
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

/// The path that stands for an application in `snapshots` and groups its snapshots in `forget`;
/// that of the keys is another one, also where they may lie in the same repository.
pub fn path_of(file: &AppFile, class: Class) -> Text {
    let name = &file.app.name;
    Text(match class {
        Class::Data => format!("/{name}").into_bytes(),
        Class::Keys => format!("/{name}/keys").into_bytes(),
    })
}

/// What a snapshot says of a source.
fn record_of<'s>(info: &'s SnapshotInfo, source: &Source) -> Option<&'s SourceRecord> {
    info.snapshot.sources.iter().find(|record| record.name == source.name.as_str())
}
