//! [`FsTarget`] as a [`Target`].

use std::os::fd::AsFd;

use holdfast_format::entry::{Entry, FileTime, Metadata};
use rustix::fs::{AtFlags, FileType, Mode, fstat, mkdirat, unlinkat};
use rustix::io::{Errno, pread, retry_on_intr};

use super::error::{is_absent, refused};
use super::place::MetadataPlace;
use super::resolve::{open_child_usable, pin};
use super::slot::UnfinishedFile;
use super::{FsTarget, TRIES_MAX, keep, leftovers, listing, metadata, path, special};
use crate::{Existing, FileSlot, Leftovers, Replace, Target, TargetError};

impl Target for FsTarget {
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError> {
        let stat = match self.stat(path) {
            Err(error) if is_absent(&error) => return Ok(None),
            result => result?,
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        Ok(Some(Existing {
            is_file: kind == FileType::RegularFile,
            is_directory: kind == FileType::Directory,
            bytes: stat.st_size.cast_unsigned(),
            mtime: FileTime { seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec as u32 },
            identity: Some((stat.st_dev, stat.st_ino)),
        }))
    }

    fn directory(&self, path: &[u8]) -> Result<bool, TargetError> {
        if path.is_empty() {
            return Ok(self.is_new);
        }
        let (above, name) = self.locate(path)?;
        let mut is_new = false;
        for _ in 0..TRIES_MAX {
            match mkdirat(&*above, name, Mode::RWXU) {
                Ok(()) => is_new = true,
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(refused("create the directory")(errno)),
            }
            match open_child_usable(above.as_fd(), name) {
                Ok(directory) => {
                    self.shared.directories.keep(path, directory)?;
                    return Ok(is_new);
                }
                // A link or a file; or what was just created has vanished.
                Err(Errno::LOOP | Errno::NOTDIR | Errno::NOENT) => {
                    is_new = false;
                    self.shared.directories.forget(path);
                    match unlinkat(&*above, name, AtFlags::empty()) {
                        Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => {}
                        Err(errno) => return Err(refused("replace the existing entry")(errno)),
                    }
                }
                Err(errno) => return Err(refused("open the directory")(errno)),
            }
        }
        Err(TargetError::Escapes)
    }

    fn finish_directory(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        path::check(path)?;
        let directory = self.shared.directories.get(path)?;
        let stat = fstat(&*directory).map_err(refused("examine the directory"))?;
        self.shared.directories.close(path);
        let place = MetadataPlace::Open(directory.as_fd());
        metadata::correct(&self.shared, place, metadata, &stat)
    }

    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        Ok(Box::new(UnfinishedFile::create(&self.shared, path, bytes, replace)?))
    }

    fn special(&self, path: &[u8], entry: &Entry, replace: Replace) -> Result<(), TargetError> {
        special::create(&self.shared, path, entry, replace)
    }

    fn hard_link(&self, path: &[u8], original: &[u8], replace: Replace) -> Result<(), TargetError> {
        special::hard_link(&self.shared, path, original, replace)
    }

    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        let (above, name) = self.locate(path)?;
        let file = pin(above.as_fd(), name).map_err(refused("open the file"))?;
        let stat = fstat(&file).map_err(refused("examine the file"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(refused("update an entry that is not a regular file")(Errno::INVAL));
        }
        let place = MetadataPlace::Pinned(file.as_fd());
        metadata::correct(&self.shared, place, metadata, &stat)
    }

    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError> {
        let (above, name) = self.locate(path)?;
        let file = keep::open_old(above.as_fd(), name).map_err(refused("open the file"))?;
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset.saturating_add(filled as u64);
            let read = retry_on_intr(|| pread(&file, &mut buffer[filled..], at));
            match read.map_err(refused("read the file"))? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError> {
        path::check(path)?;
        let directory = self.shared.directories.get(path)?;
        let is_wanted = |name: &[u8]| !self.shared.temporaries.is_own(name);
        listing::names(&*directory, is_wanted).map_err(refused("read the directory"))
    }

    fn remove(&self, path: &[u8]) -> Result<(), TargetError> {
        match self.locate(path) {
            Ok((above, name)) => self.shared.remove(&above, path, name),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
    fn remove_leftovers(&self, path: &[u8]) -> Result<Leftovers, TargetError> {
        path::check(path)?;
        leftovers::remove(&self.shared, path)
    }

    fn sync(&self) -> Result<(), TargetError> {
        self.shared.directories.sync().map_err(refused("flush the restored files to disk"))
    }
}
