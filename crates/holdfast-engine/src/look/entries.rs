//! The entries of a folder of a snapshot's namespace, be it stored, made of sources, or of keys.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;

use super::keys::{KeyFolder, Seen, file_name, folder_entry};
use super::nodes::{Cursor, WantNode};
use super::root::Folder;
use crate::EngineError;

/// What entries are called that stand for objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// As the parts of their keys.
    Keys,
    /// As files can be called.
    Files,
}

/// An entry and what it is called.
#[derive(Debug)]
pub(crate) struct Named {
    /// The entry, with the name that was asked for.
    pub entry: Entry,
    /// The part of the key, if the name is another one.
    pub part: Option<Vec<u8>>,
}

/// The entries of one folder, in order, a node at a time.
#[derive(Debug)]
pub(crate) struct Entries {
    names: Names,
    source: EntrySource,
}

#[derive(Debug)]
enum EntrySource {
    Sources { folder: Folder, entries: VecDeque<Entry> },
    Stored { folder: Folder, cursor: Cursor },
    Keys(KeyEntries),
}

/// The entries of a folder of keys. The folders in it read on where it stands, so that the stored
/// directory is read once and nothing of it is kept: keys that begin alike stand side by side.
#[derive(Debug)]
struct KeyEntries {
    cursor: Rc<RefCell<Cursor>>,
    folder: KeyFolder,
    /// The folder that came last; what is left in it is passed over.
    below: Option<KeyFolder>,
}

impl Entries {
    /// Entries of objects are called by their keys.
    pub fn of(folder: &Folder) -> Self {
        Self::new(folder, Names::Keys)
    }

    /// Entries of objects are called as files can be.
    pub fn as_files(folder: &Folder) -> Self {
        Self::new(folder, Names::Files)
    }

    fn new(folder: &Folder, names: Names) -> Self {
        let source = match folder {
            Folder::Sources(sources) => {
                let entries = sources.iter().cloned().collect();
                EntrySource::Sources { folder: folder.clone(), entries }
            }
            Folder::Tree(root) | Folder::Bucket(root) => {
                EntrySource::Stored { folder: folder.clone(), cursor: Cursor::new(*root) }
            }
            Folder::Keys(keys) => {
                let cursor = Cursor::within(keys.tree(), keys.stored_prefix());
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
    ) -> Result<Option<Named>, EngineError> {
        let entry = match &mut self.source {
            EntrySource::Sources { entries, .. } => entries.pop_front(),
            EntrySource::Stored { cursor, .. } => cursor.next(reader, want)?,
            EntrySource::Keys(keys) => return keys.next(reader, self.names, want),
        };
        Ok(entry.map(|entry| Named { entry, part: None }))
    }

    /// The entries of the directory that came last; `None` if it was none.
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

    /// True if each entry stands for a source.
    pub fn are_sources(&self) -> bool {
        matches!(self.source, EntrySource::Sources { .. })
    }

    /// True if what came last is only what keys begin with: nothing is stored of it.
    pub fn is_start_of_keys(&self) -> bool {
        matches!(&self.source, EntrySource::Keys(KeyEntries { below: Some(_), .. }))
    }

    /// True if what came last is called by its key.
    pub fn is_object(&self) -> bool {
        matches!(&self.source, EntrySource::Keys(KeyEntries { below: None, .. }))
    }
}

impl KeyEntries {
    fn next(
        &mut self,
        reader: &mut BlobReader<'_>,
        names: Names,
        want: WantNode<'_>,
    ) -> Result<Option<Named>, EngineError> {
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
            // An empty object with a slash at its end is how others write down a folder.
            if names == Names::Files && part.is_none() && is_empty_file(&entry) {
                continue;
            }
            let is_beside = names == Names::Files
                && is_beside_folder(&self.folder, &cursor, reader, part.as_deref())?;
            let entry = Entry { name: part.unwrap_or_default(), ..entry };
            return Ok(Some(named(entry, names, is_beside)));
        }
    }
}

/// True if keys that are still to come lie in a folder called as the object that came last.
fn is_beside_folder(
    folder: &KeyFolder,
    cursor: &Cursor,
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

fn named(entry: Entry, names: Names, is_beside_folder: bool) -> Named {
    if names == Names::Keys {
        return Named { entry, part: None };
    }
    let name = file_name(&entry.name, is_beside_folder);
    if name == entry.name {
        return Named { entry, part: None };
    }
    let part = Some(entry.name);
    Named { entry: Entry { name, metadata: entry.metadata, kind: entry.kind }, part }
}

fn is_empty_file(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::File { size: 0, .. })
}
