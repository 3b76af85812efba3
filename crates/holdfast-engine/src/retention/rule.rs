//! One rule during its pass through a group from the newest snapshot to the oldest.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::count::Count;
use super::period::RetentionPeriod;
use super::policy::Policy;
use super::span::Span;

/// What a rule sees of a snapshot.
pub(super) struct SnapshotTime {
    /// When it was made.
    pub(super) time: Timestamp,
    /// The same on the clock of the time zone.
    pub(super) local: DateTime,
    /// True if no other one of the group is older.
    pub(super) oldest: bool,
}

/// A rule and its progress.
pub(super) struct RetentionRule {
    period: RetentionPeriod,
    limit: RuleLimit,
    last: Option<DateTime>,
}

enum RuleLimit {
    /// This many may still be kept.
    Left(Count),
    /// Only those after this moment are considered.
    After { span: Span, moment: Timestamp },
}

impl RetentionRule {
    /// The reason to keep this snapshot, which is older than all previous ones.
    pub(super) fn judge(&mut self, moment: &SnapshotTime) -> Option<String> {
        if !self.limit.admits(moment) {
            return None;
        }
        let period = self.period.of(moment.local);
        let opens_period = period.is_none() || period != self.last;
        // The oldest is kept while there is room: a young group reaches back as far as it can.
        if !opens_period && !moment.oldest {
            return None;
        }
        self.last = period;
        if let RuleLimit::Left(count) = &mut self.limit {
            *count = count.less_one();
        }
        let name = self.name();
        Some(if opens_period { name } else { format!("oldest {name}") })
    }

    fn name(&self) -> String {
        let adjective = self.period.adjective();
        match (&self.limit, self.period) {
            (RuleLimit::Left(_), _) => format!("{adjective} snapshot"),
            (RuleLimit::After { span, .. }, RetentionPeriod::Each) => format!("within {span}"),
            (RuleLimit::After { span, .. }, _) => format!("{adjective} within {span}"),
        }
    }
}

impl RuleLimit {
    fn admits(&self, moment: &SnapshotTime) -> bool {
        match self {
            Self::Left(count) => !count.is_zero(),
            Self::After { moment: earliest, .. } => moment.time > *earliest,
        }
    }
}

/// The time-based rules of a policy, in restic's order.
///
/// Durations are measured back from `newest`.
pub(super) fn rules(
    policy: &Policy,
    newest: Timestamp,
    time_zone: &TimeZone,
) -> Vec<RetentionRule> {
    let after = |period, span: Option<Span>| {
        let span = span.filter(|span| !span.is_zero())?;
        let moment = span.before(newest, time_zone);
        Some(RetentionRule { period, limit: RuleLimit::After { span, moment }, last: None })
    };
    let left = |period, count: Option<Count>| {
        Some(RetentionRule { period, limit: RuleLimit::Left(count?), last: None })
    };
    let rules = [
        after(RetentionPeriod::Each, policy.within),
        left(RetentionPeriod::Each, policy.last),
        left(RetentionPeriod::Hour, policy.hourly),
        left(RetentionPeriod::Day, policy.daily),
        left(RetentionPeriod::Week, policy.weekly),
        left(RetentionPeriod::Month, policy.monthly),
        left(RetentionPeriod::Year, policy.yearly),
        after(RetentionPeriod::Hour, policy.within_hourly),
        after(RetentionPeriod::Day, policy.within_daily),
        after(RetentionPeriod::Week, policy.within_weekly),
        after(RetentionPeriod::Month, policy.within_monthly),
        after(RetentionPeriod::Year, policy.within_yearly),
    ];
    rules.into_iter().flatten().collect()
}
