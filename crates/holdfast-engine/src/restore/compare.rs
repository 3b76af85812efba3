//! How much of the desired content an existing file already has.

use holdfast_connect::{Existing, Target};
use holdfast_format::BlobType;
use holdfast_format::entry::Content;
use holdfast_format::node::Extent;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::extents;
use holdfast_repo::{RepoError, Repository};

/// Bytes of a hole examined at a time.
const STEP_BYTES: usize = 1 << 20;

/// Which parts of a content exist already.
#[derive(Debug, Default)]
pub(super) struct Fit {
    /// For each extent, true if the existing file has the same bytes there.
    pub kept: Vec<bool>,
    /// Bytes of all extents.
    pub bytes: u64,
}

impl Fit {
    /// True if all of it exists.
    pub fn is_whole(&self) -> bool {
        self.kept.iter().all(|kept| *kept)
    }
}

/// How an existing file is compared.
pub(super) enum ExistingFile<'a> {
    /// Nothing exists, or nothing that can be kept.
    None,
    /// The target knows that it is right.
    Right,
    /// By reading it.
    File(&'a Existing),
}

/// Goes through a content once and compares it with the file at `path`.
///
/// A file that cannot be read counts as having none of it: it is rewritten.
///
/// # Errors
/// If the list of its extents cannot be read.
pub(super) fn fit(
    repository: &Repository,
    reader: &mut BlobReader<'_>,
    target: &dyn Target,
    path: &[u8],
    standing: &ExistingFile<'_>,
    content: &Content,
) -> Result<Fit, RepoError> {
    let mut fit = Fit::default();
    let mut buffer = Vec::new();
    extents(reader, content, &mut |extent| {
        let start = fit.bytes;
        fit.bytes = start.saturating_add(extent.bytes());
        fit.kept.push(match standing {
            ExistingFile::None => false,
            ExistingFile::Right => true,
            ExistingFile::File(existing) if fit.bytes > existing.bytes => false,
            ExistingFile::File(_) => {
                is_there(repository, target, path, start, &extent, &mut buffer)
            }
        });
        Ok(())
    })?;
    Ok(fit)
}

/// True if the file at `path` has the bytes of an extent.
pub(super) fn is_there(
    repository: &Repository,
    target: &dyn Target,
    path: &[u8],
    start: u64,
    extent: &Extent,
    buffer: &mut Vec<u8>,
) -> bool {
    match extent {
        Extent::Hole { bytes } => is_zero(target, path, start, *bytes, buffer),
        Extent::Data { id, bytes } => {
            buffer.resize(*bytes as usize, 0);
            matches!(target.read_at(path, start, buffer), Ok(count) if count == buffer.len())
                && repository.keys().blob_id(BlobType::Data, buffer) == *id
        }
    }
}

/// True if a range of an existing file reads as zeros.
fn is_zero(target: &dyn Target, path: &[u8], start: u64, bytes: u64, buffer: &mut Vec<u8>) -> bool {
    buffer.resize(STEP_BYTES.min(bytes as usize), 0);
    let mut at = start;
    while at < start + bytes {
        let length = ((start + bytes - at) as usize).min(buffer.len());
        match target.read_at(path, at, &mut buffer[..length]) {
            Ok(count) if count > 0 && buffer[..count].iter().all(|byte| *byte == 0) => {
                at += count as u64;
            }
            _ => return false,
        }
    }
    true
}
