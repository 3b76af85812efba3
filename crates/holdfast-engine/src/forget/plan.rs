//! What a policy would forget.

use holdfast_repo::SnapshotInfo;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ForgetError;
use crate::EngineError;
use crate::completeness::Quality;
use crate::retention::{self, Candidate, GroupBy, GroupKey, GroupOutcome, Policy};
use crate::selection::SnapshotFilter;

/// How to choose the snapshots to forget.
#[derive(Debug, Clone)]
pub struct ForgetPlan<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// Rules are applied to each group separately.
    pub group_by: GroupBy,
    /// Snapshots that do not match are kept, and no rule counts them.
    pub filter: &'a SnapshotFilter,
    /// The calendar that the rules use.
    pub zone: &'a TimeZone,
    /// The current time.
    pub now: Timestamp,
    /// True if a group may lose all its snapshots.
    pub allow_remove_all: bool,
}

/// Judges snapshots, group by group.
///
/// # Errors
/// [`ForgetError::Policy`]; [`EngineError::RemovesEverything`] names the first group that would be
/// left without a complete snapshot.
pub fn plan_forget(
    snapshots: &[SnapshotInfo],
    plan: &ForgetPlan<'_>,
) -> Result<Vec<GroupOutcome>, ForgetError> {
    let candidates = snapshots.iter().map(candidate).collect();
    let is_meant = |candidate: &Candidate| plan.filter.matches(candidate);
    let ForgetPlan { policy, group_by, zone, now, .. } = plan;
    let outcomes = retention::apply_to(policy, candidates, &is_meant, *group_by, zone, *now)?;
    if !plan.allow_remove_all
        && let Some(outcome) = outcomes.iter().find(|outcome| outcome.removes_everything())
    {
        return Err(EngineError::RemovesEverything { group: describe(&outcome.key) }.into());
    }
    Ok(outcomes)
}

/// What retention and selection consider.
pub fn candidate(info: &SnapshotInfo) -> Candidate {
    let snapshot = &info.snapshot;
    Candidate {
        id: info.id,
        time: snapshot.time,
        sequence: info.sequence,
        host: snapshot.host.clone(),
        paths: snapshot.paths.clone(),
        tags: snapshot.tags.clone(),
        hold: info.hold,
        partial: snapshot.partial,
        quality: Quality::of(snapshot),
    }
}

/// The group in readable form.
fn describe(key: &GroupKey) -> String {
    let mut parts = Vec::new();
    if !key.host.is_empty() {
        parts.push(format!("host {}", key.host));
    }
    if !key.paths.is_empty() {
        let paths: Vec<_> =
            key.paths.iter().map(|path| String::from_utf8_lossy(&path.0).into_owned()).collect();
        parts.push(format!("paths {}", paths.join(", ")));
    }
    if !key.tags.is_empty() {
        parts.push(format!("tags {}", key.tags.join(", ")));
    }
    if parts.is_empty() { "the repository".to_owned() } else { parts.join(", ") }
}
