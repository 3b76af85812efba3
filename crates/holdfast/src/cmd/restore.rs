//! `restore`: restore files.

mod delete;
mod rules;

use std::path::PathBuf;
use std::time::Instant;

use clap::{ValueEnum, ValueHint};

use holdfast_connect::fs::target::{FsTarget, FsTargetOptions, Ownership};
use holdfast_connect::{Target, TargetError};
use holdfast_engine::look::Folder;
use holdfast_engine::restore::{
    Above, Overwrite as Policy, RestoreOptions, RestoreReport, Selection, WINDOW_BYTES, restore,
};
use jiff::Timestamp;
use rules::Rules;
use tempfile::TempDir;

use crate::cmd::shared::{AttributeArgs, ExcludeArgs, IncludeArgs, SnapshotFilterArgs, SourceArgs};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::opening::scratch_folder;
use crate::output::json::restore::{RestoreCounts, RestoreSummary};
use crate::output::progress::Activity;
use crate::output::{escape, text};
use crate::watch::Watcher;
use crate::{environment, lacks, patterns, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast restore latest --target /tmp/restored
  holdfast restore latest:/srv/www --target /srv/www --delete --dry-run -vv
      what reverting the folder to its backed-up state would change
  holdfast restore --at '2026-09-01 14:00' -t / -i /etc/postgresql
  holdfast restore 1a2b3c4d -t /mnt/new --sparse --verify
  holdfast restore latest --source database -t /var/lib/app
      one source of an application snapshot; without --source, each goes into TARGET/NAME
  holdfast restore latest --source documents -t /tmp/restored -i /objects/2024
      objects of a bucket as files: each part of a key becomes a folder";

/// Restore files
///
/// Existing files are changed only where they differ. Nothing is ever written outside the target,
/// and no half-written file appears under its final name.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// An id or prefix, latest, or latest~N; :FOLDER restores only the contents of a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]", required_unless_present = "at")]
    pub snapshot: Option<String>,

    /// The folder to restore into
    #[arg(short, long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub target: PathBuf,

    /// Use the newest snapshot at or before this time
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot", value_parser = select::time)]
    pub at: Option<Timestamp>,

    /// How to treat existing files
    #[arg(long, value_name = "WHEN", default_value = "always")]
    pub overwrite: OverwriteArgument,

    /// Delete what is in the restored folders but not in the snapshot, after listing it
    ///
    /// Only entries at or below the paths given to the backup are deleted, and only those that
    /// the backup would have included. Entries that it excluded or could not read are kept, as are
    /// other file systems and holdfast's own repository, caches and keys. --dry-run shows what
    /// would be deleted.
    #[arg(long)]
    pub delete: bool,

    /// Write nothing; show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Read the restored files back and compare them
    #[arg(long)]
    pub verify: bool,

    /// Leave holes where files have long runs of zeros
    #[arg(long)]
    pub sparse: bool,

    /// Restore owners and groups by name rather than by number
    #[arg(long)]
    pub ownership_by_name: bool,

    /// Inclusions.
    #[command(flatten)]
    pub include: IncludeArgs,
    /// Exclusions.
    #[command(flatten)]
    pub exclude: ExcludeArgs,
    /// Which extended attributes are restored.
    #[command(flatten)]
    pub attributes: AttributeArgs,
    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// How to treat existing files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OverwriteArgument {
    /// Overwrite where the content differs
    Always,
    /// Like always, but trust equal sizes and times
    IfChanged,
    /// Overwrite files that are older than in the snapshot
    IfNewer,
    /// Keep existing files
    Never,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let filter = select::filter(&args.filter)?;
    let rules = Rules::new(args, context)?;
    if args.delete {
        delete::check_target(args, !rules.is_empty())?;
    }
    let repository = context.open()?;
    let chosen = select::choose(context, &repository, args.snapshot.as_deref(), args.at, &filter)?;
    let root = select::root(&repository, &chosen, &args.part)?;
    let ownership = if args.ownership_by_name { Ownership::ByName } else { Ownership::ById };
    let options = FsTargetOptions {
        ownership,
        sparse: args.sparse,
        attributes: patterns::attributes(&args.attributes)?,
        ..FsTargetOptions::default()
    };
    let (target, _empty) = open_target(args, options)?;
    context.output.note(
        0,
        &format!(
            "restoring snapshot {} of {} to {}",
            chosen.info.id.short(),
            text::time(chosen.info.snapshot.time, &environment::time_zone()),
            escape::path(&args.target)
        ),
    )?;
    if let Folder::Sources(sources) = root.folder() {
        let names: Vec<_> = sources.iter().map(|source| escape::name(&source.name)).collect();
        let names = names.join(", ");
        context.output.note(0, &format!("each source is restored into its own folder: {names}"))?;
    }
    if root.folder().has_keys() {
        let message = "objects of buckets become files; only restore-app restores their other \
        properties, such as headers and tags";
        context.output.note(0, message)?;
    }
    let above = Above::new(&chosen.info.snapshot, args.part.source.as_deref(), &chosen.subfolder);
    let select = |path: &[u8], is_directory: bool| match rules.selection(path, is_directory) {
        Selection::Take if is_directory && above.contains(path) => Selection::Make,
        selection => selection,
    };
    let is_wanted = |path: &[u8]| select(path, true) != Selection::Skip;
    lacks::fall_short(context, &chosen, &args.part, &is_wanted, "holdfast restore");
    let start = Instant::now();
    let watcher = Watcher::start(context, Activity::Restore, None)?;
    let own = delete::own(context);
    let (repository, target) = (&repository, &target as &dyn Target);
    let job = delete::DeletionJob { repository, chosen: &chosen, root: &root, target, own: &own };
    let deletion = match args.delete {
        true => Some(delete::plan(&job, args, &select, context, &watcher)?),
        false => None,
    };
    let options = RestoreOptions {
        overwrite: args.overwrite.into(),
        delete: deletion.as_ref(),
        dry_run: args.dry_run,
        verify: args.verify,
        window_bytes: WINDOW_BYTES,
    };
    let report = restore(repository, root.folder().clone(), target, &select, &options, &watcher);
    drop(watcher);
    let report = report?;
    tell(context, args, &report, start)?;
    rules.end(context, report.total_files)
}

