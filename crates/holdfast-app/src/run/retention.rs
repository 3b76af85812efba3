//! What a run removes at its end: snapshots that no rule keeps, and their space.

use holdfast_engine::Observer;
use holdfast_engine::forget::{ForgetError, ForgetPlan, candidate, forget, plan_forget};
use holdfast_engine::prune::{Abandoned, PruneOptions, PruneReport, prune};
use holdfast_engine::retention::GroupBy;
use holdfast_engine::selection::SnapshotFilter;
use holdfast_format::ObjectId;
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::report::RunReport;
use super::useless_keys::useless_keys;
use super::{Places, path_of};
use crate::config::{AppFile, InDoubt};
use crate::kind::Class;

/// Age after which packs of an unfinished run are discarded.
const ABANDONED_AFTER_SECONDS: u64 = 30 * 86_400;

/// The outcome for old snapshots.
#[derive(Debug, Default)]
pub struct RetentionOutcome {
    /// Snapshots of the data that were removed.
    pub removed: u64,
    /// Snapshots of the data that were kept.
    pub kept: u64,
    /// Snapshots of the keys that were removed.
    pub keys_removed: u64,
    /// What was pruned in the repository of the data; none if the file leaves that for later.
    pub pruned: Option<PruneReport>,
    /// Why the rules were not applied, one clause each; none if they were.
    pub doubts: Vec<String>,
}

/// Applies the rules to the snapshots of the application and of `host`, unless the new snapshot is
/// in doubt: a check failed, or a source shrank. Snapshots of keys are removed once the records of
/// the data say that all data of their run is forgotten. A prune writes packs as `write` says.
///
/// # Errors
/// Repository failures. The snapshots of the run are safe.
pub fn retain(
    file: &AppFile,
    run: &RunReport,
    host: &str,
    places: Places<'_>,
    (now, zone): (Timestamp, &TimeZone),
    write: WriteOptions,
    observer: &dyn Observer,
) -> Result<Option<RetentionOutcome>, ForgetError> {
    let Some(rules) = &file.retention else { return Ok(None) };
    let snapshots = places.data.history().snapshots();
    let filter = SnapshotFilter {
        hosts: vec![host.to_owned()],
        paths: vec![path_of(file, Class::Data)],
        ..SnapshotFilter::default()
    };
    let doubts = run.doubts();
    if rules.in_doubt == InDoubt::Keep && !doubts.is_empty() {
        let is_meant = |info: &&SnapshotInfo| filter.matches(&candidate(info));
        let kept = snapshots.iter().filter(is_meant).count() as u64;
        return Ok(Some(RetentionOutcome { kept, doubts, ..RetentionOutcome::default() }));
    }
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
    let mut report = RetentionOutcome { kept, ..RetentionOutcome::default() };
    report.removed = forgotten(places.data, &remove)?;
    // The default of the command.
    let abandoned = Some(Abandoned { after_seconds: ABANDONED_AFTER_SECONDS, now });
    let options = PruneOptions { abandoned, ..PruneOptions::new(write) };
    if let Some(keys) = places.keys {
        let path = path_of(file, Class::Keys);
        let useless =
            useless_keys(places.data, keys, |it| it.host == host && it.paths == [path.clone()]);
        report.keys_removed = forgotten(keys, &useless)?;
        if rules.prune && report.keys_removed > 0 {
            prune(keys, &options, observer)?;
        }
    }
    if rules.prune && report.removed > 0 {
        report.pruned = Some(prune(places.data, &options, observer)?);
    }
    Ok(Some(report))
}

fn forgotten(repository: &Repository, remove: &[ObjectId]) -> Result<u64, ForgetError> {
    match remove {
        [] => Ok(0),
        _ => Ok(forget(repository, remove)?.len() as u64),
    }
}
