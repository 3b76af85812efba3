//! `snapshots`: list snapshots.

use crate::cmd::not_wired;
use crate::cmd::shared::{GROUP_BY_HELP, SnapshotFilterArgs};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast snapshots
  holdfast snapshots --latest 1 --host web
      the newest of each group of host and paths
  holdfast snapshots --tag daily,db --json
  holdfast snapshots 1a2b3c4d latest~2";

/// List snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only these: ids or beginnings of ids, latest, latest~N
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// Only the N newest of each group of host and paths
    #[arg(long, value_name = "N")]
    pub latest: Option<usize>,

    /// One short line for each
    #[arg(short, long)]
    pub compact: bool,

    #[arg(short, long, value_name = "GROUP", help = GROUP_BY_HELP)]
    pub group_by: Option<String>,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: Table, or an array of json::snapshot::Snapshot.
    Err(not_wired())
}
