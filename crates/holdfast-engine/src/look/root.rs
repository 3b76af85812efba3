//! The namespace of a snapshot: one tree, whether it has one source or several.

use std::sync::Arc;

use holdfast_format::BlobId;
use holdfast_format::bucket::CONNECTOR;
use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata, is_valid_name};
use holdfast_format::limits::NAME_BYTES_MAX;
use holdfast_format::record::Snapshot;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;

use super::keys::{KeyFolder, file_name, folder_entry, last_part};
use crate::EngineError;

/// Mode of the directories that represent sources.
const SOURCE_MODE: u32 = 0o755;

/// A directory of a snapshot's namespace.
#[derive(Debug, Clone)]
pub enum Folder {
    /// A stored directory, by the id of its root node.
    Tree(BlobId),
    /// The top of a snapshot with several sources. It is not stored.
    Sources(Sources),
    /// The tree of a bucket, whose objects are named by their keys.
    Bucket(BlobId),
    /// Objects of a bucket, in folders formed from their keys.
    Keys(KeyFolder),
}

/// One directory for each source, ascending by name.
#[derive(Debug, Clone)]
pub struct Sources {
    entries: Arc<[Entry]>,
    /// Names of those that are buckets whose objects are named by their keys.
    buckets: Arc<[Vec<u8>]>,
}

/// What a path resolves to.
#[derive(Debug, Clone)]
pub struct Place {
    path: Vec<u8>,
    file_path: Vec<u8>,
    entry: Option<Entry>,
    folder: Option<Folder>,
}

impl Place {
    /// The path as every verb here returns it: `/` before each name, empty for the root.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The same with valid file names.
    pub(super) fn file_path(&self) -> &[u8] {
        &self.file_path
    }

    /// The entry there; `None` for the top itself, which has no entry.
    pub fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// The same, owned.
    pub fn into_entry(self) -> Option<Entry> {
        self.entry
    }

    /// The directory, if it is one.
    pub fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    fn root(folder: &Folder) -> Self {
        let (path, file_path) = (Vec::new(), Vec::new());
        Self { path, file_path, entry: None, folder: Some(folder.clone()) }
    }

    /// An entry of this folder.
    fn child(&self, entry: Entry) -> Self {
        let folder = self.folder.as_ref().and_then(|folder| folder.child(&entry));
        self.below(&entry.name.clone(), entry, folder)
    }

    /// An entry of this folder of keys under its key.
    fn object(&self, keys: &KeyFolder, entry: Entry) -> Self {
        let shown = keys.shown(&entry.name);
        let entry = Entry { name: last_part(&shown).to_vec(), ..entry };
        let folder = self.folder.as_ref().and_then(|folder| folder.child(&entry));
        self.below(&shown, entry, folder)
    }

    /// The entry with this name, which may contain slashes.
    fn below(&self, name: &[u8], entry: Entry, folder: Option<Folder>) -> Self {
        let path = [self.path.as_slice(), b"/", name].concat();
        let is_key = matches!(self.folder, Some(Folder::Keys(_)));
        let mut file_path = self.file_path.clone();
        for part in name.split(|byte| *byte == b'/') {
            file_path.push(b'/');
            match is_key {
                true => file_path.extend(file_name(part, false)),
                false => file_path.extend_from_slice(part),
            }
        }
        Self { path, file_path, entry: Some(entry), folder }
    }
}

/// The tree of a snapshot, or of a folder in it, as one namespace.
///
/// With one source, its tree is the root: a backup of `/home` has `/home` in it. With several, the
/// root has one directory per source, named after it: two trees may both have `/etc`, and neither
/// hides the other. Source names that cannot be names of entries are changed until they can; if two
/// are equal, the later one becomes `name~2`.
#[derive(Debug, Clone)]
pub struct SnapshotRoot(Folder);

impl From<BlobId> for Folder {
    fn from(root: BlobId) -> Self {
        Self::Tree(root)
    }
}

impl Sources {
    /// The directories.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }
}

impl<const COUNT: usize> From<[Entry; COUNT]> for Sources {
    fn from(entries: [Entry; COUNT]) -> Self {
        Self { entries: entries.into(), buckets: Arc::default() }
    }
}

