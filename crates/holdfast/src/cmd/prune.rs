//! `prune`: free the space of what no snapshot needs.

use holdfast_engine::prune::{MaxUnused as Unused, PruneOptions, PruneReport, prune};
use holdfast_repo::Repository;

use crate::cmd::shared::RepackArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::progress::Activity;
use crate::output::text;
use crate::parse::MaxUnused;
use crate::watch::Watcher;

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
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let repository = context.open()?;
    prune_and_tell(context, &repository, &args.repack, args.dry_run)
}

/// Prunes and says what it did; also for `forget --prune`.
///
/// # Errors
/// Repository failures; interruption.
pub fn prune_and_tell(
    context: &Context,
    repository: &Repository,
    repack: &RepackArgs,
    dry_run: bool,
) -> CommandResult {
    if !dry_run {
        context.remove_stale_temporaries();
    }
    let options = PruneOptions {
        max_unused: match repack.max_unused {
            MaxUnused::Percent(percent) => Unused::Percent(percent),
            MaxUnused::Bytes(bytes) => Unused::Bytes(bytes),
            MaxUnused::Unlimited => Unused::Unlimited,
        },
        max_repack_bytes: repack.max_repack_size.map(|size| size.0),
        dry_run,
    };
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let report = prune(repository, &options, &watcher);
    drop(watcher);
    for line in lines(&report?, dry_run) {
        context.output.note(0, &line)?;
    }
    Ok(())
}

fn lines(report: &PruneReport, dry_run: bool) -> Vec<String> {
    let would = if dry_run { "would be " } else { "" };
    let mut lines = Vec::new();
    if report.resumed {
        lines.push("finished an earlier prune that was interrupted".to_owned());
    }
    if report.was_postponed {
        lines.push("little is unused (--max-unused), so nothing is deleted yet".to_owned());
    }
    lines.push(format!(
        "{would}deleted: {}, {}",
        text::count(report.packs_deleted, "pack", "packs"),
        text::size(report.bytes_deleted)
    ));
    lines.push(format!(
        "{would}rewritten: {}, {} moved",
        text::count(report.packs_repacked, "pack", "packs"),
        text::size(report.bytes_moved)
    ));
    lines.push(format!("unused that stays: {}", text::size(report.unused_bytes_left)));
    lines
}
