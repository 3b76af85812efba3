//! Listing entries.

use std::collections::BTreeSet;

use holdfast_format::entry::Entry;
use holdfast_repo::read::BlobReader;

use super::root::{Place, SnapshotRoot, clean};
use super::walk::{Walk, check_interrupt, walk_each};
use crate::{EngineError, Observer};

/// Takes an entry and its path, which begins with a slash.
pub type TakeEntry<'a> = &'a mut dyn FnMut(&[u8], &Entry) -> Result<(), EngineError>;

/// Lists, as restic does: without `paths` everything; else each path itself and what is directly in
/// it, or with `is_recursive` all that is below it. Each entry comes once, however the paths
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
        return list_below(reader, &Place::Root(root.folder().clone()), b"", true, observer, each);
    }
    let paths: BTreeSet<Vec<u8>> = paths.iter().map(|path| clean(path)).collect();
    for path in &paths {
        root.resolve(reader, path)?;
    }
    for path in &paths {
        let is_listed = match is_recursive {
            true => ancestors(path).any(|above| paths.contains(above)),
            false => ancestors(path).next().is_some_and(|above| paths.contains(above)),
        };
        if is_listed && is_recursive {
            continue;
        }
        let place = root.resolve(reader, path)?;
        if let (Place::Entry(entry), false) = (&place, is_listed) {
            each(path, entry)?;
        }
        list_below(reader, &place, path, is_recursive, observer, each)?;
    }
    Ok(())
}

fn list_below(
    reader: &mut BlobReader<'_>,
    place: &Place,
    path: &[u8],
    is_recursive: bool,
    observer: &dyn Observer,
    each: TakeEntry<'_>,
) -> Result<(), EngineError> {
    let Some(folder) = place.folder() else { return Ok(()) };
    let after = if is_recursive { Walk::Descend } else { Walk::Skip };
    walk_each(reader, &folder, path, |path, entry| {
        check_interrupt(observer)?;
        each(path, entry)?;
        Ok(after)
    })
}

/// The directories above a path, the nearest first; the root, which is empty, last.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    slashes.map(|(place, _)| &path[..place])
}
