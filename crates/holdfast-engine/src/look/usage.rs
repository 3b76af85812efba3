//! Finding what uses a blob, a tree node or a pack.

use std::collections::HashSet;

use holdfast_format::entry::Entry;
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;

use super::nodes::file_blobs;
use super::prefix::IdPrefix;
use super::root::SnapshotRoot;
use super::walk::{Visitor, Walk, check_interrupt, tell_too_deep, walk};
use super::{LookError, cat};
use crate::{EngineError, Observer};

/// The blobs whose users are looked for.
#[derive(Debug, Default)]
pub struct WantedBlobs {
    data: Vec<IdPrefix>,
    trees: Vec<IdPrefix>,
    /// The contents of the packs.
    in_packs: HashSet<(BlobType, BlobId)>,
}

/// One use of a wanted blob.
#[derive(Debug)]
pub struct BlobUse<'a> {
    /// Data, or a node of a directory or of a long file's list of chunks.
    pub blob_type: BlobType,
    /// The blob.
    pub id: BlobId,
    /// The file or directory that uses it; empty for the root.
    pub path: &'a [u8],
    /// The file; `None` if a directory uses it.
    pub file: Option<&'a Entry>,
}

impl WantedBlobs {
    /// Blobs of data and of trees by id prefix, and all blobs of packs. The packs are read from the
    /// repository.
    ///
    /// # Errors
    /// [`LookError::NotFound`] and [`LookError::Ambiguous`] for a pack; repository failures.
    pub fn new(
        repository: &Repository,
        data: Vec<IdPrefix>,
        trees: Vec<IdPrefix>,
        packs: &[IdPrefix],
    ) -> Result<Self, LookError> {
        let mut in_packs = HashSet::new();
        for prefix in packs {
            let id = cat::pack_id(repository, prefix)?;
            let pack = repository.pack_directory(&id)?;
            for frame in &pack.frames {
                in_packs.extend(frame.blobs.iter().map(|blob| (frame.blob_type, blob.id)));
            }
        }
        Ok(Self { data, trees, in_packs })
    }

    fn contains(&self, blob_type: BlobType, id: &BlobId) -> bool {
        let prefixes = match blob_type {
            BlobType::Data => &self.data,
            BlobType::Tree => &self.trees,
        };
        prefixes.iter().any(|prefix| prefix.matches(id.as_bytes()))
            || self.in_packs.contains(&(blob_type, *id))
    }
}

/// Calls `each` once for every wanted blob of every file and directory that uses it.
///
/// # Errors
/// [`EngineError::Interrupted`]; repository failures and what `each` returns.
pub fn find_users(
    repository: &Repository,
    root: &SnapshotRoot,
    wanted: &WantedBlobs,
    observer: &dyn Observer,
    each: &mut dyn FnMut(&BlobUse<'_>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let contents = BlobReader::new(repository);
    let mut users = Users { wanted, contents, observer, each };
    walk(&mut BlobReader::new(repository), root.folder(), b"", &mut users)
}

struct Users<'a, 'r> {
    wanted: &'a WantedBlobs,
    /// Reads the chunk lists of long files during the walk.
    contents: BlobReader<'r>,
    observer: &'a dyn Observer,
    each: &'a mut dyn FnMut(&BlobUse<'_>) -> Result<(), EngineError>,
}

impl Visitor for Users<'_, '_> {
    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<Walk, EngineError> {
        check_interrupt(self.observer)?;
        let (wanted, each) = (self.wanted, &mut self.each);
        let mut told = HashSet::new();
        file_blobs(&mut self.contents, &entry.kind, &mut |blob_type, id| {
            if wanted.contains(blob_type, id) && told.insert((blob_type, *id)) {
                each(&BlobUse { blob_type, id: *id, path, file: Some(entry) })?;
            }
            Ok(true)
        })?;
        Ok(Walk::Descend)
    }

    fn too_deep(&mut self, path: &[u8], error: &EngineError) {
        tell_too_deep(self.observer, path, error);
    }

    fn node(&mut self, path: &[u8], id: &BlobId) -> Result<bool, EngineError> {
        if self.wanted.contains(BlobType::Tree, id) {
            let blob_type = BlobType::Tree;
            (self.each)(&BlobUse { blob_type, id: *id, path, file: None })?;
        }
        Ok(true)
    }
}
