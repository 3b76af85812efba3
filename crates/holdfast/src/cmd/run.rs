//! `run`: back up a whole application as described by its app file.

mod plan;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use holdfast_app::connections::Connections;
use holdfast_app::hooks::{EndState, HookReport, Hooks, Stage, StageError, WorkOutcome};
use holdfast_app::kind::{CaptureScene, Class, SnapshotMaker};
use holdfast_app::notify::{Notices, RunNotice};
use holdfast_app::run::{self, Places, RetentionOutcome, RunContext, RunReport};
use holdfast_repo::Repository;
use jiff::Timestamp;
use uuid::Uuid;

use crate::application::{ApplicationArgs, LoadedApplication, folder};
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::json::run::RunDocument;
use crate::output::progress::Activity;
use crate::own;
use crate::watch::Watcher;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast run --dry-run
      show what ./holdfast.toml would do, and whether its servers can be reached
  holdfast run --init-missing
      create the repositories if they do not exist, then back up everything
  holdfast run documenso
      use /etc/holdfast/documenso.toml, unless this folder has a holdfast.toml
  holdfast run --config /srv/documenso/holdfast.toml --json

A run makes one snapshot of all sources, or none. The checks in the app file run before the
snapshot is made. docs/applications has app files for five applications.";

/// Back up an application: its databases, buckets, files and keys as one snapshot
///
/// The app file defines the sources, the repositories, the checks between sources, and which
/// snapshots to keep. Keys are saved first, to their own repository; then all databases as of one
/// moment; then everything else. The snapshot is committed last.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// Create the repositories of the app file if they do not exist
    #[arg(long)]
    pub init_missing: bool,

    /// Accept sources that have far less than before
    #[arg(long)]
    pub accept_shrunk: bool,

    /// Query all servers, show what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    context.go_by_all();
    let application = LoadedApplication::load(&args.application, context)?;
    let id = Uuid::new_v4().to_string();
    let work = RunCommand { args, context, application: &application, id: &id };
    match args.dry_run {
        true => work.with_context(|run_context| plan::show(&application, run_context, context)),
        false => work.locked().map_err(|error| work.named(error)),
    }
}

struct RunCommand<'a> {
    args: &'a Args,
    context: &'a Context,
    application: &'a LoadedApplication<'a>,
    id: &'a str,
}

/// What was done.
struct Done {
    report: RunReport,
    retention: Option<CommandResult<RetentionOutcome>>,
}

