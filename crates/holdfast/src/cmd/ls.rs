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
      the entries of one folder; --recursive includes all below it
  holdfast ls latest:/srv/www
      paths are relative to that folder
  holdfast ls latest --source documents /objects/2024
      objects of a bucket whose keys begin with 2024/
  holdfast ls --ncdu latest | ncdu -f -
      browse what takes up the space
  holdfast ls --host web --sort size --reverse --human-readable -l latest";

/// List the entries of a snapshot
///
/// Bytes in names that could harm a terminal are printed as \xNN.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// An id or prefix, latest, or latest~N; :FOLDER starts at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub snapshot: String,

    /// List only these folders
    #[arg(value_name = "FOLDER")]
    pub folders: Vec<std::path::PathBuf>,

    /// Show permissions, owner, size and time
    #[arg(short, long)]
    pub long: bool,

    /// With folders: also list everything below them
    #[arg(long)]
    pub recursive: bool,

    /// Print sizes in KiB, MiB, GiB
    #[arg(long)]
    pub human_readable: bool,

    /// Print everything in ncdu's format, to see what takes up the space
    #[arg(long, conflicts_with_all = ["json", "long", "human_readable", "sort", "reverse"])]
    pub ncdu: bool,

    /// Order of the entries
    #[arg(short, long, value_name = "ORDER", default_value = "name")]
    pub sort: SortOrder,

    /// Reverse the order
    #[arg(long)]
    pub reverse: bool,

    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Order of the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortOrder {
    /// By path
    Name,
    /// By size, largest first
    Size,
    /// By time of the last change of content, newest first
    #[value(alias = "mtime")]
    Time,
    /// By time of the last access, newest first
    Atime,
    /// By time of the last change of metadata, newest first
    Ctime,
    /// By the part of the name after the last dot
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

/// Prints the snapshot whose entries follow.
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
