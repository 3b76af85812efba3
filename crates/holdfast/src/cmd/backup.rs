//! `backup`: files, or what a command prints, as a new snapshot.

mod expectation;

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::{ValueEnum, ValueHint};

use holdfast_connect::Source;
use holdfast_connect::command::{CommandSource, StoppableReader, StreamEntry, StreamSource};
use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_engine::EngineError;
use holdfast_engine::backup::{
    BackupOptions, BackupReport, CaptureOptions, Compare, SourceOptions, backup,
};
use holdfast_engine::retention::GroupBy;
use holdfast_engine::selection::{SnapshotFilter, SnapshotSelector};
use holdfast_format::SessionId;
use holdfast_format::config::ChunkProfile as Profile;
use holdfast_format::entry::FileTime;
use holdfast_format::record::{Snapshot, SnapshotSummary, Text};
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

use crate::cmd::shared::{ExcludeArgs, GROUP_BY_HELP};
use crate::context::Context;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::json::backup::Summary;
use crate::output::progress::Activity;
use crate::output::{convert, text};
use crate::parse::{ExcludeIfPresent, Size, TagList};
use crate::watch::Watcher;
use crate::{environment, parse, paths, patterns, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast backup ~/documents ~/pictures
  holdfast backup / --one-file-system --exclude-caches -e '*.tmp' -e /var/cache
  holdfast backup --stdin-filename app.sql --stdin-from-command -- pg_dump app
      makes no snapshot if pg_dump fails
  holdfast backup --dry-run -vv ~/documents
      names every file that would be read

Exit code 3 says that the snapshot was made, but some files could not be read.";

/// Back up files, or what a command prints, as a new snapshot
///
/// Only what changed since the last snapshot of the same host and paths is read, and only what
/// the repository does not hold yet is stored. A run that was interrupted goes on where it was
/// when it is started again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files and folders to back up
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    #[arg(required_unless_present_any = FROM_ELSEWHERE)]
    pub paths: Vec<PathBuf>,

    /// Write nothing; say what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// What is left out.
    #[command(flatten)]
    pub exclude: ExcludeArgs,
    /// What else is left out.
    #[command(flatten)]
    pub skip: SkipArgs,
    /// What is read.
    #[command(flatten)]
    pub from: FromArgs,
    /// What the snapshot says.
    #[command(flatten)]
    pub label: LabelArgs,
    /// How it is compared.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// How it is read.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

const FROM_ELSEWHERE: [&str; 5] =
    ["files_from", "files_from_verbatim", "files_from_raw", "stdin", "stdin_from_command"];

/// What else is left out.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Leaving out")]
pub struct SkipArgs {
    /// Leave out folders that hold a file NAME (that begins with HEADER), except for that file
    #[arg(long, value_name = "NAME[:HEADER]")]
    pub exclude_if_present: Vec<ExcludeIfPresent>,

    /// Leave out folders that a CACHEDIR.TAG marks as caches
    #[arg(long)]
    pub exclude_caches: bool,

    /// Leave out files above this size, as in 500M
    #[arg(long, value_name = "SIZE")]
    pub exclude_larger_than: Option<Size>,

    /// Leave out what .gitignore files name
    #[arg(long)]
    pub gitignore: bool,

    /// Do not enter other file systems
    #[arg(short = 'x', long)]
    pub one_file_system: bool,
}

/// What is read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Reading from elsewhere")]
pub struct FromArgs {
    /// Back up what the patterns in this file match, one per line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from: Vec<PathBuf>,

    /// Back up the paths in this file, one per line, taken as they are
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from_verbatim: Vec<PathBuf>,

    /// Back up the paths in this file, each followed by a zero byte
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from_raw: Vec<PathBuf>,

    /// Back up standard input as one file
    #[arg(long, conflicts_with_all = ["paths", "files_from", "files_from_verbatim"])]
    #[arg(conflicts_with_all = ["files_from_raw", "stdin_from_command"])]
    pub stdin: bool,

    /// Back up what the command after -- prints; no snapshot is made if it fails
    #[arg(long, requires = "paths")]
    #[arg(conflicts_with_all = ["files_from", "files_from_verbatim", "files_from_raw"])]
    pub stdin_from_command: bool,

    /// Name of the file that standard input or the command fills
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    #[arg(value_parser = OsStringValueParser::new().try_map(|it| parse::stream_name(&it)))]
    pub stdin_filename: PathBuf,
}

/// What the snapshot says about itself.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The snapshot")]
pub struct LabelArgs {
    /// Tags of the snapshot
    #[arg(long = "tag", value_name = "TAG[,TAG...]")]
    pub tags: Vec<TagList>,

    /// Host that the snapshot is of [default: this machine's name]
    #[arg(short = 'H', long, value_name = "HOST", value_hint = ValueHint::Hostname)]
    #[arg(env = "HOLDFAST_HOST", hide_env_values = true)]
    pub host: Option<String>,

    /// Time of the snapshot, as in "2026-09-01 14:00:00" [default: now]
    #[arg(long, value_name = "TIME", value_parser = select::time)]
    pub time: Option<Timestamp>,

    /// Make no snapshot if nothing changed since the parent
    #[arg(long)]
    pub skip_if_unchanged: bool,
}

/// How it is found out what changed.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "What counts as changed")]
pub struct CompareArgs {
    /// Compare with this snapshot [default: the newest of the same group]
    #[arg(long, value_name = "SNAPSHOT", value_parser = parse::checked::<SnapshotSelector>)]
    pub parent: Option<String>,

    /// Read every file again
    #[arg(short, long, conflicts_with = "parent")]
    pub force: bool,

    #[arg(short, long, value_name = "GROUP", default_value = "host,paths", help = GROUP_BY_HELP)]
    pub group_by: GroupBy,

    /// Do not look at the time of the last change of metadata
    #[arg(long, env = "HOLDFAST_IGNORE_CTIME", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub ignore_ctime: bool,

    /// Do not look at inode numbers, nor at the time of the last change of metadata
    #[arg(long, env = "HOLDFAST_IGNORE_INODE", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub ignore_inode: bool,

    /// Store the time of the last access too
    #[arg(long)]
    pub with_atime: bool,
}

/// How it is read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Reading")]
pub struct ReadingArgs {
    /// Do not count the work in advance for the progress display
    #[arg(long)]
    pub no_scan: bool,

    /// How many files are read at the same time
    #[arg(long, value_name = "N", env = "HOLDFAST_READ_CONCURRENCY", hide_env_values = true)]
    #[arg(value_parser = parse::number::<1, 1024>)]
    pub read_concurrency: Option<u32>,

    /// How finely data is cut [default: dump for standard input and commands, else file]
    #[arg(long, value_name = "PROFILE")]
    pub chunk_profile: Option<ChunkProfile>,
}

/// How finely data is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChunkProfile {
    /// About 8 KiB: database dumps
    Dump,
    /// About 256 KiB: files
    File,
    /// About 4 MiB: large files that change as a whole, such as videos
    Media,
}

