//! Who owns restored entries.

use std::collections::HashMap;
use std::sync::Mutex;

use holdfast_format::entry::Metadata;
use nix::unistd::{Group, User};
use rustix::io::Errno;

use super::error::lock;
use super::place::MetadataPlace;

/// Who owns restored entries.
///
/// A user other than root cannot give files away: the user then stays the owner, which is not an
/// error, and set-id bits meant for someone else are left out, as `cp -p` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The stored numbers.
    ById,
    /// The local user and group with the stored names; the stored numbers if there are none.
    ByName,
    /// The user who restores. Set-id bits meant for someone else are left out.
    Leave,
}

/// Sets the owners of entries.
pub(super) struct OwnerSetter {
    ownership: Ownership,
    /// Effective user and group.
    user: (u32, u32),
    users: Mutex<HashMap<Vec<u8>, Option<u32>>>,
    groups: Mutex<HashMap<Vec<u8>, Option<u32>>>,
}

/// Whether an entry has the owner and the group it should have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owned {
    pub(super) uid: bool,
    pub(super) gid: bool,
}

impl OwnerSetter {
    /// Owners as far as the effective user and group can set them.
    pub(super) fn new(ownership: Ownership, user: (u32, u32)) -> Self {
        Self { ownership, user, users: Mutex::default(), groups: Mutex::default() }
    }

    /// Gives an entry, which belongs to `current` if that is known, its proper owner.
    pub(super) fn give(
        &self,
        place: MetadataPlace<'_>,
        metadata: &Metadata,
        current: Option<(u32, u32)>,
    ) -> (Owned, Result<(), Errno>) {
        let (uid, gid) = self.wanted(metadata);
        let present = current.unwrap_or(self.user);
        let is_known = current.is_some() || self.ownership == Ownership::Leave;
        let as_is = Owned { uid: present.0 == uid, gid: present.1 == gid };
        if self.ownership == Ownership::Leave || (is_known && as_is.uid && as_is.gid) {
            return (as_is, Ok(()));
        }
        match place.change_owner(Some(uid), Some(gid)) {
            Ok(()) => (Owned { uid: true, gid: true }, Ok(())),
            Err(Errno::PERM) if self.user.0 != 0 => {
                // Without root, at least the group may be one of the user's.
                let gid = place.change_owner(None, Some(gid)).is_ok();
                (Owned { uid: as_is.uid, gid }, Ok(()))
            }
            Err(errno) => (Owned { uid: false, gid: false }, Err(errno)),
        }
    }

    /// True if an entry that belongs to `current` already has the right owner.
    pub(super) fn are_right(&self, metadata: &Metadata, current: (u32, u32)) -> bool {
        self.ownership == Ownership::Leave || self.wanted(metadata) == current
    }

    fn wanted(&self, metadata: &Metadata) -> (u32, u32) {
        if self.ownership != Ownership::ByName {
            return (metadata.uid, metadata.gid);
        }
        let user = cached(&self.users, &metadata.user, user_of);
        let group = cached(&self.groups, &metadata.group, group_of);
        (user.unwrap_or(metadata.uid), group.unwrap_or(metadata.gid))
    }
}

fn cached(
    known: &Mutex<HashMap<Vec<u8>, Option<u32>>>,
    name: &[u8],
    look_up: fn(&str) -> Option<u32>,
) -> Option<u32> {
    if name.is_empty() {
        return None;
    }
    if let Some(id) = lock(known).get(name) {
        return *id;
    }
    // Not under the lock: a name service may be slow.
    let id = std::str::from_utf8(name).ok().and_then(look_up);
    lock(known).insert(name.to_vec(), id);
    id
}

fn user_of(name: &str) -> Option<u32> {
    User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
}

fn group_of(name: &str) -> Option<u32> {
    Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
}
