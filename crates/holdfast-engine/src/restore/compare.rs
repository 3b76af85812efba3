//! What an existing file already has of the content that it should have.

use holdfast_connect::{Existing, Target};
use holdfast_format::BlobType;
use holdfast_format::node::Extent;
use holdfast_seal::Keys;

/// For each extent, true if the file that stands at `path` has the same bytes there.
///
/// A file that cannot be read has none of them: it is written anew.
pub(super) fn matching_extents(
    keys: &Keys,
    target: &dyn Target,
    path: &[u8],
    existing: &Existing,
    extents: &[Extent],
) -> Vec<bool> {
    let mut buffer = Vec::new();
    let mut offset = 0;
    extents
        .iter()
        .map(|extent| {
            let (start, bytes) = (offset, extent.bytes());
            offset += bytes;
            match extent {
                // Where a hole should be, the file is written anew unless all of it is right.
                Extent::Hole { .. } => is_zero(target, path, start, bytes, existing.bytes),
                Extent::Data { id, .. } if start + bytes <= existing.bytes => {
                    buffer.resize(bytes as usize, 0);
                    matches!(target.read_at(path, start, &mut buffer), Ok(n) if n == buffer.len())
                        && keys.blob_id(BlobType::Data, &buffer) == *id
                }
                Extent::Data { .. } => false,
            }
        })
        .collect()
}

/// True if a range of an existing file reads as zeros.
fn is_zero(target: &dyn Target, path: &[u8], start: u64, bytes: u64, file_bytes: u64) -> bool {
    const STEP_BYTES: usize = 1 << 20;
    if start + bytes > file_bytes {
        return false;
    }
    let mut buffer = vec![0; STEP_BYTES.min(bytes as usize)];
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
