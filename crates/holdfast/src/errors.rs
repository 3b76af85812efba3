//! Maps errors of the lower layers to results of a command: the one place that chooses exit codes
//! and hints.

use std::io;
use std::path::PathBuf;

use holdfast_app::lock::LockError;
use holdfast_app::restore::RestoreError;
use holdfast_app::run::RunError;
use holdfast_app::schedule::ScheduleError;
use holdfast_backend::BackendError;
use holdfast_engine::EngineError;
use holdfast_engine::check::Remedy;
use holdfast_engine::forget::ForgetError;
use holdfast_engine::look::{LookError, ObjectKind};
use holdfast_engine::retention::PolicyError;
use holdfast_engine::selection::{SelectionError, SnapshotFilter};
use holdfast_repo::RepoError;
use holdfast_seal::SealError;

use crate::cli::Command;
use crate::exit::{CommandError, ExitKind};
use crate::output::{escape, next, text};
use crate::select;

impl CommandError {
    /// The command succeeded, except for snapshots whose records cannot be used.
    pub fn lost_records(count: u64) -> CommandError {
        let records = text::count(count, "record", "records");
        let message = format!(
            "{records} of the repository cannot be used: a snapshot may be missing, even the newest"
        );
        CommandError::new(ExitKind::Partial, message)
            .hint("run holdfast check, which says what to do about each record")
    }
}

impl CommandError {
    /// There are snapshots, but none matches.
    pub fn no_snapshot_matches(filter: &SnapshotFilter) -> CommandError {
        CommandError::failed(format!("no snapshot matches {}", select::options_of(filter)))
            .hint("holdfast snapshots")
    }

    /// None of the given paths exists; perhaps they are a command.
    pub fn nothing_to_back_up(paths: &[PathBuf], is_command: bool) -> CommandError {
        const NAMED_MAX: usize = 5;
        let shown: Vec<_> = paths.iter().take(NAMED_MAX).map(|path| escape::path(path)).collect();
        let more = match paths.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let error = CommandError::failed(format!(
            "none of the paths to back up exists: {}{more}",
            shown.join(", ")
        ));
        match is_command {
            true => error.hint(format!(
                "holdfast backup --stdin-from-command -- {}, to back up its output",
                shown.join(" ")
            )),
            false => error.hint("check the paths, and that their disks are mounted"),
        }
    }
}

impl From<SealError> for CommandError {
    fn from(error: SealError) -> CommandError {
        let (exit, hint) = match error {
            SealError::MistypedKey => {
                (ExitKind::WrongKey, Some("copy the entire key, from HOLDFAST-KEY-1- to its end"))
            }
            SealError::Tampered { .. }
            | SealError::WrongId
            | SealError::Length { .. }
            | SealError::Decompress
            | SealError::Format(_)
            | SealError::OtherRepository { .. } => (ExitKind::Damaged, Some("holdfast check")),
            SealError::Kdf { .. } => (
                ExitKind::Failed,
                Some("use a generated key instead of a passphrase: holdfast key generate"),
            ),
            SealError::Random | SealError::Verify { .. } | SealError::EmptySecret => {
                (ExitKind::Failed, None)
            }
        };
        let end = CommandError::new(exit, error.to_string());
        hint.into_iter().fold(end, |end, hint| end.hint(hint))
    }
}

