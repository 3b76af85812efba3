//! The verdict on one group.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::candidate::Candidate;
use super::group::GroupKey;
use super::policy::Policy;
use super::protect::Protected;
use super::rule::{RetentionRule, SnapshotTime, rules};
use super::{GroupOutcome, KeptSnapshot};

/// Divides one group into snapshots to keep and to remove.
pub(super) fn judge(
    policy: &Policy,
    key: GroupKey,
    mut group: Vec<Candidate>,
    protected: &Protected,
    time_zone: &TimeZone,
    now: Timestamp,
) -> GroupOutcome {
    group.sort_by(Candidate::newest_first);
    let mut judge = RuleJudge::new(policy, &group, time_zone, now);
    let mut outcome = GroupOutcome { key, keep: Vec::new(), remove: Vec::new() };
    for candidate in group {
        let mut reasons = judge.reasons(&candidate);
        let is_only_protected = reasons.is_empty();
        if let Some(protection) = protected.get(&candidate.id)
            // For the newest one this goes without saying, as long as it is kept.
            && (reasons.is_empty() || !protection.is_newest)
        {
            reasons.extend(protection.reasons.iter().cloned());
        }
        if reasons.is_empty() {
            outcome.remove.push(candidate);
        } else {
            outcome.keep.push(KeptSnapshot { candidate, reasons, is_only_protected });
        }
    }
    outcome
}

struct RuleJudge<'a> {
    policy: &'a Policy,
    time_zone: &'a TimeZone,
    now: Timestamp,
    /// When the newest snapshot that rules count was made.
    newest: Option<Timestamp>,
    /// The snapshot after which rules see no others.
    oldest: Option<holdfast_format::ObjectId>,
    rules: Vec<RetentionRule>,
}

impl<'a> RuleJudge<'a> {
    fn new(
        policy: &'a Policy,
        group: &[Candidate],
        time_zone: &'a TimeZone,
        now: Timestamp,
    ) -> Self {
        let mut counted =
            group.iter().filter(|candidate| !candidate.partial && candidate.time <= now);
        let newest = counted.next();
        let oldest = counted.next_back().or(newest).map(|candidate| candidate.id);
        let newest = newest.map(|candidate| candidate.time);
        let rules = newest.map(|newest| rules(policy, newest, time_zone)).unwrap_or_default();
        Self { policy, time_zone, now, newest, oldest, rules }
    }

    /// Why a snapshot is kept; empty if it is removed. Must be called from the newest to the
    /// oldest.
    fn reasons(&mut self, candidate: &Candidate) -> Vec<String> {
        let mut reasons = Vec::new();
        if candidate.hold {
            reasons.push("held".to_owned());
        }
        if !candidate.partial {
            self.complete(candidate, &mut reasons);
        } else if self.newest.is_none_or(|newest| newest < candidate.time) {
            // A complete one of the same time was written by this one's run.
            reasons.push("unfinished, may be resumed".to_owned());
        }
        reasons
    }

    fn complete(&mut self, candidate: &Candidate, reasons: &mut Vec<String>) {
        let lists = self.policy.tags.iter().filter(|list| list.matches(&candidate.tags));
        reasons.extend(lists.map(|list| format!("has tags {list}")));
        if candidate.time > self.now {
            // With a place in the rules, it would displace a snapshot with a real date.
            if self.policy.goes_by_time() {
                reasons.push("dated in the future".to_owned());
            }
            return;
        }
        let moment = SnapshotTime {
            time: candidate.time,
            local: self.time_zone.to_datetime(candidate.time),
            oldest: self.oldest == Some(candidate.id),
        };
        reasons.extend(self.rules.iter_mut().filter_map(|rule| rule.judge(&moment)));
    }
}
