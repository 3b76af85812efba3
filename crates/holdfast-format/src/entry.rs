//! One entry of a directory: name, metadata and where its content is (`docs/format.md`, section 8).

use crate::limits::{self, ENTRY_BYTES_MAX, INLINE_EXTENTS_MAX, NAME_BYTES_MAX};
use crate::node::Extent;
use crate::wire::{WireReader, put_bytes, put_signed, put_varint};
use crate::{BlobId, FormatError};

/// A file system timestamp, with nanoseconds and without a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileTime {
    /// Seconds since 1970-01-01 00:00:00 UTC; negative before.
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl From<jiff::Timestamp> for FileTime {
    fn from(time: jiff::Timestamp) -> Self {
        let nanoseconds = time.as_nanosecond();
        Self {
            seconds: nanoseconds.div_euclid(1_000_000_000) as i64,
            nanoseconds: nanoseconds.rem_euclid(1_000_000_000) as u32,
        }
    }
}

/// Extended attributes: name and value, ascending by name.
pub type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Everything about an entry except its name and content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Permission bits, set-id and sticky bits (07777).
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Owner's name on the machine of the source; may be empty.
    pub user: Vec<u8>,
    /// Group's name on the machine of the source; may be empty.
    pub group: Vec<u8>,
    /// Last change of the content.
    pub mtime: FileTime,
    /// Last change of content or metadata, according to the source's kernel.
    pub ctime: FileTime,
    /// Last access, if it was requested.
    pub atime: Option<FileTime>,
    /// Inode number; with `device` it identifies hard links.
    pub inode: u64,
    /// Device that the entry was on.
    pub device: u64,
    /// Number of hard links.
    pub links: u64,
    /// Extended attributes (including ACLs), ascending by name.
    pub xattrs: Xattrs,
    /// True if a file changed while being read.
    pub changed: bool,
    /// True if the source did not return the extended attributes: there may be others than those in
    /// `xattrs`.
    pub xattrs_unread: bool,
}

/// The chunks of a file, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// At most [`INLINE_EXTENTS_MAX`] extents, stored in the entry.
    Inline(Vec<Extent>),
    /// Root of a tree of content nodes.
    Root(BlobId),
}

/// What kind of file an entry is, with the data specific to that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Apparent size in bytes.
        size: u64,
        /// How the content yields the file: 0, the bytes as they are.
        codec: u64,
        /// Chunks of the content.
        main: Content,
        /// Second chunk list, for codecs other than 0.
        second: Option<Content>,
    },
    /// A directory; the id of its root node.
    Directory(BlobId),
    /// A symbolic link; its target.
    Symlink(Vec<u8>),
    /// A block device (major, minor).
    BlockDevice(u32, u32),
    /// A character device (major, minor).
    CharDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name within its directory: 1 to 4,096 bytes without NUL and `/`, neither `.` nor `..`.
    pub name: Vec<u8>,
    /// Owner, times, attributes.
    pub metadata: Metadata,
    /// Kind and content.
    pub kind: EntryKind,
}

const FLAG_ATIME: u64 = 1;
const FLAG_XATTRS: u64 = 2;
const FLAG_SECOND: u64 = 4;
const FLAG_CHANGED: u64 = 8;
const FLAG_XATTRS_UNREAD: u64 = 16;
const FLAGS: u64 = FLAG_ATIME | FLAG_XATTRS | FLAG_SECOND | FLAG_CHANGED | FLAG_XATTRS_UNREAD;
const WHAT: &str = "directory entry";
const INVALID_NAME: &str = "a name is empty, too long, or contains NUL or a slash";

/// True if `name` is allowed in a directory entry.
pub fn is_valid_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name != b"."
        && name != b".."
        && !name.contains(&0)
        && !name.contains(&b'/')
}

impl EntryKind {
    fn byte(&self) -> u8 {
        match self {
            Self::File { .. } => 1,
            Self::Directory(_) => 2,
            Self::Symlink(_) => 3,
            Self::BlockDevice(..) => 4,
            Self::CharDevice(..) => 5,
            Self::Fifo => 6,
            Self::Socket => 7,
        }
    }
}

