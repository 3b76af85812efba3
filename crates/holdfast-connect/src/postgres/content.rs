//! Files and folders that exist in the backup only.

use std::io;

use holdfast_format::entry::{FileTime, Metadata};

use crate::{ContentPiece, ContentReader, Leaf, LeafKind, Opener, SourceItem};

/// Mode of the files: the contents of a database are private.
const FILE_MODE: u32 = 0o600;
/// Mode of the folders.
const FOLDER_MODE: u32 = 0o700;

/// Creates the entries of one capture.
#[derive(Debug, Clone, Copy)]
pub(super) struct CaptureEntries {
    seconds: i64,
}

impl CaptureEntries {
    /// Entries of this time, in seconds since 1970.
    pub fn new(seconds: i64) -> Self {
        Self { seconds }
    }

    /// Enters a folder.
    pub fn enter(self, name: &str, is_sorted: bool) -> SourceItem {
        SourceItem::Enter {
            name: name.as_bytes().to_vec(),
            metadata: self.metadata(FOLDER_MODE),
            opener: Box::new(KnownBytes(Vec::new())),
            is_sorted,
        }
    }

    /// A file whose content is known.
    pub fn file(self, name: &str, bytes: Vec<u8>) -> SourceItem {
        let size = bytes.len() as u64;
        self.leaf(name, size, Box::new(KnownBytes(bytes)))
    }

    /// A file that is read as its content arrives.
    pub fn stream(self, name: &str, opener: Box<dyn Opener>) -> SourceItem {
        self.leaf(name, 0, opener)
    }

    fn leaf(self, name: &str, size: u64, opener: Box<dyn Opener>) -> SourceItem {
        let metadata = self.metadata(FILE_MODE);
        let kind = LeafKind::File { size };
        SourceItem::Leaf(Leaf { name: name.as_bytes().to_vec(), metadata, kind, opener })
    }

    fn metadata(self, mode: u32) -> Metadata {
        let time = FileTime { seconds: self.seconds, nanoseconds: 0 };
        let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        Metadata { mode, uid, gid, mtime: time, ctime: time, links: 1, ..Metadata::default() }
    }
}

/// Known bytes.
struct KnownBytes(Vec<u8>);

impl std::fmt::Debug for KnownBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Bytes({})", self.0.len())
    }
}

impl Opener for KnownBytes {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        Ok(Box::new(BytesContent(io::Cursor::new(self.0.clone()))))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

struct BytesContent(io::Cursor<Vec<u8>>);

impl ContentReader for BytesContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        match io::Read::read(&mut self.0, buffer)? {
            0 => Ok(ContentPiece::End),
            count => Ok(ContentPiece::Data(count)),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}

/// A stream cannot be read a second time.
pub(super) fn already_read() -> io::Error {
    let text = "a part of a dump can be read only once, when the dump has reached it";
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
