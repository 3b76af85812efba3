//! Showing the contents of a repository, object by object.

use holdfast_format::entry::Entry;
use holdfast_format::index::PackEntry;
use holdfast_format::node::Node;
use holdfast_format::slot::SlotHeader;
use holdfast_format::{BlobId, BlobType, ObjectId, SlotId, name};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;
use holdfast_repo::slots::label;
use holdfast_seal::SlotLabel;

use super::error::{LookError, ObjectKind};
use super::prefix::IdPrefix;
use super::root::{Folder, SnapshotRoot};

/// The top of a snapshot or of one of its folders.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredFolder {
    /// A tree node.
    Node(BlobId, Node),
    /// The directories that represent the sources of a snapshot.
    Sources(Vec<Entry>),
}

/// The packs that an index object lists, with their frames and blobs.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures, damage.
pub fn index(
    repository: &Repository,
    prefix: &IdPrefix,
) -> Result<(ObjectId, Vec<PackEntry>), LookError> {
    let id = listed_id(repository, name::INDEX, ObjectKind::Index, prefix)?;
    Ok((id, repository.index_object(&id)?))
}

/// The directory of a pack, read from the pack itself.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures, damage.
pub fn pack(repository: &Repository, prefix: &IdPrefix) -> Result<PackEntry, LookError> {
    let id = pack_id(repository, prefix)?;
    Ok(repository.pack_directory(&id)?)
}

/// The bytes of a blob, and whether it is data or a tree node.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; repository failures.
pub fn blob(repository: &Repository, prefix: &IdPrefix) -> Result<(BlobType, Vec<u8>), LookError> {
    let id = blob_id(repository, prefix, None)?;
    let location =
        repository.index().locate(&id)?.ok_or_else(|| not_found(ObjectKind::Blob, prefix))?;
    let blob_type = location.frame.context.blob_type;
    Ok((blob_type, BlobReader::new(repository).blob(&id, blob_type)?))
}

/// A tree node.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; repository failures.
pub fn tree(repository: &Repository, prefix: &IdPrefix) -> Result<(BlobId, Node), LookError> {
    let id = blob_id(repository, prefix, Some(BlobType::Tree))?;
    Ok((id, BlobReader::new(repository).node(&id)?))
}

/// The top of a snapshot or of one of its folders.
///
/// # Errors
/// Repository failures.
pub fn root(repository: &Repository, root: &SnapshotRoot) -> Result<StoredFolder, LookError> {
    let node = |id| Ok(StoredFolder::Node(id, BlobReader::new(repository).node(&id)?));
    match root.folder() {
        Folder::Tree(id) | Folder::Bucket(id) => node(*id),
        Folder::Keys(keys) => node(keys.tree()),
        Folder::Sources(sources) => Ok(StoredFolder::Sources(sources.iter().cloned().collect())),
    }
}

/// The plaintext header of a key slot, and its label if that is authentic.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures.
pub fn key(
    repository: &Repository,
    prefix: &IdPrefix,
) -> Result<(SlotHeader, Option<SlotLabel>), LookError> {
    let found = repository.slots()?;
    let slots: Vec<_> = found.iter().filter_map(|found| found.slot.as_ref().ok()).collect();
    let ids = slots.iter().map(|slot| slot.header.id);
    let id: SlotId = prefix.only(ObjectKind::Key, ids, |id| id.as_bytes())?;
    let slot = slots.iter().find(|slot| slot.header.id == id);
    let slot = slot.ok_or_else(|| not_found(ObjectKind::Key, prefix))?;
    Ok((slot.header, label(repository.keys(), slot)))
}

/// The pack whose id has this prefix.
///
/// # Errors
/// [`LookError::NotFound`], [`LookError::Ambiguous`]; storage failures.
pub fn pack_id(repository: &Repository, prefix: &IdPrefix) -> Result<ObjectId, LookError> {
    listed_id(repository, name::PACKS, ObjectKind::Pack, prefix)
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
    prefix.only(ObjectKind::Blob, found, |id| id.as_bytes())
}

fn listed_id(
    repository: &Repository,
    folder: &str,
    what: ObjectKind,
    prefix: &IdPrefix,
) -> Result<ObjectId, LookError> {
    let listed = repository.list(folder)?;
    let ids = listed.iter().filter_map(|listed| name::object_id(listed.name.as_ref()));
    prefix.only(what, ids, |id| id.as_bytes())
}

fn not_found(what: ObjectKind, prefix: &IdPrefix) -> LookError {
    LookError::NotFound { what, prefix: prefix.as_str().to_owned() }
}
