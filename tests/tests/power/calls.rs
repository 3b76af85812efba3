//! System calls that change a repository, from the log of strace.

use std::collections::HashMap;

/// Calls to trace.
pub const FUNCTIONS: &str = "openat,openat2,open,creat,write,writev,pwrite64,pwritev,pwritev2,\
    ftruncate,copy_file_range,sendfile,splice,fallocate,fsync,fdatasync,sync_file_range,syncfs,\
    link,linkat,symlinkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir";

/// A call that succeeded. Paths are below the repository: `packs/ab/abcd`, `` for the repository
/// itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Opens a file that did not exist.
    Create(String),
    /// Creates a folder.
    MakeFolder(String),
    /// Changes the content of a file.
    Write(String),
    /// Syncs a file or a folder.
    Sync(String),
    /// Gives a file an additional name, replacing nothing.
    Link(String, String),
    /// Renames a file.
    Rename(String, String),
    /// Removes a name.
    Remove(String),
}

/// A call and its position in the log: calls between begin and end happened concurrently, in other
/// threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub action: Action,
    pub begin: usize,
    pub end: usize,
}

/// All successful calls in the log of `strace --follow-forks --decode-fds=path` that change the
/// repository, in the order of their ends.
///
/// # Panics
/// If a line cannot be understood.
pub fn parse(log: &str, repository: &str) -> Vec<Call> {
    let mut unfinished: HashMap<&str, (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (number, line) in log.lines().enumerate() {
        let (process, text) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        let text = text.trim_start();
        // A thread that the end of the program ended leaves a call that nobody saw the end of.
        if text.starts_with("+++") || text.starts_with("---") || text.ends_with("<detached ...>") {
            continue;
        }
        let (begin, whole) = if let Some(start) = text.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, (number, start.to_owned()));
            continue;
        } else if text.starts_with("<...") {
            let (begin, start) = unfinished.remove(process).unwrap_or_else(|| panic!("{line}"));
            let rest = text.split_once("resumed>").unwrap_or_else(|| panic!("{line}")).1;
            (begin, start + rest)
        } else {
            (number, text.to_owned())
        };
        let action = action(&whole, repository);
        calls.extend(action.map(|action| Call { action, begin, end: number }));
    }
    calls
}

/// What a call does to the repository; `None` if it failed or has nothing to do with it.
fn action(call: &str, repository: &str) -> Option<Action> {
    let (function, rest) = call.split_once('(').unwrap_or_else(|| panic!("{call}"));
    let (arguments, result) = rest.rsplit_once(" = ").unwrap_or_else(|| panic!("{call}"));
    if result.starts_with(['-', '?']) {
        return None;
    }
    let arguments = arguments.trim_end().strip_suffix(')').unwrap_or_else(|| panic!("{call}"));
    let words: Vec<&str> = arguments.split(", ").collect();
    let below = |path: &str| {
        let rest = path.strip_prefix(repository)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/').to_owned())
    };
    let file = |at: usize| below(descriptor(words[at])?);
    let named = |at: usize| below(&join(descriptor(words[at])?, quoted(words[at + 1])?));
    let path = |at: usize| below(quoted(words[at])?);
    match function {
        "openat" | "openat2" if words[2].contains("O_CREAT") => Some(Action::Create(named(0)?)),
        "open" | "creat" if call.contains("O_CREAT") => Some(Action::Create(path(0)?)),
        "openat" | "openat2" | "open" => None,
        "prctl" => None,
        "fsync" | "fdatasync" => Some(Action::Sync(file(0)?)),
        // Requests less than a sync, and guarantees nothing.
        "sync_file_range" | "syncfs" => None,
        "link" => Some(Action::Link(path(0)?, path(1)?)),
        "linkat" => Some(Action::Link(named(0)?, named(2)?)),
        "rename" => Some(Action::Rename(path(0)?, path(1)?)),
        "renameat" | "renameat2" => Some(Action::Rename(named(0)?, named(2)?)),
        "unlink" | "rmdir" => Some(Action::Remove(path(0)?)),
        "unlinkat" => Some(Action::Remove(named(0)?)),
        "mkdir" => Some(Action::MakeFolder(path(0)?)),
        "mkdirat" => Some(Action::MakeFolder(named(0)?)),
        "symlinkat" => Some(Action::Create(named(1)?)),
        "copy_file_range" | "splice" => Some(Action::Write(file(2)?)),
        _ => Some(Action::Write(file(0)?)),
    }
}

/// The path in `7</path>`; once the last name of a file is removed, strace appends a note.
fn descriptor(word: &str) -> Option<&str> {
    let path = word.split_once('<')?.1.strip_suffix('>').or_else(|| {
        let open = word.split_once('<')?.1;
        open.strip_suffix(">(deleted)")
    })?;
    Some(path.strip_suffix(" (deleted)").unwrap_or(path))
}

fn quoted(word: &str) -> Option<&str> {
    word.strip_prefix('"')?.strip_suffix('"')
}

fn join(folder: &str, path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{folder}/{path}"),
    }
}
