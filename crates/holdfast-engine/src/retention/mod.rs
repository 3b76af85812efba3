//! Which snapshots a policy keeps and which it removes: restic's rules, as pure functions.
//!
//! Rules overlap: each says on its own what it keeps, and a snapshot that any rule keeps stays.
//! Hours, days, ISO weeks, months and years are those of the calendar in one time zone; only those
//! that hold a snapshot count. Where a clock was wrong this differs from restic: a snapshot dated
//! in the future takes no place in any rule and no rule on time removes it, so that it cannot push
//! out another one.
//!
//! Times are believed. A caller that cannot trust a writer's clock must put times that it can
//! trust into the candidates.

mod candidate;
mod count;
mod group;
mod period;
mod policy;
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
    /// All the rules that keep it, worded as restic words them; never empty.
    pub reasons: Vec<String>,
}

impl GroupOutcome {
    /// True if no complete snapshot of the group would be left although there is one now.
    pub fn removes_everything(&self) -> bool {
        self.remove.iter().any(|candidate| !candidate.partial)
            && self.keep.iter().all(|kept| kept.candidate.partial)
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
    if policy.is_empty() && !policy.allow_empty {
        return Err(PolicyError::Empty);
    }
    let groups = group_by.split(snapshots).into_iter();
    Ok(groups.map(|(key, group)| verdict::judge(policy, key, group, time_zone, now)).collect())
}
