//! `retention`: how long data is kept.

mod tell;

use clap::{Subcommand, ValueEnum};
use holdfast_app::config::Every;
use holdfast_app::kind::Class;
use holdfast_app::run::path_of;
use holdfast_engine::forget::candidate;
use holdfast_engine::retention::report::{Question, Report, Rhythm, report};
use holdfast_engine::retention::{Candidate, GroupBy, Policy};
use holdfast_engine::selection::SnapshotFilter;
use holdfast_repo::Repository;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::application::{ApplicationArgs, LoadedApplication};
use crate::cmd::forget::KeepArgs;
use crate::cmd::shared::{GROUP_BY_HELP, SnapshotFilterArgs};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::policy;
use crate::{environment, parse, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast retention report documenso
  holdfast retention report --day 2026-11-20 --json";

/// Report how long data is kept
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The subcommand.
    #[command(subcommand)]
    pub action: RetentionAction,
}

/// The subcommand.
#[derive(Debug, Subcommand)]
pub enum RetentionAction {
    /// Report which snapshots hold the data of a given day, and when the last of them is removed
    Report(Box<ReportArgs>),
}

const REPORT_EXAMPLES: &str = "\
EXAMPLES:
  holdfast retention report
      ./holdfast.toml: when will data deleted today be gone from all backups?
  holdfast retention report documenso --day 2026-11-20
  holdfast retention report documenso --keep-daily 7 --keep-weekly 4
      the same, under different rules
  holdfast retention report -r /srv/backup --keep-policy default --every day

Data deleted on a given day can be in any snapshot from before the end of that day. The report
simulates future runs, assuming that each succeeds on schedule, and lists its other assumptions.
Held snapshots (holdfast tag --hold) are listed: they are never removed.";

/// Arguments of `retention report`.
#[derive(Debug, clap::Args)]
#[command(after_help = REPORT_EXAMPLES, mut_arg("hosts", |host| host.short(None::<char>)))]
pub struct ReportArgs {
    /// The application, unless -r gives a repository.
    #[command(flatten)]
    pub application: ApplicationArgs,

    /// The day, as in 2026-11-20 [default: today]
    #[arg(long, value_name = "DATE", value_parser = parse::day)]
    pub day: Option<Date>,

    /// How often runs start [default: as in the app file, else daily]
    #[arg(long, value_name = "PERIOD")]
    pub every: Option<ReportPeriod>,

    /// What to keep; by default as in the app file.
    #[command(flatten)]
    pub keep: KeepArgs,

    #[arg(short, long, value_name = "GROUP", default_value = "host,paths", help = GROUP_BY_HELP)]
    pub group_by: GroupBy,

    /// Which snapshots of the repository.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// How often runs start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportPeriod {
    /// Every hour
    Hour,
    /// Every day
    Day,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let RetentionAction::Report(args) = &args.action;
    let names_repository =
        context.global.repo.is_some() || context.global.repository_file.is_some();
    match names_repository {
        true => of_repository(args, context),
        false => of_application(args, context),
    }
}

/// The question, and the snapshots it is about.
struct Asked {
    /// As in `documenso in /srv/backup`.
    subject: String,
    policy: Option<Policy>,
    group_by: GroupBy,
    filter: SnapshotFilter,
    every: Every,
    zone: TimeZone,
    /// Assumptions that apply to this subject only.
    assumptions: Vec<String>,
}

fn of_repository(args: &ReportArgs, context: &Context) -> CommandResult {
    if args.application.name.is_some() {
        let message = "-r gives a repository and NAME an application; give only one";
        return Err(CommandError::usage(message));
    }
    if args.keep.is_empty() {
        return Err(CommandError::usage("no rule says what to keep")
            .hint("add --keep-policy default, or other rules of `holdfast forget`")
            .hint("give the name of an application instead of -r"));
    }
    let asked = Asked {
        subject: context.location()?.path().display().to_string(),
        policy: Some(args.keep.policy(false)),
        group_by: args.group_by,
        filter: select::filter(&args.filter)?,
        every: args.every.map_or(every(ReportPeriod::Day), every),
        zone: environment::time_zone(),
        assumptions: Vec::new(),
    };
    answer(args, context, &asked, &context.open()?)
}