impl From<RepoError> for CommandError {
    fn from(error: RepoError) -> CommandError {
        let (exit, hint) = match &error {
            RepoError::NotARepository => {
                (ExitKind::NoRepository, "holdfast init, if the repository should be here")
            }
            RepoError::AlreadyExists => (ExitKind::Failed, "holdfast snapshots"),
            RepoError::NotEmpty { .. } => {
                (ExitKind::Failed, "use an empty folder or a new subfolder, as in -r PATH/backup")
            }
            RepoError::KeyRemoved { .. } => {
                (ExitKind::WrongKey, "use another passphrase or key of this repository")
            }
            RepoError::SlotsUntried { .. } => {
                (ExitKind::Failed, "use a generated key, or a machine with more memory")
            }
            RepoError::TooManyKeys { .. } => (
                ExitKind::Failed,
                "remove an unused key: holdfast key list, then holdfast key remove",
            ),
            RepoError::WrongSecret { .. } => {
                (ExitKind::WrongKey, "check --password-file or the passphrase, and try again")
            }
            RepoError::SlotDamaged { .. } => {
                (ExitKind::Damaged, "use another passphrase or key of this repository")
            }
            RepoError::ForeignSlot { .. } | RepoError::NoSlots => {
                (ExitKind::Damaged, "restore the folder keys/ of this repository from a copy")
            }
            RepoError::Newer(_) => (ExitKind::Failed, "use a newer version of holdfast"),
            RepoError::ConfigDamaged(_) => {
                (ExitKind::Damaged, "restore the object config from a copy of the repository")
            }
            RepoError::Damaged { .. }
            | RepoError::ChainBroken { .. }
            | RepoError::BlobMissing { .. }
            | RepoError::BadNode { .. } => (ExitKind::Damaged, "holdfast check"),
            RepoError::RecordTooLarge { .. } => (
                ExitKind::Failed,
                "name folders instead of single files, and use fewer paths, patterns and tags",
            ),
            RepoError::RolledBack { .. } => {
                return CommandError::new(ExitKind::RolledBack, error.to_string())
                    .hint("find out why first: newer snapshots may be missing")
                    .hint("--accept-rollback, once, if an older copy was restored on purpose");
            }
            RepoError::NoSnapshot { .. } => (ExitKind::Failed, "holdfast snapshots"),
            RepoError::Cache(_) => (ExitKind::Failed, "--no-cache, or holdfast cache --cleanup"),
            RepoError::Fenced => (ExitKind::Locked, "run the same command again"),
            RepoError::Overtaken => {
                (ExitKind::Locked, "run it again with a snapshot that holdfast snapshots lists")
            }
            RepoError::Backend(BackendError::NotFound { .. }) => {
                (ExitKind::NoRepository, "check --repo, and that the disk is mounted")
            }
            RepoError::Backend(BackendError::PermissionDenied { .. }) => {
                let hint = "check that the storage is mounted read-write and belongs to this user";
                (ExitKind::Failed, hint)
            }
            RepoError::Backend(BackendError::NoSpace { .. }) => {
                (ExitKind::Failed, "holdfast forget and holdfast prune, which work on a full disk")
            }
            RepoError::Backend(_) | RepoError::Seal(_) | RepoError::Stopped(_) => {
                return CommandError::new(ExitKind::Failed, error.to_string());
            }
        };
        CommandError::new(exit, error.to_string()).hint(hint)
    }
}

impl From<BackendError> for CommandError {
    fn from(error: BackendError) -> CommandError {
        RepoError::from(error).into()
    }
}

