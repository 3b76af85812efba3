//! Giving an entry its owner, attributes, mode and times.

use std::io;

use holdfast_format::entry::{FileTime, Metadata};
use rustix::fs::{FileType, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::FolderTargetShared;
use super::owner::Owned;
use super::place::MetadataPlace;
use crate::TargetError;
use crate::bucket::attributes::AttributeOrigin;
use crate::fs::filter::Filter;

/// Seconds by which a file system may round times: FAT stores even seconds.
const COARSEST_SECONDS: u64 = 2;
const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// Which extended attributes are restored. Access lists are among them, as `system.posix_acl_...`.
/// Attributes that are not restored are left alone on existing entries.
#[derive(Debug, Clone, Default)]
pub enum AttributeRule {
    /// All.
    #[default]
    All,
    /// Those whose name these rules match.
    Only(Filter),
    /// Those whose name these rules do not match.
    Except(Filter),
}

impl AttributeRule {
    fn takes(&self, name: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Only(rules) => rules.excludes(name),
            Self::Except(rules) => !rules.excludes(name),
        }
    }
}

/// What is known about an entry before its metadata is set.
#[derive(Clone, Copy)]
pub(super) struct Present {
    /// Its kind.
    pub(super) kind: FileType,
    /// Owner and group, if known.
    pub(super) owner: Option<(u32, u32)>,
    /// True if it may have an access list that it should not have.
    pub(super) has_access_list: bool,
}

/// Gives a newly created entry all of its metadata.
///
/// The order matters: a change of owner drops set-id bits and capabilities, the access list must be
/// there before the mode is changed, and everything changes times. Each step is tried even if
/// another failed.
///
/// # Errors
/// The first that failed, as [`TargetError::Incomplete`].
pub(super) fn apply(
    shared: &FolderTargetShared,
    place: MetadataPlace<'_>,
    metadata: &Metadata,
    present: Present,
) -> Result<(), TargetError> {
    let (owned, result) = shared.owners.give(place, metadata, present.owner);
    let mut failure = result.err().map(incomplete("set the owner"));
    let mut mode = permissions(metadata, owned, present.kind);
    if present.has_access_list && !has(metadata, ACCESS_LIST) {
        let result = place.remove_attribute(ACCESS_LIST);
        note(&mut failure, result.map_err(incomplete("remove an access list")));
    }
    for (name, value) in &metadata.xattrs {
        if AttributeOrigin::of(name).is_some() {
            // An attribute of an object, not of its content; no file system takes it.
            continue;
        }
        let is_wanted = shared.attributes.takes(name);
        let set = || place.set_attribute(name, value);
        let result = if is_wanted { set() } else { Ok(()) };
        if name == ACCESS_LIST && (!is_wanted || result.is_err()) {
            // The mode has the list's mask as its group bits, which may be wider than the group's
            // permissions.
            mode &= !0o070;
        }
        note(&mut failure, result.map_err(|errno| attribute_failed(name, errno)));
    }
    if present.kind != FileType::Symlink {
        note(&mut failure, place.change_mode(mode).map_err(incomplete("set the mode")));
    }
    note(&mut failure, give_times(place, metadata));
    failure.map_or(Ok(()), Err)
}

/// Sets the times and checks that they were stored.
///
/// File systems of libfuse 2 accept a change that omits the access time, but do nothing; so do some
/// others with times that they cannot store.
fn give_times(place: MetadataPlace<'_>, metadata: &Metadata) -> Result<(), TargetError> {
    const ACTION: &str = "set the times";
    let set = |metadata: &Metadata| {
        place.change_times(&timestamps(metadata)).map_err(incomplete(ACTION))?;
        place.stat().map_err(incomplete(ACTION))
    };
    let stat = set(metadata)?;
    if has_mtime(&stat, metadata) {
        return Ok(());
    }
    let present = FileTime { seconds: stat.st_atime, nanoseconds: stat.st_atime_nsec as u32 };
    let atime = metadata.atime.or(Some(present));
    if has_mtime(&set(&Metadata { atime, ..metadata.clone() })?, metadata) {
        return Ok(());
    }
    let source = io::Error::other("the file system did not store them");
    Err(TargetError::Incomplete { action: ACTION, source })
}

