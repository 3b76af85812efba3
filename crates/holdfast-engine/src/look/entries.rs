//! The entries of a folder of a snapshot's namespace, whether stored, made of sources, or of keys.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;

use super::keys::{KeyFolder, Seen, file_name, folder_entry};
use super::nodes::{EntryCursor, WantNode};
use super::root::Folder;
use crate::EngineError;

/// How entries that represent objects are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectNaming {
    /// By the parts of their keys.
    Keys,
    /// By valid file names.
    Files,
}

/// An entry and its name.
#[derive(Debug)]
pub(crate) struct NamedEntry {
    /// The entry, with the requested kind of name.
    pub entry: Entry,
    /// The part of the key, if the name differs from it.
    pub part: Option<Vec<u8>>,
}

/// The entries of one folder, in order, a node at a time.
#[derive(Debug)]
pub(crate) struct ShownEntries {
    names: ObjectNaming,
    source: EntrySource,
}

#[derive(Debug)]
enum EntrySource {
    Sources { folder: Folder, entries: VecDeque<Entry> },
    Stored { folder: Folder, cursor: EntryCursor },
    Keys(KeyEntries),
}

/// The entries of a folder of keys. Its subfolders continue reading at its position, so that the
/// stored directory is read once and nothing of it is kept: keys with a common prefix are adjacent.
#[derive(Debug)]
struct KeyEntries {
    cursor: Rc<RefCell<EntryCursor>>,
    folder: KeyFolder,
    /// The most recent folder; the rest of it is skipped.
    below: Option<KeyFolder>,
}

impl ShownEntries {
    /// Entries of objects are named by their keys.
    pub fn of(folder: &Folder) -> Self {
        Self::new(folder, ObjectNaming::Keys)
    }

    /// Entries of objects get valid file names.
    pub fn as_files(folder: &Folder) -> Self {
        Self::new(folder, ObjectNaming::Files)
    }

    fn new(folder: &Folder, names: ObjectNaming) -> Self {
        let source = match folder {
            Folder::Sources(sources) => {
                let entries = sources.iter().cloned().collect();
                EntrySource::Sources { folder: folder.clone(), entries }
            }
            Folder::Tree(root) | Folder::Bucket(root) => {
                EntrySource::Stored { folder: folder.clone(), cursor: EntryCursor::new(*root) }
            }
            Folder::Keys(keys) => {
                let cursor = EntryCursor::within(keys.tree(), keys.stored_prefix());
                let cursor = Rc::new(RefCell::new(cursor));
                EntrySource::Keys(KeyEntries { cursor, folder: keys.clone(), below: None })
            }
        };
        Self { names, source }
    }

    /// The next entry; `None` after the last.
    pub fn next(
        &mut self,
        reader: &mut BlobReader<'_>,
        want: WantNode<'_>,
    ) -> Result<Option<NamedEntry>, EngineError> {
        let entry = match &mut self.source {
            EntrySource::Sources { entries, .. } => entries.pop_front(),
            EntrySource::Stored { cursor, .. } => cursor.next(reader, want)?,
            EntrySource::Keys(keys) => return keys.next(reader, self.names, want),
        };
        Ok(entry.map(|entry| NamedEntry { entry, part: None }))
    }

    /// The entries of the most recent entry, if that was a directory.
    pub fn below(&self, entry: &Entry) -> Option<Self> {
        let folder = match &self.source {
            EntrySource::Sources { folder, .. } | EntrySource::Stored { folder, .. } => {
                folder.child(entry)
            }
            EntrySource::Keys(keys) => match &keys.below {
                Some(below) => {
                    let (cursor, folder) = (Rc::clone(&keys.cursor), below.clone());
                    let source = EntrySource::Keys(KeyEntries { cursor, folder, below: None });
                    return Some(Self { names: self.names, source });
                }
                None => Folder::Keys(keys.folder.clone()).child(entry),
            },
        };
        folder.map(|folder| Self::new(&folder, self.names))
    }

    /// True if each entry represents a source.
    pub fn are_sources(&self) -> bool {
        matches!(self.source, EntrySource::Sources { .. })
    }

    /// True if the most recent entry is only a common prefix of keys: nothing is stored for it.
    pub fn is_start_of_keys(&self) -> bool {
        matches!(&self.source, EntrySource::Keys(KeyEntries { below: Some(_), .. }))
    }

    /// True if the most recent entry is named by its key.
    pub fn is_object(&self) -> bool {
        matches!(&self.source, EntrySource::Keys(KeyEntries { below: None, .. }))
    }
}

impl KeyEntries {
    fn next(
        &mut self,
        reader: &mut BlobReader<'_>,
        names: ObjectNaming,
        want: WantNode<'_>,
    ) -> Result<Option<NamedEntry>, EngineError> {
        let mut cursor = self.cursor.borrow_mut();
        if let Some(below) = self.below.take() {
            cursor.skip(reader, &below.stored_prefix(), want)?;
        }
        loop {
            let Some(name) = cursor.peek(reader, want)? else { return Ok(None) };
            let part = match self.folder.see(name) {
                Seen::Outside => return Ok(None),
                Seen::Below(part) => {
                    self.below = Some(self.folder.below(&part));
                    let entry = folder_entry(part.into_bytes(), self.folder.tree());
                    return Ok(Some(named(entry, names, false)));
                }
                Seen::Here(part) => part,
            };
            let Some(entry) = cursor.next(reader, want)? else { return Ok(None) };
            // An empty object with a trailing slash is how other programs represent a folder.
            if names == ObjectNaming::Files && part.is_none() && is_empty_file(&entry) {
                continue;
            }
            let is_beside = names == ObjectNaming::Files
                && is_beside_folder(&self.folder, &cursor, reader, part.as_deref())?;
            let entry = Entry { name: part.unwrap_or_default(), ..entry };
            return Ok(Some(named(entry, names, is_beside)));
        }
    }
}

/// True if later keys lie in a folder with the same name as the most recent object.
fn is_beside_folder(
    folder: &KeyFolder,
    cursor: &EntryCursor,
    reader: &mut BlobReader<'_>,
    part: Option<&[u8]>,
) -> Result<bool, EngineError> {
    let Ok(part) = std::str::from_utf8(part.unwrap_or_default()) else { return Ok(false) };
    let beside = folder.below(part);
    match cursor.has_ahead(&beside.stored_prefix()) {
        Some(has) => Ok(has),
        None => beside.has_any(reader),
    }
}

fn named(entry: Entry, names: ObjectNaming, is_beside_folder: bool) -> NamedEntry {
    if names == ObjectNaming::Keys {
        return NamedEntry { entry, part: None };
    }
    let name = file_name(&entry.name, is_beside_folder);
    if name == entry.name {
        return NamedEntry { entry, part: None };
    }
    let part = Some(entry.name);
    NamedEntry { entry: Entry { name, metadata: entry.metadata, kind: entry.kind }, part }
}

fn is_empty_file(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::File { size: 0, .. })
}
