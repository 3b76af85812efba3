//! How large snapshots are, counted in restic's four modes.

use std::io;

use holdfast_format::entry::{Content, Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::Repository;
use holdfast_repo::read::{BlobReader, LocationLookup};

use super::distinct::{Distinct, DistinctKey};
use super::nodes::{contents, file_blobs};
use super::root::SnapshotRoot;
use super::walk::{Visitor, Walk, check_interrupt, tell_too_deep, walk};
use crate::bitmap::Bitmap;
use crate::{EngineError, Observer};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatsMode {
    /// What restoring each snapshot would write: a file with several hard links counts once. All
    /// entries are counted.
    #[default]
    RestoreSize,
    /// Files, those with equal contents once.
    FilesByContents,
    /// Blobs as stored in the repository, each once.
    RawData,
    /// Files by content and path, and the blobs that each of them refers to.
    BlobsPerFile,
}

/// The totals. Fields that a mode does not count are zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Bytes: of files, or of blobs as stored. In raw data mode the frames that hold the blobs
    /// count in full, even if nothing else in them is used: that is what the repository stores for
    /// them.
    pub total_size: u64,
    /// Raw data: bytes of the blobs before compression.
    pub total_uncompressed_size: u64,
    /// Raw data: `total_uncompressed_size / total_size`.
    pub compression_ratio: f64,
    /// Raw data: the share saved by compression, in percent.
    pub compression_space_saving: f64,
    /// Entries or files.
    pub total_file_count: u64,
    /// Blobs.
    pub total_blob_count: u64,
    /// Snapshots that were counted.
    pub snapshots_count: u64,
}

/// Counts the combined contents of `roots`.
///
/// # Errors
/// [`EngineError::Interrupted`]; repository failures, among them missing blobs.
pub fn stats(
    repository: &Repository,
    roots: &[SnapshotRoot],
    mode: StatsMode,
    observer: &dyn Observer,
) -> Result<Stats, EngineError> {
    let mut counter = Counter::new(repository, mode, observer);
    let mut reader = BlobReader::new(repository);
    for root in roots {
        counter.links.clear();
        counter.stats.snapshots_count += 1;
        walk(&mut reader, root.folder(), b"", &mut counter)?;
    }
    let mut stats = counter.stats;
    if mode == StatsMode::RawData && stats.total_size > 0 {
        let (raw, stored) = (stats.total_uncompressed_size as f64, stats.total_size as f64);
        stats.compression_ratio = raw / stored;
        stats.compression_space_saving = (1.0 - stored / raw) * 100.0;
    }
    Ok(stats)
}

struct Counter<'a> {
    mode: StatsMode,
    stats: Stats,
    observer: &'a dyn Observer,
    places: LocationLookup<'a>,
    contents: BlobReader<'a>,
    /// Raw data: blobs and frames already counted.
    blobs: Bitmap,
    frames: Bitmap,
    /// Restore size: device and inode of files with several links, per snapshot.
    links: Distinct,
    /// Contents already counted.
    files: Distinct,
    /// Blobs per file: paths, and pairs of path and blob, already counted.
    uses: Distinct,
}

impl<'a> Counter<'a> {
    fn new(repository: &'a Repository, mode: StatsMode, observer: &'a dyn Observer) -> Self {
        Self {
            mode,
            stats: Stats::default(),
            observer,
            places: LocationLookup::new(repository),
            contents: BlobReader::new(repository),
            blobs: Bitmap::default(),
            frames: Bitmap::default(),
            links: Distinct::default(),
            files: Distinct::default(),
            uses: Distinct::default(),
        }
    }

    fn count_restored(&mut self, entry: &Entry) -> Result<(), EngineError> {
        self.stats.total_file_count += 1;
        if let EntryKind::File { size, .. } = entry.kind {
            let metadata = &entry.metadata;
            let is_first = metadata.links <= 1
                || metadata.inode == 0
                || self.links.insert(inode_key(metadata)).map_err(cannot_count)?;
            self.stats.total_size += if is_first { size } else { 0 };
        }
        Ok(())
    }

