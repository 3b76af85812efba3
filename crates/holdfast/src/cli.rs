//! The command line: flags that all commands share, and the list of commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

use crate::output::Style;
use crate::restic::ResticArgs;
use crate::{cmd, parse};

const ABOUT: &str = "Deduplicating, encrypted backups of files and databases";

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast init -r /mnt/backup                     create a repository
  holdfast backup -r /mnt/backup ~/documents       back up a folder
  holdfast snapshots -r /mnt/backup                list snapshots
  holdfast restore -r /mnt/backup latest -t /tmp   restore the newest one

Set HOLDFAST_REPOSITORY and HOLDFAST_PASSWORD_FILE to avoid repeating -r and the passphrase.
`holdfast help COMMAND` describes one command in detail.

EXIT CODES:
  0 success, 1 failure, 2 usage error, 3 done, but some entries could not be read or removed,
  10 no repository, 11 busy, 12 wrong passphrase or key, 13 damaged, 14 older than before,
  130 interrupted";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Flags common to all commands.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags common to all commands.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The repository: a path, or local:PATH [env: HOLDFAST_REPOSITORY]
    #[arg(short, long, global = true, value_name = "REPOSITORY", value_hint = ValueHint::DirPath)]
    pub repo: Option<OsString>,

    /// A file that holds the location of the repository [env: HOLDFAST_REPOSITORY_FILE]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with = "repo")]
    pub repository_file: Option<PathBuf>,

    /// A file that holds the passphrase or key [env: HOLDFAST_PASSWORD_FILE]
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,

    /// A command that prints the passphrase or key, run without a shell [env:
    /// HOLDFAST_PASSWORD_COMMAND]
    #[arg(long, global = true, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    #[arg(conflicts_with = "password_file")]
    pub password_command: Option<String>,

    /// Id of the key slot to try first
    #[arg(long, global = true, value_name = "KEY", env = "HOLDFAST_KEY_HINT")]
    #[arg(hide_env_values = true)]
    pub key_hint: Option<String>,

    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Print more; twice (or --verbose=2) lists every file
    #[arg(short, long, global = true, action = ArgAction::Append, value_name = "N")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=3))]
    pub verbose: Vec<u8>,

    /// Print JSON for scripts, with restic's field names
    #[arg(long, global = true)]
    pub json: bool,

    /// Work without a local cache
    #[arg(long, global = true)]
    pub no_cache: bool,

    /// The folder for the local cache
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    #[arg(env = "HOLDFAST_CACHE_DIR", hide_env_values = true)]
    pub cache_dir: Option<PathBuf>,

    /// Accept a repository that is older than when this machine last used it
    #[arg(long, global = true)]
    pub accept_rollback: bool,

    /// Compression of new data [default: auto]
    #[arg(long, global = true, value_name = "MODE", env = "HOLDFAST_COMPRESSION")]
    #[arg(hide_env_values = true)]
    pub compression: Option<CompressionMode>,

    /// Size of new pack files in MiB, 4 to 128 [default: 16]
    #[arg(long, global = true, value_name = "MIB", env = "HOLDFAST_PACK_SIZE")]
    #[arg(hide_env_values = true, value_parser = parse::number::<4, 128>)]
    pub pack_size: Option<u32>,

    /// Memory for the index in MiB, 4 to 65536; more is faster with millions of files [default: 16]
    #[arg(long, global = true, value_name = "MIB", env = "HOLDFAST_INDEX_MEMORY")]
    #[arg(hide_env_values = true, value_parser = parse::number::<4, 65536>)]
    pub index_memory: Option<u32>,

    /// Skip decrypting and comparing data before it is written
    #[arg(long, global = true)]
    pub no_extra_verify: bool,

    /// Flags for scripts written for restic.
    #[command(flatten)]
    pub restic: ResticArgs,
}

impl GlobalArgs {
    /// How much is printed, and in which form.
    pub fn style(&self) -> Style {
        let verbosity = self.verbose.iter().fold(0_u8, |sum, more| sum.saturating_add(*more));
        Style { json: self.json, quiet: self.quiet, verbosity }
    }
}

/// Compression of new data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CompressionMode {
    /// Good and fast; store data that does not shrink uncompressed
    #[default]
    Auto,
    /// No compression
    Off,
    /// Fastest level
    Fastest,
    /// Smaller, and several times slower
    Better,
    /// Smallest, very slow
    Max,
}

/// The command to run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a repository
    Init(cmd::init::Args),
    /// Back up files, or the output of a command, as a new snapshot
    Backup(Box<cmd::backup::Args>),
    /// Back up an application as described by its app file
    Run(cmd::run::Args),
    /// List snapshots
    Snapshots(cmd::snapshots::Args),
    /// List the entries of a snapshot
    Ls(cmd::ls::Args),
    /// Find files in all snapshots
    Find(cmd::find::Args),
    /// Compare two snapshots
    Diff(cmd::diff::Args),
    /// Print one file, or a folder as an archive
    Dump(cmd::dump::Args),
    /// Restore files
    Restore(Box<cmd::restore::Args>),
    /// Restore a whole application: its keys, databases, buckets and files
    RestoreApp(Box<cmd::restore_app::Args>),
    /// Remove snapshots according to rules
    Forget(Box<cmd::forget::Args>),
    /// Free space that no snapshot needs
    Prune(cmd::prune::Args),
    /// Check the repository for damage
    Check(cmd::check::Args),
    /// Repair a damaged repository
    Repair(cmd::repair::Args),
    /// Show sizes and counts
    Stats(cmd::stats::Args),
    /// Change tags of snapshots, or hold them
    Tag(cmd::tag::Args),
    /// Manage passphrases and keys
    Key(cmd::key::Args),
    /// List the ids of snapshots, packs, index objects or keys
    List(cmd::list::Args),
    /// Print an object of the repository
    Cat(cmd::cat::Args),
    /// List or clean up local caches
    Cache(cmd::cache::Args),
    /// Do nothing: there are no locks (for scripts written for restic)
    Unlock(cmd::unlock::Args),
    /// Check an app file, or print the schema of app files
    Config(cmd::config::Args),
    /// Print a schedule for runs: systemd units, crontab or Kubernetes CronJob
    Schedule(cmd::schedule::Args),
    /// Report how long data is kept
    Retention(cmd::retention::Args),
    /// Print the version
    Version(cmd::version::Args),
    /// Print shell completions
    Completions(cmd::completions::Args),
    /// Write the manual pages
    Man(cmd::man::Args),
}

/// The definition of the command line. A negative number after a flag is taken as its value, so
/// that the error names the value rather than an unknown flag.
pub fn definition() -> clap::Command {
    take_negative_numbers(Cli::command())
}

fn take_negative_numbers(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let is_flag = argument.get_long().is_some() && argument.get_action().takes_values();
            argument.allow_negative_numbers(is_flag)
        })
        .mut_subcommands(take_negative_numbers)
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
