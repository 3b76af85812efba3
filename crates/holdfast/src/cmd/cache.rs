//! `cache`: list or clean up local caches.

use crate::cmd::not_wired;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast cache
      where the caches are, of which repositories, how large and how old
  holdfast cache --cleanup
      deletes those that were not used for 30 days
  holdfast cache --cleanup --max-age 0

A cache holds nothing that is not in its repository: it can be deleted at any time.";

/// List or clean up local caches
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Delete old caches
    #[arg(long)]
    pub cleanup: bool,

    /// How many days without use make a cache old
    #[arg(long, value_name = "DAYS", default_value = "30")]
    pub max_age: u32,

    /// Do not count sizes
    #[arg(long)]
    pub no_size: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: context.cache_folder, Table.
    Err(not_wired())
}
