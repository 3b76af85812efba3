//! Which blobs snapshots need.
//!
//! The mark walks the trees of snapshots, each node once, however many snapshots share it. Anything
//! it cannot read makes it fail: the caller takes "not reached" for "not needed", so there is no
//! such thing as an incomplete mark.

mod references;
mod set;
mod walk;

use holdfast_repo::{Repository, SnapshotInfo};

use crate::{EngineError, Observer};
pub(crate) use references::NodeReferences;
pub use set::{FrameLive, LiveSet};

/// Marks every blob that one of `snapshots` needs, in all the places where it is stored.
///
/// The index must be as new as the snapshots: refresh the repository first.
///
/// # Errors
/// Any failure to read or decode a node, a blob that is nowhere, [`EngineError::Interrupted`].
pub fn mark(
    repository: &Repository,
    snapshots: &[SnapshotInfo],
    observer: &dyn Observer,
) -> Result<LiveSet, EngineError> {
    let live = LiveSet::new(repository.index().numbered_blobs()?);
    extend(repository, live, snapshots, observer)
}

/// Marks what `snapshots` need in addition to what is marked: only what is new in them is read.
///
/// Trees never change, so everything below a node that was marked once is marked.
///
/// # Errors
/// As [`mark`].
pub fn extend(
    repository: &Repository,
    live: LiveSet,
    snapshots: &[SnapshotInfo],
    observer: &dyn Observer,
) -> Result<LiveSet, EngineError> {
    let mut walk = walk::MarkWalk::new(repository, live)?;
    for info in snapshots {
        for source in &info.snapshot.sources {
            walk.claim_root(&source.tree)?;
        }
    }
    walk.run(observer)?;
    Ok(walk.finish())
}
