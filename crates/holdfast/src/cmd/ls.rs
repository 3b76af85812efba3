//! `ls`: list the entries of a snapshot.

pub mod format;
mod ncdu;
mod sort;
pub mod stream;

use std::os::unix::ffi::OsStrExt;

use clap::ValueEnum;
use holdfast_engine::EngineError;
use holdfast_engine::look::{SnapshotRoot, ls};
use holdfast_format::entry::Entry;
use holdfast_repo::SnapshotInfo;
use holdfast_repo::read::BlobReader;

use crate::cmd::shared::{SnapshotFilterArgs, SourceArgs};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::listing::{LsNode, LsSnapshot};
use crate::output::{StdoutWriter, convert, escape, text};
use crate::{environment, lacks, select};
use format::Format;
use ncdu::Export;
use sort::Sorter;
use stream::{Listener, Stream, json_text};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast ls latest
  holdfast ls -l latest /etc
      the entries of one folder; --recursive for all below it too
  holdfast ls latest:/srv/www
      paths begin at that folder
  holdfast ls latest --source documents /objects/2024
      objects of a bucket whose keys begin with 2024/
  holdfast ls --ncdu latest | ncdu -f -
      what takes the space
  holdfast ls --host web --sort size --reverse --human-readable -l latest";

/// List the entries of a snapshot
///
/// Names that could harm a terminal are printed with \xNN in place of the dangerous bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which: an id or its beginning, latest, latest~N; :FOLDER begins at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub snapshot: String,

    /// Only these folders
    #[arg(value_name = "FOLDER")]
    pub folders: Vec<std::path::PathBuf>,

    /// Permissions, owner, size and time as well
    #[arg(short, long)]
    pub long: bool,

    /// With folders: also what is below them
    #[arg(long)]
    pub recursive: bool,

    /// Sizes in KiB, MiB, GiB
    #[arg(long)]
    pub human_readable: bool,

    /// Everything in the form that ncdu reads, to see what takes the space
    #[arg(long, conflicts_with_all = ["json", "long", "human_readable", "sort", "reverse"])]
    pub ncdu: bool,

    /// The order of entries
    #[arg(short, long, value_name = "ORDER", default_value = "name")]
    pub sort: SortOrder,

    /// The other way round
    #[arg(long)]
    pub reverse: bool,

    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// The order of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortOrder {
    /// By path
    Name,
    /// By size, the largest first
    Size,
    /// By time of the last change of content, the newest first
    #[value(alias = "mtime")]
    Time,
    /// By time of the last access
    Atime,
    /// By time of the last change of metadata
    Ctime,
    /// By what follows the last dot of the name
    Extension,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let filter = select::filter(&args.filter)?;
    let repository = context.open()?;
    let chosen = select::choose(context, &repository, Some(&args.snapshot), None, &filter)?;
    let mut reader = BlobReader::new(&repository);
    let root = select::root(&repository, &chosen, &args.part)?;
    lacks::warn(context, &chosen, &args.part);
    let paths: Vec<_> =
        args.folders.iter().map(|path| path.as_os_str().as_bytes().to_vec()).collect();
    if args.ncdu {
        return export(context, &mut reader, &root, &paths, &chosen.info);
    }
    begin(context, &chosen.info)?;
    let format = args.format();
    let is_json = context.output.style().json;
    let (stream, listener) = (Stream::new(context), Listener::new(context));
    let mut sorter = Sorter::new(args.sort, args.reverse);
    let mut each = |path: &[u8], entry: &Entry| -> Result<(), EngineError> {
        let line = match is_json {
            true => json_text(&LsNode::of(path, entry))?,
            false => format.line(path, entry),
        };
        match &mut sorter {
            Some(sorter) => sorter.push(entry, line)?,
            None => stream.line(&line)?,
        }
        Ok(())
    };
    ls(&mut reader, &root, &paths, args.recursive, &listener, &mut each)?;
    if let Some(sorter) = sorter {
        sorter.finish(|line| stream.line(line))?;
    }
    listener.end()
}

/// Prints what ncdu reads.
fn export(
    context: &Context,
    reader: &mut BlobReader<'_>,
    root: &SnapshotRoot,
    paths: &[Vec<u8>],
    info: &SnapshotInfo,
) -> CommandResult {
    let mut out = StdoutWriter(&context.output);
    let mut export = Export::begin(&mut out, info.snapshot.time)?;
    let listener = Listener::new(context);
    ls(reader, root, paths, true, &listener, &mut |path, entry| export.entry(path, entry))?;
    export.finish()?;
    listener.end()
}

impl Args {
    fn format(&self) -> Format {
        let zone = environment::time_zone();
        Format { long: self.long, human_readable: self.human_readable, zone }
    }
}

/// Says whose entries follow.
fn begin(context: &Context, info: &SnapshotInfo) -> CommandResult {
    if context.output.style().json {
        return Ok(context.output.json(&LsSnapshot::new(convert::snapshot(info)))?);
    }
    let it = &info.snapshot;
    let paths: Vec<_> = it.paths.iter().map(|path| escape::name(&path.0)).collect();
    let heading = format!(
        "snapshot {} of [{}] at {} by {}@{}:",
        info.id.short(),
        paths.join(", "),
        text::time(it.time, &environment::time_zone()),
        escape::text(&it.user),
        escape::text(&it.host)
    );
    Ok(context.output.note(0, &heading)?)
}
