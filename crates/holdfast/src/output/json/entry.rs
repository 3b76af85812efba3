//! Entries as JSON, with the field names of restic's nodes.

use holdfast_format::BlobId;
use holdfast_format::entry::{Content, Entry, EntryKind, FileTime};
use holdfast_format::node::Extent;
use jiff::Timestamp;
use serde::Serialize;

/// Go's bits for kinds of entries, which are part of restic's `mode`.
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;
const GO_DEVICE: u32 = 1 << 26;
const GO_FIFO: u32 = 1 << 25;
const GO_SOCKET: u32 = 1 << 24;
const GO_SETUID: u32 = 1 << 23;
const GO_SETGID: u32 = 1 << 22;
const GO_CHAR_DEVICE: u32 = 1 << 21;
const GO_STICKY: u32 = 1 << 20;

/// An entry to be written as JSON. Names that are not UTF-8 are written with replacement
/// characters, and also exactly, in hexadecimal.
#[derive(Debug, Clone, Serialize)]
pub struct EntryView {
    /// Name in its directory.
    pub name: String,
    /// `file`, `dir`, `symlink`, `dev`, `chardev`, `fifo` or `socket`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Path below the root.
    pub path: String,
    /// The path's bytes, if they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Owner's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Group's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Permissions and kind as Go's `os.FileMode` has them.
    pub mode: u32,
    /// The same in readable form: `drwxr-xr-x`.
    pub permissions: String,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last access, if it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atime: Option<Timestamp>,
    /// Last change of content or metadata.
    pub ctime: Timestamp,
    /// Inode number.
    #[serde(skip_serializing_if = "is_zero")]
    pub inode: u64,
    /// Device that the entry was on.
    #[serde(skip_serializing_if = "is_zero")]
    pub device_id: u64,
    /// Number of hard links.
    #[serde(skip_serializing_if = "is_zero")]
    pub links: u64,
    /// Target of a symbolic link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linktarget: Option<String>,
    /// Device number in Linux encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// Extended attributes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extended_attributes: Vec<AttributeView>,
    /// Id of a directory's root node; only where trees are shown as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtree: Option<BlobId>,
    /// Chunks of a file; only where trees are shown as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentView>,
}

/// An extended attribute.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeView {
    /// Its name.
    pub name: String,
    /// Its value in hexadecimal.
    pub value_hex: String,
}

/// Where the content of a file is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentView {
    /// In a tree of nodes with this root.
    Root(BlobId),
    /// In these extents.
    Extents(Vec<ExtentView>),
}

/// A stretch of a file.
#[derive(Debug, Clone, Serialize)]
pub struct ExtentView {
    /// The blob; none for a hole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
    /// Number of bytes that it covers.
    pub bytes: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl EntryView {
    /// What users see of an entry.
    pub fn new(path: &[u8], entry: &Entry) -> Self {
        let metadata = &entry.metadata;
        let mode = go_mode(entry);
        Self {
            name: lossy(&entry.name),
            kind: kind_name(&entry.kind),
            path: lossy(path),
            path_hex: std::str::from_utf8(path).is_err().then(|| hexadecimal(path)),
            uid: metadata.uid,
            gid: metadata.gid,
            user: lossy(&metadata.user),
            group: lossy(&metadata.group),
            size: match entry.kind {
                EntryKind::File { size, .. } => Some(size),
                _ => None,
            },
            mode,
            permissions: permissions(mode),
            mtime: timestamp(metadata.mtime),
            atime: metadata.atime.map(timestamp),
            ctime: timestamp(metadata.ctime),
            inode: metadata.inode,
            device_id: metadata.device,
            links: metadata.links,
            linktarget: match &entry.kind {
                EntryKind::Symlink(target) => Some(lossy(target)),
                _ => None,
            },
            device: device_number(&entry.kind),
            extended_attributes: metadata.xattrs.iter().map(attribute).collect(),
            subtree: None,
            content: None,
        }
    }

    /// The same with the location of the content.
    pub fn stored(path: &[u8], entry: &Entry) -> Self {
        let mut view = Self::new(path, entry);
        match &entry.kind {
            EntryKind::Directory(root) => view.subtree = Some(*root),
            EntryKind::File { main, .. } => view.content = Some(ContentView::new(main)),
            _ => {}
        }
        view
    }
}

impl ContentView {
    fn new(content: &Content) -> Self {
        match content {
            Content::Root(root) => Self::Root(*root),
            Content::Inline(extents) => {
                Self::Extents(extents.iter().map(ExtentView::new).collect())
            }
        }
    }
}

impl ExtentView {
    /// An extent to be written as JSON.
    pub fn new(extent: &Extent) -> Self {
        match extent {
            Extent::Data { id, bytes } => Self { blob: Some(*id), bytes: *bytes },
            Extent::Hole { bytes } => Self { blob: None, bytes: *bytes },
        }
    }
}

/// Restic's name for a kind of entry.
pub fn kind_name(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::File { .. } => "file",
        EntryKind::Directory(_) => "dir",
        EntryKind::Symlink(_) => "symlink",
        EntryKind::BlockDevice(..) => "dev",
        EntryKind::CharDevice(..) => "chardev",
        EntryKind::Fifo => "fifo",
        EntryKind::Socket => "socket",
    }
}

