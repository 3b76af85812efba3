//! Entries of snapshots, as printed by `ls`, `find` and `diff`.

use holdfast_engine::look::SideStatistics;
use holdfast_format::entry::Entry;
use jiff::Timestamp;
use serde::Serialize;

use super::entry::EntryView;
use super::is_zero;
use super::snapshot::SnapshotDocument;

/// The first message of `ls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LsSnapshot {
    /// The snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotDocument,
    /// Always `snapshot`.
    pub message_type: &'static str,
    /// Always `snapshot`, for older scripts.
    pub struct_type: &'static str,
}

impl LsSnapshot {
    /// The entries of `snapshot` follow.
    pub fn new(snapshot: SnapshotDocument) -> LsSnapshot {
        LsSnapshot { snapshot, message_type: "snapshot", struct_type: "snapshot" }
    }
}

/// One entry, as a message of `ls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LsNode {
    /// The entry.
    #[serde(flatten)]
    pub node: NodeDocument,
    /// Inode number.
    #[serde(skip_serializing_if = "is_zero")]
    pub inode: u64,
    /// Always `node`.
    pub message_type: &'static str,
    /// Always `node`, for older scripts.
    pub struct_type: &'static str,
}

impl LsNode {
    /// An entry and its inode number.
    pub fn new(node: NodeDocument, inode: u64) -> LsNode {
        LsNode { node, inode, message_type: "node", struct_type: "node" }
    }

    /// The entry at `path`.
    pub fn of(path: &[u8], entry: &Entry) -> LsNode {
        let view = EntryView::new(path, entry);
        let (name, inode) = (view.name.clone(), view.inode);
        LsNode::new(NodeDocument { name, ..NodeDocument::of(path, view) }, inode)
    }
}

/// The properties of an entry in `ls` and `find`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeDocument {
    /// Name within its directory, or for an object the last part of its key; omitted if empty, and
    /// in `find`.
    #[serde(skip_serializing_if = "is_zero")]
    pub name: String,
    /// `file`, `dir`, `symlink`, `dev`, `chardev`, `fifo` or `socket`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Path within the snapshot.
    pub path: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a file; omitted for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Type and permissions as a number, in Go's mode bits.
    #[serde(skip_serializing_if = "is_zero")]
    pub mode: u32,
    /// Type and permissions as letters.
    #[serde(skip_serializing_if = "is_zero")]
    pub permissions: String,
    /// Last change of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<Timestamp>,
    /// Last access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atime: Option<Timestamp>,
    /// Last change of content or metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctime: Option<Timestamp>,
}

impl NodeDocument {
    /// The properties of the entry at `path`, without its name.
    fn of(path: &[u8], view: EntryView) -> NodeDocument {
        let (path, path_base64) = super::name(path);
        NodeDocument {
            name: String::new(),
            kind: view.kind,
            path,
            path_base64,
            uid: view.uid,
            gid: view.gid,
            size: view.size,
            mode: view.mode,
            permissions: view.permissions,
            mtime: Some(view.mtime),
            atime: view.atime,
            ctime: Some(view.ctime),
        }
    }
}

/// The fields after `matches` of one snapshot, an array of which `find` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindSnapshot {
    /// Number of matches.
    pub hits: u64,
    /// The snapshot's id.
    pub snapshot: String,
}

/// An entry found by `find`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The entry.
    #[serde(flatten)]
    pub node: NodeDocument,
    /// Name of the owner.
    #[serde(skip_serializing_if = "is_zero")]
    pub user: String,
    /// Name of the group.
    #[serde(skip_serializing_if = "is_zero")]
    pub group: String,
    /// Inode number.
    #[serde(skip_serializing_if = "is_zero")]
    pub inode: u64,
    /// The device it was on.
    #[serde(skip_serializing_if = "is_zero")]
    pub device_id: u64,
    /// Hard links.
    #[serde(skip_serializing_if = "is_zero")]
    pub links: u64,
    /// Where a symbolic link points.
    #[serde(rename = "linktarget", skip_serializing_if = "Option::is_none")]
    pub link_target: Option<String>,
}

impl Match {
    /// The entry at `path`.
    pub fn of(path: &[u8], entry: &Entry) -> Match {
        let mut view = EntryView::new(path, entry);
        Match {
            user: std::mem::take(&mut view.user),
            group: std::mem::take(&mut view.group),
            inode: view.inode,
            device_id: view.device_id,
            links: view.links,
            link_target: view.linktarget.take(),
            node: NodeDocument::of(path, view),
        }
    }
}

/// A use of a blob; `find --blob` and `find --tree` print an array of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FindObject {
    /// `blob` or `tree`.
    pub object_type: &'static str,
    /// Id of the blob.
    pub id: String,
    /// Path within the snapshot.
    pub path: String,
    /// The tree that contains the path; not for trees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_tree: Option<String>,
    /// The snapshot's id.
    pub snapshot: String,
    /// The snapshot's time.
    pub time: Timestamp,
}

/// One difference between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffChange {
    /// Always `change`.
    pub message_type: &'static str,
    /// Path within the snapshots.
    pub path: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Letters from `+` added, `-` removed, `T` type, `M` content, `U` metadata, `?` damaged
    /// content.
    pub modifier: String,
}

impl DiffChange {
    /// What changed at `path`.
    pub fn new(path: &[u8], modifier: &str) -> DiffChange {
        let (path, path_base64) = super::name(path);
        DiffChange { message_type: "change", path, path_base64, modifier: modifier.to_owned() }
    }
}

/// What was added or removed between two snapshots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DiffStat {
    /// Files.
    pub files: u64,
    /// Directories.
    pub dirs: u64,
    /// Other entries.
    pub others: u64,
    /// Data blobs.
    pub data_blobs: u64,
    /// Tree blobs.
    pub tree_blobs: u64,
    /// Bytes of these blobs.
    pub bytes: u64,
}

impl From<SideStatistics> for DiffStat {
    fn from(side: SideStatistics) -> DiffStat {
        DiffStat {
            files: side.files,
            dirs: side.dirs,
            others: side.others,
            data_blobs: side.data_blobs,
            tree_blobs: side.tree_blobs,
            bytes: side.bytes,
        }
    }
}

/// The last message of `diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffStatisticsDocument {
    /// Always `statistics`.
    pub message_type: &'static str,
    /// Id of the first snapshot.
    pub source_snapshot: String,
    /// Id of the second snapshot.
    pub target_snapshot: String,
    /// Files whose content changed.
    pub changed_files: u64,
    /// What only the second has.
    pub added: DiffStat,
    /// What only the first has.
    pub removed: DiffStat,
}
