//! `forget`: remove snapshots according to rules.

mod report;

use clap::ValueEnum;
use holdfast_engine::forget::{ForgetPlan, candidate, doubts, forget, plan_forget};
use holdfast_engine::retention::{Count, GroupBy, Policy, Span, TagList as Tags};
use holdfast_engine::selection::SnapshotFilter;
use holdfast_format::ObjectId;
use holdfast_repo::Repository;

use crate::cmd::prune::prune_and_tell;
use crate::cmd::shared::{GROUP_BY_HELP, RepackArgs, SnapshotFilterArgs};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::text;
use crate::parse::TagListArgument;
use crate::{environment, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast forget --keep-policy default --dry-run
      show what is kept and why: 24 hourly, 7 daily, 4 weekly, 12 monthly
  holdfast forget --keep-daily 7 --keep-weekly 5 --keep-tag release --prune
  holdfast forget --keep-within 14d --keep-within-weekly 1y --host web
  holdfast forget 1a2b3c4d 5e6f7a8b
      remove exactly these

Rules overlap, as in restic: a snapshot that is the newest of its hour, its day and its month
counts for all three. (borg counts each snapshot once.) Periods without a snapshot do not count.
--keep-within durations are measured back from the newest snapshot of the group and written in
years, months, days and hours: 1y6m, 30d, 48h. Rules go by the dates of snapshots; dates in the
future, or out of order with how snapshots were stored, cause a warning. Held snapshots (holdfast
tag --hold) are always kept. prune frees the space.";

/// Remove snapshots according to rules
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_arg("hosts", |host| host.short(None::<char>)))]
pub struct Args {
    /// Remove exactly these snapshots: ids or prefixes
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// What to keep.
    #[command(flatten)]
    pub keep: KeepArgs,

    #[arg(short, long, value_name = "GROUP", default_value = "host,paths", help = GROUP_BY_HELP)]
    pub group_by: GroupBy,

    /// Remove nothing; show what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Print one short line per snapshot
    #[arg(short, long)]
    pub compact: bool,

    /// Run prune afterwards to free the space
    #[arg(long)]
    pub prune: bool,

    /// Allow rules that keep nothing; requires --host, --tag or --path
    #[arg(long)]
    pub unsafe_allow_remove_all: bool,

    /// How much --prune rewrites.
    #[command(flatten)]
    pub repack: RepackArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// What to keep. Counts are numbers or `unlimited`; durations look like `1y6m`, `30d` or `48h`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "What to keep")]
pub struct KeepArgs {
    /// Use a predefined set of rules; default: 24 hourly, 7 daily, 4 weekly, 12 monthly
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    pub keep_policy: Option<KeepPolicy>,

    /// Keep the newest N ("unlimited" for all)
    #[arg(short = 'l', long, value_name = "N")]
    pub keep_last: Option<Count>,

    /// Keep the newest of each of the last N hours
    #[arg(short = 'H', long, value_name = "N")]
    pub keep_hourly: Option<Count>,

    /// Keep the newest of each of the last N days
    #[arg(short = 'd', long, value_name = "N")]
    pub keep_daily: Option<Count>,

    /// Keep the newest of each of the last N weeks, Monday to Sunday
    #[arg(short = 'w', long, value_name = "N")]
    pub keep_weekly: Option<Count>,

    /// Keep the newest of each of the last N months
    #[arg(short = 'm', long, value_name = "N")]
    pub keep_monthly: Option<Count>,

    /// Keep the newest of each of the last N years
    #[arg(short = 'y', long, value_name = "N")]
    pub keep_yearly: Option<Count>,

    /// Keep all within this time of the newest, as in 1y6m, 30d or 48h
    #[arg(long, value_name = "DURATION")]
    pub keep_within: Option<Span>,

    /// Keep the newest of each hour within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_hourly: Option<Span>,

    /// Keep the newest of each day within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_daily: Option<Span>,

    /// Keep the newest of each week within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_weekly: Option<Span>,

    /// Keep the newest of each month within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_monthly: Option<Span>,

    /// Keep the newest of each year within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_yearly: Option<Span>,

    /// Keep all that have all of these tags; repeat for alternatives
    #[arg(long = "keep-tag", value_name = "TAG[,TAG...]")]
    pub keep_tags: Vec<TagListArgument>,
}

/// A predefined set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepPolicy {
    /// 24 hourly, 7 daily, 4 weekly, 12 monthly
    Default,
}

impl KeepArgs {
    /// True if there are no rules.
    pub fn is_empty(&self) -> bool {
        let counts = [
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
        ];
        let spans = [
            self.keep_within,
            self.keep_within_hourly,
            self.keep_within_daily,
            self.keep_within_weekly,
            self.keep_within_monthly,
            self.keep_within_yearly,
        ];
        self.keep_policy.is_none()
            && self.keep_tags.is_empty()
            && counts.iter().all(Option::is_none)
            && spans.iter().all(Option::is_none)
    }
}

