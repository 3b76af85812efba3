//! `prune`: free space that no snapshot needs.

use std::time::Duration;

use holdfast_engine::prune::{
    Abandoned, MaxUnused as Unused, PruneOptions, PruneReport, Waiting, prune,
};
use holdfast_repo::Repository;
use jiff::tz::TimeZone;

use crate::cmd::shared::RepackArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::maintenance::PruneSummary;
use crate::output::progress::Activity;
use crate::output::{escape, text};
use crate::parse::MaxUnusedArgument;
use crate::watch::Watcher;
use crate::{environment, leftovers};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast prune --dry-run
      show what would be freed
  holdfast prune
  holdfast prune --max-unused unlimited
      free only packs that are entirely unused: the cheapest way
  holdfast prune --max-repack-size 2G
      a limited amount of work; the next run continues
  holdfast prune --abandoned-after 0d
      also discard what unfinished backups left behind, such as those of retired hosts

Data from an interrupted backup is kept until the next snapshot of its host, which may use it, or
until --abandoned-after. A backup that is still running then loses nothing: it starts over, and
later prunes delete nothing until it has finished, for at most a day.
prune can be interrupted at any time.";

/// Free space that no snapshot needs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Free nothing; show what would be freed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// How much to rewrite.
    #[command(flatten)]
    pub repack: RepackArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let repository = context.open_with_reserve()?;
    let report = prune_and_tell(context, &repository, &args.repack, args.dry_run)?;
    if !args.dry_run {
        context.fill_reserve();
    }
    if context.output.style().json {
        context.output.json(&PruneSummary::of(&report, args.dry_run))?;
    }
    Ok(())
}

/// Prunes and prints the result; also for `forget --prune`.
///
/// # Errors
/// Repository failures; interruption.
pub fn prune_and_tell(
    context: &Context,
    repository: &Repository,
    repack: &RepackArgs,
    dry_run: bool,
) -> CommandResult<PruneReport> {
    if !dry_run {
        leftovers::remove(context, repository, repack.abandoned_after.0);
    }
    let after_seconds = repack.abandoned_after.0.as_secs();
    let options = PruneOptions {
        max_unused: match repack.max_unused {
            MaxUnusedArgument::Percent(percent) => Unused::Percent(percent),
            MaxUnusedArgument::Bytes(bytes) => Unused::Bytes(bytes),
            MaxUnusedArgument::Unlimited => Unused::Unlimited,
        },
        max_repack_bytes: repack.max_repack_size.map(|size| size.0),
        repack_below_bytes: repack.repack_smaller_than.map(|size| size.0),
        abandoned: Some(Abandoned { after_seconds, now: environment::now() }),
        dry_run,
        write: context.write_options(),
    };
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let report = prune(repository, &options, &watcher);
    drop(watcher);
    let report = report?;
    let mut told = lines(&report, dry_run);
    let zone = environment::time_zone();
    for waiting in &report.waiting {
        told.extend(lines_of_waiting(waiting, repack.abandoned_after.0, &zone));
    }
    for line in told {
        context.output.note(0, &line)?;
    }
    Ok(report)
}

/// What is kept of unfinished backups, and when it will be freed.
fn lines_of_waiting(waiting: &Waiting, after: Duration, zone: &TimeZone) -> [String; 2] {
    let host = match waiting.host.as_str() {
        "" => "a host without a snapshot".to_owned(),
        name => escape::text(name).into_owned(),
    };
    let packs = text::count(waiting.packs, "pack", "packs");
    let date = |moment| text::time(moment, zone);
    let since = waiting.since.map_or_else(String::new, |it| format!(", seen since {}", date(it)));
    let end = waiting.since.and_then(|since| since.checked_add(after).ok());
    let until = end.map_or_else(String::new, |it| format!(", or a prune after {}", date(it)));
    [
        format!(
            "kept for {host}: {packs}, {} of an unfinished backup{since}",
            text::size(waiting.bytes)
        ),
        format!("  freed by its next backup{until}, or now with --abandoned-after 0d"),
    ]
}

fn lines(report: &PruneReport, dry_run: bool) -> Vec<String> {
    let would = if dry_run { "would be " } else { "" };
    let mut lines = Vec::new();
    if report.resumed {
        lines.push("finished an earlier prune that was interrupted".to_owned());
    }
    if report.was_postponed {
        lines.push("too little is unused (--max-unused), so nothing is deleted yet".to_owned());
    }
    for host in &report.gave_way_to {
        lines.push(format!(
            "nothing is deleted yet: a backup of {} that earlier prunes made start over has not \
             finished; run prune again later, or now with --abandoned-after 0d",
            escape::text(host)
        ));
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
    lines.push(format!("unused space kept: {}", text::size(report.unused_bytes_left)));
    lines
}
