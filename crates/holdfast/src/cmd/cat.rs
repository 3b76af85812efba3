//! `cat`: print an object of the repository.

use clap::Subcommand;

use crate::cmd::not_wired;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast cat config
      also the way to ask whether there is a repository: exit code 10 if not
  holdfast cat snapshot latest
  holdfast cat tree latest:/srv/www
  holdfast cat blob 5a1f0e2b > piece";

/// Print an object of the repository
///
/// Objects are printed as JSON, blobs and packs as their bytes. There is no way to print the
/// master key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to print.
    #[command(subcommand)]
    pub object: Object,
}

/// What to print.
#[derive(Debug, Subcommand)]
pub enum Object {
    /// The identity and parameters of the repository
    Config,
    /// A pack file as it is stored
    Pack {
        /// Its id
        id: String,
    },
    /// The bytes of a blob
    Blob {
        /// Its id
        id: String,
    },
    /// A snapshot
    Snapshot {
        /// An id or its beginning, latest, latest~N
        #[arg(value_name = "SNAPSHOT")]
        id: String,
    },
    /// An object of the index
    Index {
        /// Its id
        id: String,
    },
    /// The public part of a key slot
    Key {
        /// Its id
        id: String,
    },
    /// The entries of a folder
    Tree {
        /// The snapshot and the folder
        #[arg(value_name = "SNAPSHOT[:FOLDER]")]
        folder: String,
    },
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: context.output.json or context.output.bytes.
    Err(not_wired())
}
