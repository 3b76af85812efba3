//! `unlock`: nothing, for scripts written for restic.

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast unlock
      scripts for restic run this before a backup; there is never anything to remove";

/// Do nothing: there are no locks (for scripts written for restic)
///
/// No command locks a repository: backups, forget and prune may run at the same time. The
/// repository is still opened, so that a missing one or a wrong passphrase is reported.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Has no effect either
    #[arg(long = "remove-all")]
    pub _remove_all: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, context: &Context) -> CommandResult {
    context.open()?;
    Ok(context.output.note(1, "there are no locks to remove")?)
}
