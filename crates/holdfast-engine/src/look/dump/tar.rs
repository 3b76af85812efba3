//! A directory as a tar archive, in GNU tar format with pax records.

use std::collections::HashMap;
use std::io::Write;

use holdfast_format::entry::{Entry, EntryKind};
use tar::{EntryType, Header};

use super::content::Contents;
use super::pax::{BLOCK_BYTES, PaxRecords, write_long_name, write_padding};
use super::{Archive, note};
use crate::{EngineError, Observer};

/// Maximum length of a name in a header.
const NAME_BYTES: usize = 100;

/// A tar archive. Blocks are written here and not by `tar::Builder`, which would finish the archive
/// properly even after an error.
pub(super) struct TarArchive<'a> {
    out: &'a mut dyn Write,
    observer: &'a dyn Observer,
    /// First path of files with several hard links, by device and inode. An inode that was reused
    /// while the source was read may appear twice, so the file itself must match too.
    links: HashMap<(u64, u64), (EntryKind, Vec<u8>)>,
}

impl<'a> TarArchive<'a> {
    pub fn new(out: &'a mut dyn Write, observer: &'a dyn Observer) -> Self {
        Self { out, observer, links: HashMap::new() }
    }

    /// The path of an earlier entry that this one is a hard link of.
    fn linked(&mut self, path: &[u8], entry: &Entry) -> Option<Vec<u8>> {
        let metadata = &entry.metadata;
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        if metadata.links < 2 || metadata.inode == 0 || is_directory {
            return None;
        }
        let first = self
            .links
            .entry((metadata.device, metadata.inode))
            .or_insert_with(|| (entry.kind.clone(), path.to_vec()));
        (first.0 == entry.kind && first.1 != path).then(|| first.1.clone())
    }

    fn write_head(
        &mut self,
        path: &[u8],
        target: Option<&[u8]>,
        entry: &Entry,
        mut header: Header,
    ) -> Result<(), EngineError> {
        let (records, untold) = PaxRecords::of(&entry.metadata);
        for name in untold {
            let what = format!("tar cannot store the name of its extended attribute {name}");
            note(self.observer, path, &what);
        }
        let out = &mut *self.out;
        let mut write = || {
            records.write(out)?;
            if path.len() > NAME_BYTES {
                write_long_name(out, EntryType::GNULongName, path)?;
            }
            fill(&mut header.as_old_mut().name, path);
            if let Some(target) = target {
                if target.len() > NAME_BYTES {
                    write_long_name(out, EntryType::GNULongLink, target)?;
                }
                fill(&mut header.as_old_mut().linkname, target);
            }
            header.set_cksum();
            out.write_all(header.as_bytes())
        };
        write().map_err(EngineError::Output)
    }
}

impl Archive for TarArchive<'_> {
    fn add(
        &mut self,
        path: &[u8],
        entry: &Entry,
        contents: &mut Contents<'_>,
    ) -> Result<bool, EngineError> {
        let Some(mut header) = header(entry) else {
            note(self.observer, path, "a tar archive cannot store a socket");
            return Ok(false);
        };
        if let Some(first) = self.linked(path, entry) {
            header.set_entry_type(EntryType::Link);
            header.set_size(0);
            self.write_head(path, Some(&first), entry, header)?;
            return Ok(true);
        }
        match &entry.kind {
            EntryKind::Directory(_) => {
                self.write_head(&[path, b"/"].concat(), None, entry, header)?;
            }
            EntryKind::Symlink(target) => self.write_head(path, Some(target), entry, header)?,
            EntryKind::File { size, .. } => {
                self.write_head(path, None, entry, header)?;
                contents.write(path, &entry.kind, self.out)?;
                write_padding(self.out, *size).map_err(EngineError::Output)?;
            }
            _ => self.write_head(path, None, entry, header)?,
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        // Two empty blocks end an archive.
        let end = [0; 2 * BLOCK_BYTES as usize];
        self.out.write_all(&end).and_then(|()| self.out.flush()).map_err(EngineError::Output)
    }
}

/// The header of an entry without its names; `None` for types that tar does not have.
fn header(entry: &Entry) -> Option<Header> {
    let metadata = &entry.metadata;
    let mut header = Header::new_gnu();
    header.set_entry_type(match entry.kind {
        EntryKind::File { .. } => EntryType::Regular,
        EntryKind::Directory(_) => EntryType::Directory,
        EntryKind::Symlink(_) => EntryType::Symlink,
        EntryKind::BlockDevice(..) => EntryType::Block,
        EntryKind::CharDevice(..) => EntryType::Char,
        EntryKind::Fifo => EntryType::Fifo,
        EntryKind::Socket => return None,
    });
    header.set_size(match entry.kind {
        EntryKind::File { size, .. } => size,
        _ => 0,
    });
    header.set_mode(metadata.mode);
    header.set_uid(u64::from(metadata.uid));
    header.set_gid(u64::from(metadata.gid));
    // Earlier times are in a pax record.
    header.set_mtime(u64::try_from(metadata.mtime.seconds).unwrap_or(0));
    let device = match entry.kind {
        EntryKind::BlockDevice(major, minor) | EntryKind::CharDevice(major, minor) => {
            (major, minor)
        }
        _ => (0, 0),
    };
    if let Some(gnu) = header.as_gnu_mut() {
        let last = gnu.uname.len() - 1;
        fill(&mut gnu.uname[..last], &metadata.user);
        fill(&mut gnu.gname[..last], &metadata.group);
        gnu.set_device_major(device.0);
        gnu.set_device_minor(device.1);
    }
    Some(header)
}

/// Copies what fits.
fn fill(field: &mut [u8], bytes: &[u8]) {
    let length = field.len().min(bytes.len());
    field[..length].copy_from_slice(&bytes[..length]);
}
