//! `stats`: show sizes and counts.

use std::collections::HashSet;

use clap::ValueEnum;
use holdfast_engine::look::{Stats as Counted, StatsMode, stats};

use crate::cmd::ls::stream::Listener;
use crate::cmd::shared::{SnapshotFilterArgs, SourceArgs};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::maintenance::StatsDocument;
use crate::output::text;
use crate::{lacks, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast stats latest
      the space that restoring the newest snapshot would take
  holdfast stats --mode raw-data
      the space that the repository takes, and how much compression saves
  holdfast stats --mode files-by-contents --host web";

/// Show sizes and counts
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only these snapshots: ids or prefixes, latest, latest~N
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// What to count
    #[arg(long, value_name = "MODE", default_value = "restore-size")]
    pub mode: StatsModeArgument,

    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// What to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatsModeArgument {
    /// Bytes of the restored files
    RestoreSize,
    /// Bytes of files, counting equal contents once
    FilesByContents,
    /// Bytes in the repository
    RawData,
    /// Bytes of blobs, counted once for each file that uses them
    BlobsPerFile,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let filter = select::filter(&args.filter)?;
    let repository = context.open()?;
    let mut snapshots = select::choose_all(context, &repository, &args.snapshots, &filter)?;
    let mut seen = HashSet::new();
    snapshots.retain(|info| seen.insert(info.id));
    let roots = select::roots(snapshots, &args.part)?;
    let infos = roots.iter().map(|(info, _)| info);
    lacks::count(context, infos, args.part.source.as_deref());
    let roots: Vec<_> = roots.into_iter().map(|(_, root)| root.as_stored()).collect();
    let listener = Listener::new(context);
    let counted = stats(&repository, &roots, args.mode.into(), &listener)?;
    match context.output.style().json {
        true => context.output.json(&StatsDocument::of(&counted))?,
        false => context.output.line(&block(args.mode, &counted))?,
    }
    listener.end()
}

impl From<StatsModeArgument> for StatsMode {
    fn from(mode: StatsModeArgument) -> StatsMode {
        match mode {
            StatsModeArgument::RestoreSize => StatsMode::RestoreSize,
            StatsModeArgument::FilesByContents => StatsMode::FilesByContents,
            StatsModeArgument::RawData => StatsMode::RawData,
            StatsModeArgument::BlobsPerFile => StatsMode::BlobsPerFile,
        }
    }
}

/// The counts as restic prints them, without those that the mode does not include.
fn block(mode: StatsModeArgument, counted: &Counted) -> String {
    let name = mode.to_possible_value().map(|value| value.get_name().to_owned());
    let mut lines = vec![format!("Stats in {} mode:", name.unwrap_or_default())];
    let mut line = |is_counted: bool, title: &str, value: String| {
        if is_counted {
            lines.push(format!("{title:>25}  {value}"));
        }
    };
    let of = counted;
    line(true, "Snapshots processed:", of.snapshots_count.to_string());
    line(of.total_blob_count > 0, "Total Blob Count:", of.total_blob_count.to_string());
    line(of.total_file_count > 0, "Total File Count:", of.total_file_count.to_string());
    let uncompressed = of.total_uncompressed_size;
    line(uncompressed > 0, "Total Uncompressed Size:", text::size(uncompressed));
    line(true, "Total Size:", text::size(of.total_size));
    let is_compressed = of.compression_ratio > 0.0;
    line(is_compressed, "Compression Ratio:", format!("{:.2}x", of.compression_ratio));
    let saving = of.compression_space_saving;
    line(is_compressed, "Compression Space Saving:", format!("{saving:.2}%"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_counted_is_printed() {
        let counted = Counted { total_size: 2048, snapshots_count: 1, ..Counted::default() };
        insta::assert_snapshot!(block(StatsModeArgument::FilesByContents, &counted), @r"
        Stats in files-by-contents mode:
             Snapshots processed:  1
                      Total Size:  2.000 KiB
        ");
        let counted = Counted {
            total_uncompressed_size: 4096,
            compression_ratio: 2.0,
            compression_space_saving: 50.0,
            total_blob_count: 7,
            ..counted
        };
        insta::assert_snapshot!(block(StatsModeArgument::RawData, &counted), @r"
        Stats in raw-data mode:
             Snapshots processed:  1
                Total Blob Count:  7
         Total Uncompressed Size:  4.000 KiB
                      Total Size:  2.000 KiB
               Compression Ratio:  2.00x
        Compression Space Saving:  50.00%
        ");
    }
}
