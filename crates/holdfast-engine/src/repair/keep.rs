//! Protecting what a repaired tree keeps unchanged from a prune that was already in progress.

use std::collections::HashSet;

use bytes::Bytes;
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;
use holdfast_repo::write::BlobWriter;

use crate::mark::NodeReferences;
use crate::{EngineError, Observer};

/// Stores again those parts of a tree that are only in packs that a prune intends to delete. All of
/// the tree must exist.
pub(super) fn keep(
    repository: &Repository,
    blobs: &mut BlobWriter<'_>,
    root: BlobId,
    observer: &dyn Observer,
) -> Result<(), EngineError> {
    let mut reader = BlobReader::new(repository);
    let (mut seen, mut pending) = (HashSet::from([root]), vec![root]);
    while let Some(id) = pending.pop() {
        if observer.is_interrupted() {
            return Err(EngineError::Interrupted);
        }
        let references = NodeReferences::of(&reader.node(&id)?);
        keep_blob(&mut reader, blobs, &id, BlobType::Tree)?;
        for id in &references.data {
            keep_blob(&mut reader, blobs, id, BlobType::Data)?;
        }
        pending
            .extend(references.nodes.into_iter().map(|(id, _)| id).filter(|id| seen.insert(*id)));
    }
    Ok(())
}

fn keep_blob(
    reader: &mut BlobReader<'_>,
    blobs: &mut BlobWriter<'_>,
    id: &BlobId,
    blob_type: BlobType,
) -> Result<(), EngineError> {
    if !blobs.contains(id)? {
        let bytes = Bytes::from(reader.blob(id, blob_type)?);
        blobs.add_copy(blob_type, *id, bytes, true)?;
    }
    Ok(())
}
