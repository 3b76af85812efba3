//! `restore`: bring files back.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use crate::cmd::not_wired;
use crate::cmd::shared::{ExcludeArgs, IncludeArgs, SnapshotFilterArgs};
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast restore latest --target /tmp/restored
  holdfast restore latest:/srv/www --target /srv/www --delete --dry-run -vv
      what making the folder as it was would change
  holdfast restore --at '2026-09-01 14:00' -t / -i /etc/postgresql
  holdfast restore 1a2b3c4d -t /mnt/new --sparse --verify";

/// Bring files back
///
/// Files that are there already are changed only where they differ. Nothing is ever written
/// outside the target, and no half-written file appears under its final name.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which: an id or its beginning, latest, latest~N; :FOLDER restores what is below a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]", required_unless_present = "at")]
    pub snapshot: Option<String>,

    /// The folder to restore into
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub target: PathBuf,

    /// Take the newest snapshot at or before this time
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot")]
    pub at: Option<String>,

    /// What to do with files that are there already
    #[arg(long, value_name = "WHEN", default_value = "always")]
    pub overwrite: Overwrite,

    /// Delete what is in the target but not in the snapshot
    #[arg(long)]
    pub delete: bool,

    /// Write nothing; say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Read the files again and compare them
    #[arg(long)]
    pub verify: bool,

    /// Leave holes where files have long runs of zeros
    #[arg(long)]
    pub sparse: bool,

    /// Find owners and groups by their names on this machine, not by their numbers
    #[arg(long)]
    pub ownership_by_name: bool,

    /// What is restored.
    #[command(flatten)]
    pub include: IncludeArgs,
    /// What is left out.
    #[command(flatten)]
    pub exclude: ExcludeArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// What to do with files that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Overwrite {
    /// Make their content as in the snapshot
    Always,
    /// The same, but trust equal sizes and times
    IfChanged,
    /// Replace those that are older than in the snapshot
    IfNewer,
    /// Leave them alone
    Never,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: events to context.progress(Activity::Restore, None); then restore::Summary.
    Err(not_wired())
}