/// True if the modification time is the wanted one, within the precision of coarse file systems.
fn has_mtime(stat: &Stat, metadata: &Metadata) -> bool {
    stat.st_mtime.abs_diff(metadata.mtime.seconds) <= COARSEST_SECONDS
}

/// Corrects the metadata of an existing entry, changing only what differs.
///
/// Attributes that it should not have are removed, except those by which the system itself labels
/// files (`security.*` other than capabilities).
///
/// # Errors
/// The first that failed, as [`TargetError::Incomplete`].
pub(super) fn correct(
    shared: &FolderTargetShared,
    place: MetadataPlace<'_>,
    metadata: &Metadata,
    stat: &Stat,
) -> Result<(), TargetError> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    let owner = (stat.st_uid, stat.st_gid);
    let attributes = place.attributes().map_err(incomplete("list the attributes"))?;
    let is_ours = |name: &[u8]| is_restored(name) && shared.attributes.takes(name);
    let extra = |name: &&Vec<u8>| is_ours(name) && !has(metadata, name);
    let mut failure = None;
    for name in attributes.iter().filter(extra) {
        let result = place.remove_attribute(name);
        note(&mut failure, result.map_err(|errno| attribute_failed(name, errno)));
    }
    let has_none = metadata.xattrs.is_empty() && !attributes.iter().any(|name| is_ours(name));
    if has_none && shared.owners.are_right(metadata, owner) && is_same(stat, metadata) {
        return Ok(());
    }
    let present = Present { kind, owner: Some(owner), has_access_list: false };
    let applied = apply(shared, place, metadata, present);
    failure.map_or(applied, Err)
}

/// True if mode and times are already right.
fn is_same(stat: &Stat, metadata: &Metadata) -> bool {
    let times = [
        (stat.st_mtime, stat.st_mtime_nsec, Some(metadata.mtime)),
        (stat.st_atime, stat.st_atime_nsec, metadata.atime),
    ];
    let same_times = times.iter().all(|(seconds, nanoseconds, wanted)| {
        wanted.is_none_or(|wanted| {
            *seconds == wanted.seconds && *nanoseconds as u32 == wanted.nanoseconds
        })
    });
    same_times && stat.st_mode & 0o7777 == metadata.mode & 0o7777
}

/// The mode, without set-id bits that would grant the rights of an unintended user or group.
fn permissions(metadata: &Metadata, owned: Owned, kind: FileType) -> u32 {
    let mut mode = metadata.mode & 0o7777;
    if kind != FileType::Directory {
        mode &= if owned.uid { !0 } else { !0o4000 };
        mode &= if owned.gid { !0 } else { !0o2000 };
    }
    mode
}

fn has(metadata: &Metadata, attribute: &[u8]) -> bool {
    metadata.xattrs.iter().any(|(name, _)| name == attribute)
}

/// True for attributes that are restored rather than given by the system.
fn is_restored(name: &[u8]) -> bool {
    name == b"security.capability"
        || [&b"user."[..], b"trusted.", b"system.posix_acl_"].iter().any(|p| name.starts_with(p))
}

fn timestamps(metadata: &Metadata) -> Timestamps {
    let omitted = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT as _ };
    Timestamps {
        last_access: metadata.atime.map_or(omitted, timespec),
        last_modification: timespec(metadata.mtime),
    }
}

fn timespec(time: FileTime) -> Timespec {
    // Larger values have special meanings.
    Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.min(999_999_999).into() }
}

fn note(failure: &mut Option<TargetError>, result: Result<(), TargetError>) {
    if let Err(error) = result {
        failure.get_or_insert(error);
    }
}

fn incomplete(action: &'static str) -> impl Fn(Errno) -> TargetError {
    move |errno| TargetError::Incomplete { action, source: errno.into() }
}

fn attribute_failed(name: &[u8], errno: Errno) -> TargetError {
    let error = io::Error::from(errno);
    let source = io::Error::new(error.kind(), format!("{}: {error}", name.escape_ascii()));
    TargetError::Incomplete { action: "set an extended attribute", source }
}
