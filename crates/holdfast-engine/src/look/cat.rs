//! Showing the contents of a repository, object by object.

use holdfast_format::index::PackEntry;
use holdfast_format::limits::FORMAT_VERSION;
use holdfast_format::node::Node;
use holdfast_format::slot::{SlotHeader, SlotKind};
use holdfast_format::{BlobId, BlobType, ObjectId, SlotId, name};
use holdfast_repo::read::BlobReader;
use holdfast_repo::slots::label;
use holdfast_repo::{Repository, SnapshotInfo};
use serde_json::{Value, json};

use super::LookError;
use super::prefix::IdPrefix;
use super::root::{Folder, SnapshotRoot};
use super::view::{EntryView, ExtentView, hexadecimal};

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

/// The snapshot whose id has this prefix, ignoring forgotten ones.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`].
pub fn snapshot_by_prefix(repository: &Repository, prefix: &IdPrefix) -> Result<Value, LookError> {
    let snapshots = repository.history().snapshots();
    let id = prefix.only("snapshot", snapshots.iter().map(|info| info.id), |id| id.as_bytes())?;
    let info = snapshots.iter().find(|info| info.id == id);
    info.map(snapshot).ok_or_else(|| not_found("snapshot", prefix))
}

/// The packs that an index object lists, with their frames and blobs.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures, damage.
pub fn index(repository: &Repository, prefix: &IdPrefix) -> Result<Value, LookError> {
    let id = listed_id(repository, name::INDEX, "index object", prefix)?;
    let packs = repository.index_object(&id)?;
    Ok(json!({ "id": id, "packs": packs.iter().map(pack_value).collect::<Vec<_>>() }))
}

/// The directory of a pack, read from the pack itself.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures, damage.
pub fn pack(repository: &Repository, prefix: &IdPrefix) -> Result<Value, LookError> {
    let id = pack_id(repository, prefix)?;
    let pack = repository.pack_directory(&id)?;
    Ok(pack_value(&pack))
}

/// The bytes of a blob, and whether it is data or a tree node.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; repository failures.
pub fn blob(repository: &Repository, prefix: &IdPrefix) -> Result<(BlobType, Vec<u8>), LookError> {
    let id = blob_id(repository, prefix, None)?;
    let location = repository.index().locate(&id)?.ok_or_else(|| not_found("blob", prefix))?;
    let blob_type = location.frame.context.blob_type;
    Ok((blob_type, BlobReader::new(repository).blob(&id, blob_type)?))
}

/// A tree node, with its entries or extents, or the nodes below it.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; repository failures.
pub fn tree(repository: &Repository, prefix: &IdPrefix) -> Result<Value, LookError> {
    let id = blob_id(repository, prefix, Some(BlobType::Tree))?;
    Ok(node_value(&id, &BlobReader::new(repository).node(&id)?))
}

/// The top of a snapshot or of one of its folders: its root node, or the directories that represent
/// its sources.
///
/// # Errors
/// Repository failures.
pub fn root(repository: &Repository, root: &SnapshotRoot) -> Result<Value, LookError> {
    let node = |id| Ok(node_value(&id, &BlobReader::new(repository).node(&id)?));
    match root.folder() {
        Folder::Tree(id) | Folder::Bucket(id) => node(*id),
        Folder::Keys(keys) => node(keys.tree()),
        Folder::Sources(sources) => {
            let entries: Vec<_> =
                sources.iter().map(|entry| EntryView::stored(&entry.name, entry)).collect();
            Ok(json!({ "kind": "sources", "entries": entries }))
        }
    }
}

/// The plaintext header of a key slot, and its label if that is authentic.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures.
pub fn key(repository: &Repository, prefix: &IdPrefix) -> Result<Value, LookError> {
    let found = repository.slots()?;
    let slots: Vec<_> = found.iter().filter_map(|found| found.slot.as_ref().ok()).collect();
    let id: SlotId =
        prefix.only("key", slots.iter().map(|slot| slot.header.id), |id| id.as_bytes())?;
    let slot = slots.iter().find(|slot| slot.header.id == id);
    let slot = slot.ok_or_else(|| not_found("key", prefix))?;
    let mut value = header_value(&slot.header);
    if let Some(label) = label(repository.keys(), slot) {
        value["label"] = json!(label.label);
        value["host"] = json!(label.host);
        value["user"] = json!(label.user);
        value["created"] = json!(label.created);
    }
    Ok(value)
}

/// The pack whose id has this prefix.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures.
pub fn pack_id(repository: &Repository, prefix: &IdPrefix) -> Result<ObjectId, LookError> {
    listed_id(repository, name::PACKS, "pack", prefix)
}

/// The blob whose id has this prefix. A full id is looked up; for a prefix all blobs of the index
/// are scanned.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; cache failures.
pub fn blob_id(
    repository: &Repository,
    prefix: &IdPrefix,
    wanted: Option<BlobType>,
) -> Result<BlobId, LookError> {
    if let Ok(id) = prefix.as_str().parse::<BlobId>() {
        return Ok(id);
    }
    let mut found = Vec::new();
    repository.index().for_each_blob(|id, location| {
        let is_wanted = wanted.is_none_or(|wanted| wanted == location.frame.context.blob_type);
        // Two are enough to know that the prefix is ambiguous.
        if is_wanted && found.len() < 2 && prefix.matches(id.as_bytes()) && !found.contains(&id) {
            found.push(id);
        }
        Ok(())
    })?;
    prefix.only("blob", found, |id| id.as_bytes())
}

fn listed_id(
    repository: &Repository,
    folder: &str,
    what: &'static str,
    prefix: &IdPrefix,
) -> Result<ObjectId, LookError> {
    let listed = repository.list(folder)?;
    let ids = listed.iter().filter_map(|listed| name::object_id(listed.name.as_ref()));
    prefix.only(what, ids, |id| id.as_bytes())
}

fn not_found(what: &'static str, prefix: &IdPrefix) -> LookError {
    LookError::NotFound { what, prefix: prefix.as_str().to_owned() }
}

fn type_name(blob_type: BlobType) -> &'static str {
    match blob_type {
        BlobType::Data => "data",
        BlobType::Tree => "tree",
    }
}

fn pack_value(pack: &PackEntry) -> Value {
    let frame = |frame: &holdfast_format::directory::FrameEntry| {
        let blobs: Vec<_> =
            frame.blobs.iter().map(|blob| json!({ "id": blob.id, "bytes": blob.bytes })).collect();
        json!({
            "type": type_name(frame.blob_type),
            "compressed": frame.algorithm != holdfast_format::frame::Algorithm::Stored,
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

fn node_value(id: &BlobId, node: &Node) -> Value {
    match node {
        Node::DirectoryLeaf(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|entry| EntryView::stored(&entry.name, entry)).collect();
            json!({ "id": id, "kind": "directory-leaf", "entries": entries })
        }
        Node::DirectoryBranch(level, children) => {
            let child = |child: &holdfast_format::node::DirectoryChild| {
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

fn header_value(header: &SlotHeader) -> Value {
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
