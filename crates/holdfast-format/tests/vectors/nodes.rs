//! Tree nodes and their contents.

use holdfast_format::FormatError;
use holdfast_format::entry::{Content, Entry, EntryKind, FileTime, Metadata};
use holdfast_format::node::{
    ContentChild, DirectoryChild, Extent, Node, NodeKind, assemble, encode_content_child,
    encode_directory_child,
};
use holdfast_format::wire::WireReader;

use super::sample::{VectorSample, blob_id, sample};

/// Metadata without anything optional.
fn metadata() -> Metadata {
    Metadata {
        mode: 0o644,
        uid: 1000,
        gid: 100,
        user: b"ada".to_vec(),
        group: b"users".to_vec(),
        mtime: FileTime { seconds: 1_790_000_000, nanoseconds: 999_999_999 },
        ctime: FileTime { seconds: 1_790_000_001, nanoseconds: 0 },
        inode: 123_456,
        device: 2049,
        links: 1,
        ..Metadata::default()
    }
}

/// Metadata with everything that any kind of entry may have.
fn full_metadata() -> Metadata {
    Metadata {
        mode: 0o7777,
        uid: u32::MAX,
        gid: u32::MAX,
        mtime: FileTime { seconds: -1, nanoseconds: 1 },
        ctime: FileTime { seconds: i64::MIN, nanoseconds: 0 },
        atime: Some(FileTime { seconds: i64::MAX, nanoseconds: 999_999_999 }),
        inode: u64::MAX,
        device: u64::MAX,
        links: u64::MAX,
        xattrs: vec![
            (b"security.capability".to_vec(), vec![0, 1, 2, 0xff]),
            (b"user.note".to_vec(), Vec::new()),
        ],
        ..metadata()
    }
}

pub fn data(byte: u8, bytes: u64) -> Extent {
    Extent::Data { id: blob_id(byte), bytes }
}

fn file(size: u64, main: Content) -> EntryKind {
    EntryKind::File { size, codec: 0, main, second: None }
}

pub fn entry(name: &[u8], kind: EntryKind) -> Entry {
    Entry { name: name.to_vec(), metadata: metadata(), kind }
}

/// Entries of every kind, ascending by name.
fn all_kinds() -> Vec<(&'static str, Entry)> {
    let inline = Content::Inline(vec![data(1, 300), Extent::Hole { bytes: 1 << 40 }]);
    let eight = Content::Inline((1..=8).map(|byte| data(byte, 1)).collect());
    let second = Some(Content::Root(blob_id(9)));
    let coded = EntryKind::File { size: 700, codec: 3, main: eight, second };
    let not_utf8 = entry(b"\xff\xfe", file(1, Content::Inline(vec![data(1, 1)])));
    let changed = Entry {
        metadata: Metadata { changed: true, ..full_metadata() },
        ..entry(b"changed", file(5, Content::Inline(vec![data(5, 5)])))
    };
    let full = Entry {
        metadata: full_metadata(),
        ..entry(b"directory", EntryKind::Directory(blob_id(0xd1)))
    };
    let unread = Entry {
        metadata: Metadata { xattrs_unread: true, ..metadata() },
        ..entry(b"unread", EntryKind::Fifo)
    };
    vec![
        ("block device", entry(b"block", EntryKind::BlockDevice(8, 1))),
        ("file that changed, with all attributes", changed),
        ("character device", entry(b"char", EntryKind::CharDevice(u32::MAX, u32::MAX))),
        ("file of a codec with two lists", entry(b"coded", coded)),
        ("directory with all attributes", full),
        ("empty file", entry(b"empty", file(0, Content::Inline(Vec::new())))),
        ("FIFO", entry(b"fifo", EntryKind::Fifo)),
        ("file with a hole", entry(b"inline", file(300 + (1 << 40), inline))),
        ("file with a tree", entry(b"large", file(1 << 50, Content::Root(blob_id(0xc1))))),
        ("socket", entry(b"socket", EntryKind::Socket)),
        ("symlink", entry(b"symlink", EntryKind::Symlink(b"../\xe9/target".to_vec()))),
        ("FIFO whose attributes could not be read", unread),
        ("name that is not UTF-8", not_utf8),
    ]
}

pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry.encode(&mut bytes);
    bytes
}

pub fn decode_entry(bytes: &[u8]) -> Result<Entry, FormatError> {
    let mut reader = WireReader::new(bytes, "directory entry");
    let entry = Entry::decode(&mut reader)?;
    reader.finish()?;
    Ok(entry)
}

pub fn entries() -> Vec<VectorSample> {
    let samples = all_kinds().into_iter();
    let mut samples: Vec<_> =
        samples.map(|(name, entry)| sample(name, entry, encode_entry, decode_entry)).collect();
    let longest = entry(&[b'n'; 4096], EntryKind::Fifo);
    samples.push(sample("name of 4,096 bytes", longest, encode_entry, decode_entry));
    samples
}

pub fn encode_node(node: &Node) -> Vec<u8> {
    let mut records = Vec::new();
    let (kind, level, count) = match node {
        Node::DirectoryLeaf(entries) => {
            entries.iter().for_each(|entry| entry.encode(&mut records));
            (NodeKind::DirectoryLeaf, 0, entries.len())
        }
        Node::DirectoryBranch(level, children) => {
            children.iter().for_each(|child| encode_directory_child(child, &mut records));
            (NodeKind::DirectoryBranch, *level, children.len())
        }
        Node::ContentLeaf(extents) => {
            extents.iter().for_each(|extent| extent.encode(&mut records));
            (NodeKind::ContentLeaf, 0, extents.len())
        }
        Node::ContentBranch(level, children) => {
            children.iter().for_each(|child| encode_content_child(child, &mut records));
            (NodeKind::ContentBranch, *level, children.len())
        }
    };
    assemble(kind, level, count, &records)
}

pub fn directory_child(name: &[u8], byte: u8) -> DirectoryChild {
    DirectoryChild { last_name: name.to_vec(), id: blob_id(byte), entries: 32 }
}

pub fn nodes() -> Vec<VectorSample> {
    let entries = all_kinds().into_iter().map(|(_, entry)| entry).collect();
    let extents = vec![data(1, 1 << 20), Extent::Hole { bytes: (1 << 63) - 1 }, data(2, 0)];
    let children = vec![directory_child(b"m", 1), directory_child(b"z", 2)];
    let pieces = [(1, 1 << 30), (2, 5)];
    let pieces = pieces.map(|(byte, bytes)| ContentChild { bytes, id: blob_id(byte) }).to_vec();
    [
        ("empty directory leaf", Node::DirectoryLeaf(Vec::new())),
        ("directory leaf with entries of every kind", Node::DirectoryLeaf(entries)),
        ("directory branch", Node::DirectoryBranch(1, children.clone())),
        ("highest directory branch", Node::DirectoryBranch(16, children)),
        ("empty content leaf", Node::ContentLeaf(Vec::new())),
        ("content leaf", Node::ContentLeaf(extents)),
        ("content branch", Node::ContentBranch(2, pieces)),
    ]
    .map(|(name, node)| sample(name, node, encode_node, Node::decode))
    .into()
}