impl SnapshotRoot {
    /// The whole snapshot, with all names as stored.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self::whole(snapshot).as_stored()
    }

    /// One source of the snapshot, however many it has, by the name of its directory. All names are
    /// as stored.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSource`].
    pub fn of_source(snapshot: &Snapshot, name: &str) -> Result<Self, EngineError> {
        Ok(Self::by_keys(snapshot, Some(name))?.as_stored())
    }

    /// The whole snapshot or one source of it, as people see it: objects of buckets are named by
    /// their keys.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSource`].
    pub fn by_keys(snapshot: &Snapshot, source: Option<&str>) -> Result<Self, EngineError> {
        let Some(name) = source else { return Ok(Self::whole(snapshot)) };
        let sources = sources(snapshot);
        let names = || sources.iter().map(|it| lossy(&it.name)).collect::<Vec<_>>().join(", ");
        let found = sources.iter().find(|entry| entry.name == name.as_bytes());
        let found = found.and_then(|entry| Folder::Sources(sources.clone()).child(entry));
        found
            .map(Self)
            .ok_or_else(|| EngineError::NoSuchSource { name: name.to_owned(), sources: names() })
    }

    fn whole(snapshot: &Snapshot) -> Self {
        Self(match snapshot.sources.as_slice() {
            [source] if source.connector == CONNECTOR => Folder::Bucket(source.tree),
            [source] => Folder::Tree(source.tree),
            _ => Folder::Sources(sources(snapshot)),
        })
    }

    /// The same with all names as stored.
    #[must_use]
    pub fn as_stored(self) -> Self {
        Self(match self.0 {
            Folder::Sources(sources) => {
                Folder::Sources(Sources { buckets: Arc::default(), ..sources })
            }
            Folder::Bucket(root) => Folder::Tree(root),
            other => other,
        })
    }

    /// The folder at `path` of a snapshot, as a root of its own: what `snapshot:subfolder` refers
    /// to.
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

    /// The folder at `path` below this root, as a root of its own.
    ///
    /// # Errors
    /// [`EngineError::NoSuchPath`], [`EngineError::WrongKind`] if it is not a directory; repository
    /// failures.
    pub fn enter(&self, reader: &mut BlobReader<'_>, path: &[u8]) -> Result<Self, EngineError> {
        let places = self.places(reader, path)?;
        let folder = places.into_iter().find_map(|place| place.folder);
        folder.map(Self).ok_or_else(|| EngineError::WrongKind {
            path: absolute(&components(path)),
            wanted: "directory",
        })
    }

    /// Its directory.
    pub fn folder(&self) -> &Folder {
        &self.0
    }

    /// Resolves `path`, reading along one path of each directory's tree. Slashes at both ends,
    /// doubled slashes, `.` and `..` have their usual meaning, without links being followed.
    ///
    /// Below the objects of a bucket a path is taken as a key first, exactly as written. If it is
    /// both an object and a prefix of other keys, it is the object; with a trailing slash it is the
    /// folder. Bytes that are not UTF-8 are the stored name of an object.
    ///
    /// # Errors
    /// [`EngineError::NoSuchPath`]; repository failures.
    pub fn resolve(&self, reader: &mut BlobReader<'_>, path: &[u8]) -> Result<Place, EngineError> {
        Ok(self.places(reader, path)?.swap_remove(0))
    }

    /// Everything that `path` resolves to, at least one place; two if it is both an object and a
    /// folder.
    ///
    /// # Errors
    /// As [`SnapshotRoot::resolve`].
    pub fn places(
        &self,
        reader: &mut BlobReader<'_>,
        path: &[u8],
    ) -> Result<Vec<Place>, EngineError> {
        let mut found = exact_places(reader, Place::root(&self.0), path)?;
        let cleaned = clean(path);
        if found.is_empty() && cleaned != path {
            found = exact_places(reader, Place::root(&self.0), &cleaned)?;
        }
        match found.is_empty() {
            true => Err(EngineError::NoSuchPath { path: absolute(&components(path)) }),
            false => Ok(found),
        }
    }
}

/// What `path`, as written, resolves to from a place; nothing if it must be normalized first.
fn exact_places(
    reader: &mut BlobReader<'_>,
    mut place: Place,
    path: &[u8],
) -> Result<Vec<Place>, EngineError> {
    let mut rest = path;
    loop {
        if let Some(Folder::Keys(keys)) = &place.folder {
            let text = rest.strip_prefix(b"/").unwrap_or(rest);
            return match text.is_empty() {
                true => Ok(vec![place]),
                false => key_places(reader, &place, &keys.clone(), text),
            };
        }
        let name;
        (name, rest) = first_name(rest);
        match name {
            b"" => return Ok(vec![place]),
            b"." => continue,
            b".." => return Ok(Vec::new()),
            _ => {}
        }
        let found = match &place.folder {
            Some(folder) => folder.find(reader, name)?,
            None => None,
        };
        let Some(entry) = found else { return Ok(Vec::new()) };
        place = place.child(entry);
    }
}

