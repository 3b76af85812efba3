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
use holdfast_connect::{ContentPiece, ContentReader, Leaf, Opener, SourceItem};
use holdfast_format::entry::Metadata;

/// Scans `paths` to the end and checks the stream.
fn scan_with(paths: &[&Path], options: FsOptions, patterns: &[&str]) -> CompletedScan {
    let filter = Filter::new(patterns, &[]).unwrap();
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
    let mut source = FsSource::new(paths, options, filter).unwrap();
    let items = drain(&mut source).unwrap();
    check_source(&items).unwrap();
    CompletedScan { items }
}

fn scan(path: &Path) -> CompletedScan {
    scan_with(&[path], FsOptions::default(), &[])
}

/// The items of a completed scan.
struct CompletedScan {
    items: Vec<SourceItem>,
}

impl CompletedScan {
    /// Items with their paths, in order; directories where they begin.
    fn entries(&self) -> Vec<(Vec<u8>, &SourceItem)> {
        let mut path: Vec<u8> = Vec::new();
        let mut entries = Vec::new();
        for item in &self.items {
            match item {
                SourceItem::Enter { name, .. } => {
                    path.extend([b"/", name.as_slice()].concat());
                    entries.push((path.clone(), item));
                }
                SourceItem::Leaf(leaf) => {
                    entries.push(([path.as_slice(), b"/", &leaf.name].concat(), item));
                }
                SourceItem::Leave => {
                    path.truncate(path.iter().rposition(|byte| *byte == b'/').unwrap());
                }
                SourceItem::Unread(_) | SourceItem::Excluded { .. } | SourceItem::Own { .. } => {}
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

    fn item(&self, path: &Path) -> &SourceItem {
        let wanted = path.as_os_str().as_bytes();
        let mut entries = self.entries().into_iter();
        entries.find(|(path, _)| path == wanted).expect("it is in the stream").1
    }

    fn leaf(&self, path: &Path) -> &Leaf {
        match self.item(path) {
            SourceItem::Leaf(leaf) => leaf,
            other => panic!("not a leaf: {other:?}"),
        }
    }

    fn metadata(&self, path: &Path) -> &Metadata {
        match self.item(path) {
            SourceItem::Enter { metadata, .. } | SourceItem::Leaf(Leaf { metadata, .. }) => {
                metadata
            }
            other => panic!("no entry: {other:?}"),
        }
    }

    fn opener(&self, path: &Path) -> &dyn Opener {
        match self.item(path) {
            SourceItem::Enter { opener, .. } | SourceItem::Leaf(Leaf { opener, .. }) => &**opener,
            other => panic!("no entry: {other:?}"),
        }
    }

    /// Path and error of each [`SourceItem::Unread`].
    fn unread(&self) -> Vec<(String, std::io::ErrorKind)> {
        let unread = self.items.iter().filter_map(|item| match item {
            SourceItem::Unread(unread) => Some(unread),
            _ => None,
        });
        unread
            .map(|unread| {
                assert_eq!(unread.during, "scan");
                (String::from_utf8_lossy(&unread.path).into_owned(), unread.error.kind())
            })
            .collect()
    }

    /// Excluded paths below `base`, relative to it.
    fn excluded(&self, base: &Path) -> Vec<String> {
        let excluded = self.items.iter().filter_map(|item| match item {
            SourceItem::Excluded { path } => Some(String::from_utf8(path.clone()).unwrap()),
            _ => None,
        });
        let base = format!("{}/", base.display());
        excluded.map(|path| path.strip_prefix(&base).unwrap().to_owned()).collect()
    }
}

/// Pieces up to the end; data unchanged.
fn pieces(content: &mut dyn ContentReader) -> Vec<(ContentPiece, Vec<u8>)> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match content.read(&mut buffer).unwrap() {
            ContentPiece::Data(length) => {
                all.push((ContentPiece::Data(length), buffer[..length].to_vec()))
            }
            ContentPiece::End => return all,
            hole => all.push((hole, Vec::new())),
        }
    }
}

/// The whole content, which has no holes.
fn read(content: &mut dyn ContentReader) -> Vec<u8> {
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
