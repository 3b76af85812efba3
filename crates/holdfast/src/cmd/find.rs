//! `find`: find files in all snapshots.

mod objects;

use std::io::Write;

use holdfast_connect::fs::filter::IncludeFilter;
use holdfast_engine::EngineError;
use holdfast_engine::look::{FindOptions, SnapshotRoot, find};
use holdfast_engine::selection::SnapshotSelector;
use holdfast_format::entry::{Entry, FileTime};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;
use serde::Serialize;

use crate::cmd::ls::format::Format;
use crate::cmd::ls::stream::{Listener, Stream, json_text};
use crate::cmd::shared::{SnapshotFilterArgs, SourceArgs};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::listing::{FindSnapshot, Match};
use crate::output::{StdoutWriter, text};
use crate::{environment, lacks, parse, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast find config.json
  holdfast find -l --newest '2026-09-01' '*.sql' '*.dump'
  holdfast find -s latest -i '/srv/**/REPORT*'
  holdfast find --source documents '2024/*.pdf'
      objects of a bucket by their keys
  holdfast find --blob 5a1f0e2b
      which files use this blob";

/// Find files in all snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Patterns for names or, with a slash, for paths; ids with --blob, --tree and --pack
    #[arg(value_name = "PATTERN", required = true)]
    pub patterns: Vec<String>,

    /// Ignore case
    #[arg(short, long)]
    pub ignore_case: bool,

    /// Show permissions, owner, size and time
    #[arg(short, long)]
    pub long: bool,

    /// Print sizes in KiB, MiB, GiB
    #[arg(long)]
    pub human_readable: bool,

    /// Only files changed at this time or later
    #[arg(short = 'O', long, value_name = "TIME", value_parser = select::time)]
    pub oldest: Option<Timestamp>,

    /// Only files changed at this time or before
    #[arg(short = 'N', long, value_name = "TIME", value_parser = select::time)]
    pub newest: Option<Timestamp>,

    /// Search only this snapshot; repeat for several
    #[arg(short = 's', long = "snapshot", value_name = "SNAPSHOT")]
    #[arg(value_parser = parse::checked::<SnapshotSelector>)]
    pub snapshots: Vec<String>,

    /// List the newest snapshot last
    #[arg(short = 'R', long)]
    pub reverse: bool,

    /// Treat the patterns as ids of data blobs
    #[arg(long, conflicts_with_all = ["tree", "pack"])]
    pub blob: bool,

    /// Treat the patterns as ids of tree blobs
    #[arg(long, conflicts_with = "pack")]
    pub tree: bool,

    /// Treat the patterns as ids of packs
    #[arg(long)]
    pub pack: bool,

    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let filter = select::filter(&args.filter)?;
    let options = args.options()?;
    let repository = context.open()?;
    let mut snapshots = select::choose_all(context, &repository, &args.snapshots, &filter)?;
    snapshots.sort_by_key(|info| (info.snapshot.time, info.sequence, info.id));
    snapshots.dedup_by_key(|info| info.id);
    if !args.reverse {
        snapshots.reverse();
    }
    let snapshots = select::roots(snapshots, &args.part)?;
    let infos = snapshots.iter().map(|(info, _)| info);
    lacks::count(context, infos, args.part.source.as_deref());
    if args.blob || args.tree || args.pack {
        return objects::run(args, context, &repository, &snapshots);
    }
    match context.output.style().json {
        true => find_json(context, &repository, &snapshots, &options),
        false => find_text(args, context, &repository, &snapshots, &options),
    }
}

impl Args {
    fn options(&self) -> CommandResult<FindOptions> {
        let none: &[String] = &[];
        let (exact, any_case) = match self.ignore_case {
            true => (none, self.patterns.as_slice()),
            false => (self.patterns.as_slice(), none),
        };
        let patterns = IncludeFilter::new(exact, any_case)
            .map_err(|error| CommandError::usage(error.to_string()))?;
        Ok(FindOptions {
            patterns,
            oldest: self.oldest.map(FileTime::from),
            newest: self.newest.map(FileTime::from),
        })
    }
}

fn find_text(
    args: &Args,
    context: &Context,
    repository: &Repository,
    snapshots: &[(SnapshotInfo, SnapshotRoot)],
    options: &FindOptions,
) -> CommandResult {
    let zone = environment::time_zone();
    let format = Format { long: args.long, human_readable: args.human_readable, zone };
    let (stream, listener) = (Stream::new(context), Listener::new(context));
    let mut reader = BlobReader::new(repository);
    let (mut hits, source) = (0_u64, args.part.source.as_deref());
    for (info, root) in snapshots {
        let mut is_first = true;
        let mut each = |path: &[u8], entry: &Entry| -> Result<(), EngineError> {
            if std::mem::replace(&mut is_first, false) && !context.output.style().quiet {
                let time = text::time(info.snapshot.time, &format.zone);
                let blank = if hits > 0 { "\n" } else { "" };
                let (id, mark) = (info.id.short(), lacks::mark(info, source));
                let heading = "Found matching entries in snapshot";
                stream.line(&format!("{blank}{heading} {id} from {time}{mark}"))?;
            }
            hits += 1;
            stream.line(&format.line(path, entry))
        };
        find(&mut reader, root, options, &listener, &mut each)?;
        context.output.flush()?;
    }
    if hits == 0 && !context.output.style().quiet {
        context.output.warn("nothing matches");
    }
    listener.end()
}

fn find_json(
    context: &Context,
    repository: &Repository,
    snapshots: &[(SnapshotInfo, SnapshotRoot)],
    options: &FindOptions,
) -> CommandResult {
    let listener = Listener::new(context);
    let mut reader = BlobReader::new(repository);
    let mut array = Array::new(context);
    for (info, root) in snapshots {
        let mut hits = 0;
        let mut each = |path: &[u8], entry: &Entry| -> Result<(), EngineError> {
            hits += 1;
            match hits {
                1 => array.separate().and_then(|()| array.write("{\"matches\":["))?,
                _ => array.write(",")?,
            }
            array.write(&json_text(&Match::of(path, entry))?)
        };
        find(&mut reader, root, options, &listener, &mut each)?;
        if hits > 0 {
            let end = json_text(&FindSnapshot { hits, snapshot: info.id.to_hex() })?;
            // The fields follow the list in the same object.
            array.write(&format!("],{}", &end[1..]))?;
        }
    }
    array.finish()?;
    listener.end()
}

/// A JSON array that is printed as it grows: matches in years of snapshots may not fit into
/// memory.
struct Array<'a> {
    out: StdoutWriter<'a>,
    is_begun: bool,
}

impl Array<'_> {
    fn new(context: &Context) -> Array<'_> {
        Array { out: StdoutWriter(&context.output), is_begun: false }
    }

    fn push(&mut self, element: &impl Serialize) -> Result<(), EngineError> {
        self.separate()?;
        self.write(&json_text(element)?)
    }

    /// Writes what precedes the next element.
    fn separate(&mut self) -> Result<(), EngineError> {
        let before = if std::mem::replace(&mut self.is_begun, true) { "," } else { "[" };
        self.write(before)
    }

    fn write(&mut self, text: &str) -> Result<(), EngineError> {
        self.out.write_all(text.as_bytes()).map_err(EngineError::Output)
    }

    fn finish(mut self) -> Result<(), EngineError> {
        self.write(if self.is_begun { "]\n" } else { "[]\n" })
    }
}
