//! Which blobs snapshots need.
//!
//! The mark walks the trees of snapshots, each node once, however many snapshots share it. Whatever it cannot read makes it
//! fail: "not reached" is taken for "not needed" by whoever asked, so there is no such thing as an incomplete mark.

mod set;
mod walk;

use holdfast_repo::{Repository, SnapshotInfo};

use crate::{EngineError, Observer};
pub use set::{FrameLive, LiveSet};

/// Marks every blob that one of `snapshots` needs, in all the places where it is stored.
///
/// The index must be as new as the snapshots: refresh the repository before.
///
/// # Errors
/// Any failure to read or decode a node, a blob that is nowhere, [`EngineError::Interrupted`].
pub fn mark(
    repository: &Repository,
    snapshots: &[SnapshotInfo],
    observer: &dyn Observer,
) -> Result<LiveSet, EngineError> {
    let mut walk = walk::Walk::new(repository)?;
    for info in snapshots {
        for source in &info.snapshot.sources {
            walk.claim_root(&source.tree)?;
        }
    }
    walk.run(observer)?;
    Ok(walk.finish())
}
