//! `backup`: back up files, or the output of a command, as a new snapshot.

mod args;
mod expectation;
mod work;

use std::time::Duration;

use holdfast_engine::EngineError;
use holdfast_engine::backup::{BackupReport, backup};
use holdfast_engine::completeness::{self, Lack};
use holdfast_format::record::SnapshotSummary;
use jiff::Timestamp;

pub use args::{Args, FromArgs};
use work::BackupWork;

use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::json::backup::BackupSummary;
use crate::output::progress::Activity;
use crate::output::{convert, text};
use crate::watch::Watcher;

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let start = environment::now();
    if args.from.reads_stdin() {
        context.take_stdin();
    }
    let mut work = BackupWork::plan(args, context)?;
    context.go_by_all();
    let repository = context.open()?;
    work.leave_out_own(context)?;
    if !args.dry_run {
        context.fill_reserve();
    }
    let mut options = work.options(args, context, &repository, start)?;
    let share = expectation::share_to_read(&options.capture.parents);
    let watcher = Watcher::start(context, Activity::Backup, share)?;
    options.source.count_first = watcher.is_shown() && !args.reading.no_scan;
    if let Some(parent) = options.capture.parents.first() {
        context.output.note(0, &format!("using parent snapshot {}", parent.id.short()))?;
    }
    let report = backup(&repository, &|| work.source(), &options, &watcher);
    drop(watcher);
    let report = report.map_err(|error| match error {
        // Reading failed because the user interrupted it.
        EngineError::Stream(_) if context.is_interrupted() => stream_interrupted(),
        EngineError::Interrupted if work.is_stream() => stream_interrupted(),
        error => error.into(),
    });
    tell(args, context, &report?, start)
}

/// Part of a stream is of no use, so only its chunks were kept.
fn stream_interrupted() -> CommandError {
    CommandError::new(ExitKind::Interrupted, "interrupted, so no snapshot was made")
        .hint("run the same command again; data that was already stored is not stored again")
}

/// Prints the result; a partial success is an error of its own kind.
fn tell(args: &Args, context: &Context, report: &BackupReport, start: Timestamp) -> CommandResult {
    let summary = &report.record.summary;
    let end = summary.backup_end.unwrap_or_else(environment::now);
    let id = report.snapshot.as_ref().map(|info| info.id);
    if context.output.style().json {
        let mut message = BackupSummary::new(convert::counts(summary), start, end);
        message.dry_run = args.dry_run;
        if args.dry_run {
            message.counts.data_added_packed = None;
        }
        message.snapshot_id = id.map(|id| id.to_hex());
        context.output.json(&message)?;
    } else {
        for line in lines(summary, args.dry_run, end.duration_since(start).unsigned_abs()) {
            context.output.note(0, &line)?;
        }
        let last = match id {
            Some(id) => format!("snapshot {} saved", id.short()),
            None => "no snapshot was made".to_owned(),
        };
        context.output.note(0, &last)?;
    }
    let shrunk = completeness::lacks(&report.record, None).into_iter();
    for lack in shrunk.filter(|lack| matches!(lack, Lack::Shrunk { .. })) {
        context.output.caution(&format!(
            "the source may be incomplete: {lack}; forget keeps the last good \
             snapshot until a backup with --accept-shrunk"
        ));
    }
    match summary.errors {
        0 => Ok(()),
        errors => Err(CommandError::new(
            ExitKind::Partial,
            format!("{} could not be read", text::count(errors, "entry", "entries")),
        )),
    }
}

/// In the words of restic, which scripts look for.
fn lines(summary: &SnapshotSummary, dry_run: bool, time: Duration) -> [String; 6] {
    let s = summary;
    let counts = |title, new: u64, changed: u64, same: u64| {
        format!("{title:<11}{new:>6} new, {changed:>5} changed, {same:>5} unmodified")
    };
    let (would, stored) = match dry_run {
        true => ("Would add", String::new()),
        false => ("Added", format!(" ({} stored)", text::size(s.data_added_packed))),
    };
    [
        String::new(),
        counts("Files:", s.files_new, s.files_changed, s.files_unmodified),
        counts("Dirs:", s.dirs_new, s.dirs_changed, s.dirs_unmodified),
        format!("{would} to the repository: {}{stored}", text::size(s.data_added)),
        String::new(),
        format!(
            "processed {} files, {} in {}",
            s.total_files_processed,
            text::size(s.total_bytes_processed),
            text::duration(time)
        ),
    ]
}