/// What `text` resolves to in a folder of keys: an object, a folder, or something in an entry's own
/// directory.
fn key_places(
    reader: &mut BlobReader<'_>,
    place: &Place,
    keys: &KeyFolder,
    text: &[u8],
) -> Result<Vec<Place>, EngineError> {
    let mut found = Vec::new();
    let folder_name = text.strip_suffix(b"/");
    if folder_name.is_none()
        && let Some(entry) = keys.find(reader, text)?
    {
        found.push(place.object(keys, entry));
    }
    let folder_name = folder_name.unwrap_or(text);
    if let Ok(name) = std::str::from_utf8(folder_name) {
        let below = keys.below(name);
        if below.has_any(reader)? {
            let entry = folder_entry(last_part(folder_name).to_vec(), keys.tree());
            found.push(place.below(folder_name, entry, Some(Folder::Keys(below))));
        }
    }
    let slashes = text.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    for (slash, _) in slashes {
        if !found.is_empty() {
            break;
        }
        let Some(entry) = keys.find(reader, &text[..slash])? else { continue };
        let above = place.object(keys, entry);
        if above.folder.is_some() {
            found = exact_places(reader, above, &text[slash..])?;
        }
    }
    Ok(found)
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
            Self::Tree(root) | Self::Bucket(root) => {
                Ok(DirectoryCursor::find(reader, *root, name)?)
            }
            Self::Sources(sources) => Ok(sources.iter().find(|entry| entry.name == name).cloned()),
            Self::Keys(keys) => keys.find(reader, name),
        }
    }

    /// The stored directory that it is, or is part of; `None` for the top of several sources.
    pub fn tree(&self) -> Option<BlobId> {
        match self {
            Self::Tree(root) | Self::Bucket(root) => Some(*root),
            Self::Keys(keys) => Some(keys.tree()),
            Self::Sources(_) => None,
        }
    }

    /// True if it contains, or is, objects of buckets that are named by their keys.
    pub fn has_keys(&self) -> bool {
        match self {
            Self::Tree(_) => false,
            Self::Sources(sources) => !sources.buckets.is_empty(),
            Self::Bucket(_) | Self::Keys(_) => true,
        }
    }

    /// The directory of an entry of this folder, if it is one.
    pub(crate) fn child(&self, entry: &Entry) -> Option<Self> {
        let EntryKind::Directory(root) = entry.kind else { return None };
        let is_bucket = |sources: &Sources| sources.buckets.contains(&entry.name);
        Some(match self {
            Self::Sources(sources) if is_bucket(sources) => Self::Bucket(root),
            Self::Bucket(_) => match KeyFolder::of_bucket(&entry.name, root) {
                Some(keys) => Self::Keys(keys),
                None => Self::Tree(root),
            },
            _ => Self::Tree(root),
        })
    }
}

/// Resolves `path` in a snapshot: [`SnapshotRoot::of`] and [`SnapshotRoot::resolve`] in one.
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

/// `path` as every verb here returns it: `/` before each name, empty for the root.
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

/// The first name of a path and the rest; an empty name at the end.
fn first_name(path: &[u8]) -> (&[u8], &[u8]) {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let path = &path[start..];
    path.split_at(path.iter().position(|byte| *byte == b'/').unwrap_or(path.len()))
}

fn absolute(names: &[&[u8]]) -> String {
    format!("/{}", lossy(&names.join(&b'/')))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names of the directories that represent the sources of a snapshot, in the order of the
/// sources.
pub fn source_names(snapshot: &Snapshot) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for source in &snapshot.sources {
        let name = free_name(&names, &source.name);
        names.push(name);
    }
    names
}

/// One directory per source, ascending by name.
fn sources(snapshot: &Snapshot) -> Sources {
    let seconds = snapshot.time.as_second();
    let metadata = Metadata {
        mode: SOURCE_MODE,
        mtime: FileTime { seconds, nanoseconds: 0 },
        ctime: FileTime { seconds, nanoseconds: 0 },
        links: 1,
        ..Metadata::default()
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut buckets = Vec::new();
    for (source, name) in snapshot.sources.iter().zip(source_names(snapshot)) {
        if source.connector == CONNECTOR {
            buckets.push(name.clone());
        }
        let kind = EntryKind::Directory(source.tree);
        entries.push(Entry { name, metadata: metadata.clone(), kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Sources { entries: entries.into(), buckets: buckets.into() }
}

/// A valid name like `wanted` that is not taken.
fn free_name(taken: &[Vec<u8>], wanted: &str) -> Vec<u8> {
    let mut name: Vec<u8> =
        wanted.bytes().map(|byte| if matches!(byte, 0 | b'/') { b'_' } else { byte }).collect();
    // Leaves room for a number.
    name.truncate(NAME_BYTES_MAX - 24);
    if !is_valid_name(&name) {
        name = b"source".to_vec();
    }
    let is_taken = |name: &[u8]| taken.iter().any(|taken| taken == name);
    let mut free = name.clone();
    let mut number = 2;
    while is_taken(&free) {
        free = [name.as_slice(), format!("~{number}").as_bytes()].concat();
        number += 1;
    }
    free
}
