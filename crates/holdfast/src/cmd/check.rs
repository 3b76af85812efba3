//! `check`: check the repository for damage.

use std::path::Path;

use holdfast_engine::check::{CheckOptions, CheckReport, DamageFinding, ReadData, Subset, check};
use holdfast_format::ObjectId;

use crate::context::Context;
use crate::environment;
use crate::errors::remedy;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::lacks;
use crate::output::json::maintenance::{CheckErrorMessage, CheckSummary};
use crate::output::progress::Activity;
use crate::output::{escape, text};
use crate::parse::{Age, ReadDataSubset};
use crate::watch::Watcher;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast check
      structure only: everything the snapshots refer to exists
  holdfast check --read-data
      read and verify every byte
  holdfast check --read-data-subset 1/7
      a seventh of the data: with 2/7 the next day and so on, all of it in a week
  holdfast check --read-data --max-age 30d
      read only what was not verified in the last 30 days

Every damaged object is reported, with the affected files and the command to run next.";

/// Check the repository for damage
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Read and verify all data
    #[arg(long, conflicts_with = "read_data_subset")]
    pub read_data: bool,

    /// Read and verify a part: n/t, a percentage or a size
    #[arg(long, value_name = "SUBSET")]
    pub read_data_subset: Option<ReadDataSubset>,

    /// Skip data that was verified within this time, as in 30d
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<Age>,

    /// Trust the local index cache instead of reading all index objects
    #[arg(long)]
    pub with_cache: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let repository = match args.with_cache {
        true => context.open()?,
        false => context.open_without_cache()?,
    };
    let now = environment::now();
    let options = CheckOptions {
        read: args.read(),
        max_age: args.max_age.map(|age| age.0.as_secs()),
        now,
        seed: now.as_nanosecond() as u64,
        cache_folder: repository.local_folder().map(Path::to_owned),
    };
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let report = check(&repository, &options, &watcher);
    drop(watcher);
    lacks::count(context, &repository.history().snapshots(), None);
    tell(context, &report?)
}

impl Args {
    fn read(&self) -> ReadData {
        let subset = self.read_data_subset.map(|subset| match subset {
            ReadDataSubset::Part { number, total } => Subset::Part { number, of: total },
            ReadDataSubset::Percent(percent) => Subset::Share(percent / 100.0),
            ReadDataSubset::Bytes(bytes) => Subset::Bytes(bytes),
        });
        match (self.read_data, subset) {
            (true, _) => ReadData::All,
            (false, Some(subset)) => ReadData::Subset(subset),
            (false, None) => ReadData::None,
        }
    }
}

fn tell(context: &Context, report: &CheckReport) -> CommandResult {
    let errors = report.findings.len() as u64;
    if context.output.style().json {
        for finding in &report.findings {
            context.output.json_error(&CheckErrorMessage::of(finding));
        }
        let broken: Vec<String> = report.broken_packs.iter().map(ObjectId::to_hex).collect();
        context.output.json(&CheckSummary {
            message_type: "summary",
            num_errors: errors,
            broken_packs: (!broken.is_empty()).then_some(broken),
            suggest_repair_index: report.suggest_repair_index,
            suggest_prune: report.suggest_prune,
        })?;
    } else {
        for finding in &report.findings {
            describe(context, finding);
        }
        for line in lines(report) {
            context.output.note(0, &line)?;
        }
    }
    match errors {
        0 => Ok(()),
        _ => Err(CommandError::new(
            ExitKind::Damaged,
            format!("the repository is damaged: {}", text::count(errors, "error", "errors")),
        )),
    }
}

/// Reports the damage, the affected files and what to do next.
fn describe(context: &Context, finding: &DamageFinding) {
    context.output.warn(&format!("{}: {}", finding.object, finding.message));
    for (snapshot, path) in &finding.files {
        context.output.warn(&format!("  affects {} in snapshot {snapshot}", escape::name(path)));
    }
    let more = finding.files_count.saturating_sub(finding.files.len() as u64);
    if more > 0 {
        context.output.warn(&format!("  and {}", text::count(more, "more file", "more files")));
    }
    context.output.warn(&format!("  next: {}", remedy(finding.remedy)));
}

fn lines(report: &CheckReport) -> Vec<String> {
    let mut lines = vec![format!(
        "checked {}, {}, {}, {}",
        text::count(report.snapshots, "snapshot", "snapshots"),
        text::count(report.packs, "pack", "packs"),
        text::count(report.nodes, "tree node", "tree nodes"),
        text::count(report.files, "file", "files"),
    )];
    if report.packs_read + report.packs_recently_verified > 0 {
        lines.push(format!(
            "read and verified {} ({}); {} verified earlier",
            text::count(report.packs_read, "pack", "packs"),
            text::size(report.bytes_read),
            report.packs_recently_verified,
        ));
    }
    if report.findings.is_empty() {
        lines.push("no damage was found".to_owned());
    }
    if report.suggest_prune {
        lines.push("more than 5 % of the repository is unused: holdfast prune".to_owned());
    }
    lines
}
