//! restic's command line: flags that are accepted although they have little meaning here, and
//! alternatives to those that are not.

use std::fs;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, ValueHint};
use holdfast_backend::Rates;

use crate::exit::{CommandError, CommandResult};
use crate::parse::{self, StorageOption};

const UNCHANGED: &str = "intact data is never recompressed for its own sake: prune moves frames \
    as they are, and --compression applies to those that it must seal again";

/// Flags used by scripts written for restic. Flags that would promise something that holdfast does
/// not do are not accepted: see [`instead`].
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "For scripts written for restic")]
pub struct ResticArgs {
    /// Delete local caches that were not used for 30 days, as `cache --cleanup` does
    #[arg(long, global = true, hide_short_help = true)]
    pub cleanup_cache: bool,

    /// Limit writes to the repository to this rate, in KiB per second
    #[arg(long, global = true, hide_short_help = true, value_name = "KIB")]
    #[arg(value_parser = parse::number::<0, { u32::MAX }>)]
    pub limit_upload: Option<u32>,

    /// Limit reads from the repository to this rate, in KiB per second
    #[arg(long, global = true, hide_short_help = true, value_name = "KIB")]
    #[arg(value_parser = parse::number::<0, { u32::MAX }>)]
    pub limit_download: Option<u32>,

    /// Ignored: no command locks a repository
    #[arg(long = "no-lock", global = true, hide_short_help = true)]
    pub _no_lock: bool,

    /// Ignored: no command waits for a lock
    #[arg(long = "retry-lock", global = true, hide_short_help = true, value_name = "DURATION")]
    pub _retry_lock: Option<String>,

    /// Ignored: options are for network storage, as in s3.connections=10, and repositories are
    /// folders
    #[arg(short = 'o', long = "option", global = true, hide_short_help = true)]
    #[arg(value_name = "KEY=VALUE")]
    pub _options: Vec<StorageOption>,

    /// Ignored: repositories are folders, so no certificate is checked
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub cacert: Vec<PathBuf>,

    /// Ignored: repositories are folders, so no certificate is presented
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub tls_client_cert: Option<PathBuf>,

    /// Ignored: repositories are folders, so no certificate is checked
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure_tls: bool,

    /// Ignored: repositories are folders, so no request can get stuck
    #[arg(long = "stuck-request-timeout", global = true, hide_short_help = true)]
    #[arg(value_name = "DURATION")]
    pub _stuck_request_timeout: Option<String>,

    /// Ignored: repositories are folders, so no request is sent
    #[arg(long = "http-user-agent", global = true, hide_short_help = true, value_name = "TEXT")]
    pub _http_user_agent: Option<String>,
}

impl ResticArgs {
    /// The rates of `--limit-upload` and `--limit-download`; 0 is no limit, as in restic.
    pub fn rates(&self) -> Option<Rates> {
        let bytes = |kib: Option<u32>| kib.filter(|kib| *kib > 0).map(|kib| u64::from(kib) << 10);
        let rates = Rates { written: bytes(self.limit_upload), read: bytes(self.limit_download) };
        (rates != Rates::default()).then_some(rates)
    }

    /// Refuses unreadable certificate files, and network flags for commands that use the network
    /// for something other than the repository.
    ///
    /// # Errors
    /// The unreadable file, or the flag without effect.
    pub fn check(&self, uses_network: bool) -> CommandResult {
        if uses_network {
            let set = [
                ("--cacert", !self.cacert.is_empty()),
                ("--tls-client-cert", self.tls_client_cert.is_some()),
                ("--insecure-tls", self.insecure_tls),
            ];
            if let Some((flag, _)) = set.iter().find(|(_, is_set)| *is_set) {
                return Err(CommandError::usage(format!(
                    "{flag} has no effect on the databases and buckets of an app file"
                )));
            }
        }
        for file in self.cacert.iter().chain(&self.tls_client_cert) {
            fs::File::open(file)
                .map_err(|error| CommandError::path("read the certificate", file, &error))?;
        }
        Ok(())
    }
}

/// Flags of all commands.
const FLAGS: &[(&str, &str)] = &[
    (
        "--insecure-no-password",
        "every repository is encrypted; `holdfast key generate` prints a key",
    ),
    ("--repack-uncompressed", UNCHANGED),
    ("--repack-cacheable-only", "--max-unused unlimited deletes packs and rewrites none"),
    ("--repack-small", "--repack-smaller-than SIZE merges small packs"),
    ("--unsafe-recover-no-free-space", "prune deletes first if the disk is full, without a flag"),
    ("--copy-chunker-params", "repositories cannot be copied into one another yet"),
    ("--from-repo", "repositories cannot be copied into one another yet"),
    (
        "--use-fs-snapshot",
        "take a file system snapshot first, as with `lvcreate` or `zfs snapshot`",
    ),
];

/// Commands.
const COMMANDS: &[(&str, &str)] = &[
    ("copy", "repositories cannot be copied into one another yet"),
    (
        "mount",
        "browse snapshots with `holdfast ls`, `find` and `dump`; restore files with `restore`",
    ),
    ("recover", "`holdfast repair snapshots` keeps the readable parts of damaged snapshots"),
    ("rewrite", "snapshots are never changed; `holdfast tag` changes their tags"),
    ("migrate", "there is only one version of the repository format so far"),
    ("features", "there are no feature flags"),
    ("options", "there are no extended options"),
    ("generate", "use `holdfast completions` and `holdfast man`"),
    ("self-update", "install new versions the way this one was installed"),
    ("packs", "`holdfast repair index --read-all-packs` salvages what is intact in damaged packs"),
    ("masterkey", "the secrets of a repository are never printed; `holdfast key add` adds a key"),
    ("lock", "holdfast takes no locks on repositories"),
];

/// What to use instead of a flag or command that restic has and holdfast does not.
pub fn instead(error: &clap::Error) -> Option<&'static str> {
    let (kind, words) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, FLAGS),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, COMMANDS),
        _ => return None,
    };
    let ContextValue::String(given) = error.get(kind)? else { return None };
    let given = given.split(['=', ' ']).next()?;
    words.iter().find(|(word, _)| *word == given).map(|(_, instead)| *instead)
}

/// The error with that alternative in place of clap's guesses.
pub fn explained(mut error: clap::Error) -> clap::Error {
    if let Some(instead) = instead(&error) {
        for guess in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
            error.remove(guess);
        }
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(instead)]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}
