//! `forget`: remove snapshots by rules.

use clap::ValueEnum;

use crate::cmd::not_wired;
use crate::cmd::shared::{GROUP_BY_HELP, RepackArgs, SnapshotFilterArgs};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::parse::TagList;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast forget --keep-policy default --dry-run
      what stays and why: 24 hourly, 7 daily, 4 weekly, 12 monthly
  holdfast forget --keep-daily 7 --keep-weekly 5 --keep-tag release --prune
  holdfast forget --keep-within 14d --keep-within-weekly 1y --host web
  holdfast forget 1a2b3c4d 5e6f7a8b
      exactly these

Rules overlap, as in restic: one snapshot may be kept as the newest of its hour, its day and its
month, and counts for each. (borg counts each snapshot once.) A period counts only if it has a
snapshot. Times within which to keep are counted back from the newest snapshot of the group, and
written in years, months, days and hours: 1y6m, 30d, 48h. Held snapshots (holdfast tag --hold)
always stay. The space is freed by prune.";

/// Remove snapshots by rules
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_arg("hosts", |host| host.short(None::<char>)))]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(WHAT))]
pub struct Args {
    /// Remove exactly these: ids or beginnings of ids
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// What stays.
    #[command(flatten)]
    pub keep: KeepArgs,

    #[arg(short, long, value_name = "GROUP", default_value = "host,paths", help = GROUP_BY_HELP)]
    pub group_by: String,

    /// Remove nothing; say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// One short line for each snapshot
    #[arg(short, long)]
    pub compact: bool,

    /// Free the space at once
    #[arg(long)]
    pub prune: bool,

    /// Allow rules that keep nothing; needs --host, --tag or --path
    #[arg(long)]
    pub unsafe_allow_remove_all: bool,

    /// How much --prune rewrites.
    #[command(flatten)]
    pub repack: RepackArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// One of these must be given: forgetting without a rule would remove everything.
const WHAT: [&str; 16] = [
    "snapshots",
    "unsafe_allow_remove_all",
    "keep_policy",
    "keep_last",
    "keep_hourly",
    "keep_daily",
    "keep_weekly",
    "keep_monthly",
    "keep_yearly",
    "keep_within",
    "keep_within_hourly",
    "keep_within_daily",
    "keep_within_weekly",
    "keep_within_monthly",
    "keep_within_yearly",
    "keep_tags",
];

/// What stays. Counts are numbers or `unlimited`; durations are as in `1y6m`, `30d` or `48h`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "What stays")]
pub struct KeepArgs {
    /// A named set of rules; default: 24 hourly, 7 daily, 4 weekly, 12 monthly
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    pub keep_policy: Option<KeepPolicy>,

    /// The N newest ("unlimited" for all)
    #[arg(short = 'l', long, value_name = "N")]
    pub keep_last: Option<String>,

    /// The newest of each of the last N hours
    #[arg(short = 'H', long, value_name = "N")]
    pub keep_hourly: Option<String>,

    /// The newest of each of the last N days
    #[arg(short = 'd', long, value_name = "N")]
    pub keep_daily: Option<String>,

    /// The newest of each of the last N weeks, Monday to Sunday
    #[arg(short = 'w', long, value_name = "N")]
    pub keep_weekly: Option<String>,

    /// The newest of each of the last N months
    #[arg(short = 'm', long, value_name = "N")]
    pub keep_monthly: Option<String>,

    /// The newest of each of the last N years
    #[arg(short = 'y', long, value_name = "N")]
    pub keep_yearly: Option<String>,

    /// All within this time of the newest, as in 1y6m, 30d or 48h
    #[arg(long, value_name = "DURATION")]
    pub keep_within: Option<String>,

    /// The newest of each hour within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_hourly: Option<String>,

    /// The newest of each day within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_daily: Option<String>,

    /// The newest of each week within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_weekly: Option<String>,

    /// The newest of each month within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_monthly: Option<String>,

    /// The newest of each year within this time
    #[arg(long, value_name = "DURATION")]
    pub keep_within_yearly: Option<String>,

    /// All with these tags; repeat for other lists
    #[arg(long = "keep-tag", value_name = "TAG[,TAG...]")]
    pub keep_tags: Vec<TagList>,
}

/// A named set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepPolicy {
    /// 24 hourly, 7 daily, 4 weekly, 12 monthly
    Default,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: Table with reasons, or an array of json::snapshot::ForgetGroup.
    Err(not_wired())
}
