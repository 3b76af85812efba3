//! Nodes of trees: sequences of entries or extents, split at content-defined places
//! (`docs/format.md`, section 8).

use crate::entry::Entry;
use crate::limits::{self, NAME_BYTES_MAX, NODE_LEVEL_MAX};
use crate::wire::{WireReader, put_bytes, put_varint};
use crate::{BlobId, FormatError};

/// Maximum number of records that writers put into a node.
const RECORDS_USUAL: usize = 1024;

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Bytes stored in a blob.
    Data {
        /// The blob.
        id: BlobId,
        /// Its plaintext size; all of it belongs to the file.
        bytes: u64,
    },
    /// Zero bytes that the source did not store.
    Hole {
        /// Number of bytes.
        bytes: u64,
    },
}

impl Extent {
    /// Bytes of the file that it covers.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Data { bytes, .. } | Self::Hole { bytes } => *bytes,
        }
    }

    /// Appends the encoded extent.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Data { id, bytes } => {
                put_varint(out, bytes << 1);
                out.extend_from_slice(id.as_bytes());
            }
            Self::Hole { bytes } => put_varint(out, bytes << 1 | 1),
        }
    }

    /// Reads one extent.
    ///
    /// # Errors
    /// [`FormatError`] if the bytes are not an extent.
    pub fn decode(reader: &mut WireReader<'_>) -> Result<Self, FormatError> {
        let tag = reader.varint()?;
        let bytes = tag >> 1;
        match tag & 1 {
            0 => Ok(Self::Data { id: BlobId::from_bytes(reader.array()?), bytes }),
            _ => Ok(Self::Hole { bytes }),
        }
    }
}

/// A child of a directory branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryChild {
    /// Name of the last entry below it.
    pub last_name: Vec<u8>,
    /// The node.
    pub id: BlobId,
    /// Number of entries below it.
    pub entries: u64,
}

/// A child of a content branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentChild {
    /// Bytes of the file below it.
    pub bytes: u64,
    /// The node.
    pub id: BlobId,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Entries, strictly ascending by name.
    DirectoryLeaf(Vec<Entry>),
    /// Nodes of the level below.
    DirectoryBranch(u8, Vec<DirectoryChild>),
    /// Extents, in the order of the file.
    ContentLeaf(Vec<Extent>),
    /// Nodes of the level below.
    ContentBranch(u8, Vec<ContentChild>),
}

/// What a node contains, according to its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NodeKind {
    /// See [`Node::DirectoryLeaf`].
    DirectoryLeaf = 1,
    /// See [`Node::DirectoryBranch`].
    DirectoryBranch = 2,
    /// See [`Node::ContentLeaf`].
    ContentLeaf = 3,
    /// See [`Node::ContentBranch`].
    ContentBranch = 4,
}

/// The bytes of a node from its already encoded records.
pub fn assemble(kind: NodeKind, level: u8, count: usize, records: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(records.len() + 7);
    out.push(kind as u8);
    out.push(level);
    put_varint(&mut out, count as u64);
    out.extend_from_slice(records);
    out
}

/// Appends a record of a directory branch.
pub fn encode_directory_child(child: &DirectoryChild, out: &mut Vec<u8>) {
    put_bytes(out, &child.last_name);
    out.extend_from_slice(child.id.as_bytes());
    put_varint(out, child.entries);
}

/// Appends a record of a content branch.
pub fn encode_content_child(child: &ContentChild, out: &mut Vec<u8>) {
    put_varint(out, child.bytes);
    out.extend_from_slice(child.id.as_bytes());
}

impl Node {
    /// Reads a node.
    ///
    /// # Errors
    /// Any [`FormatError`] if the bytes are not a node.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        limits::NODE.check(bytes.len() as u64)?;
        let mut reader = WireReader::new(bytes, "tree node");
        let (kind, level) = (reader.byte()?, reader.byte()?);
        let is_leaf = matches!(kind, 1 | 3);
        if level > NODE_LEVEL_MAX || (level == 0) != is_leaf {
            return Err(reader.invalid("its level does not fit its kind"));
        }
        let node = match kind {
            1 => Self::DirectoryLeaf(directory_leaf(&mut reader)?),
            2 => Self::DirectoryBranch(level, directory_branch(&mut reader)?),
            3 => Self::ContentLeaf(records(&mut reader, 1, Extent::decode)?),
            4 => Self::ContentBranch(level, records(&mut reader, 33, content_child)?),
            _ => return Err(reader.invalid("its kind is unknown")),
        };
        reader.finish()?;
        Ok(node)
    }
}

fn records<T>(
    reader: &mut WireReader<'_>,
    bytes_each: usize,
    decode: impl Fn(&mut WireReader<'_>) -> Result<T, FormatError>,
) -> Result<Vec<T>, FormatError> {
    let count = reader.count(bytes_each)?;
    // A valid node has no more records; one that claims more must show them first.
    let mut list = Vec::with_capacity(count.min(RECORDS_USUAL));
    for _ in 0..count {
        list.push(decode(reader)?);
    }
    Ok(list)
}

fn directory_leaf(reader: &mut WireReader<'_>) -> Result<Vec<Entry>, FormatError> {
    // The shortest entry, a FIFO with a one-byte name, has 17 bytes.
    let entries = records(reader, 17, Entry::decode)?;
    if !entries.is_sorted_by(|a, b| a.name < b.name) {
        return Err(reader.invalid("its names are not in order"));
    }
    Ok(entries)
}

fn directory_branch(reader: &mut WireReader<'_>) -> Result<Vec<DirectoryChild>, FormatError> {
    let children = records(reader, 35, |reader| {
        Ok(DirectoryChild {
            last_name: reader.bytes(NAME_BYTES_MAX)?.to_vec(),
            id: BlobId::from_bytes(reader.array()?),
            entries: reader.varint()?,
        })
    })?;
    if children.is_empty() || !children.is_sorted_by(|a, b| a.last_name < b.last_name) {
        return Err(reader.invalid("its names are not in order"));
    }
    Ok(children)
}

fn content_child(reader: &mut WireReader<'_>) -> Result<ContentChild, FormatError> {
    Ok(ContentChild { bytes: reader.varint()?, id: BlobId::from_bytes(reader.array()?) })
}
