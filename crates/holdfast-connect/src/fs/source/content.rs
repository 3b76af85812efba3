//! The content of a regular file, without its holes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use holdfast_format::entry::Metadata;
use rustix::fs::{Advice, FileType, SeekFrom};
use rustix::io::Errno;

use super::context::ScanContext;
use super::metadata::{FileStamp, LastOwners, size};
use crate::{ContentPiece, ContentReader};

/// From this size on, in bytes, the kernel is advised to read far ahead.
const READ_AHEAD_BYTES_MIN: u64 = 1 << 20;

/// A file being read.
///
/// A file that keeps growing would never end, so what is appended after it was opened is not read.
/// Files that claim to be empty, such as those below `/proc`, are read to their end.
pub(super) struct FileContent {
    file: OwnedFd,
    context: Arc<ScanContext>,
    has_lasting_inode: bool,
    scanned: FileStamp,
    opened: FileStamp,
    /// Bytes read so far, including holes.
    position: u64,
    /// There are no holes up to here.
    data_end: u64,
}

impl FileContent {
    /// Starts reading a file that the scan saw as `scanned`.
    pub(super) fn new(
        file: OwnedFd,
        scanned: FileStamp,
        has_lasting_inode: bool,
        context: &Arc<ScanContext>,
    ) -> io::Result<Self> {
        let status = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it was a regular file when scanned, but no longer is"));
        }
        let opened = FileStamp::new(&status, has_lasting_inode);
        if opened.size > READ_AHEAD_BYTES_MIN {
            // Only advice: a file system that does not take it is read all the same.
            let _ = rustix::fs::fadvise(&file, 0, None, Advice::Sequential);
        }
        let allocated = u64::try_from(status.st_blocks).unwrap_or(0).saturating_mul(512);
        let data_end = if allocated < opened.size { 0 } else { u64::MAX };
        let context = Arc::clone(context);
        Ok(Self { file, context, has_lasting_inode, scanned, opened, position: 0, data_end })
    }

    /// At a position that may be a hole: returns the length of the hole, 0 if there is data.
    fn find_data(&mut self) -> io::Result<u64> {
        let data = match rustix::fs::seek(&self.file, SeekFrom::Data(self.position)) {
            Ok(data) => data,
            // A hole up to the end, which may be nearer than it was.
            Err(Errno::NXIO) => size(&rustix::fs::fstat(&self.file)?),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => {
                self.data_end = u64::MAX;
                return Ok(0);
            }
            Err(errno) => return Err(errno.into()),
        };
        let hole = data.min(self.opened.size).saturating_sub(self.position);
        if hole == 0 {
            self.data_end = match rustix::fs::seek(&self.file, SeekFrom::Hole(self.position)) {
                Ok(end) => end,
                // The file was truncated; reading will find its end.
                Err(Errno::NXIO) => u64::MAX,
                Err(errno) => return Err(errno.into()),
            };
        }
        Ok(hole)
    }

    /// Reads until the buffer is full or the file ends.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let place = self.position + filled as u64;
            match rustix::io::pread(&self.file, &mut buffer[filled..], place) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }
}

impl ContentReader for FileContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let left = match self.opened.size {
            0 => u64::MAX,
            size => size - self.position,
        };
        if left == 0 {
            return Ok(ContentPiece::End);
        }
        if self.position >= self.data_end {
            let hole = self.find_data()?;
            if hole > 0 {
                self.position += hole;
                return Ok(ContentPiece::Hole(hole));
            }
        }
        let wanted = left.min(self.data_end - self.position).min(buffer.len() as u64) as usize;
        match self.fill(&mut buffer[..wanted])? {
            0 => Ok(ContentPiece::End),
            length => Ok(ContentPiece::Data(length)),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        let status = rustix::fs::fstat(&self.file)?;
        let now = FileStamp::new(&status, self.has_lasting_inode);
        let is_cut_short = self.opened.size > 0 && self.position != self.opened.size;
        let changed_while_read = now != self.opened || is_cut_short;
        if now == self.scanned && !changed_while_read {
            return Ok(None);
        }
        let with_atime = self.context.options.with_atime;
        let last = &mut LastOwners::default();
        let metadata =
            self.context.owners.metadata(&status, self.has_lasting_inode, with_atime, last);
        Ok(Some(Metadata { changed: changed_while_read, ..metadata }))
    }
}
