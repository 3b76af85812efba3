//! `find`: find files in all snapshots.

use crate::cmd::not_wired;
use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast find config.json
  holdfast find -l --newest '2026-09-01' '*.sql' '*.dump'
  holdfast find -s latest -i '/srv/**/REPORT*'
  holdfast find --blob 5a1f0e2b
      which files use this blob";

/// Find files in all snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Patterns of names or, with a slash, of paths; ids with --blob, --tree and --pack
    #[arg(value_name = "PATTERN", required = true)]
    pub patterns: Vec<String>,

    /// Whether letters are small or capital does not matter
    #[arg(short, long)]
    pub ignore_case: bool,

    /// Permissions, owner, size and time as well
    #[arg(short, long)]
    pub long: bool,

    /// Sizes in KiB, MiB, GiB
    #[arg(long)]
    pub human_readable: bool,

    /// Only files changed at this time or later
    #[arg(short = 'O', long, value_name = "TIME")]
    pub oldest: Option<String>,

    /// Only files changed at this time or before
    #[arg(short = 'N', long, value_name = "TIME")]
    pub newest: Option<String>,

    /// Only in this snapshot; repeat for several
    #[arg(short = 's', long = "snapshot", value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// The newest snapshot last
    #[arg(short = 'R', long)]
    pub reverse: bool,

    /// The patterns are ids of data blobs
    #[arg(long, conflicts_with_all = ["tree", "pack"])]
    pub blob: bool,

    /// The patterns are ids of tree blobs
    #[arg(long, conflicts_with = "pack")]
    pub tree: bool,

    /// The patterns are ids of packs
    #[arg(long)]
    pub pack: bool,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: an array of json::listing::FindSnapshot or FindObject.
    Err(not_wired())
}
