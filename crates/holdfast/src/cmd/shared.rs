//! Flags shared by several commands.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::parse::{self, Age, MaxUnusedArgument, Size, TagListArgument};

/// The snapshots that a command works on.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Choosing snapshots")]
pub struct SnapshotFilterArgs {
    /// Only snapshots of this host; repeat for several, "" for all
    #[arg(short = 'H', long = "host", value_name = "HOST", value_hint = ValueHint::Hostname)]
    #[arg(env = "HOLDFAST_HOST", hide_env_values = true)]
    pub hosts: Vec<String>,

    /// Only snapshots with all of these tags; repeat for alternatives, "" for untagged ones
    #[arg(long = "tag", value_name = "TAG[,TAG...]")]
    pub tags: Vec<TagListArgument>,

    /// Only snapshots of this path, as given to backup; repeat to require several
    #[arg(long = "path", value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
}

impl SnapshotFilterArgs {
    /// The hosts to look for; none means all.
    pub fn hosts(&self) -> Vec<String> {
        self.hosts.iter().filter(|host| !host.is_empty()).cloned().collect()
    }
}

/// One source of a snapshot that holds several.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Choosing snapshots")]
pub struct SourceArgs {
    /// Only this source of application snapshots; paths are relative to it
    // An id of its own: `diff` calls the older snapshot its source, as restic does.
    #[arg(id = "source_name", long = "source", value_name = "NAME")]
    pub source: Option<String>,
}

/// What a backup or restore excludes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Excluding")]
pub struct ExcludeArgs {
    /// Exclude what matches; repeat for several
    #[arg(short, long, value_name = "PATTERN", value_parser = parse::pattern)]
    pub exclude: Vec<String>,

    /// Like --exclude, but case-insensitive
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    pub iexclude: Vec<String>,

    /// Exclude what matches a pattern in this file, one per line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub exclude_file: Vec<PathBuf>,

    /// Like --exclude-file, but case-insensitive
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub iexclude_file: Vec<PathBuf>,
}

/// The part that a restore is limited to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Restoring a part")]
pub struct IncludeArgs {
    /// Restore only what matches; repeat for several
    #[arg(short, long, value_name = "PATTERN", value_parser = parse::pattern)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub include: Vec<String>,

    /// Like --include, but case-insensitive
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub iinclude: Vec<String>,

    /// Restore only what matches a pattern in this file, one per line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub include_file: Vec<PathBuf>,

    /// Like --include-file, but case-insensitive
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub iinclude_file: Vec<PathBuf>,
}

/// Which extended attributes are restored.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Extended attributes")]
pub struct AttributeArgs {
    /// Restore only attributes whose name matches, such as 'user.*'; repeat for several
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    pub include_xattr: Vec<String>,

    /// Skip attributes whose name matches, such as system.posix_acl_access for access lists
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    #[arg(conflicts_with = "include_xattr")]
    pub exclude_xattr: Vec<String>,
}

/// How much a prune rewrites.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pruning")]
pub struct RepackArgs {
    /// How much unused space to tolerate: a percentage, a size, or unlimited
    #[arg(long, value_name = "LIMIT", default_value = "5%")]
    pub max_unused: MaxUnusedArgument,

    /// Stop after rewriting this much; the next prune continues
    #[arg(long, value_name = "SIZE")]
    pub max_repack_size: Option<Size>,

    /// Also merge packs below this size, however few, as in 4M
    #[arg(long, value_name = "SIZE")]
    pub repack_smaller_than: Option<Size>,

    /// Discard packs of an unfinished backup this long after a prune first saw them; 0d: now
    #[arg(long, value_name = "AGE", default_value = "30d")]
    pub abandoned_after: Age,
}

/// Where a new passphrase comes from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The new passphrase")]
pub struct NewPasswordArgs {
    /// A file that holds the new passphrase or key
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub new_password_file: Option<PathBuf>,

    /// A command that prints the new passphrase or key, run without a shell
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    #[arg(conflicts_with = "new_password_file")]
    pub new_password_command: Option<String>,
}

/// How snapshots are grouped, as in `host,paths`.
pub const GROUP_BY_HELP: &str = "Group snapshots by host, paths, tags, or \"\" for one group";
