//! What a run removes when it is done: snapshots that no rule keeps, and their space.

use std::collections::BTreeSet;

use holdfast_engine::Observer;
use holdfast_engine::forget::{ForgetError, ForgetPlan, forget, plan_forget};
use holdfast_engine::prune::{PruneOptions, PruneReport, prune};
use holdfast_engine::retention::GroupBy;
use holdfast_engine::selection::SnapshotFilter;
use holdfast_format::ObjectId;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Places, path_of};
use crate::config::{AppFile, Class, Retention};

/// What became of old snapshots.
#[derive(Debug, Default)]
pub struct RetentionReport {
    /// Snapshots of the data that were removed.
    pub removed: u64,
    /// Snapshots of the data that stay.
    pub kept: u64,
    /// Snapshots of the keys that were removed.
    pub keys_removed: u64,
    /// What was given back in the repository of the data; none if the file leaves that for later.
    pub pruned: Option<PruneReport>,
}

/// Applies the rules to the snapshots of the application and of `host`. Snapshots of keys go when
/// the last snapshot of data of their run is gone: data without their keys are no backup, and keys
/// without their data are of no use.
///
/// # Errors
/// Repository failures. The snapshots of the run are safe.
pub fn retain(
    file: &AppFile,
    rules: &Retention,
    host: &str,
    places: Places<'_>,
    (now, zone): (Timestamp, &TimeZone),
    observer: &dyn Observer,
) -> Result<RetentionReport, ForgetError> {
    let snapshots = places.data.history().snapshots();
    let filter = SnapshotFilter {
        hosts: vec![host.to_owned()],
        paths: vec![path_of(file, Class::Data)],
        ..SnapshotFilter::default()
    };
    let plan = ForgetPlan {
        policy: &rules.policy,
        group_by: GroupBy { host: true, paths: true, tags: false },
        filter: &filter,
        zone: file.app.time_zone.as_ref().unwrap_or(zone),
        now,
        allow_remove_all: false,
    };
    let outcomes = plan_forget(&snapshots, &plan)?;
    let remove: Vec<ObjectId> =
        outcomes.iter().flat_map(|outcome| &outcome.remove).map(|it| it.id).collect();
    let kept = outcomes.iter().map(|outcome| outcome.keep.len() as u64).sum();
    let mut report = RetentionReport { kept, ..RetentionReport::default() };
    report.removed = forgotten(places.data, &remove)?;
    if let Some(keys) = places.keys {
        report.keys_removed = forgotten(keys, &useless_keys(file, host, places.data, keys))?;
        if rules.prune && report.keys_removed > 0 {
            prune(keys, &PruneOptions::default(), observer)?;
        }
    }
    if rules.prune && report.removed > 0 {
        report.pruned = Some(prune(places.data, &PruneOptions::default(), observer)?);
    }
    Ok(report)
}

fn forgotten(repository: &Repository, remove: &[ObjectId]) -> Result<u64, ForgetError> {
    match remove {
        [] => Ok(0),
        _ => Ok(forget(repository, remove)?.len() as u64),
    }
}

/// Snapshots of keys whose run has no snapshot of data any more, but for the newest of all: the
/// data of its run may still be on their way.
fn useless_keys(file: &AppFile, host: &str, data: &Repository, keys: &Repository) -> Vec<ObjectId> {
    let run_of = |info: &SnapshotInfo| info.snapshot.application.as_ref().map(|it| it.run.clone());
    let runs: BTreeSet<String> = data.history().snapshots().iter().filter_map(run_of).collect();
    let path = path_of(file, Class::Keys);
    let is_ours = |info: &SnapshotInfo| {
        info.snapshot.host == host && info.snapshot.paths.as_slice() == [path.clone()]
    };
    let ours: Vec<SnapshotInfo> = keys.history().snapshots().into_iter().filter(is_ours).collect();
    let is_useless =
        |info: &&SnapshotInfo| !info.hold && run_of(info).is_none_or(|run| !runs.contains(&run));
    let older = &ours[..ours.len().saturating_sub(1)];
    older.iter().filter(is_useless).map(|info| info.id).collect()
}