impl Entry {
    /// Appends the encoded entry to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let metadata = &self.metadata;
        put_bytes(out, &self.name);
        out.push(self.kind.byte());
        put_varint(out, self.flags());
        put_varint(out, u64::from(metadata.mode));
        put_varint(out, u64::from(metadata.uid));
        put_varint(out, u64::from(metadata.gid));
        put_bytes(out, &metadata.user);
        put_bytes(out, &metadata.group);
        put_time(out, metadata.mtime);
        put_time(out, metadata.ctime);
        if let Some(atime) = metadata.atime {
            put_time(out, atime);
        }
        put_varint(out, metadata.inode);
        put_varint(out, metadata.device);
        put_varint(out, metadata.links);
        self.kind.encode(out);
        if !metadata.xattrs.is_empty() {
            put_varint(out, metadata.xattrs.len() as u64);
            for (name, value) in &metadata.xattrs {
                put_bytes(out, name);
                put_bytes(out, value);
            }
        }
    }

    /// Fails if [`Entry::decode`] would refuse the entry because of its size or that of a part of
    /// it.
    ///
    /// # Errors
    /// [`FormatError::Limit`]; [`FormatError::Invalid`] for a name that no entry can have.
    pub fn check(&self) -> Result<(), FormatError> {
        let metadata = &self.metadata;
        let attributes = metadata.xattrs.iter();
        let names = [&self.name, &metadata.user, &metadata.group].into_iter();
        for name in names.chain(attributes.clone().map(|(name, _)| name)) {
            limits::NAME.check(name.len() as u64)?;
        }
        if !is_valid_name(&self.name) {
            return Err(FormatError::Invalid { what: WHAT, why: INVALID_NAME });
        }
        let target = match &self.kind {
            EntryKind::Symlink(target) => target.len(),
            _ => 0,
        };
        let values: usize = attributes.map(|(name, value)| name.len() + value.len() + 20).sum();
        // Only an entry that is nearly too large is worth measuring.
        if target + values < ENTRY_BYTES_MAX / 2 {
            return Ok(());
        }
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        limits::ENTRY.check(bytes.len() as u64)
    }

    fn flags(&self) -> u64 {
        let mut flags = 0;
        if self.metadata.atime.is_some() {
            flags |= FLAG_ATIME;
        }
        if !self.metadata.xattrs.is_empty() {
            flags |= FLAG_XATTRS;
        }
        if matches!(&self.kind, EntryKind::File { second: Some(_), .. }) {
            flags |= FLAG_SECOND;
        }
        if self.metadata.changed {
            flags |= FLAG_CHANGED;
        }
        if self.metadata.xattrs_unread {
            flags |= FLAG_XATTRS_UNREAD;
        }
        flags
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// Any [`FormatError`] if the bytes are not exactly what [`Entry::encode`] writes.
    pub fn decode(reader: &mut WireReader<'_>) -> Result<Self, FormatError> {
        let available = reader.rest().len();
        let name = reader.bytes(NAME_BYTES_MAX)?.to_vec();
        if !is_valid_name(&name) {
            return Err(reader.invalid(INVALID_NAME));
        }
        let kind = reader.byte()?;
        let flags = reader.varint()?;
        if flags & !FLAGS != 0 {
            return Err(reader.invalid("it has unknown flags"));
        }
        let mut metadata = decode_metadata(reader, flags)?;
        let kind = EntryKind::decode(reader, kind, flags)?;
        if flags & FLAG_XATTRS != 0 {
            metadata.xattrs = decode_xattrs(reader)?;
        }
        limits::ENTRY.check((available - reader.rest().len()) as u64)?;
        Ok(Self { name, metadata, kind })
    }
}

