//! Listing entries.

use std::collections::BTreeMap;

use holdfast_format::entry::Entry;
use holdfast_repo::read::BlobReader;

use super::root::{Folder, SnapshotRoot};
use super::walk::{Walk, check_interrupt, walk_each};
use crate::{EngineError, Observer};

/// Receives an entry and its path, which starts with a slash.
pub type TakeEntry<'a> = &'a mut dyn FnMut(&[u8], &Entry) -> Result<(), EngineError>;

/// Lists like restic: without `paths` everything; otherwise each path itself and its direct
/// contents, or with `is_recursive` everything below it. Each entry appears once, however the paths
/// overlap.
///
/// # Errors
/// [`EngineError::NoSuchPath`] before anything is listed, [`EngineError::Interrupted`]; repository
/// failures and what `each` returns.
pub fn ls(
    reader: &mut BlobReader<'_>,
    root: &SnapshotRoot,
    paths: &[Vec<u8>],
    is_recursive: bool,
    observer: &dyn Observer,
    each: TakeEntry<'_>,
) -> Result<(), EngineError> {
    if paths.is_empty() {
        return list_below(reader, root.folder(), b"", true, observer, each);
    }
    // An object comes before the folder of the same name.
    let mut places = BTreeMap::new();
    for path in paths {
        for place in root.places(reader, path)? {
            places.insert((place.path().to_vec(), place.folder().is_some()), place);
        }
    }
    for ((path, _), place) in &places {
        let is_wanted = |above: &[u8]| places.contains_key(&(above.to_vec(), true));
        let is_listed = match is_recursive {
            true => ancestors(path).any(is_wanted),
            false => ancestors(path).next().is_some_and(is_wanted),
        };
        if is_listed && is_recursive {
            continue;
        }
        if let (Some(entry), false) = (place.entry(), is_listed) {
            each(path, entry)?;
        }
        if let Some(folder) = place.folder() {
            list_below(reader, folder, path, is_recursive, observer, each)?;
        }
    }
    Ok(())
}

fn list_below(
    reader: &mut BlobReader<'_>,
    folder: &Folder,
    path: &[u8],
    is_recursive: bool,
    observer: &dyn Observer,
    each: TakeEntry<'_>,
) -> Result<(), EngineError> {
    let after = if is_recursive { Walk::Descend } else { Walk::Skip };
    walk_each(reader, folder, path, observer, |path, entry| {
        check_interrupt(observer)?;
        each(path, entry)?;
        Ok(after)
    })
}

/// The directories above a path, nearest first; the root, which is empty, last.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    slashes.map(|(place, _)| &path[..place])
}
