//! `restore-app`: restore a whole application.

mod tell;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueHint;
use holdfast_app::config::AppFile;
use holdfast_app::connections::Connections;
use holdfast_app::hooks::{EndState, HookReport, Hooks};
use holdfast_app::kind::Class;
use holdfast_app::notify::{HttpClient, post};
use holdfast_app::restore::{
    self, KeysRequest, PreparedRestore, Remark, RestoreAppReport, RestoreContext, RestorePlan,
    RestoreRequest,
};
use holdfast_connect::postgres::RestoreSelection;
use holdfast_engine::selection::{SnapshotFilter, SnapshotSelector};
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;
use uuid::Uuid;

use crate::application::{ApplicationArgs, LoadedApplication};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::opening::scratch_folder;
use crate::output::json::application::TypedMessage;
use crate::output::json::restore_app::RestoreDocument;
use crate::output::progress::Activity;
use crate::output::{next, text};
use crate::watch::Watcher;
use crate::{environment, parse, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast restore-app documenso --dry-run
      show the snapshot, the keys it needs, and what would be created or overwritten
  holdfast restore-app documenso --confirm --yes-overwrite documenso
      everything in place, replacing the database of this name
  holdfast restore-app documenso --at '2026-11-20 14:00' --to drill.toml
      a drill: restore the state of that time to where drill.toml says, touching nothing live
  holdfast restore-app documenso --only certificate --confirm
  holdfast restore-app documenso --table public.Document --into rescue
      one table into a new database of the same server; the application is not touched
  holdfast dump -a custom -t documenso.dump --source database latest /databases/documenso
      a dump for pg_restore; needs no server

The order: stop, keys, roles, databases, objects, files, checks, start, health. Every table is
compared with what was captured, every file is read back, and every check runs again.

EXIT CODES:
  0 restored and verified, 1 stopped before the end (run the same command again),
  3 restored, but a verification or a hook failed,
  others as in holdfast --help";

/// Restore a whole application: its keys, databases, buckets and files
///
/// The plan is printed first. Existing data is changed only after confirmation, and a database
/// with tables is replaced only if it is named. Whatever already matches is kept, so after an
/// interruption, run the same command again to continue.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// The snapshot: an id or prefix, latest, or latest~N
    #[arg(long, value_name = "SNAPSHOT", default_value = "latest")]
    #[arg(value_parser = parse::checked::<SnapshotSelector>)]
    pub snapshot: String,

    /// Use the newest snapshot at or before this time
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot", value_parser = select::time)]
    pub at: Option<Timestamp>,

    /// Another app file that defines, per source, where to restore to, and how to stop and start
    /// the application there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub to: Option<PathBuf>,

    /// Restore only this source; repeat for several
    #[arg(long, value_name = "SOURCE", visible_alias = "source")]
    pub only: Vec<String>,

    /// The database for --into, --schema or --table, if there are several
    #[arg(long, value_name = "DATABASE")]
    pub database: Option<String>,

    /// Restore the database under this name, and nothing else
    #[arg(long, value_name = "DATABASE")]
    pub into: Option<String>,

    /// Restore only this schema, into a new database
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Option<String>,

    /// Restore only this table, into a new database: its rows, without indexes or the tables it
    /// refers to
    #[arg(long, value_name = "[SCHEMA.]TABLE")]
    pub table: Option<String>,

    /// Number of parallel connections for loading a database; the dump is first written to the
    /// folder for temporary files
    #[arg(long, value_name = "N", value_parser = parse::number::<1, 64>)]
    pub jobs: Option<u32>,

    /// Write nothing; show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Change existing data without asking
    #[arg(long)]
    pub confirm: bool,

    /// Replace this database even if it has tables; repeat for several
    #[arg(long, value_name = "DATABASE")]
    pub yes_overwrite: Vec<String>,

    /// Restore only what is missing; keep everything that exists, even if it differs
    #[arg(long, conflicts_with_all = ["yes_overwrite", "into", "schema", "table"])]
    pub only_missing: bool,

    /// Make the restoring role the owner of everything in databases
    #[arg(long)]
    pub no_owner: bool,

    /// Put everything in databases into the default tablespace
    #[arg(long)]
    pub no_tablespaces: bool,

    /// Use the keys from this snapshot of the key repository
    #[arg(long, value_name = "SNAPSHOT", value_parser = parse::checked::<SnapshotSelector>)]
    pub keys_snapshot: Option<String>,

    /// Continue even if the keys that the data needs are missing
    #[arg(long)]
    pub any_keys: bool,

    /// Skip the stop command: the application is not running
    #[arg(long)]
    pub already_stopped: bool,

    /// Start the application even if the restore or a check failed
    #[arg(long)]
    pub start_anyway: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let application = LoadedApplication::load(&args.application, context)?;
    let target = args.to.clone().map(|path| {
        let args = ApplicationArgs { name: None, config: Some(path) };
        LoadedApplication::load(&args, context)
    });
    let target = target.transpose()?;
    let data = application.open(Class::Data)?;
    let keys = match application.file.keys_repository.is_some() {
        true => Some(application.open(Class::Keys)?),
        false => None,
    };
    let id = Uuid::new_v4().to_string();
    let work = RestoreAppWork {
        args,
        context,
        application: &application,
        target: target.as_ref(),
        id: &id,
    };
    let snapshot = work.choose(&data, Some(&args.snapshot), args.at)?;
    let request = work.request(keys.as_ref())?;
    let scratch = scratch_folder()?;
    let password = |password: &_| application.password(password);
    let restore_context = RestoreContext {
        data: &data,
        keys: keys.as_ref(),
        run: &id,
        now: &environment::now,
        connections: Connections {
            password: &password,
            password_file: context.environment.postgres_password_file(),
            buckets: context.bucket_access(args.dry_run.then_some(Duration::ZERO)),
            stop: Arc::clone(&context.interrupted),
        },
        http: context.http_options(),
        scratch: scratch.path(),
    };
    work.restore(&snapshot, &request, &restore_context)
}

