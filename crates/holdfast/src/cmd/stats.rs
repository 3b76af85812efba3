//! `stats`: count what is stored.

use clap::ValueEnum;

use crate::cmd::not_wired;
use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast stats latest
      what restoring the newest snapshot would take
  holdfast stats --mode raw-data
      what the repository takes, and how much compression saves
  holdfast stats --mode files-by-contents --host web";

/// Count what is stored
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only these: ids or beginnings of ids, latest, latest~N
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// What is counted
    #[arg(long, value_name = "MODE", default_value = "restore-size")]
    pub mode: Mode,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Bytes of the files once restored
    RestoreSize,
    /// Bytes of files, equal contents counted once
    FilesByContents,
    /// Bytes in the repository
    RawData,
    /// Bytes of blobs, counted once for each file that uses them
    BlobsPerFile,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: json::maintenance::Stats.
    Err(not_wired())
}
