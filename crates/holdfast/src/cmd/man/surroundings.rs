//! What manual pages say of the world around every command.

use crate::exit::ExitKind;

/// Variables that are read, or set for hooks. `docs/environment.md` has the same.
pub const VARIABLES: &[(&str, &str)] = &[
    ("HOLDFAST_REPOSITORY", "The repository, as --repo."),
    ("HOLDFAST_REPOSITORY_FILE", "A file that says where the repository is."),
    ("HOLDFAST_PASSWORD_FILE", "A file that holds the passphrase or key."),
    ("HOLDFAST_PASSWORD_COMMAND", "A command that prints the passphrase or key."),
    ("HOLDFAST_PASSWORD", "The passphrase or key itself. No program that is started gets it."),
    ("HOLDFAST_KEY_HINT", "Id of the key slot to try first."),
    ("HOLDFAST_CONFIG", "The app file, as --config."),
    ("HOLDFAST_HOST", "The host that snapshots are of."),
    ("HOLDFAST_CACHE_DIR", "The folder for local caches."),
    ("HOLDFAST_STATE_DIR", "The folder for locks of applications."),
    ("HOLDFAST_COMPRESSION", "How hard to compress, as --compression."),
    ("HOLDFAST_PACK_SIZE", "Size of new packs in MiB, as --pack-size."),
    ("HOLDFAST_INDEX_MEMORY", "Memory for the index in MiB, as --index-memory."),
    ("HOLDFAST_READ_CONCURRENCY", "How many files are read at the same time."),
    ("HOLDFAST_IGNORE_CTIME", "As --ignore-ctime."),
    ("HOLDFAST_IGNORE_INODE", "As --ignore-inode."),
    ("HOLDFAST_CHECKPOINT_SECONDS", "How often a backup under way keeps what it has; 600."),
    ("HOLDFAST_PROGRESS_FPS", "Updates of the progress in a second, also without a terminal."),
    ("HOLDFAST_APP", "For hooks: the name of the application."),
    ("HOLDFAST_RUN_ID", "For hooks: the run."),
    ("HOLDFAST_HOOK", "For hooks: which one it is."),
    ("HOLDFAST_STATE", "For hooks: how far the run is, or how it ended."),
    ("HOLDFAST_SOURCE", "For hooks around a source: its name."),
    ("HOLDFAST_SNAPSHOT", "For hooks after a run: the snapshot."),
    ("HOLDFAST_ERROR", "For hooks after a failure: what went wrong."),
    ("XDG_CACHE_HOME", "Caches are in its folder holdfast; without, in ~/.cache."),
    ("XDG_STATE_HOME", "Locks of other users than root are in its folder holdfast."),
    ("STATE_DIRECTORY", "The folder for locks that systemd gives a service."),
    ("CREDENTIALS_DIRECTORY", "Secrets that systemd hands over."),
    ("TMPDIR", "The folder for temporary files; without, /tmp."),
    ("TZ", "The time zone in which times are shown."),
];

/// Files and folders besides the repository.
pub const FILES: &[(&str, &str)] = &[
    ("./holdfast.toml, /etc/holdfast/NAME.toml", "The app file, where --config names no other."),
    (
        "$XDG_CACHE_HOME/holdfast, ~/.cache/holdfast",
        "Caches of repositories. They can be deleted at any time; with them goes the memory of how \
         new a repository was.",
    ),
    (
        "/var/lib/holdfast, ~/.local/state/holdfast",
        "Locks, so that runs of one application do not overlap.",
    ),
];

/// Exit codes, and what they mean.
pub fn exit_codes() -> Vec<(u8, &'static str)> {
    let kinds = [
        (ExitKind::Failed, "The command failed."),
        (ExitKind::Usage, "The command line, a variable or the app file makes no sense."),
        (ExitKind::Partial, "Done, but some entries could not be read, stored or removed."),
        (ExitKind::NoRepository, "There is no repository."),
        (ExitKind::Locked, "Something else is at work."),
        (ExitKind::WrongKey, "The passphrase or key is wrong."),
        (ExitKind::Damaged, "The repository is damaged."),
        (ExitKind::RolledBack, "The repository is in an older state than before."),
        (ExitKind::Interrupted, "The command was interrupted."),
        (ExitKind::OutputClosed, "The reader of standard output went away."),
    ];
    let told = kinds.map(|(kind, what)| (kind.code(), what));
    std::iter::once((0, "Done.")).chain(told).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/environment.md");

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let within = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        within.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    /// Names in quotes that begin so.
    fn names_in(text: &str) -> BTreeSet<String> {
        let quoted = text.split('"').filter(|part| part.starts_with("HOLDFAST_"));
        let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        quoted.filter(is_name).map(str::to_owned).collect()
    }

    #[test]
    fn every_variable_is_documented_and_there() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut read = BTreeSet::new();
        for of in ["holdfast", "holdfast-app"] {
            let is_test = |path: &Path| path.to_string_lossy().contains("tests");
            for source in sources(&crates.join(of).join("src")) {
                if !is_test(&source) && !source.ends_with("cmd/man/surroundings.rs") {
                    let text = fs::read_to_string(&source).unwrap();
                    read.extend(names_in(text.split("\nmod tests {").next().unwrap()));
                }
            }
        }
        let of_ours = VARIABLES.iter().filter(|(name, _)| name.starts_with("HOLDFAST_"));
        let documented: BTreeSet<_> = of_ours.map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(read, documented);
        for (name, _) in VARIABLES {
            assert!(PAGE.contains(&format!("| `{name}` |")), "{name} is missing in the page");
        }
        for name in PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()) {
            assert!(VARIABLES.iter().any(|(it, _)| *it == name), "{name} is not read");
        }
    }
}