impl Args {
    /// The command of `--stdin-from-command` and its arguments.
    pub fn command(&self) -> Option<Vec<OsString>> {
        let words = || self.paths.iter().map(|word| word.clone().into_os_string()).collect();
        self.from.stdin_from_command.then(words)
    }
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let start = environment::now();
    let work = Work::plan(args, context)?;
    let repository = context.open()?;
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
        // Reading failed because the user wanted it to end.
        EngineError::Stream(_) if context.is_interrupted() => stream_interrupted(),
        EngineError::Interrupted if work.is_stream() => stream_interrupted(),
        error => error.into(),
    });
    tell(args, context, &report?, start)
}

/// Half a stream is worth nothing, so nothing was kept but its chunks.
fn stream_interrupted() -> CommandError {
    CommandError::new(ExitKind::Interrupted, "interrupted, so no snapshot was made")
        .hint("run the same command again; what is stored already is not stored again")
}

/// What is to be read, and how.
struct Work {
    from: From,
    fs: FsOptions,
    filter: Filter,
    excludes: Vec<Text>,
    stop: Arc<AtomicBool>,
}

enum From {
    Paths(Vec<PathBuf>),
    Stdin(StreamEntry),
    Command(Vec<OsString>, StreamEntry),
}

impl Work {
    fn plan(args: &Args, context: &Context) -> CommandResult<Work> {
        let (filter, excludes) = patterns::filter(&args.exclude, &context.environment)?;
        let skip = &args.skip;
        let fs = FsOptions {
            one_file_system: skip.one_file_system,
            with_atime: args.compare.with_atime,
            exclude_caches: skip.exclude_caches,
            exclude_if_present: skip
                .exclude_if_present
                .iter()
                .map(ExcludeIfPresent::bytes)
                .collect(),
            exclude_larger_than: skip.exclude_larger_than.map(|size| size.0),
            gitignore: skip.gitignore,
            ..FsOptions::default()
        };
        let from = match args.command() {
            Some(command) => From::Command(command, stream_entry(args, context)),
            None if args.from.stdin => From::Stdin(stream_entry(args, context)),
            None => From::Paths(paths::all(&args.paths, &args.from, context)?),
        };
        Ok(Work { from, fs, filter, excludes, stop: Arc::clone(&context.interrupted) })
    }