fn of_application(args: &ReportArgs, context: &Context) -> CommandResult {
    let application = LoadedApplication::load(&args.application, context)?;
    let file = &application.file;
    let rules = file.retention.as_ref();
    let policy = match args.keep.is_empty() {
        true => rules.map(|retention| retention.policy.clone()),
        false => Some(args.keep.policy(false)),
    };
    let mut assumptions = Vec::new();
    if file.keys_repository.is_some() {
        let sentence = "a key snapshot is removed together with the data snapshot of the same run";
        assumptions.push(sentence.to_owned());
    }
    if rules.is_some_and(|retention| !retention.prune) {
        let sentence = "[retention] has prune = false: only `holdfast prune` frees space";
        assumptions.push(sentence.to_owned());
    }
    let asked = Asked {
        subject: format!("{} in {}", file.app.name, file.repository.url),
        policy,
        group_by: GroupBy::default(),
        filter: SnapshotFilter {
            hosts: vec![application.host()],
            tags: Vec::new(),
            paths: vec![path_of(file, Class::Data)],
        },
        every: args.every.map_or(file.schedule.every, every),
        zone: file.app.time_zone.clone().unwrap_or_else(environment::time_zone),
        assumptions,
    };
    answer(args, context, &asked, &application.open(Class::Data)?)
}

/// A default time of day, where none is known; it hardly matters.
fn every(period: ReportPeriod) -> Every {
    match period {
        ReportPeriod::Hour => Every::Hour { minute: 0 },
        ReportPeriod::Day => Every::Day { at: Time::constant(2, 0, 0, 0) },
    }
}

fn answer(
    args: &ReportArgs,
    context: &Context,
    asked: &Asked,
    repository: &Repository,
) -> CommandResult {
    let now = environment::now();
    let today = asked.zone.to_datetime(now).date();
    let day = args.day.unwrap_or(today);
    if day > today {
        let message = format!("{day} is in the future; give a day up to {today}");
        return Err(CommandError::usage(message));
    }
    let rhythm = match asked.every {
        Every::Hour { minute } => Rhythm::Hourly { minute },
        Every::Day { at } => Rhythm::Daily { at },
    };
    let question = Question {
        policy: asked.policy.as_ref(),
        group_by: asked.group_by,
        rhythm,
        zone: &asked.zone,
        now,
        day,
    };
    context.go_by_all();
    let all: Vec<Candidate> = repository.history().snapshots().iter().map(candidate).collect();
    let count = all.len();
    let ours: Vec<_> = all.into_iter().filter(|it| asked.filter.matches(it)).collect();
    let others = count - ours.len();
    if ours.is_empty() && others > 0 && !asked.filter.is_empty() {
        return Err(CommandError::no_snapshot_matches(&asked.filter));
    }
    let report = report(&question, ours).map_err(|error| CommandError::usage(error.to_string()))?;
    let told = tell::Told {
        report: &report,
        subject: &asked.subject,
        day,
        now,
        zone: &asked.zone,
        assumptions: assumptions(asked, &report, others),
    };
    match context.output.style().json {
        true => Ok(context.output.json(&tell::document(&told))?),
        false => tell::text(context, &told),
    }
}

/// The assumptions behind the answer.
fn assumptions(asked: &Asked, report: &Report, others: usize) -> Vec<String> {
    let rules = match &asked.policy {
        Some(policy) => format!("kept after each run: {}", policy::rules(policy)),
        None => "nothing is ever removed, since the app file has no [retention]".to_owned(),
    };
    let mut all = vec![
        format!(
            "from now on every run succeeds and starts on schedule: {}",
            policy::rhythm(asked.every)
        ),
        rules,
        "no one changes the rules, or holds, releases, tags or forgets a snapshot".to_owned(),
    ];
    if report.groups.iter().any(|group| !group.goes_on) {
        all.push("no snapshot is added to groups that are no longer backed up".to_owned());
    }
    all.extend(asked.assumptions.iter().cloned());
    all.push(
        "a removed snapshot can no longer be restored; prune frees its space, but may leave up to \
         5% of the repository unused: `holdfast prune --max-unused 0` leaves none"
            .to_owned(),
    );
    all.push("other copies of the repository are not considered".to_owned());
    if others > 0 {
        let are = if others == 1 {
            "snapshot of the repository is"
        } else {
            "snapshots of the repository are"
        };
        all.push(format!("{others} other {are} not considered"));
    }
    all
}
