//! Which snapshots of keys are no longer needed.
//!
//! Data whose keys are gone is lost, and keys without data cost next to nothing. So a snapshot of
//! keys is removed only if the records allow it: it belongs to this repository of data, and all
//! data of its run is known to be forgotten. Keys are kept if their data is elsewhere, was never
//! stored, or cannot be read.

use std::collections::BTreeSet;

use holdfast_format::ObjectId;
use holdfast_format::record::{Application, Snapshot};
use holdfast_repo::{Repository, SnapshotInfo};

/// The snapshots of keys, among those that `is_meant` selects, that may be forgotten.
pub(super) fn useless_keys(
    data: &Repository,
    keys: &Repository,
    is_meant: impl Fn(&Snapshot) -> bool,
) -> Vec<ObjectId> {
    let here = data.keys().repository_id();
    let (data, keys) = (data.history(), keys.history());
    let is_damaged = data.damaged().next().is_some() || keys.damaged().next().is_some();
    if is_damaged || !data.unannounced().is_empty() || !keys.unannounced().is_empty() {
        return Vec::new();
    }
    let there = data.snapshots();
    let wanted: Vec<&Application> =
        there.iter().filter_map(|info| info.snapshot.application.as_ref()).collect();
    let runs: BTreeSet<&str> = wanted.iter().map(|it| it.run.as_str()).collect();
    let links: BTreeSet<ObjectId> = wanted.iter().filter_map(|it| it.linked_snapshot).collect();
    let forgotten: BTreeSet<&str> = data
        .forgotten_snapshots()
        .filter(|info| !info.snapshot.partial)
        .filter_map(|info| Some(info.snapshot.application.as_ref()?.run.as_str()))
        .collect();
    let is_useless = |info: &SnapshotInfo| {
        info.snapshot.application.as_ref().is_some_and(|it| {
            it.linked_repository == Some(here)
                && forgotten.contains(it.run.as_str())
                && !runs.contains(it.run.as_str())
                && !links.contains(&info.id)
        })
    };
    let mut ours = keys.snapshots();
    ours.retain(|info| is_meant(&info.snapshot));
    // The newest is kept: the data of its run may not be committed yet.
    ours.pop();
    ours.retain(|info| !info.hold && is_useless(info));
    ours.iter().map(|info| info.id).collect()
}
