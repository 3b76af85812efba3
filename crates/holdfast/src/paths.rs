//! The paths to back up, from the command line and from files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use holdfast_connect::fs::filter::IncludeFilter;
use holdfast_connect::words::without_byte_order_mark;

use crate::cmd::backup::FromArgs;
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::escape;

/// All paths, absolute and clean.
///
/// # Errors
/// A file of paths cannot be read, or there is no path at all.
pub fn all(named: &[PathBuf], from: &FromArgs, context: &Context) -> CommandResult<Vec<PathBuf>> {
    let mut found = named.to_vec();
    for file in &from.files_from {
        for line in lines(&without_byte_order_mark(&read(file)?)) {
            expand(line, &mut found, context)?;
        }
    }
    for file in &from.files_from_verbatim {
        let content = read(file)?;
        let content = without_byte_order_mark(&content);
        let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        found.extend(lines.map(|line| PathBuf::from(OsStr::from_bytes(line))));
    }
    for file in &from.files_from_raw {
        let content = read(file)?;
        let paths = content.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        found.extend(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))));
    }
    if found.is_empty() {
        return Err(CommandError::usage(
            "there is nothing to back up: the files of paths are empty",
        ));
    }
    let given = found;
    let found: Vec<PathBuf> = given
        .iter()
        .map(|path| {
            environment::absolute(path)
                .map(|path| clean(&path))
                .map_err(|error| CommandError::path("find the path", path, &error))
        })
        .collect::<CommandResult<_>>()?;
    if found.iter().all(|path| path.symlink_metadata().is_err()) {
        let is_command = given.first().is_some_and(|word| context.environment.has_program(word));
        return Err(CommandError::nothing_to_back_up(&given, is_command));
    }
    let each: BTreeSet<_> = found.iter().collect();
    each.into_iter().for_each(|path| tell_link(path, context));
    Ok(found)
}

/// Warns of a path that is only a symbolic link: its target is not backed up.
fn tell_link(path: &Path, context: &Context) {
    if let (true, Ok(place)) = (path.is_symlink(), path.canonicalize()) {
        context.output.caution(&format!(
            "{} is a symbolic link and is stored as one; use {} to back up its target",
            escape::path(path),
            escape::path(&place)
        ));
    }
}

/// The path without `.` and `..`, resolved lexically: links are not followed.
pub fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => cleaned.push(name),
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    cleaned
}

fn read(file: &Path) -> CommandResult<Vec<u8>> {
    let outcome = match file == Path::new("-") {
        true => {
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut content).map(|_| content)
        }
        false => std::fs::read(file),
    };
    outcome.map_err(|error| CommandError::path("read the file of paths", file, &error))
}

/// Trimmed lines, without comments and empty lines.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// Adds what a pattern matches; a pattern that matches nothing causes a warning.
fn expand(pattern: &[u8], found: &mut Vec<PathBuf>, context: &Context) -> CommandResult {
    if !pattern.iter().any(|byte| b"*?[\\".contains(byte)) {
        found.push(PathBuf::from(OsStr::from_bytes(pattern)));
        return Ok(());
    }
    let path = PathBuf::from(OsStr::from_bytes(pattern));
    let absolute = environment::absolute(&path)
        .map_err(|error| CommandError::path("find the path", &path, &error))?;
    let filter = IncludeFilter::new(&[absolute.as_os_str().as_bytes()], &[] as &[&[u8]])
        .map_err(|error| CommandError::usage(error.to_string()))?;
    let before = found.len();
    // A link may point back to its own folder: only literal names are sure to terminate.
    let follow = !pattern.windows(2).any(|two| two == b"**");
    search(Path::new("/"), &filter, follow, found);
    if found.len() == before {
        let text = String::from_utf8_lossy(pattern);
        context.output.warn(&format!("pattern \"{text}\" matches nothing"));
    }
    Ok(())
}

/// Searches below a folder for what a pattern matches, without descending into matches.
fn search(folder: &Path, filter: &IncludeFilter, follow: bool, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let bytes = path.clone().into_os_string().into_vec();
        if filter.matches(&bytes) {
            found.push(path);
        } else if filter.may_match_below(&bytes) && path.is_dir() && (follow || !path.is_symlink())
        {
            search(&path, filter, follow, found);
        }
    }
}
