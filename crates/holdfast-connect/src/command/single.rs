//! The stream of items for one file and the directories above it.

use std::collections::VecDeque;
use std::io;

use holdfast_format::entry::Metadata;

use super::{PathNames, StreamEntry};
use crate::{ContentReader, Leaf, LeafKind, Opener, SourceItem};

/// Mode of the file, as restic gives it.
const FILE_MODE: u32 = 0o644;
/// Mode of the directories above it.
const DIRECTORY_MODE: u32 = 0o755;

/// All items for one file.
pub(super) fn items(
    entry: &StreamEntry,
    (directories, name): PathNames,
    opener: Box<dyn Opener>,
) -> VecDeque<SourceItem> {
    let mut items = VecDeque::new();
    for name in directories {
        let metadata = metadata(entry, DIRECTORY_MODE);
        items.push_back(SourceItem::Enter {
            name,
            metadata,
            opener: Box::new(ParentDirectory),
            is_sorted: true,
        });
    }
    let depth = items.len();
    let (kind, metadata) = (LeafKind::File { size: 0 }, metadata(entry, FILE_MODE));
    items.push_back(SourceItem::Leaf(Leaf { name, metadata, kind, opener }));
    items.extend((0..depth).map(|_| SourceItem::Leave));
    items
}

fn metadata(entry: &StreamEntry, mode: u32) -> Metadata {
    Metadata {
        mode,
        uid: entry.uid,
        gid: entry.gid,
        user: entry.user.clone(),
        group: entry.group.clone(),
        mtime: entry.time,
        ctime: entry.time,
        links: 1,
        ..Metadata::default()
    }
}

/// A directory that exists in the backup only.
#[derive(Debug)]
struct ParentDirectory;

impl Opener for ParentDirectory {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "only files have content"))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}
