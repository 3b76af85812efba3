//! The namespace of a snapshot: one tree, whether it has one source or several.

use std::sync::Arc;

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata, is_valid_name};
use holdfast_format::limits::NAME_BYTES_MAX;
use holdfast_format::record::Snapshot;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;

use crate::EngineError;

/// Mode of the directories that stand for sources.
const SOURCE_MODE: u32 = 0o755;

/// A directory of a snapshot's namespace.
#[derive(Debug, Clone)]
pub enum Folder {
    /// A stored directory, by the id of its root node.
    Tree(BlobId),
    /// The top of a snapshot with several sources: one directory for each, ascending by name. It is
    /// not stored.
    Sources(Arc<[Entry]>),
}

/// What a path leads to.
#[derive(Debug, Clone)]
pub enum Place {
    /// The top itself, which has no entry.
    Root(Folder),
    /// An entry below it.
    Entry(Box<Entry>),
}

impl Place {
    /// The directory that it is; `None` for anything else.
    pub fn folder(&self) -> Option<Folder> {
        match self {
            Self::Root(folder) => Some(folder.clone()),
            Self::Entry(entry) => match entry.kind {
                EntryKind::Directory(root) => Some(Folder::Tree(root)),
                _ => None,
            },
        }
    }
}

/// The tree of a snapshot, or of a folder in it, as one namespace.
///
/// With one source its tree is the root: a backup of `/home` has `/home` in it. With several, the
/// root has one directory per source, called as the source is: two trees may both have `/etc`, and
/// neither hides the other. Names of sources that cannot be names of entries are changed until they
/// can; of two that are equal the later one becomes `name~2`.
#[derive(Debug, Clone)]
pub struct SnapshotRoot(Folder);

impl From<BlobId> for Folder {
    fn from(root: BlobId) -> Self {
        Self::Tree(root)
    }
}

impl SnapshotRoot {
    /// The whole snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        match snapshot.sources.as_slice() {
            [source] => Self(Folder::Tree(source.tree)),
            _ => Self(Folder::Sources(sources(snapshot).into())),
        }
    }

    /// One source of the snapshot, however many it has, by the name that its directory has beside
    /// those of the others.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSource`].
    pub fn of_source(snapshot: &Snapshot, name: &str) -> Result<Self, EngineError> {
        let sources = sources(snapshot);
        let found = sources.iter().find(|entry| entry.name == name.as_bytes());
        match found.map(|entry| &entry.kind) {
            Some(EntryKind::Directory(root)) => Ok(Self(Folder::Tree(*root))),
            _ => Err(EngineError::NoSuchSource {
                name: name.to_owned(),
                sources: sources.iter().map(|it| lossy(&it.name)).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The folder at `path` of a snapshot, as its own root: what `snapshot:subfolder` names.
    ///
    /// # Errors
    /// As [`SnapshotRoot::enter`].
    pub fn below(
        reader: &mut BlobReader<'_>,
        snapshot: &Snapshot,
        path: &[u8],
    ) -> Result<Self, EngineError> {
        Self::of(snapshot).enter(reader, path)
    }

    /// The folder at `path` below this root, as its own root.
    ///
    /// # Errors
    /// [`EngineError::NoSuchPath`], [`EngineError::WrongKind`] if it is no directory; repository
    /// failures.
    pub fn enter(&self, reader: &mut BlobReader<'_>, path: &[u8]) -> Result<Self, EngineError> {
        let place = self.resolve(reader, path)?;
        place.folder().map(Self).ok_or_else(|| EngineError::WrongKind {
            path: absolute(&components(path)),
            wanted: "directory",
        })
    }

    /// The directory that it is.
    pub fn folder(&self) -> &Folder {
        &self.0
    }

    /// What `path` leads to, read along one path of each directory's tree. Slashes at both ends,
    /// doubled slashes, `.` and `..` mean what they mean elsewhere, without links being followed.
    ///
    /// # Errors
    /// [`EngineError::NoSuchPath`]; repository failures.
    pub fn resolve(&self, reader: &mut BlobReader<'_>, path: &[u8]) -> Result<Place, EngineError> {
        let names = components(path);
        let mut place = Place::Root(self.0.clone());
        for name in &names {
            let entry = match place.folder() {
                Some(folder) => folder.find(reader, name)?,
                None => None,
            };
            let entry = entry.ok_or_else(|| EngineError::NoSuchPath { path: absolute(&names) })?;
            place = Place::Entry(Box::new(entry));
        }
        Ok(place)
    }
}

impl Folder {
    /// The entry called `name`.
    ///
    /// # Errors
    /// Repository failures and damaged nodes.
    pub fn find(
        &self,
        reader: &mut BlobReader<'_>,
        name: &[u8],
    ) -> Result<Option<Entry>, EngineError> {
        match self {
            Self::Tree(root) => Ok(DirectoryCursor::find(reader, *root, name)?),
            Self::Sources(entries) => Ok(entries.iter().find(|entry| entry.name == name).cloned()),
        }
    }
}

/// What `path` leads to in a snapshot: [`SnapshotRoot::of`] and [`SnapshotRoot::resolve`] in one.
///
/// # Errors
/// As [`SnapshotRoot::resolve`].
pub fn resolve(
    reader: &mut BlobReader<'_>,
    snapshot: &Snapshot,
    path: &[u8],
) -> Result<Place, EngineError> {
    SnapshotRoot::of(snapshot).resolve(reader, path)
}

/// `path` as every verb here gives it: `/` before each name, nothing for the root.
pub fn clean(path: &[u8]) -> Vec<u8> {
    components(path).iter().flat_map(|name| [b"/", *name].concat()).collect()
}

/// The names that a path consists of.
fn components(path: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    names
}

fn absolute(names: &[&[u8]]) -> String {
    format!("/{}", lossy(&names.join(&b'/')))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One directory per source, ascending by name.
fn sources(snapshot: &Snapshot) -> Vec<Entry> {
    let seconds = snapshot.time.as_second();
    let metadata = Metadata {
        mode: SOURCE_MODE,
        mtime: FileTime { seconds, nanoseconds: 0 },
        ctime: FileTime { seconds, nanoseconds: 0 },
        links: 1,
        ..Metadata::default()
    };
    let mut entries: Vec<Entry> = Vec::new();
    for source in &snapshot.sources {
        let name = free_name(&entries, &source.name);
        let kind = EntryKind::Directory(source.tree);
        entries.push(Entry { name, metadata: metadata.clone(), kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// A valid name like `wanted` that no entry has.
fn free_name(entries: &[Entry], wanted: &str) -> Vec<u8> {
    let mut name: Vec<u8> =
        wanted.bytes().map(|byte| if matches!(byte, 0 | b'/') { b'_' } else { byte }).collect();
    // Leaves room for a number.
    name.truncate(NAME_BYTES_MAX - 24);
    if !is_valid_name(&name) {
        name = b"source".to_vec();
    }
    let is_taken = |name: &[u8]| entries.iter().any(|entry| entry.name == name);
    let mut free = name.clone();
    let mut number = 2;
    while is_taken(&free) {
        free = [name.as_slice(), format!("~{number}").as_bytes()].concat();
        number += 1;
    }
    free
}
