//! The location of a storage, so that local state about one copy of a repository is never applied
//! to another copy.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, StatxFlags};

/// The location of a storage. A copy of a repository has another location than the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct StorageLocation {
    /// How to reach it: the path of a folder with all links resolved, or the address of a service.
    pub address: Vec<u8>,
    /// What it is stored on, such as the number of a file system; empty if unknown.
    pub medium: Vec<u8>,
    /// What distinguishes copies on the same medium, such as the time at which the folder was
    /// created; empty if unknown.
    pub copy: Vec<u8>,
}

impl StorageLocation {
    /// The location of a folder, as far as the system reports it.
    pub(crate) fn of_folder(path: &Path, folder: &OwnedFd) -> Self {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // A number of 0 belongs to a file system that has none.
        let medium = rustix::fs::fstatvfs(folder).map_or(0, |status| status.f_fsid);
        // Folders created within one tick of the clock differ in their inode numbers. Without the
        // time these are useless: such file systems may assign new ones each time they are mounted.
        let wanted = StatxFlags::BTIME | StatxFlags::INO;
        let copy = match rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, wanted) {
            Ok(status) if StatxFlags::from_bits_retain(status.stx_mask).contains(wanted) => {
                let made = status.stx_btime;
                let number = status.stx_ino.to_le_bytes();
                [&made.tv_sec.to_le_bytes()[..], &made.tv_nsec.to_le_bytes(), &number].concat()
            }
            _ => Vec::new(),
        };
        let medium = if medium == 0 { Vec::new() } else { medium.to_le_bytes().to_vec() };
        Self { address: path.as_os_str().as_bytes().to_vec(), medium, copy }
    }

    /// The parts, each preceded by its length: equal bytes only for equal locations.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [&self.address, &self.medium, &self.copy] {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Local};

    fn place(path: &Path) -> StorageLocation {
        Local::open(path).unwrap().place()
    }

    #[test]
    fn a_copy_is_at_another_place_and_a_link_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other, link] = ["one", "other", "link"].map(|name| folder.path().join(name));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&one, &link).unwrap();
        assert_eq!(place(&one), place(&link));
        assert_ne!(place(&one), place(&other));
        assert_ne!(place(&one).encode(), place(&other).encode());
        let before = place(&one);
        std::fs::write(one.join("object"), b"x").unwrap();
        assert_eq!(place(&one), before, "what is in a folder does not move it");
    }

    #[test]
    fn one_that_took_the_place_of_another_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        std::fs::create_dir(&one).unwrap();
        let before = place(&one);
        std::fs::create_dir(&other).unwrap();
        std::fs::remove_dir(&one).unwrap();
        std::fs::rename(&other, &one).unwrap();
        let after = place(&one);
        assert_eq!((&after.address, &after.medium), (&before.address, &before.medium));
        if !after.copy.is_empty() {
            assert_ne!(after.copy, before.copy);
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let place = |address: &str, medium: &str| StorageLocation {
            address: address.into(),
            medium: medium.into(),
            copy: Vec::new(),
        };
        assert_ne!(place("a", "bc").encode(), place("ab", "c").encode());
    }
}
