//! `ls`: list the entries of a snapshot.

use clap::ValueEnum;

use crate::cmd::not_wired;
use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast ls latest
  holdfast ls -l latest /etc
      the entries of one folder; --recursive for all below it too
  holdfast ls latest:/srv/www
      paths begin at that folder
  holdfast ls --host web --sort size --reverse --human-readable -l latest";

/// List the entries of a snapshot
///
/// Names that could harm a terminal are printed with \xNN in place of the dangerous bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which: an id or its beginning, latest, latest~N; :FOLDER begins at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub snapshot: String,

    /// Only these folders
    #[arg(value_name = "FOLDER")]
    pub folders: Vec<std::path::PathBuf>,

    /// Permissions, owner, size and time as well
    #[arg(short, long)]
    pub long: bool,

    /// With folders: also what is below them
    #[arg(long)]
    pub recursive: bool,

    /// Sizes in KiB, MiB, GiB
    #[arg(long)]
    pub human_readable: bool,

    /// The order of entries
    #[arg(short, long, value_name = "ORDER", default_value = "name")]
    pub sort: SortOrder,

    /// The other way round
    #[arg(long)]
    pub reverse: bool,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// The order of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortOrder {
    /// By path
    Name,
    /// By size, the largest first
    Size,
    /// By time of the last change of content, the newest first
    #[value(alias = "mtime")]
    Time,
    /// By time of the last access
    Atime,
    /// By time of the last change of metadata
    Ctime,
    /// By what follows the last dot of the name
    Extension,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: escape::name each path; or json::listing::{LsSnapshot, LsNode}.
    Err(not_wired())
}