impl From<LockError> for CommandError {
    fn from(error: LockError) -> CommandError {
        let exit = match &error {
            LockError::Busy { .. } | LockError::TimedOut { .. } => ExitKind::Locked,
            LockError::Interrupted => ExitKind::Interrupted,
            LockError::Unusable { .. } => ExitKind::Failed,
        };
        let end = CommandError::new(exit, error.to_string());
        match exit {
            ExitKind::Failed => end.hint("set HOLDFAST_STATE_DIR=FOLDER"),
            _ => end,
        }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> CommandError {
        match error {
            RunError::Engine(error) => error.into(),
            RunError::Source { name, error } => {
                let message =
                    format!("source {name} failed, so no snapshot was made: {}", error.cause());
                CommandError { message, ..CommandError::from(error) }
            }
            RunError::Postgres { .. }
            | RunError::Unusable { .. }
            | RunError::Hook { .. }
            | RunError::NoKeysRepository
            | RunError::KeysUnread { .. }
            | RunError::CheckUnanswered(_)
            | RunError::Check(_)
            | RunError::Secret { .. }
            | RunError::Pattern(_) => CommandError::failed(error.to_string()),
        }
    }
}

impl From<RestoreError> for CommandError {
    fn from(error: RestoreError) -> CommandError {
        match error {
            RestoreError::Engine(error) => error.into(),
            RestoreError::Interrupted => CommandError::new(ExitKind::Interrupted, "interrupted"),
            RestoreError::Postgres { .. }
            | RestoreError::Bucket { .. }
            | RestoreError::Command { .. }
            | RestoreError::Refused { .. }
            | RestoreError::Changed { .. } => {
                let steps = error.next();
                let steps = steps.iter().map(next::step);
                steps.fold(CommandError::failed(error.to_string()), CommandError::hint)
            }
        }
    }
}

impl From<ScheduleError> for CommandError {
    fn from(error: ScheduleError) -> CommandError {
        CommandError::usage(error.to_string())
    }
}

/// Adds what an interruption means for this command, unless the error already says so.
pub fn hint_of_interrupt(error: CommandError, command: &Command) -> CommandError {
    let is_untold = error.exit == ExitKind::Interrupted && error.hints.is_empty();
    let hint = match command {
        Command::Backup(_) => {
            "run the same command again to continue; stored files are not read again"
        }
        Command::Restore(args) if !args.dry_run => "run the same command again to continue",
        Command::Dump(args) if args.target.is_none() => {
            "run the same command again; the output so far is incomplete"
        }
        Command::Forget(args) if args.prune => "holdfast prune, to free the rest",
        Command::Prune(args) if !args.dry_run => "run the same command again to free the rest",
        _ => return error,
    };
    if is_untold { error.hint(hint) } else { error }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> CommandError {
        match error {
            EngineError::Repo(error) => error.into(),
            EngineError::Interrupted => CommandError::new(ExitKind::Interrupted, "interrupted"),
            EngineError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                CommandError::new(ExitKind::OutputClosed, "output closed")
            }
            EngineError::IndexGap { .. } => CommandError::new(ExitKind::Damaged, error.to_string())
                .hint("holdfast repair index"),
            EngineError::DeleteRefused { .. } => CommandError::failed(error.to_string())
                .hint("restore without --delete into an empty folder"),
            EngineError::Full(_) => CommandError::failed(error.to_string())
                .hint("free space there, then run the same command again to continue"),
            EngineError::NotDurable(_) => CommandError::failed(error.to_string())
                .hint("check for disk errors (dmesg), then restore again"),
            EngineError::RemovesEverything { .. } => CommandError::failed(error.to_string())
                .hint("add --unsafe-allow-remove-all, if that is intended"),
            EngineError::Temporary { .. } => CommandError::failed(error.to_string())
                .hint("set TMPDIR to a folder with free space"),
            EngineError::NoSuchSource { .. } => CommandError::failed(error.to_string())
                .hint("use one of these names, or omit --source for all"),
            EngineError::NoSuchPath { .. } | EngineError::WrongKind { .. } => {
                CommandError::failed(error.to_string()).hint("holdfast ls SNAPSHOT")
            }
            EngineError::Source(_)
            | EngineError::Stream(_)
            | EngineError::Target(_)
            | EngineError::NothingToBackUp
            | EngineError::Output(_) => CommandError::failed(error.to_string()),
        }
    }
}

impl From<ForgetError> for CommandError {
    fn from(error: ForgetError) -> CommandError {
        match error {
            ForgetError::Engine(error) => error.into(),
            ForgetError::Held { .. } => {
                CommandError::failed(error.to_string()).hint("holdfast tag --release lifts a hold")
            }
            ForgetError::Policy(error) => error.into(),
        }
    }
}

impl From<LookError> for CommandError {
    fn from(error: LookError) -> CommandError {
        let message = error.to_string();
        match error {
            LookError::Engine(error) => error.into(),
            LookError::NotAnId { .. } => CommandError::usage(message),
            LookError::NotFound { what, .. } => {
                CommandError::failed(message).hint(where_ids_are(what))
            }
            LookError::Ambiguous { .. } => CommandError::failed(message),
        }
    }
}

/// Where to look up the correct id.
fn where_ids_are(what: ObjectKind) -> &'static str {
    match what {
        ObjectKind::Snapshot => "holdfast snapshots",
        ObjectKind::Key => "holdfast key list",
        ObjectKind::Pack => "use a name from the folder packs/ of the repository",
        ObjectKind::Index => "use a name from the folder index/ of the repository",
        ObjectKind::Blob => "holdfast cat tree SNAPSHOT, for the ids of blobs",
    }
}

