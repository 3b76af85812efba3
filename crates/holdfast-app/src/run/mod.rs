//! A run: captures everything that an app file names into one snapshot, committed last.
//!
//! The order is that of decision 0008. Servers are probed for whether a capture would succeed
//! ([`preflight()`]). Keys come first, into their own repository ([`keys`]). Then the moment of
//! each database is fixed ([`cuts`]) and the checks query it. Then the sources are captured in the
//! order of the file ([`source`]), watched for what the checks need and for secrets. Then the
//! checks are judged, and only then is the snapshot committed. A failure before that leaves no
//! snapshot.

mod cuts;
mod error;
mod keys;
mod lost;
mod memory;
mod preflight;
mod report;
mod retention;
mod source;
mod useless_keys;

use std::path::PathBuf;
use std::sync::Arc;

use holdfast_engine::Observer;
use holdfast_engine::backup::{Capture, CaptureOptions, FencedAttempts, parents};
use holdfast_format::record::{Application, Snapshot, SnapshotSummary, SourceRecord, Text};
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

use crate::check::{CheckEvaluation, CheckOutcome, SharedMemory};
use crate::config::{AppFile, OnFinding};
use crate::hooks::Hooks;
use crate::kind::{AppSource, CaptureScene, Class};
use crate::secrets::Scanner;
use cuts::{CutScene, Cuts};
pub use error::RunError;
pub use preflight::{Preflight, preflight};
pub use report::{RunReport, SourceReport};
pub use retention::{RetentionOutcome, retain};
use source::SourceRun;

/// The environment of a run, supplied by the program.
pub struct RunContext<'a> {
    /// What sources need of it.
    pub scene: CaptureScene<'a>,
    /// How blobs are written.
    pub write: WriteOptions,
    /// Folder of the caches; without one, contents that rows have hashes of are read in each run.
    pub cache_folder: Option<PathBuf>,
    /// True to accept the size of all sources: none counts as shrunk.
    pub accept_shrunk: bool,
}

/// Where a run stores its snapshots.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The repository of the data.
    pub data: &'a Repository,
    /// The repository of the keys; required if anything of class `keys` is captured.
    pub keys: Option<&'a Repository>,
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
    let work = RunWork { file, context, places, hooks, observer, scanner };
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

/// What all steps of a run need.
struct RunWork<'a> {
    file: &'a AppFile,
    context: &'a RunContext<'a>,
    places: Places<'a>,
    hooks: &'a Hooks<'a>,
    observer: &'a dyn Observer,
    scanner: Option<Arc<Scanner>>,
}

impl RunWork<'_> {
    /// Captures everything once. `is_lost` is set if a database session was lost before the end of
    /// its dump, because the server was restarted or ended the session, and capturing that source
    /// again was not enough.
    fn attempt(&self, is_lost: &mut bool) -> Result<RunReport, RunError> {
        let mut report = RunReport::default();
        let ready = preflight(self.file, &self.context.scene)?;
        report.warnings.extend(ready.warnings);
        let time = (self.context.scene.now)();
        let keys_options =
            self.places.keys.map(|place| (place, self.capture_options(place, Class::Keys, time)));
        let place = keys_options.as_ref().map(|(place, options)| (*place, options));
        let keys = keys::begin(self, place, &mut report)?;
        let mut cuts = Cuts::open(self.file, &self.context.scene)?;
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
        let memory = memory::load(self, time);
        let checks = &self.file.checks;
        let mut checks_run = CheckEvaluation::ask(checks, &self.cut_scene(cuts, time, &memory))?;
        if let Some(keys) = &report.keys {
            keys::answer(self, keys, &mut checks_run)?;
        }
        let options = self.capture_options(self.places.data, Class::Data, time);
        let parent = options.parents.iter().find(|info| !info.snapshot.partial);
        let mut capture = Capture::start(self.places.data, &options)?;
        for source in self.file.sources_of(Class::Data) {
            let mut source_run = SourceRun {
                work: self,
                source,
                previous: parent.and_then(|info| record_of(info, source)),
                parents: &options.parents,
                capture: &mut capture,
                checks: &mut checks_run,
                cuts: &mut *cuts,
                time,
                memory: &memory,
                report: &mut report,
            };
            source_run.with_hooks()?;
        }
        cuts.check()?;
        report.join_sources();
        memory::save(&memory, &mut report);
        report.checks = checks_run.judge();
        let before = parent.and_then(|info| info.snapshot.application.as_ref());
        let before = before.map(|it| it.checks.as_slice()).unwrap_or_default();
        report.checks.iter_mut().for_each(|check| check.compare(before));
        self.refuse(&report)?;
        application.checks = report.checks.iter().map(CheckOutcome::record).collect();
        report.data = Some(capture.commit(Some(application), self.context.scene.now)?);
        Ok(report)
    }

    fn cut_scene<'s>(
        &'s self,
        cuts: &'s Cuts,
        time: Timestamp,
        memory: &'s SharedMemory,
    ) -> CutScene<'s> {
        CutScene { file: self.file, run: self.context.scene.run, now: time, memory, cuts }
    }

    fn application(&self) -> Application {
        Application {
            name: self.file.app.name.as_str().to_owned(),
            run: self.context.scene.run.to_owned(),
            linked_repository: None,
            linked_snapshot: None,
            keys: Vec::new(),
            checks: Vec::new(),
        }
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
        let maker = &self.context.scene.maker;
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
fn record_of<'s>(info: &'s SnapshotInfo, source: &AppSource) -> Option<&'s SourceRecord> {
    info.snapshot.sources.iter().find(|record| record.name == source.name.as_str())
}