/// The mode of an entry as in Go's `os.FileMode`.
fn go_mode(entry: &Entry) -> u32 {
    let mode = entry.metadata.mode;
    let bit = |unix: u32, go: u32| if mode & unix != 0 { go } else { 0 };
    let kind = match entry.kind {
        EntryKind::File { .. } => 0,
        EntryKind::Directory(_) => GO_DIRECTORY,
        EntryKind::Symlink(_) => GO_SYMLINK,
        EntryKind::BlockDevice(..) => GO_DEVICE,
        EntryKind::CharDevice(..) => GO_DEVICE | GO_CHAR_DEVICE,
        EntryKind::Fifo => GO_FIFO,
        EntryKind::Socket => GO_SOCKET,
    };
    kind | (mode & 0o777) | bit(0o4000, GO_SETUID) | bit(0o2000, GO_SETGID) | bit(0o1000, GO_STICKY)
}

/// A mode in the format of Go's `FileMode.String`: a letter for each bit of kind, or a dash, then
/// the permissions.
fn permissions(mode: u32) -> String {
    const KINDS: &str = "dalTLDpSugct?";
    let kinds = KINDS.chars().zip((0..32).rev());
    let mut text: String =
        kinds.filter(|(_, bit)| mode & (1 << bit) != 0).map(|(letter, _)| letter).collect();
    if text.is_empty() {
        text.push('-');
    }
    let rights = "rwxrwxrwx".chars().zip((0..9).rev());
    text.extend(rights.map(|(letter, bit)| if mode & (1 << bit) != 0 { letter } else { '-' }));
    text
}

/// Linux device number, as in `st_rdev`.
fn device_number(kind: &EntryKind) -> Option<u64> {
    let (EntryKind::BlockDevice(major, minor) | EntryKind::CharDevice(major, minor)) = kind else {
        return None;
    };
    let (major, minor) = (u64::from(*major), u64::from(*minor));
    let high = (major & !0xfff) << 32 | (minor & !0xff) << 12;
    Some(high | (major & 0xfff) << 8 | minor & 0xff)
}

/// A time in JSON format; times before the year -9999 and after 9999 are clamped to the nearest
/// that can be written.
fn timestamp(time: FileTime) -> Timestamp {
    Timestamp::new(time.seconds, time.nanoseconds as i32).unwrap_or(if time.seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

fn attribute((name, value): &(Vec<u8>, Vec<u8>)) -> AttributeView {
    AttributeView { name: lossy(name), value_hex: hexadecimal(value) }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_written_as_go_writes_them() {
        for (mode, text) in [
            (0o644, "-rw-r--r--"),
            (GO_DIRECTORY | 0o755, "drwxr-xr-x"),
            (GO_DIRECTORY | GO_STICKY | 0o777, "dtrwxrwxrwx"),
            (GO_SYMLINK | 0o777, "Lrwxrwxrwx"),
            (GO_DEVICE | GO_CHAR_DEVICE | 0o666, "Dcrw-rw-rw-"),
            (GO_SETUID | 0o755, "urwxr-xr-x"),
            (GO_FIFO | 0o600, "prw-------"),
            (GO_SOCKET | 0o600, "Srw-------"),
        ] {
            assert_eq!(permissions(mode), text);
        }
    }

    #[test]
    fn device_numbers_are_those_of_linux() {
        assert_eq!(device_number(&EntryKind::CharDevice(1, 3)), Some(0x103));
        assert_eq!(device_number(&EntryKind::BlockDevice(0x1234, 0x56789)), Some(0x1000_5672_3489));
        assert_eq!(device_number(&EntryKind::Fifo), None);
    }

    #[test]
    fn times_out_of_range_are_moved() {
        let time = |seconds| timestamp(FileTime { seconds, nanoseconds: 5 });
        assert_eq!(time(0).as_nanosecond(), 5);
        assert_eq!(time(-1).as_nanosecond(), -999_999_995);
        assert_eq!((time(i64::MIN), time(i64::MAX)), (Timestamp::MIN, Timestamp::MAX));
    }
}
