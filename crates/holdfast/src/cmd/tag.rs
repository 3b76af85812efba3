//! `tag`: change tags of snapshots, or hold them.

use holdfast_engine::forget::{TagChange, amend};

use crate::cmd::shared::SnapshotFilterArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::snapshot::{TagChanged, TagSummary};
use crate::output::text;
use crate::parse::TagListArgument;
use crate::select;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast tag --add release latest
  holdfast tag --remove daily --add monthly 1a2b3c4d
  holdfast tag --set '' --host web
      remove all tags from all snapshots of a host
  holdfast tag --hold 1a2b3c4d
      protect it from forget's rules, until --release

Snapshots keep their ids.";

/// Change tags of snapshots, or hold them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
    .args(["set", "add", "remove", "hold", "release"]))]
pub struct Args {
    /// Only these snapshots: ids or prefixes, latest, latest~N
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// Replace all tags with these; "" for none
    #[arg(long, value_name = "TAG[,TAG...]", conflicts_with_all = ["add", "remove"])]
    pub set: Vec<TagListArgument>,

    /// Add these tags
    #[arg(long, value_name = "TAG[,TAG...]")]
    pub add: Vec<TagListArgument>,

    /// Remove these tags
    #[arg(long, value_name = "TAG[,TAG...]")]
    pub remove: Vec<TagListArgument>,

    /// Protect the snapshots from rules that would remove them
    #[arg(long, conflicts_with = "release")]
    pub hold: bool,

    /// Let rules remove the snapshots again
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
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let flat = |lists: &[TagListArgument]| -> Vec<String> {
        let tags = lists.iter().flat_map(|list| list.0.iter().cloned());
        tags.filter(|tag| !tag.is_empty()).collect()
    };
    let change = TagChange {
        set: (!args.set.is_empty()).then(|| flat(&args.set)),
        add: flat(&args.add),
        remove: flat(&args.remove),
        hold: match (args.hold, args.release) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
    };
    let filter = select::filter(&args.filter)?;
    let repository = context.open()?;
    let mut changed = 0;
    for info in select::choose_all(context, &repository, &args.snapshots, &filter)? {
        if amend(&repository, info.id, &change)? {
            changed += 1;
            if context.output.style().json {
                context.output.json(&TagChanged::new(info.id.to_hex()))?;
            }
        }
    }
    if context.output.style().json {
        return Ok(context.output.json(&TagSummary::new(changed))?);
    }
    let text = text::count(changed, "snapshot", "snapshots");
    Ok(context.output.note(0, &format!("changed {text}"))?)
}
