//! What the user can do next, in the words of the command line.

use holdfast_app::restore::{KeysAtHand, NextStep, Remark};

/// A next step as a clause.
pub fn step(next: &NextStep) -> String {
    match next {
        NextStep::Text(text) => text.clone(),
        NextStep::CheckRepository => "run holdfast check, or choose another snapshot".to_owned(),
        NextStep::OlderAppFile => "--config with the app file of that time".to_owned(),
        NextStep::OtherTarget(what) => {
            format!(
                "name {what} in the file given with --to, or leave out --to to restore in place"
            )
        }
        NextStep::ChooseDatabase(names) => {
            format!("--only SOURCE or --database NAME, one of: {}", names.join(", "))
        }
        NextStep::ChooseDatabaseSource => "--only SOURCE with a source of type postgres".to_owned(),
        NextStep::OtherName => "--into NAME gives it another name".to_owned(),
        NextStep::WholeDatabase => "leave out --schema and --table".to_owned(),
        NextStep::WithoutOwners => {
            "--no-owner, to restore without owners and privileges".to_owned()
        }
        NextStep::AllowReplacement => "--yes-overwrite DATABASE, if it may be replaced".to_owned(),
        NextStep::ReplaceDatabase(name) => format!("--yes-overwrite {name} replaces it"),
        NextStep::CompleteReplacement(name) => format!("--yes-overwrite {name} completes it"),
        NextStep::ListDatabases => {
            "a path such as /databases/app in a source of type postgres; holdfast ls lists them"
                .to_owned()
        }
        NextStep::CompleteSnapshot(id) => format!("--snapshot {id} selects the last complete one"),
        NextStep::CompleteKeysSnapshot(id) => {
            format!("--keys-snapshot {id} selects the last complete one")
        }
        NextStep::SameKeysSnapshot(id) => format!("--keys-snapshot {id}, which has the same keys"),
        NextStep::LinkedKeys => {
            "leave out --keys-snapshot, to use the keys made with the data".to_owned()
        }
        NextStep::AnyKeys(keys) => any_keys(*keys).to_owned(),
        NextStep::AlreadyStopped => {
            "--already-stopped, if the application is not running".to_owned()
        }
        NextStep::StartAnyway => "--start-anyway starts it".to_owned(),
        NextStep::PrintFile { snapshot, source, path, purpose } => {
            format!("holdfast dump {snapshot} --source {source} {path} prints it{purpose}")
        }
        NextStep::PrintArchive { snapshot, source } => format!(
            "holdfast dump -a custom {snapshot} --source {source} /databases/NAME prints an archive"
        ),
    }
}

fn any_keys(keys: KeysAtHand) -> &'static str {
    match keys {
        KeysAtHand::Right => {
            "--any-keys: this machine has the keys that the data needs, and they are kept"
        }
        KeysAtHand::Unknown => "--any-keys, to restore data that this machine may have no keys for",
        KeysAtHand::Other => "--any-keys, to restore these keys anyway",
    }
}

/// A sentence, with what to do about it.
pub fn sentence(message: &str, next: Option<&NextStep>) -> String {
    match next {
        Some(next) => format!("{message}; {}", step(next)),
        None => message.to_owned(),
    }
}

/// A remark in one sentence.
pub fn remark(remark: &Remark) -> String {
    sentence(&remark.message, remark.next.as_ref())
}
