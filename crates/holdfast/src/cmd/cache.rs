//! `cache`: list or clean up local caches.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdfast_format::RepositoryId;
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::maintenance::{CacheCleanup, CacheEntry};
use crate::output::table::{Align, Table};
use crate::output::{escape, text};
use crate::{environment, parse};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast cache
      list the caches with their repositories, sizes and ages
  holdfast cache --cleanup
      delete those that were not used for 30 days
  holdfast cache --cleanup --max-age 0

A repository has one cache per location: a copy on another disk has its own. A cache can be deleted
at any time. Apart from copies of what is in the repository, it only records how recent the
repository was, to detect a rollback.";

/// Days without use after which a cache is old, by default.
const MAX_AGE_DAYS: u32 = 30;

/// List or clean up local caches
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Delete old caches
    #[arg(long)]
    pub cleanup: bool,

    /// Days without use after which a cache is old
    #[arg(long, value_name = "DAYS", default_value_t = MAX_AGE_DAYS)]
    #[arg(value_parser = parse::number::<0, 36_500>)]
    pub max_age: u32,

    /// Do not compute sizes
    #[arg(long)]
    pub no_size: bool,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let folder = context.cache_folder().ok_or_else(|| no_folder(context))?;
    let now = SystemTime::from(environment::now());
    let caches = list(&folder, args, now)
        .map_err(|error| CommandError::path("read the cache folder", &folder, &error))?;
    match (args.cleanup, context.output.style().json) {
        (true, _) => clean_up(context, &caches),
        (false, true) => Ok(context.output.json(&json(&caches))?),
        (false, false) if caches.is_empty() => {
            let folder = escape::path(&folder);
            Ok(context.output.note(0, &format!("there are no caches in {folder}"))?)
        }
        (false, false) => Ok(context.output.line(&table(&folder, &caches, args.no_size))?),
    }
}

/// The cache of a repository at one location.
struct CacheFolder {
    id: RepositoryId,
    path: PathBuf,
    used: SystemTime,
    age: Duration,
    is_old: bool,
    bytes: u64,
}

fn no_folder(context: &Context) -> CommandError {
    match context.global.no_cache {
        true => CommandError::usage("--no-cache leaves no cache to list"),
        false => CommandError::usage("there is no cache folder because HOME is not set")
            .hint("--cache-dir FOLDER"),
    }
}

/// The caches below `folder`, least recently used first: one per location of a repository. Folders
/// whose names are not ids of repositories are ignored.
fn list(folder: &Path, args: &Args, now: SystemTime) -> io::Result<Vec<CacheFolder>> {
    let mut caches = Vec::new();
    let old = Duration::from_hours(24 * u64::from(args.max_age));
    for (name, of_repository) in folders_in(folder)? {
        let Ok(id) = name.parse::<RepositoryId>() else { continue };
        let mut places = folders_in(&of_repository)?;
        if places.is_empty() {
            places.push((name, of_repository));
        }
        for (_, path) in places {
            let (used, bytes) = measure(&path)?;
            // A time in the future comes from a wrong clock.
            let age = now.duration_since(used).unwrap_or_default();
            caches.push(CacheFolder { id, path, used, age, is_old: age >= old, bytes });
        }
    }
    caches.sort_by_key(|cache| (cache.used, cache.id));
    Ok(caches)
}

