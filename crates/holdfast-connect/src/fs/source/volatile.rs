//! File systems whose inode numbers do not last.
//!
//! They number an entry when they first see it and forget the number when memory gets short: the
//! same file later has another number, and the number another file. Such a number must neither make
//! an unchanged file look changed nor make two files look like one.

use std::io;
use std::os::fd::AsFd;

/// Magic numbers of such file systems (`statfs(2)`): FUSE without inode numbers of its own, such as
/// sshfs; FAT and exFAT, which have no inodes; shares of servers that provide no numbers.
const VOLATILE: [u32; 7] = [
    0x6573_5546, // FUSE
    0x0000_4d44, // FAT
    0x2011_bab0, // exFAT
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2 and later
    0x786f_4256, // shared folders of VirtualBox
    0x0102_1997, // 9P
];

/// True if inode numbers on the file system of this file last.
pub(super) fn has_lasting_inodes(file: &impl AsFd) -> io::Result<bool> {
    // The width of the field depends on the processor; magic numbers have 32 bits.
    let kind = rustix::fs::fstatfs(file)?.f_type as u32;
    Ok(!VOLATILE.contains(&kind))
}
