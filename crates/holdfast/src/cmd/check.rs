//! `check`: look for damage.

use crate::cmd::not_wired;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::parse::{Age, ReadDataSubset};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast check
      the structure: is all there that the snapshots need
  holdfast check --read-data
      reads and verifies every byte
  holdfast check --read-data-subset 1/7
      a seventh of the data; with 2/7 the next day, all of it in a week
  holdfast check --read-data --max-age 30d
      reads only what was not verified in the last 30 days

Every damaged object is named, with the files that it hurts and the command to run next.";

/// Look for damage
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Read and verify all data
    #[arg(long, conflicts_with = "read_data_subset")]
    pub read_data: bool,

    /// Read and verify a part: n/t, a percentage or a size
    #[arg(long, value_name = "SUBSET")]
    pub read_data_subset: Option<ReadDataSubset>,

    /// Do not read again what was verified within this time, as in 30d
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<Age>,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: json::maintenance::{CheckError, CheckSummary}.
    Err(not_wired())
}
