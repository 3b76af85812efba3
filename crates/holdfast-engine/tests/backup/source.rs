//! A source whose files, including errors, are set by the test.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use holdfast_connect::{ContentPiece, ContentReader, Leaf, LeafKind, Opener, Source, SourceItem};
use holdfast_format::entry::{FileTime, Metadata, Xattrs};

/// Extended attributes, or the error of the source.
pub type TestAttributes = Result<Xattrs, io::ErrorKind>;

/// One entry of the root.
#[derive(Debug, Clone)]
pub struct TestEntry {
    pub name: &'static str,
    /// The content of a file; a directory has none.
    pub bytes: Option<Vec<u8>>,
    pub attributes: TestAttributes,
    /// What the scan sees.
    pub scanned: Metadata,
    /// What the source says at the end of the content.
    pub now: Option<Metadata>,
    /// False if its inode number is not stable.
    pub has_lasting_inode: bool,
    /// The ETag of an object.
    pub etag: Option<&'static str>,
    /// The contents of a directory, in order of the names.
    pub children: Vec<TestEntry>,
}

impl TestEntry {
    pub fn file(name: &'static str, bytes: &[u8]) -> Self {
        Self { bytes: Some(bytes.to_vec()), ..Self::directory(name) }
    }

    pub fn directory(name: &'static str) -> Self {
        Self {
            name,
            bytes: None,
            attributes: Ok(Vec::new()),
            scanned: Self::metadata(),
            now: None,
            has_lasting_inode: true,
            etag: None,
            children: Vec::new(),
        }
    }

    pub fn containing(self, children: impl IntoIterator<Item = Self>) -> Self {
        Self { children: children.into_iter().collect(), ..self }
    }

    pub fn scanned_as(self, change: impl FnOnce(&mut Metadata)) -> Self {
        let mut scanned = self.scanned.clone();
        change(&mut scanned);
        Self { scanned, ..self }
    }

    pub fn with(self, attributes: TestAttributes) -> Self {
        Self { attributes, ..self }
    }

    /// Unchanged since the epoch.
    pub fn metadata() -> Metadata {
        let time = FileTime { seconds: 1_000_000, nanoseconds: 0 };
        Metadata { mode: 0o644, mtime: time, ctime: time, links: 1, ..Metadata::default() }
    }
}

/// Yields made entries.
pub struct TestSource(VecDeque<SourceItem>);

impl TestSource {
    /// Entries that are in order of their names.
    pub fn new(entries: &[TestEntry]) -> Self {
        Self(items_of(entries))
    }

    /// Entries in any order, in a folder called `unsorted`.
    pub fn unsorted(entries: &[TestEntry]) -> Self {
        let folder = TestEntry::directory("unsorted");
        let (name, metadata) = (folder.name.as_bytes().to_vec(), TestEntry::metadata());
        let opener = Box::new(MadeOpener(Arc::new(folder)));
        let mut items = items_of(entries);
        items.push_front(SourceItem::Enter { name, metadata, opener, is_sorted: false });
        items.push_back(SourceItem::Leave);
        Self(items)
    }
}

fn items_of(entries: &[TestEntry]) -> VecDeque<SourceItem> {
    let mut items = VecDeque::new();
    for made in entries {
        let (name, metadata) = (made.name.as_bytes().to_vec(), made.scanned.clone());
        let opener = Box::new(MadeOpener(Arc::new(made.clone())));
        match &made.bytes {
            Some(bytes) => {
                let kind = LeafKind::File { size: bytes.len() as u64 };
                items.push_back(SourceItem::Leaf(Leaf { name, metadata, kind, opener }));
            }
            None => {
                items.push_back(SourceItem::Enter { name, metadata, opener, is_sorted: true });
                items.extend(items_of(&made.children));
                items.push_back(SourceItem::Leave);
            }
        }
    }
    items
}

impl Source for TestSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        Ok(self.0.pop_front())
    }
}

#[derive(Debug)]
struct MadeOpener(Arc<TestEntry>);

impl Opener for MadeOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        Ok(Box::new(TestContent { made: Arc::clone(&self.0), done: 0 }))
    }

    fn xattrs(&self) -> io::Result<Xattrs> {
        self.0.attributes.clone().map_err(io::Error::from)
    }

    fn etag(&self) -> Option<&str> {
        self.0.etag
    }

    fn has_lasting_inode(&self) -> bool {
        self.0.has_lasting_inode
    }
}

struct TestContent {
    made: Arc<TestEntry>,
    done: usize,
}

impl ContentReader for TestContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let rest = &self.made.bytes.as_deref().unwrap_or_default()[self.done..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.done += count;
        Ok(if count == 0 { ContentPiece::End } else { ContentPiece::Data(count) })
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(self.made.now.clone())
    }
}
