//! `key`: manage passphrases and keys.

use clap::Subcommand;
use holdfast_seal::Secret;

use crate::cmd::not_wired;
use crate::cmd::shared::NewPasswordArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast key generate > ~/holdfast.key
  holdfast key list
  holdfast key add --new-password-file ~/holdfast.key --label 'hourly job'
  holdfast key remove 1a2b3c4d5e6f7a8b

A repository opens with any of its passphrases and keys. A generated key opens it in milliseconds,
a passphrase is made expensive to guess.";

/// Manage passphrases and keys
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Print a new random key; needs no repository
    ///
    /// The key goes wherever a passphrase goes.
    #[command(after_help = GENERATE_EXAMPLES)]
    Generate,
    /// List passphrases and keys
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Add a passphrase or key
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddArgs),
    /// Remove a passphrase or key, but not the one in use
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove {
        /// Its id, as `key list` shows it
        #[arg(value_name = "KEY")]
        id: String,
    },
    /// Replace the passphrase or key in use by a new one
    #[command(after_help = PASSWD_EXAMPLES)]
    Passwd {
        /// Where the new one comes from.
        #[command(flatten)]
        new: NewPasswordArgs,
    },
}

/// Arguments of `key add`.
#[derive(Debug, Clone, clap::Args)]
pub struct AddArgs {
    /// What `key list` says about it
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,

    /// Make a random key, add it, and print it
    #[arg(long, conflicts_with_all = ["new_password_file", "new_password_command"])]
    pub generate: bool,

    /// Where it comes from.
    #[command(flatten)]
    pub new: NewPasswordArgs,
}

const GENERATE_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key generate > ~/holdfast.key
  holdfast init -r /mnt/backup -p ~/holdfast.key";

const LIST_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key list
  holdfast key list --json";

const ADD_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key add
      asks for the old and the new passphrase
  holdfast key add --generate --label 'hourly job' > ~/holdfast.key
  holdfast key add --new-password-command 'pass show backup'";

const REMOVE_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key list
  holdfast key remove 1a2b3c4d5e6f7a8b

Who has an old copy of the repository can still open that copy with a removed key.";

const PASSWD_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key passwd
  holdfast key passwd --new-password-file ~/new-passphrase";

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.action {
        Action::Generate => generate(context),
        // WIRE HERE: an array of json::maintenance::KeyEntry.
        Action::List => Err(not_wired()),
        // WIRE HERE: Source::of_flags, context.new_passphrase.
        Action::Add(_) => Err(not_wired()),
        // WIRE HERE.
        Action::Remove { .. } => Err(not_wired()),
        // WIRE HERE.
        Action::Passwd { .. } => Err(not_wired()),
    }
}

/// Prints nothing but the key, so that it can go straight into a file.
fn generate(context: &Context) -> CommandResult {
    let (_, key) = Secret::generate_key()?;
    Ok(context.output.line(&key)?)
}
