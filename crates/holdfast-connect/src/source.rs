//! The interface to data that is backed up.

use std::io;

use holdfast_format::entry::Metadata;

/// A stream of entries in path order: a directory before its entries, names ascending bytewise
/// within it.
pub trait Source: Send {
    /// The next item; `None` after the last.
    ///
    /// # Errors
    /// Only errors that make the whole source useless. A problem with one entry is an
    /// [`SourceItem::Unread`].
    fn next(&mut self) -> io::Result<Option<SourceItem>>;
}

/// What a source yields.
#[derive(Debug)]
pub enum SourceItem {
    /// A directory begins; its entries follow until the matching [`SourceItem::Leave`].
    Enter {
        /// Name within its parent directory.
        name: Vec<u8>,
        /// Owner, times; without extended attributes.
        metadata: Metadata,
        /// Reads the extended attributes, if they are wanted.
        opener: Box<dyn Opener>,
        /// False if its entries come in any order, each name once. They are held in memory until
        /// the directory ends, but their contents are not. Only for streams, which are not compared
        /// with a parent snapshot along the way.
        is_sorted: bool,
    },
    /// The directory entered last ends.
    Leave,
    /// Anything that is not a directory.
    Leaf(Leaf),
    /// An entry that could not be examined; it is missing from the stream.
    Unread(UnreadEntry),
    /// One of the program's own directories, which is left out.
    Own {
        /// Path as the user would write it.
        path: Vec<u8>,
    },
    /// An entry that a rule left out.
    Excluded {
        /// Path as the user would write it.
        path: Vec<u8>,
    },
}

/// An entry that is not a directory.
#[derive(Debug)]
pub struct Leaf {
    /// Name within its directory.
    pub name: Vec<u8>,
    /// Owner, times; without extended attributes.
    pub metadata: Metadata,
    /// What it is.
    pub kind: LeafKind,
    /// Reads its content and its extended attributes, if they are wanted.
    pub opener: Box<dyn Opener>,
}

/// What a leaf is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafKind {
    /// A regular file or a stream.
    File {
        /// Apparent size in bytes; 0 if it is not known before the stream has been read.
        size: u64,
    },
    /// A symbolic link and its target.
    Symlink(Vec<u8>),
    /// A block device (major, minor).
    BlockDevice(u32, u32),
    /// A character device (major, minor).
    CharDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// Lazy access to one entry; cheap to hold, used from any thread, at most once.
pub trait Opener: Send + Sync + std::fmt::Debug {
    /// Starts reading the content of a file.
    ///
    /// # Errors
    /// Errors of the source; they concern this entry only.
    fn open(&self) -> io::Result<Box<dyn ContentReader>>;

    /// Extended attributes, ascending by name.
    ///
    /// # Errors
    /// Errors of the source; they concern this entry only.
    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>>;

    /// False if an unchanged entry may have another inode number next time: the number then says
    /// nothing about changes.
    fn has_lasting_inode(&self) -> bool {
        true
    }

    /// The ETag of the content as a listing showed it, without quotes; `None` if there is none.
    fn etag(&self) -> Option<&str> {
        None
    }
}

/// A stretch of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentPiece {
    /// This number of bytes was placed at the start of the buffer (at least one).
    Data(usize),
    /// This number of zero bytes, which the source does not store; nothing was placed in the
    /// buffer.
    Hole(u64),
    /// The content is complete.
    End,
}

/// The content of one file, read once from start to end.
pub trait ContentReader: Send {
    /// Reads the next stretch, filling `buffer` as far as the stretch goes.
    ///
    /// # Errors
    /// Errors of the source; they concern this entry only.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece>;

    /// After [`ContentPiece::End`]: the current metadata if it differs from what the scan saw,
    /// because the entry changed between the scan and the end of reading.
    ///
    /// # Errors
    /// Errors of the source, such as the failure of a command: the content must then not be used.
    fn changed(&mut self) -> io::Result<Option<Metadata>>;
}

/// An entry that could not be read. It is counted, and the backup continues.
#[derive(Debug)]
pub struct UnreadEntry {
    /// Path as the user would write it.
    pub path: Vec<u8>,
    /// What was being done: `scan`, `open`, `read`, `xattr`.
    pub during: &'static str,
    /// What went wrong.
    pub error: io::Error,
}
