//! `schedule`: schedules for runs, generated from the app file.

mod folders;
mod install;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueHint};
use holdfast_app::config::{self, AppFile};
use holdfast_app::schedule::{
    self, APP_FILE, Claim, CronStyle, FOLDER, Installation, KubernetesOptions, Units,
};
use holdfast_app::settings::AppName;
use holdfast_connect::words::read_text;
use jiff::civil::Time;

use crate::application::{self, ApplicationArgs, LoadedApplication};
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::application::{ScheduleDocument, ScheduleFile};
use folders::Folders;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast schedule systemd
  holdfast schedule cron
  holdfast schedule kubernetes --image registry.example.com/holdfast:0.1.0

[schedule] in the app file defines when runs start. Runs of one application never overlap: a second
one waits or exits, as [run] says.";

/// Print a schedule for runs: systemd units, crontab or Kubernetes CronJob
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The kind of schedule.
    #[command(subcommand)]
    pub kind: ScheduleKind,
}

/// The kinds of schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleKind {
    /// Print or install a systemd service and timer
    Systemd(SystemdArgs),
    /// Print lines for a crontab
    Cron(CronArgs),
    /// Print a Kubernetes ConfigMap and CronJob
    Kubernetes(KubernetesArgs),
}

/// Folders to back up without an app file.
#[derive(Debug, Clone, clap::Args)]
pub struct FoldersArgs {
    /// Back up these folders as `holdfast backup` does, without an app file
    ///
    /// The schedule uses this command's repository and password file.
    #[arg(long, value_name = "PATH", num_args = 1.., value_hint = ValueHint::AnyPath)]
    #[arg(conflicts_with_all = ["config", "name"])]
    pub backup: Vec<PathBuf>,

    /// With --backup: name of the schedule
    #[arg(long, value_name = "NAME", default_value = "files", requires = "backup")]
    #[arg(value_parser = schedule_name)]
    pub called: String,

    /// With --backup: start daily at this time instead of hourly
    #[arg(long, value_name = "HH:MM", requires = "backup", value_parser = time_of_day)]
    pub at: Option<Time>,
}

fn schedule_name(text: &str) -> Result<String, String> {
    match AppName::new(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("expected 1 to 40 lower-case letters, digits or dashes, as in photos".into()),
    }
}

fn time_of_day(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text).map_err(|_| "expected HH:MM, as in 02:30".to_owned())
}

/// The program that a schedule starts.
#[derive(Debug, Clone, clap::Args)]
pub struct ProgramArgs {
    /// The program to start [default: this one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub program: Option<PathBuf>,
}

const SYSTEMD_EXAMPLES: &str = "\
EXAMPLES:
  holdfast schedule systemd
      print the units
  holdfast schedule systemd --install --dry-run
      show what --install would write and run
  holdfast schedule systemd --install
      as root: write the units into /etc/systemd/system, and start the timer
  holdfast schedule systemd documenso --to /tmp/units
      write them elsewhere without installing them
  holdfast -r /mnt/backup -p /etc/holdfast.key schedule systemd --install --backup /srv /etc
      folders, without an app file

The service can read all files, but write only to its repositories, its own folders, and the paths
in `writable` of [schedule]. Install the units again whenever the app file changes.";

/// Arguments of `schedule systemd`.
#[derive(Debug, clap::Args)]
#[command(after_help = SYSTEMD_EXAMPLES)]
pub struct SystemdArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// Write the units into /etc/systemd/system, and start the timer
    #[arg(long)]
    pub install: bool,

    /// Only write the units into this folder
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    #[arg(conflicts_with = "install")]
    pub to: Option<PathBuf>,

    /// Write and start nothing; show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Without an app file.
    #[command(flatten)]
    pub folders: FoldersArgs,
    /// The program to start.
    #[command(flatten)]
    pub program: ProgramArgs,
}

const CRON_EXAMPLES: &str = "\
EXAMPLES:
  holdfast schedule cron > /etc/cron.d/holdfast-documenso
  holdfast schedule cron --user-table
      lines for `crontab -e`, without a user column
  holdfast -r /mnt/backup -p /etc/holdfast.key schedule cron --at 02:30 --backup /srv /etc
      folders, without an app file";

/// Arguments of `schedule cron`.
#[derive(Debug, clap::Args)]
#[command(after_help = CRON_EXAMPLES)]
pub struct CronArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// Print lines for a user's crontab, not for a file in /etc/cron.d
    #[arg(long)]
    pub user_table: bool,

    /// Without an app file.
    #[command(flatten)]
    pub folders: FoldersArgs,
    /// The program to start.
    #[command(flatten)]
    pub program: ProgramArgs,
}

