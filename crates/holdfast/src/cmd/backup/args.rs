//! The arguments of `backup`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::{ValueEnum, ValueHint};
use holdfast_engine::retention::GroupBy;
use holdfast_engine::selection::SnapshotSelector;
use holdfast_format::config::ChunkProfile as Profile;
use jiff::Timestamp;

use crate::cmd::shared::{ExcludeArgs, GROUP_BY_HELP};
use crate::parse::{ExcludeIfPresent, Size, TagListArgument};
use crate::{parse, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast backup ~/documents ~/pictures
  holdfast backup / --one-file-system --exclude-caches -e '*.tmp' -e /var/cache
  holdfast backup --stdin-filename app.sql --stdin-from-command -- pg_dump app
      makes no snapshot if pg_dump fails
  holdfast backup --dry-run -vv ~/documents
      lists every file that would be read

Exit code 3 means that the snapshot was made, but some files could not be read.";

/// Back up files, or the output of a command, as a new snapshot
///
/// Only files that changed since the last snapshot of the same host and paths are read, and only
/// data that the repository does not hold yet is stored. After an interruption, run the same
/// command again to continue.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files and folders to back up
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    #[arg(required_unless_present_any = FROM_ELSEWHERE)]
    pub paths: Vec<PathBuf>,

    /// Write nothing; show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Exclusions.
    #[command(flatten)]
    pub exclude: ExcludeArgs,
    /// More exclusions.
    #[command(flatten)]
    pub skip: SkipArgs,
    /// Where the input comes from.
    #[command(flatten)]
    pub from: FromArgs,
    /// What the snapshot records.
    #[command(flatten)]
    pub label: LabelArgs,
    /// How changes are detected.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// How it is read.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

const FROM_ELSEWHERE: [&str; 5] =
    ["files_from", "files_from_verbatim", "files_from_raw", "stdin", "stdin_from_command"];

/// More exclusions.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Excluding")]
pub struct SkipArgs {
    /// Exclude folders that hold a file NAME (beginning with HEADER), keeping only that file
    #[arg(long, value_name = "NAME[:HEADER]")]
    pub exclude_if_present: Vec<ExcludeIfPresent>,

    /// Exclude folders that a CACHEDIR.TAG marks as caches
    #[arg(long)]
    pub exclude_caches: bool,

    /// Exclude files larger than this, as in 500M
    #[arg(long, value_name = "SIZE")]
    pub exclude_larger_than: Option<Size>,

    /// Exclude what .gitignore files exclude
    #[arg(long)]
    pub gitignore: bool,

    /// Do not enter other file systems
    #[arg(short = 'x', long)]
    pub one_file_system: bool,
}

/// Where the input comes from.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Input")]
pub struct FromArgs {
    /// Back up what matches the patterns in this file, one per line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from: Vec<PathBuf>,

    /// Back up the paths in this file, one per line, taken literally
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from_verbatim: Vec<PathBuf>,

    /// Back up the paths in this file, each terminated by a zero byte
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from_raw: Vec<PathBuf>,

    /// Back up standard input as one file
    #[arg(long, conflicts_with_all = ["paths", "files_from", "files_from_verbatim"])]
    #[arg(conflicts_with_all = ["files_from_raw", "stdin_from_command"])]
    pub stdin: bool,

    /// Back up the output of the command after --; no snapshot is made if it fails
    #[arg(long, requires = "paths")]
    #[arg(conflicts_with_all = ["files_from", "files_from_verbatim", "files_from_raw"])]
    pub stdin_from_command: bool,

    /// File name for standard input or the command's output
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    #[arg(value_parser = OsStringValueParser::new().try_map(|it| parse::stream_name(&it)))]
    pub stdin_filename: PathBuf,
}

/// What the snapshot records.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The snapshot")]
pub struct LabelArgs {
    /// Tags for the snapshot
    #[arg(long = "tag", value_name = "TAG[,TAG...]")]
    pub tags: Vec<TagListArgument>,

    /// Host recorded in the snapshot [default: this machine's name]
    #[arg(short = 'H', long, value_name = "HOST", value_hint = ValueHint::Hostname)]
    #[arg(env = "HOLDFAST_HOST", hide_env_values = true)]
    pub host: Option<String>,

    /// Time recorded in the snapshot, as in "2026-09-01 14:00:00" [default: now]
    #[arg(long, value_name = "TIME", value_parser = select::time)]
    pub time: Option<Timestamp>,

    /// Make no snapshot if nothing changed since the parent snapshot
    #[arg(long)]
    pub skip_if_unchanged: bool,

    /// Accept a source that has less than half of what it had before
    #[arg(long)]
    pub accept_shrunk: bool,
}

/// How changes are detected.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Detecting changes")]
pub struct CompareArgs {
    /// Compare with this snapshot [default: the newest of the same group]
    #[arg(long, value_name = "SNAPSHOT", value_parser = parse::checked::<SnapshotSelector>)]
    pub parent: Option<String>,

    /// Read every file, changed or not
    #[arg(short, long, conflicts_with = "parent")]
    pub force: bool,

    #[arg(short, long, value_name = "GROUP", default_value = "host,paths", help = GROUP_BY_HELP)]
    pub group_by: GroupBy,

    /// Ignore the time of the last metadata change (ctime)
    #[arg(long, env = "HOLDFAST_IGNORE_CTIME", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub ignore_ctime: bool,

    /// Ignore inode numbers and the time of the last metadata change (ctime)
    #[arg(long, env = "HOLDFAST_IGNORE_INODE", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub ignore_inode: bool,

    /// Also store the time of the last access
    #[arg(long)]
    pub with_atime: bool,
}

/// How it is read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Reading")]
pub struct ReadingArgs {
    /// Do not scan in advance to estimate progress
    #[arg(long)]
    pub no_scan: bool,

    /// Number of files to read at the same time
    #[arg(long, value_name = "N", env = "HOLDFAST_READ_CONCURRENCY", hide_env_values = true)]
    #[arg(value_parser = parse::number::<1, 1024>)]
    pub read_concurrency: Option<u32>,

    /// Average chunk size [default: dump for standard input and commands, else file]
    #[arg(long, value_name = "PROFILE")]
    pub chunk_profile: Option<ChunkProfileArgument>,
}

/// Average chunk size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChunkProfileArgument {
    /// About 8 KiB, for database dumps
    Dump,
    /// About 256 KiB, for files
    File,
    /// About 4 MiB, for large files that are replaced as a whole, such as videos
    Media,
}

impl Args {
    /// The command of `--stdin-from-command` and its arguments.
    pub fn command(&self) -> Option<Vec<OsString>> {
        let words = || self.paths.iter().map(|word| word.clone().into_os_string()).collect();
        self.from.stdin_from_command.then(words)
    }
}

impl FromArgs {
    /// True if standard input is backed up, or lists what is.
    pub fn reads_stdin(&self) -> bool {
        let lists = [&self.files_from, &self.files_from_verbatim, &self.files_from_raw];
        let mut files = lists.into_iter().flatten();
        self.stdin || files.any(|file| file.as_os_str() == "-")
    }
}

impl ReadingArgs {
    /// The chunk sizes for the input.
    pub fn profile(&self, is_stream: bool) -> Profile {
        match self.chunk_profile {
            Some(ChunkProfileArgument::Dump) => Profile::Dump,
            Some(ChunkProfileArgument::File) => Profile::File,
            Some(ChunkProfileArgument::Media) => Profile::Media,
            None if is_stream => Profile::Dump,
            None => Profile::File,
        }
    }
}
