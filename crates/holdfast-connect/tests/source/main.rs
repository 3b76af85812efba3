//! Sources of files against real file systems.

// The lints that exempt test functions do not know that all of this crate is one test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod content;
mod exclude;
mod large;
mod paths;
mod tree;
mod xattrs;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use holdfast_connect::conformance::{check_source, drain};
use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::{Content, Item, Leaf, Opener, Piece};
use holdfast_format::entry::Metadata;

/// Scans `paths` to the end and checks the stream.
fn scan_with(paths: &[&Path], options: FsOptions, patterns: &[&str]) -> Scan {
    let filter = Filter::new(patterns, &[]).unwrap();
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let mut source = FsSource::new(paths, options, filter).unwrap();
    let items = drain(&mut source).unwrap();
    check_source(&items).unwrap();
    Scan { items }
}

fn scan(path: &Path) -> Scan {
    scan_with(&[path], FsOptions::default(), &[])
}

/// The items of a completed scan.
struct Scan {
    items: Vec<Item>,
}

impl Scan {
    /// Items with their paths, in order; directories where they begin.
    fn entries(&self) -> Vec<(Vec<u8>, &Item)> {
        let mut path: Vec<u8> = Vec::new();
        let mut entries = Vec::new();
        for item in &self.items {
            match item {
                Item::Enter { name, .. } => {
                    path.extend([b"/", name.as_slice()].concat());
                    entries.push((path.clone(), item));
                }
                Item::Leaf(leaf) => {
                    entries.push(([path.as_slice(), b"/", &leaf.name].concat(), item));
                }
                Item::Leave => {
                    path.truncate(path.iter().rposition(|byte| *byte == b'/').unwrap());
                }
                Item::Trouble(_) | Item::Excluded { .. } | Item::Own { .. } => {}
            }
        }
        entries
    }

    /// Paths below `base`, relative to it.
    fn below(&self, base: &Path) -> Vec<String> {
        let base = base.as_os_str().as_bytes();
        let base = [base.strip_suffix(b"/").unwrap_or(base), b"/"].concat();
        let entries = self.entries().into_iter();
        let below =
            entries.filter_map(|(path, _)| path.strip_prefix(&base[..]).map(<[u8]>::to_vec));
        below.map(|path| String::from_utf8_lossy(&path).into_owned()).collect()
    }

    fn item(&self, path: &Path) -> &Item {
        let wanted = path.as_os_str().as_bytes();
        let mut entries = self.entries().into_iter();
        entries.find(|(path, _)| path == wanted).expect("it is in the stream").1
    }

    fn leaf(&self, path: &Path) -> &Leaf {
        match self.item(path) {
            Item::Leaf(leaf) => leaf,
            other => panic!("not a leaf: {other:?}"),
        }
    }

    fn metadata(&self, path: &Path) -> &Metadata {
        match self.item(path) {
            Item::Enter { metadata, .. } | Item::Leaf(Leaf { metadata, .. }) => metadata,
            other => panic!("no entry: {other:?}"),
        }
    }

    fn opener(&self, path: &Path) -> &dyn Opener {
        match self.item(path) {
            Item::Enter { opener, .. } | Item::Leaf(Leaf { opener, .. }) => &**opener,
            other => panic!("no entry: {other:?}"),
        }
    }

    /// Path and error of each [`Item::Trouble`].
    fn troubles(&self) -> Vec<(String, std::io::ErrorKind)> {
        let troubles = self.items.iter().filter_map(|item| match item {
            Item::Trouble(trouble) => Some(trouble),
            _ => None,
        });
        troubles
            .map(|trouble| {
                assert_eq!(trouble.during, "scan");
                (String::from_utf8_lossy(&trouble.path).into_owned(), trouble.error.kind())
            })
            .collect()
    }

    /// Excluded paths below `base`, relative to it.
    fn excluded(&self, base: &Path) -> Vec<String> {
        let excluded = self.items.iter().filter_map(|item| match item {
            Item::Excluded { path } => Some(String::from_utf8(path.clone()).unwrap()),
            _ => None,
        });
        let base = format!("{}/", base.display());
        excluded.map(|path| path.strip_prefix(&base).unwrap().to_owned()).collect()
    }
}

/// Pieces up to the end; data unchanged.
fn pieces(content: &mut dyn Content) -> Vec<(Piece, Vec<u8>)> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match content.read(&mut buffer).unwrap() {
            Piece::Data(length) => all.push((Piece::Data(length), buffer[..length].to_vec())),
            Piece::End => return all,
            hole => all.push((hole, Vec::new())),
        }
    }
}

/// The whole content, which has no holes.
fn read(content: &mut dyn Content) -> Vec<u8> {
    pieces(content).into_iter().flat_map(|(_, data)| data).collect()
}

/// A directory that everyone may list.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everybody).unwrap();
    directory
}

/// A directory for many files, in memory if possible.
fn large_directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| directory())
}
