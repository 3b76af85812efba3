//! A file being restored.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use holdfast_format::entry::Metadata;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, ftruncate, openat, unlinkat};
use rustix::io::{Errno, pwrite, retry_on_intr};

use super::directories::TargetDirectory;
use super::error::refused;
use super::metadata::{Present, apply};
use super::place::MetadataPlace;
use super::{FolderTargetShared, keep, path, sparse};
use crate::{FileSlot, Replace, TargetError};

const FLAGS: OFlags = OFlags::WRONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW: OFlags = FLAGS.union(OFlags::CREATE).union(OFlags::EXCL);
const AGAIN: OFlags = FLAGS.union(OFlags::NONBLOCK);

/// An unfinished file; dropping it removes it.
pub(super) struct UnfinishedFile {
    file: Arc<PooledFile>,
    is_finished: bool,
}

/// The pool's view of an unfinished file: the pool may close it while it is not in use.
pub(super) struct PooledFile {
    shared: Arc<FolderTargetShared>,
    /// Its final path.
    path: Box<[u8]>,
    /// Where the name begins in `path`.
    name_start: usize,
    /// Number of its temporary name.
    number: u64,
    /// What it may replace.
    replace: Replace,
    /// Final size.
    bytes: u64,
    /// End of what was written.
    written: AtomicU64,
    state: RwLock<FileSlotState>,
}

enum FileSlotState {
    Open(OpenFile),
    /// Device and inode, by which it is recognized.
    Closed((u64, u64)),
}

/// Everything that is open for an unfinished file.
struct OpenFile {
    file: OwnedFd,
    directory: Arc<TargetDirectory>,
    /// The existing file at the final path, once it is needed.
    old: OnceLock<OwnedFd>,
}

