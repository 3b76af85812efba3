//! `diff`: compare two snapshots.

use crate::cmd::not_wired;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast diff latest~1 latest
  holdfast diff --metadata 1a2b3c4d 5e6f7a8b
  holdfast diff 1a2b3c4d:/srv/www latest:/srv/www

Each line begins with what happened: + added, - removed, T type changed, M content changed,
U metadata changed (with --metadata), ? content damaged.";

/// Compare two snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The older one; :FOLDER begins at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub source: String,

    /// The newer one
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub target: String,

    /// Changes of owner, permissions and times as well
    #[arg(long)]
    pub metadata: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: json::listing::{DiffChange, DiffStatistics}.
    Err(not_wired())
}
