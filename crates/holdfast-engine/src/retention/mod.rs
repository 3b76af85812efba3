//! Which snapshots a policy keeps and which it removes: restic's rules, as pure functions.
//!
//! Rules overlap: each says on its own what it keeps, and a snapshot that any rule keeps stays.
//! Hours, days, ISO weeks, months and years are those of the calendar in one time zone; only those
//! that hold a snapshot count. Where a clock was wrong this differs from restic: a snapshot dated
//! in the future takes no place in any rule and no rule on time removes it, so that it cannot push
//! out another one.
//!
//! Moreover no rule removes what [`protect`] names: the newest snapshots that lack nothing.
//!
//! Times are believed. A caller that cannot trust a writer's clock must put times that it can
//! trust into the candidates.

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
pub use span::{Span, SpanError};

/// What happens to the snapshots of one group, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOutcome {
    /// What the snapshots of the group have in common.
    pub key: GroupKey,
    /// Those that stay.
    pub keep: Vec<Kept>,
    /// Those that go.
    pub remove: Vec<Candidate>,
}

/// A snapshot that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The snapshot.
    pub candidate: Candidate,
    /// All the rules that keep it, worded as restic words them, and what protects it; never empty.
    pub reasons: Vec<String>,
    /// True if no rule keeps it: it stays because it is the last that is as good as it is.
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

/// Judges all snapshots by a policy, group by group; groups come in the order of their keys.
///
/// # Errors
/// [`PolicyError::Empty`] if the policy has no rule, thus keeps nothing, and does not allow that.
pub fn apply(
    policy: &Policy,
    snapshots: Vec<Candidate>,
    group_by: GroupBy,
    time_zone: &TimeZone,
    now: Timestamp,
) -> Result<Vec<GroupOutcome>, PolicyError> {
    apply_to(policy, snapshots, &|_| true, group_by, time_zone, now)
}

/// The same for those of the snapshots that are meant. Which ones are protected depends on all.
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
