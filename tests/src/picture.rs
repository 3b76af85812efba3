//! All visible properties of a folder, so that two folders can be compared exactly.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A folder's entries by their path below it; the folder itself has the empty path.
pub type Picture = BTreeMap<PathBuf, Look>;

/// The visible properties of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its type, with the properties specific to it.
    pub kind: EntryShape,
    /// Permission, set-id and sticky bits; 0 for a symbolic link, which has none.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Time of the last change of content: seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// Extended attributes, including ACLs.
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The first path, in order, of the same inode; `None` if there is only one.
    pub same_as: Option<PathBuf>,
}

/// The type of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryShape {
    /// A file: size and hash.
    File(u64, String),
    /// A directory.
    Directory,
    /// A symbolic link and its target.
    Symlink(Vec<u8>),
    /// A block device and its number.
    Block(u64),
    /// A character device and its number.
    Character(u64),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// Inspects a folder and everything below it, without following links.
///
/// # Panics
/// If something cannot be read.
pub fn picture(folder: &Path) -> Picture {
    let mut found = Picture::new();
    let mut inodes = HashMap::new();
    look(folder, Path::new(""), &mut inodes, &mut found);
    found
}

/// As [`picture`], without the folder itself.
pub fn entries(folder: &Path) -> Picture {
    let mut found = picture(folder);
    found.remove(Path::new(""));
    found
}

/// Fails with the first entries that differ.
///
/// # Panics
/// If the pictures differ.
#[track_caller]
pub fn assert_same(wanted: &Picture, got: &Picture) {
    let paths: std::collections::BTreeSet<_> = wanted.keys().chain(got.keys()).collect();
    let differ: Vec<String> = paths
        .into_iter()
        .filter(|path| wanted.get(*path) != got.get(*path))
        .take(5)
        .map(|path| {
            format!("{path:?}\n  wanted {:?}\n  got    {:?}", wanted.get(path), got.get(path))
        })
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn look(base: &Path, below: &Path, inodes: &mut HashMap<(u64, u64), PathBuf>, found: &mut Picture) {
    let path = if below.as_os_str().is_empty() { base.to_owned() } else { base.join(below) };
    let metadata = path.symlink_metadata().unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let kind = kind(&path, &metadata);
    let is_directory = kind == EntryShape::Directory;
    let mut same_as = None;
    if !is_directory && metadata.nlink() > 1 {
        let first = inodes.entry((metadata.dev(), metadata.ino())).or_insert_with(|| below.into());
        same_as = Some(first.clone());
    }
    let mode = if metadata.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
    let owner = (metadata.uid(), metadata.gid());
    let mtime = (metadata.mtime(), metadata.mtime_nsec());
    let attributes = attributes(&path);
    found.insert(below.to_owned(), Look { kind, mode, owner, mtime, attributes, same_as });
    if is_directory {
        let mut names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|it| it.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            look(base, &below.join(name), inodes, found);
        }
    }
}

fn kind(path: &Path, metadata: &Metadata) -> EntryShape {
    let file_type = metadata.file_type();
    match () {
        () if file_type.is_dir() => EntryShape::Directory,
        () if file_type.is_symlink() => {
            EntryShape::Symlink(fs::read_link(path).unwrap().into_os_string().into_vec())
        }
        () if file_type.is_block_device() => EntryShape::Block(metadata.rdev()),
        () if file_type.is_char_device() => EntryShape::Character(metadata.rdev()),
        () if file_type.is_fifo() => EntryShape::Fifo,
        () if file_type.is_socket() => EntryShape::Socket,
        () => EntryShape::File(metadata.len(), hash(path)),
    }
}

fn hash(path: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    hasher.update_reader(file).unwrap();
    hasher.finalize().to_hex().to_string()
}

fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let mut value = vec![0; 1 << 16];
            let key = std::ffi::OsStr::from_bytes(name);
            let length = rustix::fs::lgetxattr(path, key, &mut value).unwrap();
            (name.to_owned(), value[..length].to_vec())
        })
        .collect()
}
