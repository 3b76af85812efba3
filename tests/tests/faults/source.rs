//! A source over a map of files.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use holdfast_connect::{ContentPiece, ContentReader, Leaf, LeafKind, Opener, Source, SourceItem};
use holdfast_format::entry::{FileTime, Metadata};

/// Files by their path: folders and name, joined by `/`.
pub type Files = BTreeMap<String, Arc<Vec<u8>>>;

/// Yields the entries of a map in path order.
pub struct MemorySource {
    items: VecDeque<SourceItem>,
}

impl MemorySource {
    pub fn new(files: &Files) -> Self {
        let paths: Vec<Below<'_>> =
            files.iter().map(|(path, bytes)| (path.split('/').collect(), bytes)).collect();
        let mut items = VecDeque::new();
        fill(&paths, 0, &mut items);
        Self { items }
    }
}

/// A file below a folder: the parts of its path, and its bytes.
type Below<'a> = (Vec<&'a str>, &'a Arc<Vec<u8>>);

/// Adds the entries of one folder, whose path has `depth` parts.
fn fill(paths: &[Below<'_>], depth: usize, items: &mut VecDeque<SourceItem>) {
    let mut names: BTreeMap<&str, Vec<Below<'_>>> = BTreeMap::new();
    for (parts, bytes) in paths {
        names.entry(parts[depth]).or_default().push((parts.clone(), bytes));
    }
    for (name, below) in names {
        let name_bytes = name.as_bytes().to_vec();
        if below[0].0.len() == depth + 1 {
            items.push_back(SourceItem::Leaf(leaf(name_bytes, below[0].1)));
        } else {
            let metadata = Metadata { mode: 0o755, links: 1, ..Metadata::default() };
            let opener = Box::new(MemoryFile(Arc::default()));
            items.push_back(SourceItem::Enter {
                name: name_bytes,
                metadata,
                opener,
                is_sorted: true,
            });
            fill(&below, depth + 1, items);
            items.push_back(SourceItem::Leave);
        }
    }
}

/// A file whose time is derived from its content, so that both change together.
fn leaf(name: Vec<u8>, bytes: &Arc<Vec<u8>>) -> Leaf {
    let hash = blake3::hash(bytes);
    let seconds = i64::from(u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap()));
    let mtime = FileTime { seconds, nanoseconds: 0 };
    let metadata = Metadata { mode: 0o644, links: 1, mtime, ctime: mtime, ..Metadata::default() };
    let kind = LeafKind::File { size: bytes.len() as u64 };
    Leaf { name, metadata, kind, opener: Box::new(MemoryFile(Arc::clone(bytes))) }
}

impl Source for MemorySource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        Ok(self.items.pop_front())
    }
}

#[derive(Debug)]
struct MemoryFile(Arc<Vec<u8>>);

impl Opener for MemoryFile {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        Ok(Box::new(MemoryContent { bytes: Arc::clone(&self.0), done: 0 }))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

struct MemoryContent {
    bytes: Arc<Vec<u8>>,
    done: usize,
}

impl ContentReader for MemoryContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let rest = &self.bytes[self.done..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.done += count;
        Ok(if count == 0 { ContentPiece::End } else { ContentPiece::Data(count) })
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}

#[test]
fn it_is_a_source() {
    let file = |bytes: &[u8]| Arc::new(bytes.to_vec());
    let files = Files::from([
        ("b/inner/x".to_owned(), file(b"1")),
        ("b/y".to_owned(), file(b"")),
        ("a".to_owned(), file(b"22")),
    ]);
    let items = holdfast_connect::conformance::drain(&mut MemorySource::new(&files)).unwrap();
    holdfast_connect::conformance::check_source(&items).unwrap();
    assert_eq!(items.len(), 7);
}