impl From<PolicyError> for CommandError {
    fn from(error: PolicyError) -> CommandError {
        match error {
            PolicyError::Empty => {
                CommandError::failed(error.to_string()).hint("add a rule such as --keep-daily 7")
            }
        }
    }
}

impl From<SelectionError> for CommandError {
    fn from(error: SelectionError) -> CommandError {
        let message = match &error {
            SelectionError::NoMatch { filter } => {
                format!("no complete snapshot matches {}", select::options_of(filter))
            }
            error => error.to_string(),
        };
        let hint = match error {
            SelectionError::NoSnapshots => {
                "make one with holdfast backup, or name an unfinished one by its id"
            }
            SelectionError::NoMatch { .. }
            | SelectionError::TooFarBack { .. }
            | SelectionError::UnknownId { .. } => "holdfast snapshots, which lists all of them",
            SelectionError::TimeAndId { .. } => "use --at without an id, or with `latest`",
            SelectionError::NoneBefore { .. } | SelectionError::AmbiguousId { .. } => {
                return CommandError::failed(message);
            }
        };
        CommandError::failed(message).hint(hint)
    }
}

/// What to do about a damage that a check found.
pub fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::RepairIndex => "holdfast repair index",
        Remedy::ReadAllPacks => {
            "holdfast repair index --read-all-packs, then back up again: the next backup stores \
             missing data again"
        }
        Remedy::RepairSnapshots => {
            "back up again: the next backup stores missing data again; then holdfast repair \
             snapshots --forget"
        }
        Remedy::WriteOffGeneration => {
            "restore this object from a copy of the repository, or write it off with holdfast \
             repair snapshots --forget: snapshots that it removed reappear, and tags and holds \
             that it set are lost; until then nothing is deleted"
        }
        Remedy::WriteOffRecord => {
            "restore this object from a copy of the repository, or write its snapshot off with \
             holdfast repair snapshots --forget; until then nothing is deleted"
        }
        Remedy::ReplaceKey => "holdfast key add, with the passphrase or key of this slot",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_is_said_after_an_interrupt_is_true_of_the_command() {
        let hints = |line: &str, error: EngineError| {
            let words = ["holdfast"].into_iter().chain(line.split(' '));
            let command = Cli::try_parse_from(words).unwrap().command;
            hint_of_interrupt(error.into(), &command).hints.join("; ")
        };
        for (line, hint) in [
            ("backup /srv", "not read again"),
            ("restore latest -t /x", "to continue"),
            ("dump latest /", "is incomplete"),
            ("forget latest --prune", "holdfast prune"),
            ("prune", "free the rest"),
        ] {
            assert!(hints(line, EngineError::Interrupted).contains(hint), "{line}");
            assert_eq!(hints(line, EngineError::NothingToBackUp), "", "{line}");
        }
        for line in
            ["restore latest -t /x -n", "dump latest / -t /x", "ls latest", "check", "prune -n"]
        {
            assert_eq!(hints(line, EngineError::Interrupted), "", "{line}");
        }
    }

    #[test]
    fn kinds_decide_the_code() {
        let code = |error: SealError| CommandError::from(error).exit.code();
        assert_eq!(code(SealError::MistypedKey), 12);
        assert_eq!(code(SealError::Tampered { what: "frame" }), 13);
        assert_eq!(code(SealError::Random), 1);
        let error = CommandError::from(SealError::Kdf { memory_kib: 262_144 });
        assert!(error.message.contains("262144 KiB") && error.hints.len() == 1);
    }

    #[test]
    fn a_closed_output_ends_silently_wherever_it_was_noticed() {
        let closed = EngineError::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(CommandError::from(LookError::from(closed)).exit, ExitKind::OutputClosed);
        let full = EngineError::Output(io::ErrorKind::StorageFull.into());
        assert_eq!(CommandError::from(full).exit, ExitKind::Failed);
    }
}
