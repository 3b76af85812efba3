//! The documents of `cat`: objects of a repository as they are stored.

use holdfast_engine::look::cat::StoredFolder;
use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::Algorithm;
use holdfast_format::index::PackEntry;
use holdfast_format::limits::FORMAT_VERSION;
use holdfast_format::node::{DirectoryChild, Node};
use holdfast_format::slot::{SlotHeader, SlotKind};
use holdfast_format::{BlobId, BlobType, ObjectId};
use holdfast_repo::{Repository, SnapshotInfo};
use holdfast_seal::SlotLabel;
use serde_json::{Value, json};

use super::entry::{EntryView, ExtentView, hexadecimal};

/// The config, with its id and format version under restic's names as well.
pub fn config(repository: &Repository) -> Value {
    let mut value = json!(repository.config());
    value["version"] = json!(FORMAT_VERSION);
    value["id"] = json!(repository.config().repository_id);
    value
}

/// A snapshot: its record with the current tags, its id, and whether it is held.
pub fn snapshot(info: &SnapshotInfo) -> Value {
    let mut value = json!(info.snapshot);
    value["id"] = json!(info.id);
    value["writer"] = json!(info.writer);
    value["sequence"] = json!(info.sequence);
    value["hold"] = json!(info.hold);
    value
}

/// An index object with the packs that it lists.
pub fn index(id: &ObjectId, packs: &[PackEntry]) -> Value {
    json!({ "id": id, "packs": packs.iter().map(pack).collect::<Vec<_>>() })
}

/// The header of a key slot, and its label if that is authentic.
pub fn key(header: &SlotHeader, label: Option<&SlotLabel>) -> Value {
    let mut value = slot_header(header);
    if let Some(label) = label {
        value["label"] = json!(label.label);
        value["host"] = json!(label.host);
        value["user"] = json!(label.user);
        value["created"] = json!(label.created);
    }
    value
}

/// The top of a snapshot or of a folder.
pub fn folder(folder: &StoredFolder) -> Value {
    match folder {
        StoredFolder::Node(id, it) => node(id, it),
        StoredFolder::Sources(sources) => {
            let entries: Vec<_> =
                sources.iter().map(|entry| EntryView::stored(&entry.name, entry)).collect();
            json!({ "kind": "sources", "entries": entries })
        }
    }
}

fn type_name(blob_type: BlobType) -> &'static str {
    match blob_type {
        BlobType::Data => "data",
        BlobType::Tree => "tree",
    }
}

/// A pack with its frames and blobs.
pub fn pack(pack: &PackEntry) -> Value {
    let frame = |frame: &FrameEntry| {
        let blobs: Vec<_> =
            frame.blobs.iter().map(|blob| json!({ "id": blob.id, "bytes": blob.bytes })).collect();
        json!({
            "type": type_name(frame.blob_type),
            "compressed": frame.algorithm != Algorithm::Stored,
            "session": frame.session,
            "sealed_bytes": frame.sealed_bytes,
            "raw_bytes": frame.raw_bytes(),
            "blobs": blobs,
        })
    };
    json!({
        "id": pack.id,
        "bytes": pack.bytes,
        "writer": pack.header.writer,
        "start_slot": pack.header.start_slot,
        "sessions": pack.header.sessions,
        "frames": pack.frames.iter().map(frame).collect::<Vec<_>>(),
    })
}

/// A tree node with its entries or extents, or the nodes below it.
pub fn node(id: &BlobId, node: &Node) -> Value {
    match node {
        Node::DirectoryLeaf(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|entry| EntryView::stored(&entry.name, entry)).collect();
            json!({ "id": id, "kind": "directory-leaf", "entries": entries })
        }
        Node::DirectoryBranch(level, children) => {
            let child = |child: &DirectoryChild| {
                let last_name = String::from_utf8_lossy(&child.last_name);
                json!({ "last_name": last_name, "id": child.id, "entries": child.entries })
            };
            let children: Vec<_> = children.iter().map(child).collect();
            json!({ "id": id, "kind": "directory-branch", "level": level, "children": children })
        }
        Node::ContentLeaf(extents) => {
            let extents: Vec<_> = extents.iter().map(ExtentView::new).collect();
            json!({ "id": id, "kind": "content-leaf", "extents": extents })
        }
        Node::ContentBranch(level, children) => {
            let children: Vec<_> = children
                .iter()
                .map(|child| json!({ "id": child.id, "bytes": child.bytes }))
                .collect();
            json!({ "id": id, "kind": "content-branch", "level": level, "children": children })
        }
    }
}

fn slot_header(header: &SlotHeader) -> Value {
    let mut value = json!({
        "id": header.id,
        "repository_id": header.repository_id,
        "salt": hexadecimal(&header.salt),
    });
    match header.kind {
        SlotKind::GeneratedKey => value["kind"] = json!("generated-key"),
        SlotKind::Passphrase(cost) => {
            value["kind"] = json!("passphrase");
            value["kdf"] = json!("argon2id");
            value["memory_kib"] = json!(cost.memory_kib);
            value["passes"] = json!(cost.passes);
            value["lanes"] = json!(cost.lanes);
        }
    }
    value
}
