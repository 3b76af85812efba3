//! Which snapshots of keys are of no use any more.
//!
//! Data whose keys are gone are lost, and keys without data cost next to nothing. So a snapshot of
//! keys goes only if the records say that it may: it is of this repository of data, and all data of
//! its run are known and forgotten. Keys of data that are elsewhere, that were never there, or of
//! which nothing can be read stay.

use std::collections::BTreeSet;

use holdfast_format::ObjectId;
use holdfast_format::record::{Application, Snapshot};
use holdfast_repo::{Repository, SnapshotInfo};

/// The snapshots of keys, among those that are meant, that may be forgotten.
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
    // The newest one stays: the data of its run may still be on their way.
    ours.pop();
    ours.retain(|info| !info.hold && is_useless(info));
    ours.iter().map(|info| info.id).collect()
}
