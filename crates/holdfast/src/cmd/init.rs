//! `init`: make a repository.

use crate::cmd::not_wired;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast init -r /mnt/backup
      asks for a passphrase, twice
  holdfast key generate > ~/holdfast.key
  holdfast init -r /mnt/backup -p ~/holdfast.key
      uses a key instead, for unattended backups
  holdfast init -r /mnt/backup --password-command 'pass show backup'

Without its passphrase or one of its keys, nothing in a repository can be read. Keep a copy of
one of them in another place.";

/// Make a repository
///
/// The folder is made if it is missing. An existing repository is never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: context.location, context.first_passphrase; print Initialized.
    Err(not_wired())
}