impl EntryKind {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::File { size, codec, main, second } => {
                put_varint(out, *size);
                put_varint(out, *codec);
                main.encode(out);
                if let Some(second) = second {
                    second.encode(out);
                }
            }
            Self::Directory(root) => out.extend_from_slice(root.as_bytes()),
            Self::Symlink(target) => put_bytes(out, target),
            Self::BlockDevice(major, minor) | Self::CharDevice(major, minor) => {
                put_varint(out, u64::from(*major));
                put_varint(out, u64::from(*minor));
            }
            Self::Fifo | Self::Socket => {}
        }
    }

    fn decode(reader: &mut WireReader<'_>, kind: u8, flags: u64) -> Result<Self, FormatError> {
        if kind != 1 && flags & (FLAG_SECOND | FLAG_CHANGED) != 0 {
            return Err(reader.invalid("it has flags that only files have"));
        }
        Ok(match kind {
            1 => Self::File {
                size: reader.varint()?,
                codec: reader.varint()?,
                main: Content::decode(reader)?,
                second: match flags & FLAG_SECOND {
                    0 => None,
                    _ => Some(Content::decode(reader)?),
                },
            },
            2 => Self::Directory(BlobId::from_bytes(reader.array()?)),
            3 => Self::Symlink(reader.bytes(ENTRY_BYTES_MAX)?.to_vec()),
            4 => Self::BlockDevice(device_number(reader)?, device_number(reader)?),
            5 => Self::CharDevice(device_number(reader)?, device_number(reader)?),
            6 => Self::Fifo,
            7 => Self::Socket,
            _ => return Err(reader.invalid("it has an unknown kind")),
        })
    }
}

impl Content {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Root(id) => {
                put_varint(out, 0);
                out.extend_from_slice(id.as_bytes());
            }
            Self::Inline(extents) => {
                put_varint(out, extents.len() as u64 + 1);
                for extent in extents {
                    extent.encode(out);
                }
            }
        }
    }

    fn decode(reader: &mut WireReader<'_>) -> Result<Self, FormatError> {
        match reader.limited(INLINE_EXTENTS_MAX as u64 + 1)? {
            0 => Ok(Self::Root(BlobId::from_bytes(reader.array()?))),
            n => (1..n).map(|_| Extent::decode(reader)).collect::<Result<_, _>>().map(Self::Inline),
        }
    }
}

fn decode_metadata(reader: &mut WireReader<'_>, flags: u64) -> Result<Metadata, FormatError> {
    Ok(Metadata {
        mode: reader.limited(0o7777)? as u32,
        uid: reader.limited(u64::from(u32::MAX))? as u32,
        gid: reader.limited(u64::from(u32::MAX))? as u32,
        user: reader.bytes(NAME_BYTES_MAX)?.to_vec(),
        group: reader.bytes(NAME_BYTES_MAX)?.to_vec(),
        mtime: decode_time(reader)?,
        ctime: decode_time(reader)?,
        atime: match flags & FLAG_ATIME {
            0 => None,
            _ => Some(decode_time(reader)?),
        },
        inode: reader.varint()?,
        device: reader.varint()?,
        links: reader.varint()?,
        xattrs: Vec::new(),
        changed: flags & FLAG_CHANGED != 0,
        xattrs_unread: flags & FLAG_XATTRS_UNREAD != 0,
    })
}

fn decode_xattrs(reader: &mut WireReader<'_>) -> Result<Xattrs, FormatError> {
    let count = reader.count(2)?;
    let mut xattrs = Xattrs::new();
    for _ in 0..count {
        let name = reader.bytes(NAME_BYTES_MAX)?.to_vec();
        let value = reader.bytes(ENTRY_BYTES_MAX)?.to_vec();
        if xattrs.last().is_some_and(|(last, _)| *last >= name) {
            return Err(reader.invalid("its extended attributes are not in order"));
        }
        xattrs.push((name, value));
    }
    if xattrs.is_empty() {
        return Err(reader.invalid("it announces extended attributes and has none"));
    }
    Ok(xattrs)
}

fn device_number(reader: &mut WireReader<'_>) -> Result<u32, FormatError> {
    Ok(reader.limited(u64::from(u32::MAX))? as u32)
}

fn put_time(out: &mut Vec<u8>, time: FileTime) {
    put_signed(out, time.seconds);
    put_varint(out, u64::from(time.nanoseconds));
}

fn decode_time(reader: &mut WireReader<'_>) -> Result<FileTime, FormatError> {
    let seconds = reader.signed()?;
    let nanoseconds = reader.limited(999_999_999)? as u32;
    Ok(FileTime { seconds, nanoseconds })
}
