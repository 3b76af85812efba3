//! `prune`: free the space of what no snapshot needs.

use crate::cmd::not_wired;
use crate::cmd::shared::RepackArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast prune --dry-run
      what would be freed
  holdfast prune
  holdfast prune --max-unused unlimited
      frees only packs of which nothing is needed: the cheapest way
  holdfast prune --max-repack-size 2G
      a bounded piece of work; the next run goes on

It may be interrupted at any time.";

/// Free the space of what no snapshot needs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Free nothing; say what would be freed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// How much is rewritten.
    #[command(flatten)]
    pub repack: RepackArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE.
    Err(not_wired())
}
