//! `dump`: print one file, or a folder as an archive.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use crate::cmd::not_wired;
use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast dump latest /stdin | psql app
  holdfast dump latest:/srv/www index.html
  holdfast dump latest /srv/www > www.tar
  holdfast dump -a zip -t www.zip latest /srv/www";

/// Print one file, or a folder as an archive
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which: an id or its beginning, latest, latest~N; :FOLDER begins at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub snapshot: String,

    /// The file or folder; / for everything
    #[arg(value_name = "PATH")]
    pub path: PathBuf,

    /// The form of a folder
    #[arg(short, long, value_name = "FORMAT", default_value = "tar")]
    pub archive: ArchiveFormat,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub target: Option<PathBuf>,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// The form of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchiveFormat {
    /// With owners, links and extended attributes
    Tar,
    /// For other systems
    Zip,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: write into output::StdoutWriter(&context.output).
    Err(not_wired())
}