/// With `--dry-run` the target is not even created: an empty folder takes its place, and is removed
/// when dropped.
fn open_target(
    args: &Args,
    options: FsTargetOptions,
) -> CommandResult<(FsTarget, Option<TempDir>)> {
    let failed = |error: TargetError| {
        CommandError::failed(format!("{}: {error}", escape::path(&args.target)))
    };
    if !args.dry_run || args.target.exists() {
        return Ok((FsTarget::open(&args.target, options).map_err(failed)?, None));
    }
    let folder = scratch_folder()?;
    Ok((FsTarget::open(folder.path(), options).map_err(failed)?, Some(folder)))
}

impl From<OverwriteArgument> for Policy {
    fn from(overwrite: OverwriteArgument) -> Policy {
        match overwrite {
            OverwriteArgument::Always => Policy::Always,
            OverwriteArgument::IfChanged => Policy::IfChanged,
            OverwriteArgument::IfNewer => Policy::IfNewer,
            OverwriteArgument::Never => Policy::Never,
        }
    }
}

fn tell(context: &Context, args: &Args, report: &RestoreReport, start: Instant) -> CommandResult {
    let elapsed = start.elapsed();
    if context.output.style().json {
        context.output.json(&RestoreSummary::new(elapsed.as_secs(), counts(report)))?;
    } else {
        let verb = if args.dry_run { "would restore" } else { "restored" };
        context.output.note(
            0,
            &format!(
                "{verb} {} ({}) in {}; {} ({}) unchanged; {} deleted",
                text::count(report.files_restored, "entry", "entries"),
                text::size(report.bytes_restored),
                text::duration(elapsed),
                report.files_skipped,
                text::size(report.bytes_skipped),
                report.files_deleted
            ),
        )?;
        if args.verify && !args.dry_run {
            let files = text::count(report.files_verified, "file", "files");
            let that = if report.errors == 0 { ": all match" } else { " that match" };
            context.output.note(0, &format!("verified {files}{that} the snapshot"))?;
        }
    }
    if report.errors > 0 {
        let entries = text::count(report.errors, "entry", "entries");
        return Err(CommandError::failed(format!("{entries} could not be restored")));
    }
    select::told_of_keys(report.renamed, "every object was restored")
}

fn counts(report: &RestoreReport) -> RestoreCounts {
    RestoreCounts {
        total_files: report.total_files,
        files_restored: report.files_restored,
        files_skipped: report.files_skipped,
        files_deleted: report.files_deleted,
        total_bytes: report.total_bytes,
        bytes_restored: report.bytes_restored,
        bytes_skipped: report.bytes_skipped,
    }
}
