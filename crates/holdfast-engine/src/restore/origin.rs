//! Where the entries of a target come from: which source of the snapshot, and which path in it.

use holdfast_format::record::{Snapshot, SourceRecord};

use crate::look::{clean, source_names};

/// What the target corresponds to in the snapshot.
#[derive(Debug)]
pub(super) enum Root {
    /// It is this folder of a source.
    Folder(usize, Vec<u8>),
    /// It has a folder for each source, with the source's name.
    Sources(Vec<Vec<u8>>),
}

/// A path of the target as a path of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourcePath {
    pub source: usize,
    pub path: Vec<u8>,
}

impl Root {
    /// For a restore of this source, or of all, from this folder on; `None` if there is no such
    /// source.
    pub fn of(snapshot: &Snapshot, source: Option<&str>, subfolder: &[u8]) -> Option<Self> {
        let names = source_names(snapshot);
        let path = clean(subfolder);
        let place_of = |name: &[u8]| names.iter().position(|it| it.as_slice() == name);
        match source {
            Some(name) => place_of(name.as_bytes()).map(|source| Self::Folder(source, path)),
            None if names.len() == 1 => Some(Self::Folder(0, path)),
            None if path.is_empty() => Some(Self::Sources(names)),
            None => {
                let end = path[1..].iter().position(|byte| *byte == b'/');
                let (name, below) = path[1..].split_at(end.unwrap_or(path.len() - 1));
                place_of(name).map(|source| Self::Folder(source, below.to_vec()))
            }
        }
    }

    /// True if something of this source is restored.
    pub fn has(&self, source: usize) -> bool {
        match self {
            Self::Folder(only, _) => *only == source,
            Self::Sources(_) => true,
        }
    }

    /// Where the entry at a path of the target comes from.
    pub fn origin(&self, path: &[u8]) -> Option<SourcePath> {
        let below = |path: &[u8]| match path {
            b"" => Vec::new(),
            path => [b"/", path].concat(),
        };
        match self {
            Self::Folder(source, folder) => Some(SourcePath {
                source: *source,
                path: [folder.as_slice(), &below(path)].concat(),
            }),
            Self::Sources(names) => {
                let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
                let source = names.iter().position(|name| name == &path[..end])?;
                let path = below(path[end..].strip_prefix(b"/").unwrap_or_default());
                Some(SourcePath { source, path })
            }
        }
    }
}

/// The paths that a source of files was asked for.
pub(super) fn named_paths(snapshot: &Snapshot, source: &SourceRecord) -> Vec<Vec<u8>> {
    let given = source.scope.as_ref().map(|scope| &scope.paths).filter(|paths| !paths.is_empty());
    given.unwrap_or(&snapshot.paths).iter().map(|path| clean(&path.0)).collect()
}

/// True if `path` is `above` or is below it; both start with a slash, or are empty for the root.
pub(super) fn is_within(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The folders above the paths that a backup was asked for. Their metadata is in the snapshot in
/// case they are missing; if they exist, they are not part of what is restored.
#[derive(Debug)]
pub struct Above {
    root: Option<Root>,
    /// Paths that were named, of each source.
    named: Vec<Vec<Vec<u8>>>,
}

impl Above {
    /// For a restore of this source, or of all, from this folder on.
    pub fn new(snapshot: &Snapshot, source: Option<&str>, subfolder: &[u8]) -> Self {
        let named = |source: &SourceRecord| match source.connector.as_str() {
            "files" => named_paths(snapshot, source),
            _ => Vec::new(),
        };
        let root = Root::of(snapshot, source, subfolder);
        Self { root, named: snapshot.sources.iter().map(named).collect() }
    }

    /// True for such a folder, by its path in the target with a leading slash.
    pub fn contains(&self, path: &[u8]) -> bool {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let Some(origin) = self.root.as_ref().and_then(|root| root.origin(path)) else {
            return false;
        };
        let Some(named) = self.named.get(origin.source) else { return false };
        let is_above = |named: &Vec<u8>| *named != origin.path && is_within(named, &origin.path);
        named.iter().any(is_above) && !named.iter().any(|named| is_within(&origin.path, named))
    }
}