const KUBERNETES_EXAMPLES: &str = "\
EXAMPLES:
  holdfast schedule kubernetes --image example.com/holdfast:0.1.0 --claim backup:/srv/backup
  holdfast schedule kubernetes --image example.com/holdfast:0.1.0 --claim uploads:/opt/uploads:ro

Every path in the app file must be on a volume: name the PersistentVolumeClaims with --claim.
Secrets come from a Secret; the output contains none, and explains how to create it.";

/// Arguments of `schedule kubernetes`.
#[derive(Debug, clap::Args)]
#[command(after_help = KUBERNETES_EXAMPLES)]
pub struct KubernetesArgs {
    /// Which application.
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// Image, with its version, that contains holdfast and the programs that it starts
    #[arg(long, value_name = "IMAGE")]
    pub image: String,

    /// Namespace [default: that of the kubectl context]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// A PersistentVolumeClaim and its mount path; repeat for several
    #[arg(long = "claim", value_name = "NAME:PATH[:ro]", value_parser = claim)]
    pub claims: Vec<Claim>,

    /// A PersistentVolumeClaim for the cache [default: an empty cache for each run]
    #[arg(long, value_name = "NAME")]
    pub cache_claim: Option<String>,
}

/// Reads `NAME:PATH` or `NAME:PATH:ro`.
fn claim(text: &str) -> Result<Claim, String> {
    const HELP: &str = "expected NAME:PATH or NAME:PATH:ro, as in backup:/srv/backup";
    let (name, path) = text.split_once(':').ok_or(HELP)?;
    let (path, read_only) = match path.strip_suffix(":ro") {
        Some(path) => (path, true),
        None => (path, false),
    };
    if name.is_empty() || !path.starts_with('/') {
        return Err(HELP.to_owned());
    }
    Ok(Claim { name: name.to_owned(), path: path.into(), read_only })
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.kind {
        ScheduleKind::Systemd(args) => systemd(args, context),
        ScheduleKind::Cron(args) => cron(args, context),
        ScheduleKind::Kubernetes(args) => kubernetes(args, context),
    }
}

/// What to start and when, with its paths on this machine.
struct SchedulePlan {
    program: PathBuf,
    job: PlannedJob,
    file: AppFile,
}

enum PlannedJob {
    Run(PathBuf),
    Backup(Folders),
}

fn absolute(path: &Path) -> CommandResult<PathBuf> {
    environment::absolute(path).map_err(|error| CommandError::path("find the path", path, &error))
}

impl SchedulePlan {
    fn make(
        application: &ApplicationArgs,
        folders: &FoldersArgs,
        program: &ProgramArgs,
        context: &Context,
    ) -> CommandResult<SchedulePlan> {
        let program = match &program.program {
            Some(path) => absolute(path)?,
            None => environment::program().map_err(|error| {
                CommandError::failed(format!("cannot find this program: {error}"))
                    .hint("--program FILE")
            })?,
        };
        if folders.backup.is_empty() {
            let LoadedApplication { path, file, .. } =
                LoadedApplication::load(application, context)?;
            return Ok(SchedulePlan { program, job: PlannedJob::Run(absolute(&path)?), file });
        }
        let folders = folders_of(folders, context)?;
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let file = folders
            .as_app_file(&real)?
            .map_err(|error| CommandError::usage(format!("cannot make this schedule: {error}")))?;
        Ok(SchedulePlan { program, job: PlannedJob::Backup(folders), file })
    }

    /// What starts it by itself: `kind` is the subcommand that made the schedule. With `is_quiet`
    /// it prints nothing unless something is wrong.
    fn installation(&self, kind: &str, is_quiet: bool) -> CommandResult<Installation> {
        let quiet = is_quiet.then(|| "--quiet".to_owned());
        let (name, rest, made_by, path) = match &self.job {
            PlannedJob::Run(app_file) => {
                let file = schedule::absolute(app_file)?;
                let rest = vec!["--config".to_owned(), file.to_owned()];
                let made_by = format!(
                    "`holdfast schedule {kind}` from {file}; regenerate it when that changes."
                );
                ("run", rest, made_by, app_file.clone())
            }
            PlannedJob::Backup(folders) => {
                let made_by = format!("`holdfast schedule {kind} --backup`.");
                ("backup", folders.words()?, made_by, folders.password_file.clone())
            }
        };
        Ok(Installation {
            program: self.program.clone(),
            arguments: [name.to_owned()].into_iter().chain(quiet).chain(rest).collect(),
            made_by,
            paths: vec![path],
            is_application: matches!(self.job, PlannedJob::Run(_)),
        })
    }
}

