//! Entries without content: links, devices, named pipes, sockets.

use std::os::fd::{AsFd, BorrowedFd};

use holdfast_format::entry::{Entry, EntryKind};
use rustix::fs::{AtFlags, FileType, Mode, fstat, linkat, makedev, mknodat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::directories::TargetDirectory;
use super::error::refused;
use super::metadata::{Present, apply};
use super::place::MetadataPlace;
use super::resolve::pin;
use super::{FolderTargetShared, path};
use crate::{Replace, TargetError};

/// Creates a symbolic link, device, named pipe or socket under a temporary name, and renames it.
pub(super) fn create(
    shared: &FolderTargetShared,
    path: &[u8],
    entry: &Entry,
    replace: Replace,
) -> Result<(), TargetError> {
    let name_start = path::check_name(path)?;
    let (above, _) = path::split(path, name_start);
    let directory = shared.directories.get(above)?;
    let make = |name: &[u8]| {
        make(directory.as_fd(), name, &entry.kind).inspect_err(|errno| {
            if *errno != Errno::EXIST {
                // Some file systems create something else, and fail.
                let _ = unlinkat(&*directory, name, AtFlags::empty());
            }
        })
    };
    let created = shared.create(above, make);
    let (number, ()) = created.map_err(refused("create the entry"))?;
    let temporary = shared.temporaries.name(number);
    let applied = describe(shared, &directory, &temporary, entry);
    // Incomplete metadata is reported once the entry has its name; any other error prevents that.
    let result = match applied {
        Ok(()) | Err(TargetError::Incomplete { .. }) => {
            shared.rename(&directory, &temporary, path, name_start, replace)
        }
        Err(error) => return discard(&directory, &temporary, error),
    };
    match result {
        Ok(()) => applied,
        Err(error) => discard(&directory, &temporary, error),
    }
}

/// Makes `path` another name for `original`, even if that is a symbolic link.
pub(super) fn hard_link(
    shared: &FolderTargetShared,
    path: &[u8],
    original: &[u8],
    replace: Replace,
) -> Result<(), TargetError> {
    let name_start = path::check_name(path)?;
    let (from, original) = path::split(original, path::check_name(original)?);
    let from = shared.directories.get(from)?;
    let (above, name) = path::split(path, name_start);
    let directory = shared.directories.get(above)?;
    // Without AT_SYMLINK_FOLLOW: a link to a symbolic link is a link to that.
    let link = |name: &[u8]| linkat(&*from, original, &*directory, name, AtFlags::empty());
    let failed = refused("create the hard link");
    if replace == Replace::Nothing {
        return link(name).map_err(|errno| match errno {
            Errno::EXIST => TargetError::Taken,
            errno => failed(errno),
        });
    }
    let (number, ()) = shared.create(above, link).map_err(failed)?;
    let temporary = shared.temporaries.name(number);
    let result = shared.rename(&directory, &temporary, path, name_start, replace);
    // Renaming does nothing, not even remove the old name, if both are the same file.
    let _ = unlinkat(&*directory, &temporary[..], AtFlags::empty());
    result
}

fn make(directory: BorrowedFd<'_>, name: &[u8], kind: &EntryKind) -> Result<(), Errno> {
    let node = |kind, device| mknodat(directory, name, kind, Mode::RUSR | Mode::WUSR, device);
    match kind {
        EntryKind::Symlink(target) => symlinkat(&target[..], directory, name),
        EntryKind::BlockDevice(major, minor) => {
            node(FileType::BlockDevice, makedev(*major, *minor))
        }
        EntryKind::CharDevice(major, minor) => {
            node(FileType::CharacterDevice, makedev(*major, *minor))
        }
        EntryKind::Fifo => node(FileType::Fifo, 0),
        EntryKind::Socket => node(FileType::Socket, 0),
        EntryKind::File { .. } | EntryKind::Directory(_) => Err(Errno::INVAL),
    }
}

/// Gives a newly created entry its metadata.
fn describe(
    shared: &FolderTargetShared,
    directory: &TargetDirectory,
    temporary: &[u8],
    entry: &Entry,
) -> Result<(), TargetError> {
    let look = refused("examine the entry");
    let pinned = pin(directory.as_fd(), temporary).map_err(&look)?;
    let stat = fstat(&pinned).map_err(&look)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    // Another process may have put a hard link to another user's file in its place.
    if kind != kind_of(&entry.kind) || stat.st_nlink != 1 {
        return Err(TargetError::Escapes);
    }
    let owner = Some((stat.st_uid, stat.st_gid));
    let has_access_list = directory.gives_access_list && kind != FileType::Symlink;
    let present = Present { kind, owner, has_access_list };
    apply(shared, MetadataPlace::Pinned(pinned.as_fd()), &entry.metadata, present)
}

fn kind_of(kind: &EntryKind) -> FileType {
    match kind {
        EntryKind::File { .. } => FileType::RegularFile,
        EntryKind::Directory(_) => FileType::Directory,
        EntryKind::Symlink(_) => FileType::Symlink,
        EntryKind::BlockDevice(..) => FileType::BlockDevice,
        EntryKind::CharDevice(..) => FileType::CharacterDevice,
        EntryKind::Fifo => FileType::Fifo,
        EntryKind::Socket => FileType::Socket,
    }
}

fn discard(
    directory: &TargetDirectory,
    name: &[u8],
    error: TargetError,
) -> Result<(), TargetError> {
    // The first error is the one to report.
    let _ = unlinkat(directory, name, AtFlags::empty());
    Err(error)
}
