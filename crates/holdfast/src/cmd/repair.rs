//! `repair`: mend a damaged repository.

use clap::Subcommand;

use crate::cmd::not_wired;
use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast check
      says which of these helps
  holdfast repair index
  holdfast repair snapshots --dry-run
  holdfast repair snapshots --forget latest

Before a repair: back up again if the source still has the data. A backup stores again what is
damaged, and no snapshot needs to lose anything.";

/// Mend a damaged repository
///
/// Nothing is deleted: damaged objects are set aside in the repository's folder `quarantine`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to mend.
    #[command(subcommand)]
    pub what: What,
}

/// What to mend.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Make the index anew from the packs
    #[command(after_help = INDEX_EXAMPLES)]
    Index {
        /// Read the directory of every pack, also of those the index knows
        #[arg(long)]
        read_all_packs: bool,
    },
    /// Make snapshots readable again by leaving out what is lost
    #[command(after_help = SNAPSHOTS_EXAMPLES)]
    Snapshots {
        /// Only these: ids or beginnings of ids, latest, latest~N
        #[arg(value_name = "SNAPSHOT")]
        snapshots: Vec<String>,

        /// Change nothing; say what would be done
        #[arg(short = 'n', long)]
        dry_run: bool,

        /// Remove the damaged snapshots once their mended copies are stored
        #[arg(long)]
        forget: bool,

        /// Which snapshots.
        #[command(flatten)]
        filter: SnapshotFilterArgs,
    },
}

const INDEX_EXAMPLES: &str = "\
EXAMPLES:
  holdfast repair index
  holdfast repair index --read-all-packs";

const SNAPSHOTS_EXAMPLES: &str = "\
EXAMPLES:
  holdfast repair snapshots --dry-run
  holdfast repair snapshots --forget --host web";

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, _context: &Context) -> CommandResult {
    match &args.what {
        // WIRE HERE.
        What::Index { .. } => Err(not_wired()),
        // WIRE HERE.
        What::Snapshots { .. } => Err(not_wired()),
    }
}
