//! `dump`: print one file, or a folder as an archive.

mod file;

use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{ValueEnum, ValueHint};
use holdfast_app::restore::{EmitTo, emit_database};
use holdfast_connect::postgres::EmitForm;
use holdfast_engine::EngineError;
use holdfast_engine::look::{ArchiveFormat as Format, SnapshotRoot, dump};
use holdfast_format::entry::{EntryKind, Metadata};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;

use crate::cmd::ls::stream::{Listener, told_of_unread};
use crate::cmd::shared::{SnapshotFilterArgs, SourceArgs};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::maintenance::Written;
use crate::output::progress::Activity;
use crate::output::{StdoutWriter, escape, text};
use crate::watch::Watcher;
use crate::{lacks, select};
use file::NewFile;

/// Permissions of a new archive: it may hold files that only their owner could read.
const ARCHIVE_MODE: u32 = 0o600;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast dump latest /stdin | psql app
  holdfast dump latest:/srv/www index.html
  holdfast dump latest /srv/www > www.tar
  holdfast dump -a zip -t www.zip latest /srv/www
  holdfast dump --source documents latest /objects/2024/a.pdf > a.pdf
      an object of a bucket by its key; /objects/2024/ for all keys with that prefix
  holdfast dump -a custom -t app.dump --source database latest /databases/app
      a database captured by holdfast run, for pg_restore
  holdfast dump -a sql --source database latest /databases/app | psql new";

/// Print one file, a folder as an archive, or a database as a dump
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// An id or prefix, latest, or latest~N; :FOLDER starts at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub snapshot: String,

    /// The file or folder; / for everything
    #[arg(value_name = "PATH")]
    pub path: PathBuf,

    /// Format of a folder or of a database dump
    #[arg(short, long, value_name = "FORMAT", default_value = "tar")]
    pub archive: ArchiveFormatArgument,

    /// Write to this file, or with -a directory to this folder, instead of standard output
    ///
    /// A new file gets the permissions of the dumped file; a new archive or database dump is
    /// readable by its owner only.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub target: Option<PathBuf>,

    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Format of a folder or of a database dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ArchiveFormatArgument {
    /// A folder with owners, links and extended attributes
    Tar,
    /// A folder, for other systems
    Zip,
    /// A database: one file for pg_restore (-Fc)
    Custom,
    /// A database: a folder for pg_restore (-Fd)
    Directory,
    /// A database: a script for psql, made by pg_restore
    Sql,
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
    let path = args.path.as_os_str().as_bytes();
    let is_wanted = |it: &[u8]| path == b"/" || it.starts_with(path) || path.starts_with(it);
    lacks::fall_short(context, &chosen, &args.part, &is_wanted, "holdfast dump");
    let place = root.resolve(&mut reader, path)?;
    let is_folder = place.folder().is_some();
    let format = match args.archive {
        ArchiveFormatArgument::Tar => Format::Tar,
        ArchiveFormatArgument::Zip => Format::Zip { deflate: true },
        ArchiveFormatArgument::Custom => {
            return database(args, context, &repository, &root, EmitForm::Custom);
        }
        ArchiveFormatArgument::Directory => {
            return database(args, context, &repository, &root, EmitForm::Directory);
        }
        ArchiveFormatArgument::Sql => {
            return database(args, context, &repository, &root, EmitForm::Sql);
        }
    };
    let Some(target) = &args.target else {
        if is_folder && io::stdout().is_terminal() {
            return Err(refuse_terminal(&args.path));
        }
        let mut out = StdoutWriter(&context.output);
        let dumped = dump(&repository, &root, path, format, &mut out, &Listener::new(context))?;
        told_of_unread(dumped.too_deep)?;
        return select::told_of_keys(dumped.renamed, "the archive is complete");
    };
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let mode = place.entry().map_or(ARCHIVE_MODE, |entry| mode_of(&entry.kind, &entry.metadata));
    let mut file = NewFile::create(target, mode).map_err(|error| cannot_write(target, &error))?;
    let dumped = dump(&repository, &root, path, format, &mut file, &watcher);
    drop(watcher);
    let dumped = dumped.map_err(|error| match error {
        EngineError::Output(error) => cannot_write(target, &error),
        other => other.into(),
    })?;
    file.finish().map_err(|error| cannot_write(target, &error))?;
    if context.output.style().json {
        let written = Written::new(target, Some(dumped.entries), Some(dumped.bytes));
        context.output.json(&written)?;
    }
    let entries = text::count(dumped.entries, "entry", "entries");
    let bytes = text::size(dumped.bytes);
    let target = escape::path(target);
    context.output.note(0, &format!("wrote {entries} ({bytes}) to {target}"))?;
    told_of_unread(dumped.too_deep)?;
    select::told_of_keys(dumped.renamed, "the archive is complete")
}

/// Writes the dump of a database.
fn database(
    args: &Args,
    context: &Context,
    repository: &Repository,
    root: &SnapshotRoot,
    form: EmitForm,
) -> CommandResult {
    let path = args.path.as_os_str().as_bytes();
    let stop = &context.interrupted;
    let Some(target) = &args.target else {
        if form == EmitForm::Directory {
            let message = "a dump in directory format cannot be printed";
            return Err(CommandError::usage(message).hint("-t FOLDER, or -a custom"));
        }
        if form == EmitForm::Custom && io::stdout().is_terminal() {
            return Err(refuse_terminal(&args.path));
        }
        let mut out = StdoutWriter(&context.output);
        let to = EmitTo::Stream(&mut out);
        return Ok(emit_database(repository, root, path, form, to, stop)?);
    };
    let watcher = Watcher::start(context, Activity::Other, None)?;
    let emitted = emit_database(repository, root, path, form, EmitTo::Path(target), stop);
    drop(watcher);
    emitted?;
    if context.output.style().json {
        return Ok(context.output.json(&Written::new(target, None, None))?);
    }
    let target = escape::path(target);
    Ok(context.output.note(0, &format!("wrote the dump to {target}"))?)
}

/// The permissions of the new file: a dumped file keeps its own, as far as the umask allows.
fn mode_of(kind: &EntryKind, metadata: &Metadata) -> u32 {
    match kind {
        EntryKind::File { .. } => metadata.mode & 0o777,
        _ => ARCHIVE_MODE,
    }
}

fn refuse_terminal(path: &Path) -> CommandError {
    let path = escape::path(path);
    CommandError::usage(format!("{path} is a folder: its archive cannot be shown on a terminal"))
        .hint("-t FILE, or > FILE")
        .hint("the path of a file in it")
}

fn cannot_write(target: &Path, error: &io::Error) -> CommandError {
    CommandError::path("write", target, error).hint("another -t FILE")
}
