//! Words of restic's command line that mean nothing here, and what to write instead.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

const NETWORK: &str =
    "repositories lie on local file systems so far, so nothing goes over a network";
const UNCHANGED: &str = "what is stored is never compressed anew; prune only merges and moves it";

/// Flags, whatever the command.
const FLAGS: &[(&str, &str)] = &[
    (
        "--insecure-no-password",
        "every repository is encrypted; `holdfast key generate` prints a key",
    ),
    ("--limit-upload", NETWORK),
    ("--limit-download", NETWORK),
    ("--cacert", NETWORK),
    ("--tls-client-cert", NETWORK),
    ("--insecure-tls", NETWORK),
    ("--stuck-request-timeout", NETWORK),
    ("--option", NETWORK),
    ("-o", NETWORK),
    ("--cleanup-cache", "`holdfast cache --cleanup` removes caches that are no longer used"),
    ("--repack-uncompressed", UNCHANGED),
    ("--repack-cacheable-only", "--max-unused unlimited deletes packs and rewrites none"),
    ("--repack-small", "--repack-smaller-than SIZE merges small packs"),
    ("--unsafe-recover-no-free-space", "a prune without room deletes first and needs no flag"),
    ("--copy-chunker-params", "repositories cannot be copied into one another yet"),
    ("--from-repo", "repositories cannot be copied into one another yet"),
    ("--use-fs-snapshot", "take the snapshot before, as with `lvcreate` or `zfs snapshot`"),
];

/// Commands.
const COMMANDS: &[(&str, &str)] = &[
    ("unlock", "holdfast takes no locks on repositories, so there is none to remove"),
    ("copy", "repositories cannot be copied into one another yet"),
    ("mount", "`holdfast ls`, `find` and `dump` look into snapshots, `restore` brings files back"),
    ("list", "see `holdfast snapshots`, `holdfast key list` and `holdfast stats --mode raw-data`"),
    ("recover", "`holdfast repair snapshots` keeps of damaged snapshots what can be read"),
    ("rewrite", "snapshots are never changed; `holdfast tag` changes their tags"),
    ("migrate", "there is only one version of the repository format so far"),
    ("features", "there are no features to switch"),
    ("options", "there are no extended options"),
    ("generate", "`holdfast completions` and `holdfast man`"),
    ("self-update", "install a new version the way this one was installed"),
    ("packs", "`holdfast repair index --read-all-packs` saves what damaged packs still hold"),
    ("masterkey", "the secrets of a repository are never printed; `holdfast key add` adds a key"),
    ("lock", "holdfast takes no locks on repositories"),
];

/// What to do instead of what clap did not understand, if restic would have understood it.
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

/// The error with that in place of the guesses of clap.
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
