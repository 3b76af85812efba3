//! A walk through a directory and everything below it.

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::{BlobId, limits};
use holdfast_repo::RepoError;
use holdfast_repo::read::BlobReader;

use super::entries::{NamedEntry, ShownEntries};
use super::root::Folder;
use crate::{EngineError, EngineEvent, Observer};

/// How a walk continues after an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Into the directory, if it is one.
    Descend,
    /// Past the directory.
    Skip,
    /// It ends.
    Stop,
}

/// Receives the entries of a walk.
pub trait Visitor {
    /// An entry; directories come before their contents. `path` starts with a slash.
    ///
    /// # Errors
    /// Any error that should end the walk.
    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<Walk, EngineError>;

    /// The next entry is an object with this key as its path, which cannot be its name; only where
    /// objects get valid file names.
    fn renamed(&mut self, key_path: &[u8]) {
        let _ = key_path;
    }

    /// The directory at `path`, which was just reported as an entry, is nested deeper than readers
    /// go; its contents are skipped.
    fn too_deep(&mut self, path: &[u8], error: &EngineError);

    /// A node of the stored directory at `path` (empty for the root) is about to be read; false
    /// skips it and all entries below it.
    ///
    /// # Errors
    /// Any error that should end the walk.
    fn node(&mut self, path: &[u8], id: &BlobId) -> Result<bool, EngineError> {
        let _ = (path, id);
        Ok(true)
    }
}

/// A closure that receives entries only.
struct EachEntry<'a, F> {
    each: F,
    observer: &'a dyn Observer,
}

impl<F: FnMut(&[u8], &Entry) -> Result<Walk, EngineError>> Visitor for EachEntry<'_, F> {
    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<Walk, EngineError> {
        (self.each)(path, entry)
    }

    fn too_deep(&mut self, path: &[u8], error: &EngineError) {
        tell_too_deep(self.observer, path, error);
    }
}

/// Reports that the contents of a directory are skipped.
pub(crate) fn tell_too_deep(observer: &dyn Observer, path: &[u8], error: &EngineError) {
    let message = format!("its contents cannot be read: {error}");
    observer.event(EngineEvent::Trouble { path, during: "read", message: &message });
}

/// A directory that the walk is in.
struct WalkLevel {
    entries: ShownEntries,
    /// Length of the directory's path.
    path_bytes: usize,
    /// Length of the path of the stored directory that it is, or is part of.
    stored_path_bytes: usize,
    /// Length of the directory's path by keys.
    key_path_bytes: usize,
}

/// Walks everything below `folder`, whose path is `path` (empty for the root): depth first, each
/// directory in the order of its names. Memory grows with the depth, by a node per directory, not
/// with the number of entries.
///
/// # Errors
/// Repository failures and what `visitor` returns.
pub fn walk(
    reader: &mut BlobReader<'_>,
    folder: &Folder,
    path: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<(), EngineError> {
    walk_entries(reader, ShownEntries::of(folder), path, path, visitor)
}

/// Like [`walk`], where objects get valid file names; `key_path` is the path by keys.
pub(super) fn walk_as_files(
    reader: &mut BlobReader<'_>,
    folder: &Folder,
    path: &[u8],
    key_path: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<(), EngineError> {
    walk_entries(reader, ShownEntries::as_files(folder), path, key_path, visitor)
}

fn walk_entries(
    reader: &mut BlobReader<'_>,
    entries: ShownEntries,
    path: &[u8],
    key_path: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<(), EngineError> {
    // The trees start below the directories that represent sources.
    let levels_above = if entries.are_sources() { 2 } else { 1 };
    let (mut path, mut key_path) = (path.to_vec(), key_path.to_vec());
    let (path_bytes, key_path_bytes) = (path.len(), key_path.len());
    let mut levels =
        vec![WalkLevel { entries, path_bytes, stored_path_bytes: path_bytes, key_path_bytes }];
    while let Some(level) = levels.last_mut() {
        path.truncate(level.path_bytes);
        key_path.truncate(level.key_path_bytes);
        let stored_path = &path[..level.stored_path_bytes];
        let next = level.entries.next(reader, &mut |id| visitor.node(stored_path, id))?;
        let Some(NamedEntry { entry, part }) = next else {
            levels.pop();
            continue;
        };
        push_name(&mut path, &entry.name);
        push_name(&mut key_path, part.as_ref().unwrap_or(&entry.name));
        let below = level.entries.below(&entry);
        if level.entries.is_object() && path != key_path {
            visitor.renamed(&key_path);
        }
        let (path_bytes, key_path_bytes) = (path.len(), key_path.len());
        let stored_path_bytes = match level.entries.is_start_of_keys() {
            true => level.stored_path_bytes,
            false => path_bytes,
        };
        match (visitor.entry(&path, &entry)?, &entry.kind, below) {
            (Walk::Stop, ..) => return Ok(()),
            (Walk::Descend, EntryKind::Directory(root), Some(entries)) => {
                let depth = (levels.len() + 1).saturating_sub(levels_above);
                if let Err(error) = check_depth(depth, root) {
                    visitor.too_deep(&path, &error);
                    continue;
                }
                levels.push(WalkLevel { entries, path_bytes, stored_path_bytes, key_path_bytes });
            }
            _ => {}
        }
    }
    Ok(())
}

fn push_name(path: &mut Vec<u8>, name: &[u8]) {
    path.push(b'/');
    path.extend_from_slice(name);
}

/// Like [`walk`], for a closure; skipped directories are reported to `observer`.
///
/// # Errors
/// As [`walk`].
pub fn walk_each(
    reader: &mut BlobReader<'_>,
    folder: &Folder,
    path: &[u8],
    observer: &dyn Observer,
    each: impl FnMut(&[u8], &Entry) -> Result<Walk, EngineError>,
) -> Result<(), EngineError> {
    walk(reader, folder, path, &mut EachEntry { each, observer })
}

/// Fails if a directory with this root must not be `depth` directories below the root of its tree:
/// only a damaged or hostile tree is that deep.
pub(crate) fn check_depth(depth: usize, root: &BlobId) -> Result<(), EngineError> {
    let too_deep = |source| RepoError::BadNode { id: *root, source }.into();
    limits::TREE_DEPTH.check(depth as u64).map_err(too_deep)
}

/// Fails if the user asked to stop.
pub(super) fn check_interrupt(observer: &dyn Observer) -> Result<(), EngineError> {
    if observer.is_interrupted() { Err(EngineError::Interrupted) } else { Ok(()) }
}
