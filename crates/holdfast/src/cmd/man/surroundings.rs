//! Environment variables, files and exit codes, for the manual pages.

use crate::exit::ExitKind;

/// Variables that are read, or set for hooks, as in `docs/environment.md`.
pub const VARIABLES: &[(&str, &str)] = &[
    ("HOLDFAST_REPOSITORY", "The repository; same as --repo."),
    ("HOLDFAST_REPOSITORY_FILE", "A file that holds the location of the repository."),
    ("HOLDFAST_PASSWORD_FILE", "A file that holds the passphrase or key."),
    ("HOLDFAST_PASSWORD_COMMAND", "A command that prints the passphrase or key."),
    ("HOLDFAST_PASSWORD", "The passphrase or key itself. Child processes do not get it."),
    ("HOLDFAST_KEY_HINT", "Id of the key slot to try first."),
    ("HOLDFAST_CONFIG", "The app file; same as --config."),
    ("HOLDFAST_HOST", "The host recorded in snapshots."),
    ("HOLDFAST_CACHE_DIR", "The folder for local caches."),
    ("HOLDFAST_STATE_DIR", "The folder for locks of applications."),
    ("HOLDFAST_COMPRESSION", "Compression; same as --compression."),
    ("HOLDFAST_PACK_SIZE", "Size of new packs in MiB; same as --pack-size."),
    ("HOLDFAST_INDEX_MEMORY", "Memory for the index in MiB; same as --index-memory."),
    ("HOLDFAST_READ_CONCURRENCY", "Number of files to read at the same time."),
    ("HOLDFAST_IGNORE_CTIME", "Same as --ignore-ctime."),
    ("HOLDFAST_IGNORE_INODE", "Same as --ignore-inode."),
    (
        "HOLDFAST_CHECKPOINT_SECONDS",
        "Seconds between checkpoints of a running backup; default 600.",
    ),
    ("HOLDFAST_PROGRESS_FPS", "Progress updates per second, also without a terminal."),
    ("HOLDFAST_APP", "For hooks: the name of the application."),
    ("HOLDFAST_RUN_ID", "For hooks: the id of the run."),
    ("HOLDFAST_HOOK", "For hooks: the hook, as in before-source."),
    ("HOLDFAST_STATE", "For hooks: the state or result of the run."),
    ("HOLDFAST_SOURCE", "For hooks of a source: its name."),
    ("HOLDFAST_SNAPSHOT", "For hooks after a run: the snapshot id."),
    ("HOLDFAST_ERROR", "For hooks after a failure: the error."),
    ("XDG_CACHE_HOME", "Caches are in its folder holdfast; default ~/.cache."),
    ("XDG_STATE_HOME", "For users other than root, locks are in its folder holdfast."),
    ("STATE_DIRECTORY", "The folder for locks that systemd provides to a service."),
    ("CREDENTIALS_DIRECTORY", "The folder for secrets that systemd passes to a service."),
    ("TMPDIR", "The folder for temporary files; default /tmp."),
    ("HTTP_PROXY", "The proxy for http:// URLs of buckets and notices."),
    ("HTTPS_PROXY", "The proxy for https:// URLs of buckets and notices."),
    ("ALL_PROXY", "The proxy where the other two are not set."),
    ("NO_PROXY", "Hosts, domains and networks to reach without a proxy."),
    ("TZ", "The time zone in which times are shown."),
];

/// Files and folders other than the repository.
pub const FILES: &[(&str, &str)] = &[
    ("./holdfast.toml, /etc/holdfast/NAME.toml", "The app file, unless --config names another."),
    (
        "$XDG_CACHE_HOME/holdfast, ~/.cache/holdfast",
        "Caches of repositories. They can be deleted at any time, but then rollbacks of a \
         repository are no longer detected.",
    ),
    (
        "/var/lib/holdfast, ~/.local/state/holdfast",
        "Locks that keep runs of one application from overlapping.",
    ),
];

/// Exit codes and their meanings.
pub fn exit_codes() -> Vec<(u8, &'static str)> {
    let kinds = [
        (ExitKind::Failed, "The command failed."),
        (ExitKind::Usage, "The command line, a variable or the app file is invalid."),
        (ExitKind::Partial, "Done, but some entries could not be read, stored or removed."),
        (ExitKind::NoRepository, "There is no repository."),
        (ExitKind::Locked, "Another process is in the way."),
        (ExitKind::WrongKey, "The passphrase or key is wrong."),
        (ExitKind::Damaged, "The repository is damaged."),
        (ExitKind::RolledBack, "The repository is older than when it was last used."),
        (ExitKind::Interrupted, "The command was interrupted."),
        (ExitKind::OutputClosed, "Standard output was closed by its reader."),
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

    /// Quoted names that begin with HOLDFAST_.
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