/// The folders in a folder whose names are UTF-8; none if it does not exist.
fn folders_in(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let (Ok(name), true) = (entry.file_name().into_string(), entry.file_type()?.is_dir()) {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// When a cache was last used, by the times of its files, and their total size.
fn measure(path: &Path) -> io::Result<(SystemTime, u64)> {
    let mut files = Vec::<Metadata>::new();
    for entry in fs::read_dir(path)? {
        match entry?.metadata() {
            // Its process has just removed or replaced it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            metadata => files.push(metadata?),
        }
    }
    let mut used = fs::metadata(path)?.modified()?;
    for file in &files {
        used = used.max(file.modified()?);
    }
    Ok((used, files.iter().map(Metadata::len).sum()))
}

/// Deletes old caches, for `--cleanup-cache` of other commands.
///
/// # Errors
/// A cache cannot be removed.
pub fn clean_up_old(context: &Context) -> CommandResult {
    let Some(folder) = context.cache_folder() else { return Ok(()) };
    let args = Args { cleanup: true, max_age: MAX_AGE_DAYS, no_size: true };
    let caches = list(&folder, &args, environment::now().into())
        .map_err(|error| CommandError::path("read the cache folder", &folder, &error))?;
    remove_old(context, &caches).map(drop)
}

fn clean_up(context: &Context, caches: &[CacheFolder]) -> CommandResult {
    let (removed, bytes) = remove_old(context, caches)?;
    if context.output.style().json {
        let (message_type, removed_caches) = ("summary", removed);
        return Ok(context.output.json(&CacheCleanup { message_type, removed_caches, bytes })?);
    }
    let (count, size) = (text::count(removed, "cache", "caches"), text::size(bytes));
    Ok(context.output.note(0, &format!("removed {count} ({size})"))?)
}

/// The number of removed caches, and their bytes.
fn remove_old(context: &Context, caches: &[CacheFolder]) -> CommandResult<(u64, u64)> {
    let (mut removed, mut failed, mut bytes) = (0, 0, 0);
    for cache in caches.iter().filter(|cache| cache.is_old) {
        match remove(&cache.path) {
            Ok(()) => {
                removed += 1;
                bytes += cache.bytes;
            }
            Err(error) => {
                failed += 1;
                context.output.warn(&format!("{}: {error}", escape::path(&cache.path)));
            }
        }
    }
    match failed {
        0 => Ok((removed, bytes)),
        _ => Err(CommandError::failed(format!(
            "{} could not be removed",
            text::count(failed, "cache", "caches")
        ))),
    }
}

/// Removes a cache; with the last cache of a repository also what they shared.
fn remove(cache: &Path) -> io::Result<()> {
    fs::remove_dir_all(cache)?;
    let of_repository = cache.parent().filter(|above| {
        let name = above.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.parse::<RepositoryId>().is_ok())
    });
    match of_repository {
        Some(folder) if folders_in(folder)?.is_empty() => fs::remove_dir_all(folder),
        _ => Ok(()),
    }
}

fn table(folder: &Path, caches: &[CacheFolder], no_size: bool) -> String {
    let mut columns =
        vec![("Repository", Align::Left), ("Last used", Align::Left), ("Old", Align::Left)];
    if !no_size {
        columns.push(("Size", Align::Right));
    }
    let mut table = Table::new(&columns);
    for cache in caches {
        let id = cache.id.to_hex().chars().take(ID_DIGITS).collect();
        let days = text::count(cache.age.as_secs() / DAY_SECONDS, "day", "days");
        let old = if cache.is_old { "yes" } else { "" };
        table.row([id, format!("{days} ago"), old.to_owned(), text::size(cache.bytes)]);
    }
    let count = text::count(caches.len() as u64, "cache", "caches");
    table.footer(format!("{count} in {}", escape::path(folder)));
    table.render()
}

/// Number of digits shown of an id.
const ID_DIGITS: usize = 8;
const DAY_SECONDS: u64 = 24 * 60 * 60;

fn json(caches: &[CacheFolder]) -> Vec<CacheEntry> {
    let entry = |cache: &CacheFolder| CacheEntry {
        repository: cache.id.to_hex(),
        path: cache.path.to_string_lossy().into_owned(),
        last_used: Timestamp::try_from(cache.used).unwrap_or_default(),
        old: cache.is_old,
        size: cache.bytes,
    };
    caches.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_called_as_repositories_are_caches() {
        let folder = tempfile::tempdir().unwrap();
        let id = "ab".repeat(RepositoryId::BYTES);
        for name in [id.as_str(), "documents", "abab"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("index-0.redb"), b"12345").unwrap();
        }
        let args = Args { cleanup: false, max_age: 30, no_size: false };
        let used = fs::metadata(folder.path().join(&id).join("index-0.redb")).unwrap();
        let used = used.modified().unwrap();
        let list =
            |days: u64| list(folder.path(), &args, used + Duration::from_hours(24 * days)).unwrap();
        let caches = list(29);
        assert_eq!(caches.len(), 1);
        assert_eq!((caches[0].id.to_hex(), caches[0].bytes, caches[0].is_old), (id, 5, false));
        assert!(list(31)[0].is_old);
        insta::assert_snapshot!(table(Path::new("/c"), &list(31), false), @r"
        Repository  Last used    Old  Size
        ----------------------------------
        abababab    31 days ago  yes   5 B
        ----------------------------------
        1 cache in /c
        ");
    }

    #[test]
    fn each_place_has_a_cache_and_the_last_takes_the_rest_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let of_repository = folder.path().join("ab".repeat(RepositoryId::BYTES));
        for place in ["one", "other"] {
            fs::create_dir_all(of_repository.join(place)).unwrap();
            fs::write(of_repository.join(place).join("index-0.redb"), b"12345").unwrap();
        }
        fs::write(of_repository.join("contents.app"), b"1").unwrap();
        let args = Args { cleanup: true, max_age: 0, no_size: false };
        let now = fs::metadata(folder.path()).unwrap().modified().unwrap();
        let caches = list(folder.path(), &args, now).unwrap();
        assert_eq!(caches.iter().map(|cache| cache.bytes).collect::<Vec<_>>(), [5, 5]);
        remove(&caches[0].path).unwrap();
        assert!(of_repository.join("contents.app").exists() && !caches[0].path.exists());
        remove(&caches[1].path).unwrap();
        assert!(!of_repository.exists() && folder.path().exists());
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_caches() {
        let args = Args { cleanup: false, max_age: 0, no_size: true };
        let caches = list(Path::new("/nonexistent"), &args, SystemTime::UNIX_EPOCH).unwrap();
        assert!(caches.is_empty());
    }
}