    fn is_stream(&self) -> bool {
        !matches!(self.from, From::Paths(_))
    }

    fn source(&self) -> io::Result<Box<dyn Source>> {
        Ok(match &self.from {
            From::Paths(paths) => {
                Box::new(FsSource::new(paths.clone(), self.fs.clone(), self.filter.clone())?)
            }
            From::Stdin(entry) => {
                let stdin = io::stdin().as_fd().try_clone_to_owned()?;
                let reader = StoppableReader::new(stdin, Arc::clone(&self.stop));
                Box::new(StreamSource::stdin(Box::new(reader), entry)?)
            }
            From::Command(command, entry) => {
                let stop = Arc::clone(&self.stop);
                Box::new(CommandSource::new(command.clone(), entry.clone(), stop)?)
            }
        })
    }

    /// The paths that the snapshot records.
    fn recorded_paths(&self) -> Vec<Text> {
        match &self.from {
            From::Paths(paths) => {
                let mut paths: Vec<Text> =
                    paths.iter().map(|path| Text(path.as_os_str().as_bytes().to_vec())).collect();
                paths.sort();
                paths.dedup();
                paths
            }
            From::Stdin(entry) | From::Command(_, entry) => {
                vec![Text([b"/", entry.file_name.as_slice()].concat())]
            }
        }
    }

    fn options(
        &self,
        args: &Args,
        context: &Context,
        repository: &Repository,
        start: Timestamp,
    ) -> CommandResult<BackupOptions> {
        let snapshot = self.record(args, context, start)?;
        let parents = match self.is_stream() || args.compare.force {
            true => Vec::new(),
            false => parents(args, context, repository, &snapshot)?,
        };
        let ignore_inode = args.compare.ignore_inode;
        let compare =
            Compare { ctime: !args.compare.ignore_ctime && !ignore_inode, inode: !ignore_inode };
        let connector = if self.is_stream() { "stream" } else { "files" };
        Ok(BackupOptions {
            capture: CaptureOptions {
                snapshot,
                parents,
                write: WriteOptions { dry_run: args.dry_run, ..context.write_options() },
            },
            source: SourceOptions {
                name: connector.to_owned(),
                connector: connector.to_owned(),
                profile: args.reading.profile(self.is_stream()),
                compare,
                read_concurrency: args.reading.read_concurrency.unwrap_or(0) as usize,
                count_first: false,
                is_stream: self.is_stream(),
            },
            skip_if_unchanged: args.label.skip_if_unchanged,
        })
    }

    /// The record, but for what the run itself finds out.
    fn record(&self, args: &Args, context: &Context, start: Timestamp) -> CommandResult<Snapshot> {
        if args.label.time.is_some_and(|time| time > start) {
            context.output.caution(
                "the snapshot is dated in the future: until then it is the latest, and no rule of \
                 forget counts it or removes it",
            );
        }
        let summary = SnapshotSummary { backup_start: Some(start), ..SnapshotSummary::default() };
        Ok(Snapshot {
            time: args.label.time.unwrap_or(start),
            host: context.host_name(args.label.host.as_deref()),
            user: context.environment.user_name(),
            uid: environment::user_id(),
            gid: environment::group_id(),
            paths: self.recorded_paths(),
            tags: args.label.tags.iter().flat_map(|list| list.0.clone()).collect(),
            excludes: self.excludes.clone(),
            program: format!("holdfast {}", env!("CARGO_PKG_VERSION")),
            parent: None,
            partial: false,
            sources: Vec::new(),
            application: None,
            session: SessionId::from_bytes([0; 32]),
            index: Vec::new(),
            summary,
        })
    }
}

