//! holdfast's own files, which a backup excludes: they change while they are read, and are of no
//! use elsewhere.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use holdfast_format::RepositoryId;

use crate::context::Context;

/// The repositories in these folders, all caches and the folder of locks, by device and inode, so
/// that they are recognized even through links and bind mounts.
pub fn folders<'a>(
    context: &Context,
    repositories: impl IntoIterator<Item = &'a Path>,
) -> Vec<(u64, u64)> {
    let caches = context.cache_folder().map(|folder| caches_in(&folder)).unwrap_or_default();
    let locks = context.environment.state_folder().filter(|folder| has_only_locks(folder));
    let own = repositories.into_iter().map(Path::to_owned).chain(caches).chain(locks);
    own.filter_map(|folder| identity(&folder)).collect()
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    let status = fs::metadata(folder).ok()?;
    Some((status.dev(), status.ino()))
}

/// The caches in the cache folder, which may hold other files too.
fn caches_in(folder: &Path) -> Vec<PathBuf> {
    let is_cache = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.parse::<RepositoryId>().is_ok())
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter(is_cache).map(|entry| entry.path()).collect()
}

fn has_only_locks(folder: &Path) -> bool {
    let is_lock = |entry: Result<fs::DirEntry, _>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "lock"))
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_other_uses_are_not_the_programs_own() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = scratch.path().join("ab".repeat(RepositoryId::BYTES));
        fs::create_dir(&cache).unwrap();
        fs::create_dir(scratch.path().join("documents")).unwrap();
        assert_eq!(caches_in(scratch.path()), std::slice::from_ref(&cache));
        assert!(!has_only_locks(scratch.path()));
        fs::write(cache.join("app.lock"), b"").unwrap();
        assert!(has_only_locks(&cache) && !has_only_locks(Path::new("/nonexistent")));
    }
}
