//! `restore-app`: bring a whole application back.

mod tell;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueHint;
use holdfast_app::config::{AppFile, Class};
use holdfast_app::hooks::{HookReport, Hooks, State};
use holdfast_app::notify::{HttpClient, HttpOptions, post_document};
use holdfast_app::restore::{
    self, KeysWish, Plan, Prepared, RestoreContext, RestoreReport, Wishes,
};
use holdfast_connect::postgres::RestoreSelection;
use holdfast_engine::selection::{SnapshotFilter, SnapshotSelector};
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;
use uuid::Uuid;

use crate::application::{Application, ApplicationArgs};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::opening::scratch_folder;
use crate::output::json::application::Message;
use crate::output::progress::Activity;
use crate::output::text;
use crate::watch::Watcher;
use crate::{environment, parse, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast restore-app documenso --dry-run
      which snapshot, which keys it needs, what would be made and what overwritten
  holdfast restore-app documenso --confirm --yes-overwrite documenso
      everything in place; the database of this name is replaced
  holdfast restore-app documenso --at '2026-11-20 14:00' --to drill.toml
      a drill: the state of that time, to where drill.toml says; nothing live is touched
  holdfast restore-app documenso --only certificate --confirm
  holdfast restore-app documenso --table public.Document --into rescue
      one table into a new database of that server; the application is left as it is
  holdfast dump -a custom -t documenso.dump --source database latest /databases/documenso
      a dump for pg_restore, without any server

The order: stop, keys, roles, databases, objects, files, checks, start, health. Every table is
compared with what was captured, every file is read back, every check is asked again.

EXIT CODES:
  0 all was restored and verified, 1 it stopped before its end (run the same command again),
  3 it was restored, but something was verified wrong or a hook failed,
  others as in holdfast --help";

/// Bring a whole application back: its keys, databases, buckets and files
///
/// What will be done is said first. Whatever exists is touched only after a confirmation, and a
/// database with tables is replaced only if it is named. What is right already stays, so that a
/// restore that was interrupted goes on when it is begun again.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// Which snapshot: an id or its beginning, latest, latest~N
    #[arg(long, value_name = "SNAPSHOT", default_value = "latest")]
    #[arg(value_parser = parse::checked::<SnapshotSelector>)]
    pub snapshot: String,

    /// Take the newest snapshot at or before this time
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot", value_parser = select::time)]
    pub at: Option<Timestamp>,

    /// Another app file that says where everything goes, by the names of sources, and what stops
    /// and starts there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub to: Option<PathBuf>,

    /// Restore only this source; repeat for several
    #[arg(long, value_name = "SOURCE", visible_alias = "source")]
    pub only: Vec<String>,

    /// Which database --into, --schema or --table is about, if there are several
    #[arg(long, value_name = "DATABASE")]
    pub database: Option<String>,

    /// Restore the database under this name, and nothing else
    #[arg(long, value_name = "DATABASE")]
    pub into: Option<String>,

    /// Restore only this schema, into a new database
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Option<String>,

    /// Restore only this table, into a new database: its rows, without indexes and without what it
    /// refers to
    #[arg(long, value_name = "[SCHEMA.]TABLE")]
    pub table: Option<String>,

    /// Fill a database by so many connections at once; the dump is written to the folder of
    /// temporary files meanwhile
    #[arg(long, value_name = "N", value_parser = parse::number::<1, 64>)]
    pub jobs: Option<u32>,

    /// Write nothing; say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Touch what exists without asking
    #[arg(long)]
    pub confirm: bool,

    /// Replace this database although it holds tables; repeat for several
    #[arg(long, value_name = "DATABASE")]
    pub yes_overwrite: Vec<String>,

    /// Restore only what is missing; whatever exists stays, also where it differs
    #[arg(long, conflicts_with_all = ["yes_overwrite", "into", "schema", "table"])]
    pub only_missing: bool,

    /// Give everything in databases to the role that restores
    #[arg(long)]
    pub no_owner: bool,

    /// Take the keys of this snapshot of the repository of keys
    #[arg(long, value_name = "SNAPSHOT", value_parser = parse::checked::<SnapshotSelector>)]
    pub keys_snapshot: Option<String>,

    /// Go on although the keys that the data need are not there
    #[arg(long)]
    pub any_keys: bool,

    /// Do not run the command that stops the application: it does not run
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
    let application = Application::load(&args.application, context)?;
    let target = args.to.clone().map(|path| {
        let args = ApplicationArgs { name: None, config: Some(path) };
        Application::load(&args, context)
    });
    let target = target.transpose()?;
    let data = application.open(Class::Data)?;
    let keys = match application.file.keys_repository.is_some() {
        true => Some(application.open(Class::Keys)?),
        false => None,
    };
    let id = Uuid::new_v4().to_string();
    let work = Work { args, context, application: &application, target: target.as_ref(), id: &id };
    let snapshot = work.choose(&data, Some(&args.snapshot), args.at)?;
    let wishes = work.wishes(keys.as_ref())?;
    let scratch = scratch_folder()?;
    let password = |password: &_| application.password(password);
    let restore_context = RestoreContext {
        data: &data,
        keys: keys.as_ref(),
        run: &id,
        now: &environment::now,
        password: &password,
        buckets: context.bucket_access(args.dry_run.then_some(Duration::ZERO)),
        http: HttpOptions::default(),
        scratch: scratch.path(),
        stop: Arc::clone(&context.interrupted),
    };
    work.restore(&snapshot, &wishes, &restore_context)
}