fn folders_of(args: &FoldersArgs, context: &Context) -> CommandResult<Folders> {
    let repository = absolute(context.location()?.path())?;
    let file = context.global.password_file.clone();
    let file =
        file.or_else(|| context.environment.variable("HOLDFAST_PASSWORD_FILE").map(PathBuf::from));
    let Some(file) = file else {
        let message = "a schedule needs a file that holds the passphrase or key";
        return Err(CommandError::usage(message).hint("-p FILE"));
    };
    Ok(Folders {
        name: args.called.clone(),
        repository,
        password_file: absolute(&file)?,
        paths: args.backup.iter().map(|path| absolute(path)).collect::<CommandResult<_>>()?,
        at: args.at,
    })
}

fn systemd(args: &SystemdArgs, context: &Context) -> CommandResult {
    let plan = SchedulePlan::make(&args.application, &args.folders, &args.program, context)?;
    let units = schedule::units(&plan.file, &plan.installation("systemd", false)?)?;
    match (&args.to, args.install) {
        (Some(folder), _) => install::write(context, &units, folder, args.dry_run),
        (None, true) => install::install(context, &units, args.dry_run),
        (None, false) => show_units(context, &units),
    }
}

/// Prints units like `systemctl cat`, each under its name.
fn show_units(context: &Context, units: &Units) -> CommandResult {
    let folder = Path::new(install::FOLDER);
    let files = units.all().map(|unit| ScheduleFile {
        name: folder.join(&unit.name).to_string_lossy().into_owned(),
        text: unit.text.clone(),
    });
    let commands = units.next_steps().to_vec();
    if context.output.style().json {
        return Ok(context.output.json(&ScheduleDocument { files: files.to_vec(), commands })?);
    }
    for file in &files {
        context.output.line(&format!("# {}\n{}", file.name, file.text))?;
    }
    let steps = "# As root, `holdfast schedule systemd --install` writes these and then runs:";
    context.output.note(0, steps)?;
    commands.iter().try_for_each(|command| context.output.note(0, &format!("#   {command}")))?;
    Ok(())
}

fn cron(args: &CronArgs, context: &Context) -> CommandResult {
    let plan = SchedulePlan::make(&args.application, &args.folders, &args.program, context)?;
    let style = if args.user_table { CronStyle::User } else { CronStyle::System };
    let text = schedule::crontab(&plan.file, &plan.installation("cron", true)?, style)?;
    let name = format!("/etc/cron.d/holdfast-{}", plan.file.app.name);
    show(context, name, text)
}

/// Interprets the app file as if it were at its path in a pod.
fn kubernetes(args: &KubernetesArgs, context: &Context) -> CommandResult {
    let path = LoadedApplication::load(&args.application, context)?.path;
    let text =
        read_text(&path).map_err(|error| CommandError::path("read the app file", &path, &error))?;
    let same = |path: &Path| path.to_owned();
    let file =
        config::parse(&text, &path, Path::new(FOLDER), &same).map_err(application::explain)?.file;
    let options = KubernetesOptions {
        image: &args.image,
        arguments: &["run".to_owned(), "--config".to_owned(), format!("{FOLDER}/{APP_FILE}")],
        made_by: "`holdfast schedule kubernetes`",
        app_file_text: &text,
        namespace: args.namespace.as_deref(),
        claims: &args.claims,
        cache_claim: args.cache_claim.as_deref(),
    };
    let manifest = schedule::cron_job(&file, &options)?;
    show(context, format!("holdfast-{}.yaml", file.app.name), manifest)
}

fn show(context: &Context, name: String, text: String) -> CommandResult {
    match context.output.style().json {
        true => {
            let files = vec![ScheduleFile { name, text }];
            Ok(context.output.json(&ScheduleDocument { files, commands: Vec::new() })?)
        }
        false => Ok(context.output.bytes(text.as_bytes())?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims() {
        let parsed = |text| claim(text).map(|it| (it.name, it.path, it.read_only));
        assert_eq!(parsed("a:/b"), Ok(("a".into(), "/b".into(), false)));
        assert_eq!(parsed("a:/b:c:ro"), Ok(("a".into(), "/b:c".into(), true)));
        for text in ["", "a", "a:b", ":/b", "/b:ro"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }
}
