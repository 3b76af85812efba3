//! What the kernel reports about an entry, as it is stored.

use std::collections::HashMap;
use std::sync::Mutex;

use holdfast_format::entry::{FileTime, Metadata};
use nix::unistd::{Gid, Group, Uid, User};
use rustix::fs::{AtFlags, FileType, Stat};

use super::directory::{identity, lock};

/// How the kernel is queried: about a link itself, and without mounting anything.
pub(super) const LOOK: AtFlags = AtFlags::SYMLINK_NOFOLLOW.union(AtFlags::NO_AUTOMOUNT);

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    identity: Option<(u64, u64)>,
    mtime: FileTime,
    ctime: FileTime,
    pub(super) size: u64,
}

impl FileStamp {
    /// The status of a file; its inode number counts only where such numbers last.
    pub(super) fn new(status: &Stat, has_lasting_inode: bool) -> Self {
        Self {
            identity: has_lasting_inode.then(|| identity(status)),
            mtime: mtime(status),
            ctime: ctime(status),
            size: size(status),
        }
    }
}

/// Names of users and groups, each looked up once.
#[derive(Debug, Default)]
pub(super) struct OwnerNames {
    users: Mutex<HashMap<u32, Vec<u8>>>,
    groups: Mutex<HashMap<u32, Vec<u8>>>,
}

/// The owners of the entry met last: most entries of a directory have the same ones.
#[derive(Debug, Default)]
pub(super) struct LastOwners {
    user: Option<(u32, Vec<u8>)>,
    group: Option<(u32, Vec<u8>)>,
}

impl OwnerNames {
    /// Stored metadata of an entry, without extended attributes. An inode number that does not last
    /// is left out, except for a file with several names: it is all that ties them together.
    pub(super) fn metadata(
        &self,
        status: &Stat,
        has_lasting_inode: bool,
        with_atime: bool,
        last: &mut LastOwners,
    ) -> Metadata {
        let is_directory = FileType::from_raw_mode(status.st_mode) == FileType::Directory;
        let has_names = !is_directory && links(status) > 1;
        Metadata {
            mode: status.st_mode & 0o7777,
            uid: status.st_uid,
            gid: status.st_gid,
            user: look_up(&self.users, &mut last.user, status.st_uid, user_name),
            group: look_up(&self.groups, &mut last.group, status.st_gid, group_name),
            mtime: mtime(status),
            ctime: ctime(status),
            atime: with_atime.then(|| time(status.st_atime, status.st_atime_nsec)),
            inode: if has_lasting_inode || has_names { status.st_ino } else { 0 },
            device: status.st_dev,
            links: links(status),
            xattrs: Vec::new(),
            changed: false,
            xattrs_unread: false,
        }
    }
}

/// Size of a file in bytes.
pub(super) fn size(status: &Stat) -> u64 {
    u64::try_from(status.st_size).unwrap_or(0)
}

/// Number of hard links. The width of the field depends on the processor.
#[allow(clippy::useless_conversion)]
fn links(status: &Stat) -> u64 {
    u64::from(status.st_nlink)
}

/// Last change of the content.
pub(super) fn mtime(status: &Stat) -> FileTime {
    time(status.st_mtime, status.st_mtime_nsec)
}

/// Last change of content or metadata.
pub(super) fn ctime(status: &Stat) -> FileTime {
    time(status.st_ctime, status.st_ctime_nsec)
}

fn time(seconds: i64, nanoseconds: u64) -> FileTime {
    // The kernel never reports more; a user-space file system might.
    FileTime { seconds, nanoseconds: nanoseconds.min(999_999_999) as u32 }
}

fn look_up(
    known: &Mutex<HashMap<u32, Vec<u8>>>,
    last: &mut Option<(u32, Vec<u8>)>,
    id: u32,
    ask: fn(u32) -> Option<String>,
) -> Vec<u8> {
    if let Some((_, name)) = last.as_ref().filter(|(last, _)| *last == id) {
        return name.clone();
    }
    let name = lock(known).get(&id).cloned();
    // Not under the lock: a name service may be slow.
    let name = name.unwrap_or_else(|| {
        let name = ask(id).unwrap_or_default().into_bytes();
        lock(known).insert(id, name.clone());
        name
    });
    *last = Some((id, name.clone()));
    name
}

fn user_name(id: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name)
}

fn group_name(id: u32) -> Option<String> {
    Group::from_gid(Gid::from_raw(id)).ok().flatten().map(|group| group.name)
}
