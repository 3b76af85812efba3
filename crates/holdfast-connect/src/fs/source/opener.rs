//! Reading what the scan found: content and extended attributes.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, OFlags, Stat};

use super::content::FileContent;
use super::directory::open_quietly;
use super::listing::FolderListing;
use super::metadata::FileStamp;
use super::xattr;
use crate::{ContentReader, Opener};

/// Access to one entry, by its directory and its name.
pub(super) struct FsOpener {
    listing: Arc<FolderListing>,
    index: usize,
    found: ScannedEntry,
}

/// What the scan found.
#[derive(Debug)]
enum ScannedEntry {
    File(FileStamp),
    Directory,
    /// A directory that a link above the named paths may have led to.
    DirectoryBehindLink,
    Other,
}

impl FsOpener {
    /// Access to the directory at this position of a listing.
    pub(super) fn directory(
        listing: &Arc<FolderListing>,
        index: usize,
        is_above_named: bool,
    ) -> Self {
        let found = if is_above_named {
            ScannedEntry::DirectoryBehindLink
        } else {
            ScannedEntry::Directory
        };
        Self { listing: Arc::clone(listing), index, found }
    }

    /// Access to the entry at this position of a listing, which is not a directory.
    pub(super) fn leaf(listing: &Arc<FolderListing>, index: usize, status: &Stat) -> Self {
        let found = match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => {
                ScannedEntry::File(FileStamp::new(status, listing.directory.has_lasting_inodes()))
            }
            _ => ScannedEntry::Other,
        };
        Self { listing: Arc::clone(listing), index, found }
    }

    fn open_file(&self) -> io::Result<OwnedFd> {
        // Without blocking: it may have become a named pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        open_quietly(&*self.listing.directory.open()?, self.listing.names.name(self.index), flags)
    }
}

impl fmt::Debug for FsOpener {
    /// Omits the names beside it: there may be a million.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.listing.names.name(self.index);
        formatter.debug_tuple("FsOpener").field(&name).field(&self.found).finish()
    }
}

impl Opener for FsOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let ScannedEntry::File(scanned) = self.found else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only files have content"));
        };
        let (file, lasts) = (self.open_file()?, self.has_lasting_inode());
        Ok(Box::new(FileContent::new(file, scanned, lasts, &self.listing.context)?))
    }

    fn has_lasting_inode(&self) -> bool {
        self.listing.directory.has_lasting_inodes()
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let handle = self.listing.directory.open()?;
        let name = self.listing.names.name(self.index);
        // The l... calls act on a link itself; a dot after it makes them act on its directory.
        let end: &[u8] = match self.found {
            ScannedEntry::DirectoryBehindLink => b"/.\0",
            _ => b"\0",
        };
        let start = format!("/proc/self/fd/{}/", handle.as_raw_fd());
        let path = [start.as_bytes(), name.to_bytes(), end].concat();
        xattr::read_all(&path)
    }
}
