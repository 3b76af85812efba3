//! `tag`: change tags of snapshots, or hold them.

use crate::cmd::not_wired;
use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::parse::TagList;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast tag --add release latest
  holdfast tag --remove daily --add monthly 1a2b3c4d
  holdfast tag --set '' --host web
      removes all tags of all snapshots of a host
  holdfast tag --hold 1a2b3c4d
      no rule of forget removes it, until --release

Snapshots keep their ids.";

/// Change tags of snapshots, or hold them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
    .args(["set", "add", "remove", "hold", "release"]))]
pub struct Args {
    /// Only these: ids or beginnings of ids, latest, latest~N
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// Have exactly these tags; "" for none
    #[arg(long, value_name = "TAG[,TAG...]", conflicts_with_all = ["add", "remove"])]
    pub set: Vec<TagList>,

    /// Have these tags too
    #[arg(long, value_name = "TAG[,TAG...]")]
    pub add: Vec<TagList>,

    /// Do not have these tags
    #[arg(long, value_name = "TAG[,TAG...]")]
    pub remove: Vec<TagList>,

    /// No rule may remove them
    #[arg(long, conflicts_with = "release")]
    pub hold: bool,

    /// Rules may remove them again
    #[arg(long)]
    pub release: bool,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, _context: &Context) -> CommandResult {
    // WIRE HERE: json::snapshot::{TagChanged, TagSummary}.
    Err(not_wired())
}