struct Work<'a> {
    args: &'a Args,
    context: &'a Context,
    application: &'a Application<'a>,
    target: Option<&'a Application<'a>>,
    id: &'a str,
}

impl Work<'_> {
    /// The file whose places are restored to.
    fn destination(&self) -> &AppFile {
        &self.target.unwrap_or(self.application).file
    }

    /// Chooses among the snapshots of the application.
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
            let message = format!("the repository has no snapshot of the application {name}");
            return Err(CommandError::failed(message).hint("holdfast run, which makes one"));
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

    fn wishes(&self, keys: Option<&Repository>) -> CommandResult<Wishes> {
        let args = self.args;
        let is_part = [&args.into, &args.schema, &args.table].iter().any(|it| it.is_some());
        if let Some(name) = args.database.as_ref().filter(|_| !is_part) {
            let message = format!(
                "--database {name} says which database --into, --schema or --table is about"
            );
            return Err(CommandError::usage(message).hint("--into NAME, or no --database"));
        }
        let wish = match (&args.keys_snapshot, keys) {
            (Some(text), Some(keys)) => KeysWish::Snapshot(self.choose(keys, Some(text), None)?.id),
            (Some(text), None) => {
                let message = format!(
                    "--keys-snapshot {text} is of the repository of keys, and the app file names \
                     none"
                );
                return Err(CommandError::usage(message).hint("a section [repository.keys]"));
            }
            (None, _) => KeysWish::Linked,
        };
        Ok(Wishes {
            only: args.only.clone(),
            database: args.database.clone(),
            selection: self.selection(),
            into: args.into.clone(),
            jobs: args.jobs,
            overwrite: args.yes_overwrite.clone(),
            only_missing: args.only_missing,
            no_owner: args.no_owner,
            keys: wish,
            any_keys: args.any_keys,
            already_stopped: args.already_stopped,
            start_anyway: args.start_anyway,
        })
    }

    /// What of a database is wanted. A name with a dot in it is given beside its schema.
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
        wishes: &Wishes,
        restore_context: &RestoreContext<'_>,
    ) -> CommandResult {
        let target = self.target.map(|target| &target.file);
        let file = &self.application.file;
        let found = restore::find(file, target, snapshot, wishes, restore_context)?;
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

    /// Looks at everything, and prints what would be done.
    fn plan(&self, prepared: &Prepared<'_>) -> CommandResult<Plan> {
        let watcher = Watcher::start(self.context, Activity::Other, None)?;
        let plan = prepared.plan(&watcher);
        drop(watcher);
        let plan = plan?;
        tell::plan(&plan, self.context)?;
        Ok(plan)
    }

    /// Ends here if something stands in the way that no flag allows.
    fn refuse(&self, plan: &Plan) -> CommandResult {
        let Some(first) = plan.refusals.first() else { return Ok(()) };
        let error = CommandError::failed(format!("nothing was changed: {first}"));
        Err(plan.refusals.iter().skip(1).fold(error, |error, more| error.hint(more.clone())))
    }

    /// Asks for the word, unless nothing that exists is touched.
    fn confirm(&self, plan: &Plan) -> CommandResult {
        if self.args.confirm || !plan.needs_confirmation() {
            return Ok(());
        }
        let question = "what is marked change, REPLACE or run above touches what exists; \
             type CONFIRM to go on:";
        match self.context.confirms(question, "CONFIRM")? {
            Some(true) => Ok(()),
            Some(false) => {
                Err(CommandError::failed("it was not confirmed, so nothing was changed"))
            }
            None => Err(CommandError::failed(
                "this touches what exists and nobody confirmed it, so nothing was changed",
            )
            .hint("--confirm, after a look at what --dry-run says")),
        }
    }

    /// What was done, and how many hooks failed.
    fn work(&self, prepared: &Prepared<'_>, plan: &Plan) -> CommandResult<(RestoreReport, u32)> {
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

    /// The monitor hears of runs only: a restore must not pass for a backup.
    fn notify(&self, report: &RestoreReport) {
        let Some(webhook) = &self.destination().notify.webhook else { return };
        let is_fine = report.state == State::Ok;
        let document = Message { message_type: "restore", content: report };
        let told = HttpClient::new(&HttpOptions::default())
            .and_then(|http| post_document(&http, webhook, is_fine, &document));
        if let Err(trouble) = told {
            self.context.output.caution(&trouble.to_string());
        }
    }

    fn finish(&self, report: &RestoreReport, told: &[String], failed_hooks: u32) -> CommandResult {
        tell::report(report, told, self.context)?;
        let (_, wrong) = report.verified();
        let error = match (report.interrupted, report.state) {
            (true, _) => CommandError::new(ExitKind::Interrupted, "interrupted"),
            (false, State::Failed) => {
                let why = report.error.clone().unwrap_or_default();
                CommandError::failed(format!("the application was not restored whole: {why}"))
            }
            (false, _) if wrong > 0 => CommandError::new(
                ExitKind::Partial,
                format!("the application was restored, but {wrong} of what was verified is wrong"),
            ),
            (false, _) if !report.incomplete.is_empty() => CommandError::new(
                ExitKind::Partial,
                format!(
                    "the application was restored as far as it was captured: {}",
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
        Err(report.next.iter().fold(error, |error, next| error.hint(next.clone())))
    }
}