struct RestoreAppWork<'a> {
    args: &'a Args,
    context: &'a Context,
    application: &'a LoadedApplication<'a>,
    target: Option<&'a LoadedApplication<'a>>,
    id: &'a str,
}

impl RestoreAppWork<'_> {
    /// The app file that defines the destinations.
    fn destination(&self) -> &AppFile {
        &self.target.unwrap_or(self.application).file
    }

    /// Chooses one of the snapshots of the application.
    fn choose(
        &self,
        repository: &Repository,
        text: Option<&str>,
        at: Option<Timestamp>,
    ) -> CommandResult<SnapshotInfo> {
        let name = self.application.file.app.name.as_str();
        let mut snapshots = repository.history().snapshots();
        snapshots
            .retain(|info| info.snapshot.application.as_ref().is_some_and(|it| it.name == name));
        if snapshots.is_empty() {
            let message = format!("the repository has no snapshot of application {name}");
            return Err(CommandError::failed(message).hint("holdfast run to make one"));
        }
        let text = text.filter(|_| at.is_none());
        let filter = SnapshotFilter::default();
        let chosen = select::choose_among(self.context, snapshots, text, at, &filter)?;
        if !chosen.subfolder.is_empty() {
            let message = "restore-app restores whole sources, not folders of a snapshot";
            return Err(CommandError::usage(message).hint("holdfast restore SNAPSHOT:FOLDER"));
        }
        Ok(chosen.info)
    }

    fn request(&self, keys: Option<&Repository>) -> CommandResult<RestoreRequest> {
        let args = self.args;
        let is_part = [&args.into, &args.schema, &args.table].iter().any(|it| it.is_some());
        if let Some(name) = args.database.as_ref().filter(|_| !is_part) {
            let message =
                format!("--database {name} has no effect without --into, --schema or --table");
            return Err(CommandError::usage(message).hint("add --into NAME, or omit --database"));
        }
        let keys = match (&args.keys_snapshot, keys) {
            (Some(text), Some(keys)) => {
                KeysRequest::Snapshot(self.choose(keys, Some(text), None)?.id)
            }
            (Some(text), None) => {
                let message = format!(
                    "--keys-snapshot {text} needs a key repository, and the app file defines \
                     none"
                );
                return Err(CommandError::usage(message).hint("add a [repository.keys] section"));
            }
            (None, _) => KeysRequest::Linked,
        };
        Ok(RestoreRequest {
            only: args.only.clone(),
            database: args.database.clone(),
            selection: self.selection(),
            into: args.into.clone(),
            jobs: args.jobs,
            overwrite: args.yes_overwrite.clone(),
            only_missing: args.only_missing,
            no_owner: args.no_owner,
            no_tablespaces: args.no_tablespaces,
            keys,
            any_keys: args.any_keys,
            already_stopped: args.already_stopped,
            start_anyway: args.start_anyway,
        })
    }

    /// The wanted part of a database. A table whose name contains a dot needs `--schema`.
    fn selection(&self) -> RestoreSelection {
        let (schema, table) = (self.args.schema.clone(), self.args.table.clone());
        match (&schema, table.as_deref().and_then(|table| table.split_once('.'))) {
            (None, Some((schema, table))) => {
                RestoreSelection { schema: Some(schema.to_owned()), table: Some(table.to_owned()) }
            }
            _ => RestoreSelection { schema, table },
        }
    }

    fn restore(
        &self,
        snapshot: &SnapshotInfo,
        request: &RestoreRequest,
        restore_context: &RestoreContext<'_>,
    ) -> CommandResult {
        let target = self.target.map(|target| &target.file);
        let file = &self.application.file;
        let found = restore::find(file, target, snapshot, request, restore_context)?;
        let prepared = found.prepare()?;
        if self.args.dry_run {
            let plan = self.plan(&prepared)?;
            return self.refuse(&plan);
        }
        let _lock = self.target.unwrap_or(self.application).lock()?;
        let plan = self.plan(&prepared)?;
        self.refuse(&plan)?;
        self.confirm(&plan)?;
        let (report, failed_hooks) = self.work(&prepared, &plan)?;
        self.notify(&report);
        self.finish(&report, &plan.warnings, failed_hooks)
    }

    /// Inspects everything, and prints what would be done.
    fn plan(&self, prepared: &PreparedRestore<'_>) -> CommandResult<RestorePlan> {
        let watcher = Watcher::start(self.context, Activity::Other, None)?;
        let plan = prepared.plan(&watcher);
        drop(watcher);
        let plan = plan?;
        tell::plan(&plan, self.context)?;
        Ok(plan)
    }

    /// Stops here if the plan contains refusals.
    fn refuse(&self, plan: &RestorePlan) -> CommandResult {
        let Some(first) = plan.refusals.first() else { return Ok(()) };
        let message = format!("nothing was changed: {}", next::remark(first));
        let more = plan.refusals.iter().skip(1).map(next::remark);
        Err(more.fold(CommandError::failed(message), CommandError::hint))
    }

    /// Asks for confirmation if existing data would be changed.
    fn confirm(&self, plan: &RestorePlan) -> CommandResult {
        if self.args.confirm || !plan.needs_confirmation() {
            return Ok(());
        }
        let question = "steps marked change, REPLACE or run modify existing data. \
        Type CONFIRM to continue:";
        match self.context.confirms(question, "CONFIRM")? {
            Some(true) => Ok(()),
            Some(false) => Err(CommandError::failed("not confirmed, so nothing was changed")),
            None => {
                Err(CommandError::failed("this would change existing data, so nothing was done")
                    .hint("check the plan with --dry-run, then add --confirm"))
            }
        }
    }

    /// Restores; returns the report and the number of failed hooks.
    fn work(
        &self,
        prepared: &PreparedRestore<'_>,
        plan: &RestorePlan,
    ) -> CommandResult<(RestoreAppReport, u32)> {
        let file = self.destination();
        let is_interrupted = || self.context.is_interrupted();
        let observer = |report: &HookReport| self.context.tell_hook(report);
        let hooks = Hooks::new(&file.hooks, &file.app.name, self.id, &is_interrupted, &observer);
        let watcher = Watcher::start(self.context, Activity::Restore, None)?;
        let on_step = |step: &restore::StepReport| tell::step(step, self.context);
        let report = prepared.restore(plan, &hooks, &watcher, &on_step);
        drop(watcher);
        Ok((report, hooks.failures()))
    }

    /// Not sent to the monitor, which would mistake a restore for a backup.
    fn notify(&self, report: &RestoreAppReport) {
        let Some(webhook) = &self.destination().notify.webhook else { return };
        let is_fine = report.state == EndState::Ok;
        let content = RestoreDocument::from(report);
        let document = TypedMessage { message_type: "restore", content };
        let told = HttpClient::new(&self.context.http_options())
            .and_then(|http| post(&http, webhook, is_fine, &document));
        if let Err(trouble) = told {
            self.context.output.caution(&trouble.to_string());
        }
    }

    fn finish(
        &self,
        report: &RestoreAppReport,
        told: &[Remark],
        failed_hooks: u32,
    ) -> CommandResult {
        tell::report(report, told, self.context)?;
        let (_, wrong) = report.verified();
        let error = match (report.interrupted, report.state) {
            (true, _) => CommandError::new(ExitKind::Interrupted, "interrupted"),
            (false, EndState::Failed) => {
                let why = report.error.clone().unwrap_or_default();
                CommandError::failed(format!("the application was not fully restored: {why}"))
            }
            (false, _) if wrong > 0 => {
                let failed = text::count(wrong as u64, "verification", "verifications");
                CommandError::new(
                    ExitKind::Partial,
                    format!("the application was restored, but {failed} failed"),
                )
            }
            (false, _) if !report.incomplete.is_empty() => CommandError::new(
                ExitKind::Partial,
                format!(
                    "the application was restored as far as it had been captured: {}",
                    report.incomplete.join("; ")
                ),
            ),
            (false, _) if failed_hooks > 0 => {
                let failed = text::count(failed_hooks.into(), "hook", "hooks");
                CommandError::new(
                    ExitKind::Partial,
                    format!("the application was restored, but {failed} failed"),
                )
            }
            (false, _) => return Ok(()),
        };
        Err(report.next.iter().map(next::step).fold(error, CommandError::hint))
    }
}
