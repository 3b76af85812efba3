//! The output of a source, held in memory, and restored to a target.

use std::collections::BTreeMap;

use holdfast_connect::conformance::{check_source, drain};
use holdfast_connect::{
    ContentPiece, ContentReader, Leaf, LeafKind, Replace, Source, SourceItem, Target, TargetError,
};
use holdfast_format::bucket::key_of_name;
use holdfast_format::entry::{Content as Chunks, Entry, EntryKind, Metadata};

/// An entry with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub entry: Entry,
    pub content: Vec<u8>,
}

/// Entries by path, and the errors as text.
#[derive(Debug, Default)]
pub struct BucketTree {
    pub files: BTreeMap<Vec<u8>, Taken>,
    pub directories: Vec<Vec<u8>>,
    pub unread: Vec<String>,
    /// Number of files that were read, rather than taken from the parent.
    pub read: usize,
}

impl BucketTree {
    pub fn attribute(&self, path: &[u8], name: &str) -> Option<String> {
        let xattrs = &self.files.get(path)?.entry.metadata.xattrs;
        let found = xattrs.iter().find(|(attribute, _)| attribute == name.as_bytes())?;
        Some(String::from_utf8_lossy(&found.1).into_owned())
    }

    /// The keys of the objects, in the order of the tree.
    pub fn keys(&self) -> Vec<String> {
        let names = self.files.keys().filter_map(|path| path.strip_prefix(b"objects/"));
        names.map(|name| key_of_name(name).unwrap()).collect()
    }
}

pub fn read_all(content: &mut dyn ContentReader) -> std::io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        match content.read(&mut buffer)? {
            ContentPiece::Data(length) => all.extend_from_slice(&buffer[..length]),
            ContentPiece::Hole(length) => all.resize(all.len() + length as usize, 0),
            ContentPiece::End => return Ok(all),
        }
    }
}

/// Reads all of a source as a backup does: anything in the parent with the same size, time and
/// identity is not read again.
pub fn take(source: &mut dyn Source, parent: Option<&BucketTree>) -> BucketTree {
    let items = drain(source).unwrap();
    check_source(&items).unwrap();
    let mut tree = BucketTree::default();
    let mut path = Vec::new();
    for item in items {
        match item {
            SourceItem::Enter { name, .. } => {
                path.extend_from_slice(&name);
                tree.directories.push(path.clone());
                path.push(b'/');
            }
            SourceItem::Leave => {
                path.pop();
                path.truncate(
                    path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1),
                );
            }
            SourceItem::Leaf(leaf) => {
                let path = [&path[..], &leaf.name].concat();
                tree.leaf(path, leaf, parent);
            }
            SourceItem::Unread(unread) => {
                let path = String::from_utf8_lossy(&unread.path).into_owned();
                tree.unread.push(format!("{path}: {}", unread.error));
            }
            SourceItem::Excluded { .. } | SourceItem::Own { .. } => {}
        }
    }
    tree
}

impl BucketTree {
    fn leaf(&mut self, path: Vec<u8>, leaf: Leaf, parent: Option<&BucketTree>) {
        let LeafKind::File { size } = leaf.kind else { panic!("{path:?} is not a file") };
        let before = parent.and_then(|parent| parent.files.get(&path));
        if let Some(before) = before
            && is_unchanged(&before.entry, &leaf.metadata, size)
        {
            let mut taken = before.clone();
            taken.entry.metadata =
                Metadata { xattrs: before.entry.metadata.xattrs.clone(), ..leaf.metadata };
            if taken.entry.metadata.ctime != before.entry.metadata.ctime {
                taken.entry.metadata.xattrs = leaf.opener.xattrs().unwrap();
            }
            self.files.insert(path, taken);
            return;
        }
        self.read += 1;
        match read_leaf(&leaf) {
            Ok((metadata, content)) => {
                let kind = EntryKind::File {
                    size: content.len() as u64,
                    codec: 0,
                    main: Chunks::Inline(Vec::new()),
                    second: None,
                };
                let entry = Entry { name: leaf.name, metadata, kind };
                self.files.insert(path, Taken { entry, content });
            }
            Err(error) => {
                let path = String::from_utf8_lossy(&path).into_owned();
                self.unread.push(format!("{path}: {error}"));
            }
        }
    }
}

fn is_unchanged(before: &Entry, metadata: &Metadata, size: u64) -> bool {
    matches!(before.kind, EntryKind::File { size: then, .. } if then == size)
        && before.metadata.mtime == metadata.mtime
        && before.metadata.inode == metadata.inode
}

fn read_leaf(leaf: &Leaf) -> std::io::Result<(Metadata, Vec<u8>)> {
    let mut content = leaf.opener.open()?;
    let bytes = read_all(&mut *content)?;
    let mut metadata = content.changed()?.unwrap_or_else(|| leaf.metadata.clone());
    metadata.xattrs = leaf.opener.xattrs()?;
    Ok((metadata, bytes))
}

/// Restores files as a restore does: in pieces that arrive in any order, interleaved between files.
pub fn give(target: &dyn Target, tree: &BucketTree, folder: &str) -> Vec<(String, TargetError)> {
    let mut failures = Vec::new();
    let mut failed =
        |path: &[u8], error| failures.push((String::from_utf8_lossy(path).into_owned(), error));
    let is_wanted = |path: &[u8]| path.starts_with(folder.as_bytes());
    for directory in tree.directories.iter().filter(|path| is_wanted(path)) {
        if let Err(error) = target.directory(directory) {
            failed(directory, error);
        }
    }
    let mut slots = Vec::new();
    for (path, taken) in tree.files.iter().filter(|(path, _)| is_wanted(path)) {
        match target.file_with(
            path,
            taken.content.len() as u64,
            &taken.entry.metadata,
            Replace::Entry,
        ) {
            Ok(slot) => slots.push((path, taken, slot)),
            Err(error) => failed(path, error),
        }
    }
    let mut writes: Vec<(usize, usize, &[u8])> = Vec::new();
    for (number, (_, taken, _)) in slots.iter().enumerate() {
        let pieces = taken.content.chunks(1_000_003).enumerate();
        writes.extend(pieces.map(|(place, piece)| (number, place * 1_000_003, piece)));
    }
    // The last pieces first.
    writes.sort_by_key(|(number, offset, _)| (std::cmp::Reverse(*offset), *number));
    for (number, offset, piece) in writes {
        let (path, _, slot) = &slots[number];
        if let Err(error) = slot.write_at(offset as u64, piece) {
            failed(path, error);
        }
    }
    for (path, taken, slot) in slots.into_iter().rev() {
        if let Err(error) = slot.finish(&taken.entry.metadata) {
            failed(path, error);
        }
    }
    for directory in tree.directories.iter().rev().filter(|path| is_wanted(path)) {
        if let Err(error) = target.finish_directory(directory, &Metadata::default()) {
            failed(directory, error);
        }
    }
    failures
}

/// A file made for a restore.
pub fn made(name: &[u8], content: &[u8]) -> Taken {
    let size = content.len() as u64;
    let kind = EntryKind::File { size, codec: 0, main: Chunks::Inline(Vec::new()), second: None };
    let entry = Entry { name: name.to_vec(), metadata: Metadata::default(), kind };
    Taken { entry, content: content.to_vec() }
}
