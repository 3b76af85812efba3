//! Flags that several commands have.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::parse::{self, Age, MaxUnused, Size, TagList};

/// Which snapshots a command looks at.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Choosing snapshots")]
pub struct SnapshotFilterArgs {
    /// Only snapshots of this host; repeat for several, "" for all
    #[arg(short = 'H', long = "host", value_name = "HOST", value_hint = ValueHint::Hostname)]
    #[arg(env = "HOLDFAST_HOST", hide_env_values = true)]
    pub hosts: Vec<String>,

    /// Only snapshots with all of these tags; repeat for other lists, "" for untagged ones
    #[arg(long = "tag", value_name = "TAG[,TAG...]")]
    pub tags: Vec<TagList>,

    /// Only snapshots whose backup was given this path; repeat for several that must all be there
    #[arg(long = "path", value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
}

impl SnapshotFilterArgs {
    /// The hosts to look for; none means all.
    pub fn hosts(&self) -> Vec<String> {
        self.hosts.iter().filter(|host| !host.is_empty()).cloned().collect()
    }
}

/// Which part of a snapshot that holds several sources.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Choosing snapshots")]
pub struct SourceArgs {
    /// Only this source of snapshots that have several; paths then begin there
    // An id of its own: `diff` calls the older snapshot its source, as restic does.
    #[arg(id = "source_name", long = "source", value_name = "NAME")]
    pub source: Option<String>,
}

/// What a backup or restore leaves out.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Leaving out")]
pub struct ExcludeArgs {
    /// Leave out what matches; repeat for several
    #[arg(short, long, value_name = "PATTERN", value_parser = parse::pattern)]
    pub exclude: Vec<String>,

    /// The same, whether letters are small or capital
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    pub iexclude: Vec<String>,

    /// Leave out what matches a line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub exclude_file: Vec<PathBuf>,

    /// The same, whether letters are small or capital
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub iexclude_file: Vec<PathBuf>,
}

/// What a restore is limited to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Restoring a part")]
pub struct IncludeArgs {
    /// Restore only what matches; repeat for several
    #[arg(short, long, value_name = "PATTERN", value_parser = parse::pattern)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub include: Vec<String>,

    /// The same, whether letters are small or capital
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub iinclude: Vec<String>,

    /// Restore only what matches a line of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub include_file: Vec<PathBuf>,

    /// The same, whether letters are small or capital
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["exclude", "iexclude", "exclude_file", "iexclude_file"])]
    pub iinclude_file: Vec<PathBuf>,
}

/// Which extended attributes are restored.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Extended attributes")]
pub struct AttributeArgs {
    /// Restore only those whose name matches, as in 'user.*'; repeat for several
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    pub include_xattr: Vec<String>,

    /// Restore all but those whose name matches; access lists are system.posix_acl_access
    #[arg(long, value_name = "PATTERN", value_parser = parse::pattern)]
    #[arg(conflicts_with = "include_xattr")]
    pub exclude_xattr: Vec<String>,
}

/// How much a prune rewrites.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pruning")]
pub struct RepackArgs {
    /// How much unused space may stay: a percentage, a size, or unlimited
    #[arg(long, value_name = "LIMIT", default_value = "5%")]
    pub max_unused: MaxUnused,

    /// Stop after rewriting this much; the next prune goes on
    #[arg(long, value_name = "SIZE")]
    pub max_repack_size: Option<Size>,

    /// Merge packs below this size too, however few there are, as in 4M
    #[arg(long, value_name = "SIZE")]
    pub repack_smaller_than: Option<Size>,

    /// Give up a run that made no snapshot so long after a prune first saw its packs; 0d for now
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

    /// A command that prints the new passphrase or key; it is run without a shell
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    #[arg(conflicts_with = "new_password_file")]
    pub new_password_command: Option<String>,
}

/// What snapshots are grouped by, as in `host,paths`.
pub const GROUP_BY_HELP: &str = "What groups snapshots: host, paths, tags, or \"\" for one group";