    fn count_content(&mut self, path: &[u8], kind: &EntryKind) -> Result<(), EngineError> {
        let EntryKind::File { size, .. } = kind else { return Ok(()) };
        if !self.files.insert(content_key(kind)).map_err(cannot_count)? {
            return Ok(());
        }
        if self.mode == StatsMode::FilesByContents {
            self.stats.total_file_count += 1;
            self.stats.total_size += size;
            return Ok(());
        }
        let (stats, uses, places) = (&mut self.stats, &mut self.uses, &self.places);
        file_blobs(&mut self.contents, kind, &mut |blob_type, id| {
            if blob_type == BlobType::Data {
                let is_new_path = uses.insert(use_key(path, &[])).map_err(cannot_count)?;
                stats.total_file_count += u64::from(is_new_path);
                if uses.insert(use_key(path, id.as_bytes())).map_err(cannot_count)? {
                    let location = places.locate(id)?;
                    stats.total_size += u64::from(location.bytes);
                    stats.total_blob_count += 1;
                }
            }
            Ok(true)
        })
    }

    fn count_raw(&mut self, kind: &EntryKind) -> Result<(), EngineError> {
        let (stats, places) = (&mut self.stats, &self.places);
        let (blobs, frames) = (&mut self.blobs, &mut self.frames);
        file_blobs(&mut self.contents, kind, &mut |_, id| {
            count_blob(stats, places, blobs, frames, id)
        })
    }
}

impl Visitor for Counter<'_> {
    fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<Walk, EngineError> {
        check_interrupt(self.observer)?;
        match self.mode {
            StatsMode::RestoreSize => self.count_restored(entry)?,
            StatsMode::RawData => self.count_raw(&entry.kind)?,
            StatsMode::FilesByContents | StatsMode::BlobsPerFile => {
                self.count_content(path, &entry.kind)?;
            }
        }
        Ok(Walk::Descend)
    }

    fn too_deep(&mut self, path: &[u8], error: &EngineError) {
        tell_too_deep(self.observer, path, error);
    }

    /// What is below an already counted node is counted too, whichever snapshot or folder it was
    /// found in.
    fn node(&mut self, _path: &[u8], id: &BlobId) -> Result<bool, EngineError> {
        if self.mode != StatsMode::RawData {
            return Ok(true);
        }
        count_blob(&mut self.stats, &self.places, &mut self.blobs, &mut self.frames, id)
    }
}

/// Counts a blob and its frame unless they were counted; true if the blob is new.
fn count_blob(
    stats: &mut Stats,
    places: &LocationLookup<'_>,
    blobs: &mut Bitmap,
    frames: &mut Bitmap,
    id: &BlobId,
) -> Result<bool, EngineError> {
    let location = places.locate(id)?;
    if !blobs.insert(location.number) {
        return Ok(false);
    }
    stats.total_blob_count += 1;
    stats.total_uncompressed_size += u64::from(location.bytes);
    if frames.insert(u64::from(location.frame.number)) {
        stats.total_size += u64::from(location.frame.sealed_bytes);
    }
    Ok(true)
}

/// Key that distinguishes contents: equal lists of chunks have equal keys.
fn content_key(kind: &EntryKind) -> DistinctKey {
    let mut bytes = Vec::new();
    for content in contents(kind) {
        match content {
            Content::Root(root) => {
                bytes.push(0);
                bytes.extend_from_slice(root.as_bytes());
            }
            Content::Inline(extents) => {
                bytes.push(1 + extents.len() as u8);
                extents.iter().for_each(|extent: &Extent| extent.encode(&mut bytes));
            }
        }
    }
    short(blake3::hash(&bytes))
}

fn use_key(path: &[u8], id: &[u8]) -> DistinctKey {
    // No path contains a NUL.
    short(blake3::Hasher::new().update(path).update(&[0]).update(id).finalize())
}

/// Key that distinguishes files with several names.
fn inode_key(metadata: &Metadata) -> DistinctKey {
    let (device, inode) = (u128::from(metadata.device), u128::from(metadata.inode));
    (device << 64 | inode).to_be_bytes()
}

/// The first bytes of a hash: enough to distinguish everything in one repository.
fn short(hash: blake3::Hash) -> DistinctKey {
    let mut short = DistinctKey::default();
    short.iter_mut().zip(hash.as_bytes()).for_each(|(byte, of_hash)| *byte = *of_hash);
    short
}

/// A failure of the temporary files used for counting.
fn cannot_count(error: io::Error) -> EngineError {
    EngineError::Temporary { purpose: "count", source: error }
}
