//! What `backup` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::{ValueEnum, ValueHint};
use holdfast_engine::retention::GroupBy;
use holdfast_engine::selection::SnapshotSelector;
use holdfast_format::config::ChunkProfile as Profile;
use jiff::Timestamp;

use crate::cmd::shared::{ExcludeArgs, GROUP_BY_HELP};
use crate::parse::{ExcludeIfPresent, Size, TagList};
use crate::{parse, select};

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

    /// Take the source as it is, though it has less than half of what it had
    #[arg(long)]
    pub accept_shrunk: bool,
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

impl FromArgs {
    /// True if standard input is what is backed up, or says what is.
    pub fn reads_stdin(&self) -> bool {
        let lists = [&self.files_from, &self.files_from_verbatim, &self.files_from_raw];
        let mut files = lists.into_iter().flatten();
        self.stdin || files.any(|file| file.as_os_str() == "-")
    }
}

impl ReadingArgs {
    /// Chunk sizes of what is read.
    pub fn profile(&self, is_stream: bool) -> Profile {
        match self.chunk_profile {
            Some(ChunkProfile::Dump) => Profile::Dump,
            Some(ChunkProfile::File) => Profile::File,
            Some(ChunkProfile::Media) => Profile::Media,
            None if is_stream => Profile::Dump,
            None => Profile::File,
        }
    }
}
