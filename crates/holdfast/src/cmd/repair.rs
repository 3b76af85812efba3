//! `repair`: repair a damaged repository.

use clap::Subcommand;

use holdfast_engine::repair::{
    IndexRepair, RepairIndexOptions, RepairSnapshotsOptions, RepairedSnapshot, repair_index,
    repair_snapshots,
};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::repair::{IndexSummary, Repaired, SnapshotsSummary};
use crate::output::progress::Activity;
use crate::output::{escape, text};
use crate::watch::Watcher;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast check
      shows which of these commands is needed
  holdfast repair index
  holdfast repair snapshots --dry-run
  holdfast repair snapshots --forget

After repair index, back up again before repairing snapshots: data that the source still has is
stored again, so that no snapshot loses it.";

/// Repair a damaged repository
///
/// Nothing is deleted: damaged objects are moved to the repository's `quarantine` folder.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to repair.
    #[command(subcommand)]
    pub what: What,
}

/// What to repair.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Rebuild the index from the packs
    #[command(after_help = INDEX_EXAMPLES)]
    Index {
        /// Read every pack completely, and salvage what is intact in damaged ones
        #[arg(long)]
        read_all_packs: bool,
    },
    /// Make damaged snapshots readable again by leaving out lost data
    #[command(after_help = SNAPSHOTS_EXAMPLES)]
    Snapshots {
        /// Change nothing; show what would be done
        #[arg(short = 'n', long)]
        dry_run: bool,

        /// Remove the damaged snapshots once their repaired copies are stored
        #[arg(long)]
        forget: bool,
    },
}

const INDEX_EXAMPLES: &str = "\
EXAMPLES:
  holdfast repair index
  holdfast repair index --read-all-packs";

const SNAPSHOTS_EXAMPLES: &str = "\
EXAMPLES:
  holdfast repair snapshots --dry-run
  holdfast repair snapshots --forget";

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.what {
        What::Index { read_all_packs } => index(*read_all_packs, context),
        What::Snapshots { dry_run, forget } => snapshots(
            RepairSnapshotsOptions {
                forget: *forget,
                dry_run: *dry_run,
                write: context.write_options(),
            },
            context,
        ),
    }
}

fn index(read_all: bool, context: &Context) -> CommandResult {
    let repository = context.open()?;
    let options =
        RepairIndexOptions { read_all, packs: Vec::new(), write: context.write_options() };
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let repair = repair_index(&repository, &options, &watcher);
    drop(watcher);
    let repair = repair?;
    if context.output.style().json {
        return Ok(context.output.json(&IndexSummary::of(&repair))?);
    }
    for line in index_lines(&repair) {
        context.output.note(0, &line)?;
    }
    Ok(())
}

fn index_lines(repair: &IndexRepair) -> Vec<String> {
    let count = |items: usize, one, many| text::count(items as u64, one, many);
    let mut lines: Vec<String> =
        repair.copies_restored.iter().map(|name| format!("stored {name} again")).collect();
    if !repair.has_changed_anything() {
        lines.push("nothing needed repair".to_owned());
        return lines;
    }
    lines.push(format!(
        "wrote {}, replaced {}",
        count(repair.index_written.len(), "index object", "index objects"),
        repair.index_replaced.len()
    ));
    lines.push(format!(
        "{} found that no index object lists",
        count(repair.packs_added.len(), "pack", "packs")
    ));
    if !repair.packs_missing.is_empty() || !repair.packs_quarantined.is_empty() {
        lines.push(format!(
            "{} missing, {} damaged and moved to quarantine; {} salvaged, {} lost",
            count(repair.packs_missing.len(), "pack", "packs"),
            repair.packs_quarantined.len(),
            text::count(repair.blobs_salvaged, "blob", "blobs"),
            repair.blobs_lost
        ));
        lines.push("back up again now: data that the source still has is stored again".to_owned());
    }
    lines
}

fn snapshots(options: RepairSnapshotsOptions, context: &Context) -> CommandResult {
    let repository = context.open()?;
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let repair = repair_snapshots(&repository, &options, &watcher);
    drop(watcher);
    let repair = repair?;
    if context.output.style().json {
        for it in &repair.repaired {
            context.output.json(&Repaired::of(it))?;
        }
        return Ok(context.output.json(&SnapshotsSummary {
            message_type: "summary",
            dry_run: options.dry_run,
            snapshots: repair.snapshots,
            damaged: repair.repaired.len() as u64,
            records_given_up: repair.records_given_up.iter().map(ToString::to_string).collect(),
        })?);
    }
    for it in &repair.repaired {
        tell(context, it, options.dry_run)?;
    }
    for record in &repair.records_given_up {
        let what = if options.dry_run { "would write off" } else { "wrote off" };
        context.output.note(0, &format!("{what} record {record}"))?;
    }
    for note in &repair.notes {
        context.output.note(0, note)?;
    }
    let mended = text::count(repair.repaired.len() as u64, "snapshot is", "snapshots are");
    Ok(context.output.note(0, &format!("{mended} damaged, of {}", repair.snapshots))?)
}

fn tell(context: &Context, repaired: &RepairedSnapshot, dry_run: bool) -> CommandResult {
    let lost = text::count(repaired.left_out.len() as u64, "entry", "entries");
    let original = repaired.original.short();
    let line = match repaired.replacement {
        Some(id) => format!("snapshot {original} repaired as {}; {lost} lost", id.short()),
        None if dry_run => format!("snapshot {original} can be repaired; {lost} lost"),
        None => format!("snapshot {original} cannot be repaired"),
    };
    context.output.note(0, &line)?;
    for path in &repaired.left_out {
        context.output.note(0, &format!("  lost: {}", escape::name(path)))?;
    }
    match repaired.is_forgotten {
        true => Ok(context.output.note(0, &format!("  removed snapshot {original}"))?),
        false => Ok(()),
    }
}