impl UnfinishedFile {
    /// Creates the temporary file.
    pub(super) fn create(
        shared: &Arc<FolderTargetShared>,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Self, TargetError> {
        let name_start = path::check_name(path)?;
        let (above, _) = path::split(path, name_start);
        let directory = shared.directories.get(above)?;
        let create = |name: &[u8]| openat(&*directory, name, NEW, Mode::RUSR | Mode::WUSR);
        let created = shared.create(above, create);
        let (number, file) = created.map_err(refused("create the file"))?;
        shared.directories.sync_later(&directory, &file);
        let file = Arc::new(PooledFile {
            shared: shared.clone(),
            path: path.into(),
            name_start,
            number,
            replace,
            bytes,
            written: AtomicU64::new(0),
            state: RwLock::new(FileSlotState::Open(OpenFile {
                file,
                directory,
                old: OnceLock::new(),
            })),
        });
        shared.pool.admit(number, Arc::downgrade(&file));
        Ok(Self { file, is_finished: false })
    }

    /// Runs `action` on the file, reopening it first if it was closed in between.
    fn with_open<T>(&self, action: impl Fn(&OpenFile) -> T) -> Result<T, TargetError> {
        loop {
            let state = self.file.state.read().unwrap_or_else(PoisonError::into_inner);
            if let FileSlotState::Open(open) = &*state {
                return Ok(action(open));
            }
            drop(state);
            self.open_again()?;
        }
    }

    fn open_again(&self) -> Result<(), TargetError> {
        let file = &self.file;
        let mut state = file.state.write().unwrap_or_else(PoisonError::into_inner);
        let FileSlotState::Closed(identity) = *state else { return Ok(()) };
        let (above, _) = path::split(&file.path, file.name_start);
        let directory = file.shared.directories.get(above)?;
        let temporary = file.shared.temporaries.name(file.number);
        file.shared.pool.admit(file.number, Arc::downgrade(file));
        let again = openat(&*directory, &temporary[..], AGAIN, Mode::empty())
            .map_err(refused("reopen the file"))?;
        // Another process may have put a different file in its place.
        if identity_of(&again).map_err(refused("examine the file"))? != identity {
            return Err(TargetError::Escapes);
        }
        *state = FileSlotState::Open(OpenFile { file: again, directory, old: OnceLock::new() });
        Ok(())
    }

    fn put_in_place(&self, metadata: &Metadata) -> Result<Result<(), TargetError>, TargetError> {
        let file = &self.file;
        self.with_open(|open| {
            if file.written.load(Ordering::Relaxed) != file.bytes {
                ftruncate(&open.file, file.bytes).map_err(refused("set the size"))?;
            }
            let present = Present {
                kind: FileType::RegularFile,
                owner: open.directory.new_owner,
                has_access_list: open.directory.gives_access_list,
            };
            let place = MetadataPlace::Open(open.file.as_fd());
            let applied = apply(&file.shared, place, metadata, present);
            let temporary = file.shared.temporaries.name(file.number);
            let (path, name_start) = (&file.path, file.name_start);
            file.shared.rename(&open.directory, &temporary, path, name_start, file.replace)?;
            Ok(applied)
        })?
    }
}

impl FileSlot for UnfinishedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let file = &self.file;
        if offset.checked_add(bytes.len() as u64).is_none() {
            return Err(refused("write the file")(Errno::FBIG));
        }
        self.with_open(|open| {
            let target = open.file.as_fd();
            if file.shared.sparse {
                for (at, part) in sparse::data(offset, bytes) {
                    file.write(target, at, part)?;
                }
                return Ok(());
            }
            file.write(target, offset, bytes)
        })
        .and_then(|written| written.map_err(refused("write the file")))
    }

    fn keep(&self, offset: u64, bytes: u64) -> Result<(), TargetError> {
        let file = &self.file;
        self.with_open(|open| {
            let old = open.old(file.name()).map_err(refused("open the existing file"))?;
            let end = keep::copy(old, &open.file, offset, bytes)
                .map_err(refused("copy from the existing file"))?;
            file.written.fetch_max(end, Ordering::Relaxed);
            Ok(())
        })?
    }

    fn finish(mut self: Box<Self>, metadata: &Metadata) -> Result<(), TargetError> {
        let applied = self.put_in_place(metadata)?;
        self.is_finished = true;
        applied
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        let file = &self.file;
        file.shared.pool.remove(file.number);
        if !self.is_finished {
            let (above, _) = path::split(&file.path, file.name_start);
            if let Ok(directory) = file.shared.directories.get(above) {
                let temporary = file.shared.temporaries.name(file.number);
                // There is no one left to report to; the name says what it is.
                let _ = unlinkat(&*directory, &temporary[..], AtFlags::empty());
            }
        }
    }
}

impl PooledFile {
    fn name(&self) -> &[u8] {
        &self.path[self.name_start..]
    }

    fn write(&self, to: BorrowedFd<'_>, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        write_all(to, offset, bytes)?;
        self.written.fetch_max(offset + bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Closes the file; false if it is in use.
    pub(super) fn try_close(&self) -> bool {
        let Ok(mut state) = self.state.try_write() else { return false };
        if let FileSlotState::Open(open) = &*state {
            match identity_of(&open.file) {
                Ok(identity) => *state = FileSlotState::Closed(identity),
                Err(_) => return false,
            }
        }
        true
    }
}

impl OpenFile {
    fn old(&self, name: &[u8]) -> Result<&OwnedFd, Errno> {
        if let Some(old) = self.old.get() {
            return Ok(old);
        }
        let old = keep::open_old(self.directory.as_fd(), name)?;
        // Another thread may have been faster; it opened the same file.
        Ok(self.old.get_or_init(|| old))
    }
}

fn identity_of(file: &OwnedFd) -> Result<(u64, u64), Errno> {
    let stat = fstat(file)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Writes all of `bytes` at `offset`.
pub(super) fn write_all(
    file: BorrowedFd<'_>,
    mut offset: u64,
    mut bytes: &[u8],
) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match retry_on_intr(|| pwrite(file, bytes, offset))? {
            0 => return Err(Errno::NOSPC),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}