impl RunCommand<'_> {
    /// With `--quiet` the message ends up in cron mail, next to those of other applications.
    fn named(&self, mut error: CommandError) -> CommandError {
        let style = self.context.output.style();
        if style.quiet && !style.json {
            error.message = format!("{}: {}", self.application.file.app.name, error.message);
        }
        error
    }

    /// Does everything under the application's lock, and sends the notices.
    fn locked(&self) -> CommandResult {
        let (file, started) = (&self.application.file, environment::now());
        let _lock = self.application.lock()?;
        let (name, is_interrupted) = (&file.app.name, || self.context.is_interrupted());
        let notices = Notices::begin(&file.notify, &self.context.http_options(), self.id);
        let observer = |report: &HookReport| self.context.tell_hook(report);
        let hooks = Hooks::new(&file.hooks, name, self.id, &is_interrupted, &observer);
        let outcome = self.with_hooks(&hooks);
        let notice = self.notice(&outcome, hooks.failures(), started);
        for trouble in notices.end(&notice, &RunDocument::from(&notice)) {
            self.context.output.caution(&trouble.to_string());
        }
        self.finish(outcome, &notice)
    }

    fn with_hooks(&self, hooks: &Hooks<'_>) -> CommandResult<Done> {
        let outcome = hooks.around(
            Stage::Run,
            || self.capture(hooks),
            |outcome| match outcome {
                Ok(done) => WorkOutcome {
                    state: match done.report.is_complete() {
                        true => EndState::Ok,
                        false => EndState::Incomplete,
                    },
                    snapshot: done.report.data.as_ref().map(|info| info.id.to_hex()),
                    error: None,
                },
                Err(error) => {
                    let error = Some(error.message.clone());
                    WorkOutcome { state: EndState::Failed, snapshot: None, error }
                }
            },
        );
        outcome.map_err(|error| match error {
            StageError::Work(error) => error,
            StageError::Hook(report) => {
                CommandError::failed(format!("{report}, so nothing was captured"))
            }
        })
    }

    fn capture(&self, hooks: &Hooks<'_>) -> CommandResult<Done> {
        let file = &self.application.file;
        let data = self.open(Class::Data)?;
        let keys = match file.keys_repository.is_some() {
            true => Some(self.open(Class::Keys)?),
            false => None,
        };
        let places = Places { data: &data, keys: keys.as_ref() };
        let watcher = Watcher::start(self.context, Activity::Backup, None)?;
        watcher.expect(self.last_extent(&data));
        let report = self
            .with_context(|run_context| Ok(run::run(file, run_context, places, hooks, &watcher)?));
        drop(watcher);
        let report = report.map_err(|error| match self.context.is_interrupted() {
            // It failed because the user interrupted it.
            true => {
                CommandError::new(ExitKind::Interrupted, "interrupted, so no snapshot was made")
            }
            false => error,
        })?;
        let retention = self.retain(&report, places).transpose();
        Ok(Done { report, retention })
    }

    /// Files and bytes of the last snapshot of the application, as an estimate: what servers will
    /// send is not counted in advance.
    fn last_extent(&self, data: &Repository) -> Option<(u64, u64)> {
        let (host, path) =
            (self.application.host(), run::path_of(&self.application.file, Class::Data));
        let snapshots = data.history().snapshots();
        let last = snapshots
            .iter()
            .map(|info| &info.snapshot)
            .rfind(|it| !it.partial && it.host == host && it.paths == [path.clone()])?;
        Some((last.summary.total_files_processed, last.summary.total_bytes_processed))
    }

    /// Removes old snapshots.
    fn retain(
        &self,
        report: &RunReport,
        places: Places<'_>,
    ) -> CommandResult<Option<RetentionOutcome>> {
        let (file, host) = (&self.application.file, self.application.host());
        let time = (environment::now(), &environment::time_zone());
        let watcher = Watcher::start(self.context, Activity::Other, None)?;
        let write = self.context.write_options();
        Ok(run::retain(file, report, &host, places, time, write, &watcher)?)
    }

    /// Opens a repository; creates it if it does not exist and the user agrees.
    fn open(&self, class: Class) -> CommandResult<Repository> {
        if !self.application.is_there(class)? {
            let place = match class {
                Class::Data => &self.application.file.repository,
                Class::Keys => match &self.application.file.keys_repository {
                    Some(place) => place,
                    None => return self.application.open(class),
                },
            };
            let question = format!("there is no repository at {}; create it?", tell::place(place));
            if self.args.init_missing || self.context.agrees(&question)? {
                self.application.init(class)?;
            }
        }
        let repository = self.application.open(class)?;
        self.application.fill_reserve(class);
        Ok(repository)
    }

    fn with_context<T>(
        &self,
        work: impl FnOnce(&RunContext<'_>) -> CommandResult<T>,
    ) -> CommandResult<T> {
        let password = |password: &_| self.application.password(password);
        let scene = CaptureScene {
            run: self.id,
            maker: SnapshotMaker {
                host: self.application.host(),
                user: self.context.environment.user_name(),
                uid: environment::user_id(),
                gid: environment::group_id(),
                program: format!("holdfast {}", env!("CARGO_PKG_VERSION")),
            },
            now: &environment::now,
            connections: Connections {
                password: &password,
                password_file: self.context.environment.postgres_password_file(),
                buckets: self.context.bucket_access(self.args.dry_run.then_some(Duration::ZERO)),
                stop: Arc::clone(&self.context.interrupted),
            },
            own: self.own_folders(),
        };
        work(&RunContext {
            scene,
            write: self.context.write_options(),
            cache_folder: self.context.cache_folder(),
            accept_shrunk: self.args.accept_shrunk,
        })
    }

    /// holdfast's own folders, among them both repositories of the app file.
    fn own_folders(&self) -> Vec<(u64, u64)> {
        let file = &self.application.file;
        let places = [Some(&file.repository), file.keys_repository.as_ref()];
        let folders = places.into_iter().flatten().filter_map(|place| folder(place).ok());
        own::folders(self.context, folders)
    }

    fn notice(
        &self,
        outcome: &CommandResult<Done>,
        failed_hooks: u32,
        started: Timestamp,
    ) -> RunNotice {
        let (app, host) = (self.application.file.app.name.as_str(), self.application.host());
        let mut notice = RunNotice::new(app, self.id, &host, started, environment::now());
        notice.failed_hooks = failed_hooks;
        match outcome {
            Ok(done) => {
                done.report.fill(&mut notice);
                if let Some(Err(error)) = &done.retention {
                    notice.error = Some(error.message.clone());
                }
            }
            Err(error) => {
                (notice.state, notice.error) = (EndState::Failed, Some(error.message.clone()));
            }
        }
        let end = tell::end(outcome, failed_hooks);
        if let Err(error) = &end {
            notice.exit_code = error.exit.code();
            if notice.state == EndState::Ok {
                notice.state = EndState::Incomplete;
            }
        }
        notice
    }

    fn finish(&self, outcome: CommandResult<Done>, notice: &RunNotice) -> CommandResult {
        if let Ok(done) = &outcome {
            tell::done(done, notice, self.context)?;
        }
        tell::end(&outcome, notice.failed_hooks)?;
        outcome.map(drop)
    }
}
