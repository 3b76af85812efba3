//! Which snapshots a policy keeps and which it removes: restic's rules, as pure functions.
//!
//! Rules overlap: each selects independently, and a snapshot that any rule selects is kept. Hours,
//! days, ISO weeks, months and years are those of the calendar in one time zone; only those that
//! contain a snapshot count. With wrong clocks this differs from restic: a snapshot dated in the
//! future takes no place in any rule and no time-based rule removes it, so that it cannot displace
//! another one.
//!
//! In addition, no rule removes what [`protect`] selects: the newest snapshots that lack nothing.
//!
//! Times are trusted. A caller that cannot trust a writer's clock must put trusted times into the
//! candidates.

mod candidate;
mod count;
mod group;
mod period;
mod policy;
mod protect;
pub mod report;
mod rule;
mod span;
mod verdict;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use candidate::{Candidate, TagList};
pub use count::{Count, CountError};
pub use group::{GroupBy, GroupByError, GroupKey};
pub use policy::{Policy, PolicyError};
use protect::Protected;
pub use span::{SPAN_PATTERN, Span, SpanError};

/// The verdict on the snapshots of one group, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOutcome {
    /// What the snapshots of the group have in common.
    pub key: GroupKey,
    /// Those to keep.
    pub keep: Vec<KeptSnapshot>,
    /// Those to remove.
    pub remove: Vec<Candidate>,
}

/// A snapshot that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSnapshot {
    /// The snapshot.
    pub candidate: Candidate,
    /// All rules that keep it, in restic's wording, and what protects it; never empty.
    pub reasons: Vec<String>,
    /// True if no rule keeps it: it is kept because no newer one is as good.
    pub is_only_protected: bool,
}

impl GroupOutcome {
    /// True if no rule keeps any finished snapshot of the group although there is one now.
    pub fn removes_everything(&self) -> bool {
        let finished = self.keep.iter().filter(|kept| !kept.candidate.partial);
        let is_there = self.remove.iter().any(|candidate| !candidate.partial);
        (is_there || finished.clone().next().is_some())
            && finished.clone().all(|kept| kept.is_only_protected)
    }
}

/// Judges all snapshots by a policy, group by group; groups are ordered by their keys.
///
/// # Errors
/// [`PolicyError::Empty`] if the policy has no rule, so keeps nothing, and does not allow that.
pub fn apply(
    policy: &Policy,
    snapshots: Vec<Candidate>,
    group_by: GroupBy,
    time_zone: &TimeZone,
    now: Timestamp,
) -> Result<Vec<GroupOutcome>, PolicyError> {
    apply_to(policy, snapshots, &|_| true, group_by, time_zone, now)
}

/// The same for selected snapshots. Which ones are protected depends on all of them.
///
/// # Errors
/// As [`apply`].
pub fn apply_to(
    policy: &Policy,
    snapshots: Vec<Candidate>,
    is_meant: &dyn Fn(&Candidate) -> bool,
    group_by: GroupBy,
    time_zone: &TimeZone,
    now: Timestamp,
) -> Result<Vec<GroupOutcome>, PolicyError> {
    if policy.is_empty() && !policy.allow_empty {
        return Err(PolicyError::Empty);
    }
    let protected = match policy.allow_empty {
        true => Protected::default(),
        false => Protected::of(&snapshots, now),
    };
    let meant = snapshots.into_iter().filter(is_meant).collect();
    let groups = group_by.split(meant).into_iter();
    let judge = |(key, group)| verdict::judge(policy, key, group, &protected, time_zone, now);
    Ok(groups.map(judge).collect())
}