impl Args {
    /// Refuses arguments that would remove everything or contradict each other.
    fn check(&self) -> CommandResult {
        let named = !self.snapshots.is_empty();
        let filtered = !self.filter.hosts().is_empty()
            || !self.filter.tags.is_empty()
            || !self.filter.paths.is_empty();
        if named && !self.keep.is_empty() {
            return Err(CommandError::usage("give either snapshots or rules, not both"));
        }
        if self.unsafe_allow_remove_all && !filtered {
            let message = "--unsafe-allow-remove-all needs --host, --tag or --path";
            return Err(CommandError::usage(message));
        }
        if !named && self.keep.is_empty() && !self.unsafe_allow_remove_all {
            return Err(CommandError::usage("no rule says what to keep")
                .hint("holdfast forget --keep-policy default --dry-run"));
        }
        Ok(())
    }
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    args.check()?;
    let policy = args.keep.policy(args.unsafe_allow_remove_all);
    let filter = select::filter(&args.filter)?;
    let repository = context.open_with_reserve()?;
    let remove = match args.snapshots.is_empty() {
        true => by_rules(args, context, &repository, &policy, &filter)?,
        false => {
            let named = select::choose_all(context, &repository, &args.snapshots, &filter)?;
            named.iter().map(|info| info.id).collect()
        }
    };
    if args.dry_run {
        if !args.snapshots.is_empty() {
            report::removed(context, &remove, true)?;
        }
        let text = text::count(remove.len() as u64, "snapshot", "snapshots");
        context.output.note(0, &format!("would remove {text}; nothing was changed"))?;
    } else if !remove.is_empty() {
        let removed = forget(&repository, &remove)?;
        if !args.snapshots.is_empty() {
            report::removed(context, &removed, false)?;
        }
        let text = text::count(removed.len() as u64, "snapshot", "snapshots");
        context.output.note(0, &format!("removed {text}"))?;
    }
    if args.prune {
        prune_and_tell(context, &repository, &args.repack, args.dry_run)?;
    }
    if !args.dry_run {
        context.fill_reserve();
    }
    Ok(())
}

/// Applies the rules, prints the result, and returns what they remove.
fn by_rules(
    args: &Args,
    context: &Context,
    repository: &Repository,
    policy: &Policy,
    filter: &SnapshotFilter,
) -> CommandResult<Vec<ObjectId>> {
    context.go_by_all();
    let group_by = args.group_by;
    let snapshots = repository.history().snapshots();
    if !filter.is_empty() && !snapshots.iter().any(|info| filter.matches(&candidate(info))) {
        return Err(CommandError::no_snapshot_matches(filter));
    }
    let zone = environment::time_zone();
    let plan = ForgetPlan {
        policy,
        group_by,
        filter,
        zone: &zone,
        now: environment::now(),
        allow_remove_all: args.unsafe_allow_remove_all,
    };
    let outcomes = plan_forget(&snapshots, &plan)?;
    let infos = snapshots.iter().map(|info| (info.id, info)).collect();
    match context.output.style().json {
        true => report::json(context, &outcomes, &infos, group_by)?,
        false => report::text(context, &outcomes, group_by, args.compact)?,
    }
    report::doubts(context, &doubts(&outcomes, &snapshots, plan.now));
    Ok(outcomes.iter().flat_map(|outcome| &outcome.remove).map(|it| it.id).collect())
}

impl KeepArgs {
    /// The rules in the engine's form.
    pub fn policy(&self, allow_empty: bool) -> Policy {
        let base = match self.keep_policy {
            Some(KeepPolicy::Default) => Policy::default_keep(),
            None => Policy::default(),
        };
        Policy {
            last: self.keep_last.or(base.last),
            hourly: self.keep_hourly.or(base.hourly),
            daily: self.keep_daily.or(base.daily),
            weekly: self.keep_weekly.or(base.weekly),
            monthly: self.keep_monthly.or(base.monthly),
            yearly: self.keep_yearly.or(base.yearly),
            within: self.keep_within,
            within_hourly: self.keep_within_hourly,
            within_daily: self.keep_within_daily,
            within_weekly: self.keep_within_weekly,
            within_monthly: self.keep_within_monthly,
            within_yearly: self.keep_within_yearly,
            tags: self.keep_tags.iter().map(|list| Tags(list.0.clone())).collect(),
            allow_empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn something_must_say_what_stays() {
        let cases = [
            ("", "no rule"),
            ("--host web", "no rule"),
            ("--unsafe-allow-remove-all", "needs --host"),
            ("--keep-last 1 1a2b", "not both"),
            ("--keep-last 1", ""),
            ("--keep-policy default", ""),
            ("--keep-tag a", ""),
            ("1a2b", ""),
            ("--unsafe-allow-remove-all --tag a", ""),
        ];
        for (line, expected) in cases {
            let words = std::iter::once("forget").chain(line.split_whitespace());
            let message = match Line::parse_from(words).args.check() {
                Ok(()) => String::new(),
                Err(error) => error.message,
            };
            assert_eq!(message.is_empty(), expected.is_empty(), "{line}: {message}");
            assert!(message.contains(expected), "{line}: {message}");
        }
    }
}