impl ReadingArgs {
    fn profile(&self, is_stream: bool) -> Profile {
        match self.chunk_profile {
            Some(ChunkProfile::Dump) => Profile::Dump,
            Some(ChunkProfile::File) => Profile::File,
            Some(ChunkProfile::Media) => Profile::Media,
            None if is_stream => Profile::Dump,
            None => Profile::File,
        }
    }
}

fn stream_entry(args: &Args, context: &Context) -> StreamEntry {
    let now = environment::now();
    let name = args.from.stdin_filename.as_os_str().as_bytes();
    let start = name.iter().position(|byte| *byte != b'/').unwrap_or(name.len());
    StreamEntry {
        file_name: name[start..].to_vec(),
        time: FileTime {
            seconds: now.as_second(),
            nanoseconds: now.subsec_nanosecond().unsigned_abs(),
        },
        uid: environment::user_id(),
        gid: environment::group_id(),
        user: context.environment.user_name().into_bytes(),
        group: Vec::new(),
    }
}

/// Snapshots to compare with: an unfinished one that is newer than the newest complete one, and
/// that one.
fn parents(
    args: &Args,
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
) -> CommandResult<Vec<SnapshotInfo>> {
    if let Some(text) = &args.compare.parent {
        let filter = SnapshotFilter::default();
        return Ok(vec![select::choose(context, repository, Some(text), None, &filter)?.info]);
    }
    let group = args.compare.group_by;
    let is_same_group = |info: &SnapshotInfo| {
        let it = &info.snapshot;
        (!group.host || it.host == snapshot.host)
            && (!group.paths || it.paths == snapshot.paths)
            && (!group.tags || it.tags == snapshot.tags)
    };
    let mut found = Vec::new();
    let mut snapshots = repository.history().snapshots();
    // One dated in the future would stay the parent of all that follow until then.
    let now = environment::now();
    snapshots.sort_by_key(|info| info.snapshot.time <= now);
    for info in snapshots.into_iter().rev().filter(is_same_group) {
        let is_complete = !info.snapshot.partial;
        found.push(info);
        if is_complete {
            break;
        }
    }
    Ok(found)
}

/// Says what was done; a partial success is an error of its own kind.
fn tell(args: &Args, context: &Context, report: &BackupReport, start: Timestamp) -> CommandResult {
    let end = environment::now();
    let summary = &report.record.summary;
    let id = report.snapshot.as_ref().map(|info| info.id);
    if context.output.style().json {
        let mut message = Summary::new(convert::counts(summary), start, end);
        message.dry_run = args.dry_run;
        message.snapshot_id = id.map(|id| id.to_hex());
        context.output.json(&message)?;
    } else {
        for line in lines(summary, end.duration_since(start).unsigned_abs()) {
            context.output.note(0, &line)?;
        }
        let last = match id {
            Some(id) => format!("snapshot {} saved", id.short()),
            None => "no snapshot was made".to_owned(),
        };
        context.output.note(0, &last)?;
    }
    match summary.errors {
        0 => Ok(()),
        errors => Err(CommandError::new(
            ExitKind::Partial,
            format!("{} could not be read", text::count(errors, "entry", "entries")),
        )),
    }
}

fn lines(summary: &SnapshotSummary, time: std::time::Duration) -> [String; 4] {
    let s = summary;
    [
        format!(
            "files: {} new, {} changed, {} unmodified",
            s.files_new, s.files_changed, s.files_unmodified
        ),
        format!(
            "dirs:  {} new, {} changed, {} unmodified",
            s.dirs_new, s.dirs_changed, s.dirs_unmodified
        ),
        format!("added: {} ({} stored)", text::size(s.data_added), text::size(s.data_added_packed)),
        format!(
            "processed {}, {} in {}",
            text::count(s.total_files_processed, "file", "files"),
            text::size(s.total_bytes_processed),
            text::duration(time)
        ),
    ]
}
