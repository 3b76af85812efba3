//! The rules that a user writes down.

use super::candidate::TagList;
use super::count::Count;
use super::span::Span;

/// Which snapshots to keep: those that any of the rules selects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Number of newest snapshots to keep.
    pub last: Option<Count>,
    /// Number of hours, newest first, of which to keep the last snapshot; empty hours do not count.
    pub hourly: Option<Count>,
    /// The same of days.
    pub daily: Option<Count>,
    /// The same of ISO weeks.
    pub weekly: Option<Count>,
    /// The same of months.
    pub monthly: Option<Count>,
    /// The same of years.
    pub yearly: Option<Count>,
    /// Keep all that are newer than this, counted back from the newest one of the group.
    pub within: Option<Span>,
    /// Keep the last one of each hour, among those newer than this.
    pub within_hourly: Option<Span>,
    /// The same of each day.
    pub within_daily: Option<Span>,
    /// The same of each ISO week.
    pub within_weekly: Option<Span>,
    /// The same of each month.
    pub within_monthly: Option<Span>,
    /// The same of each year.
    pub within_yearly: Option<Span>,
    /// Keep those that any of these lists matches.
    pub tags: Vec<TagList>,
    /// True if a policy without any rule may be applied, which removes everything that is not held.
    pub allow_empty: bool,
}

/// A policy that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It has no rule.
    #[error("no rule says what to keep, so nothing is removed")]
    Empty,
}

impl Policy {
    /// The default policy: 24 hourly, 7 daily, 4 weekly, 12 monthly snapshots.
    pub fn default_keep() -> Self {
        Self {
            hourly: Some(Count::Number(24)),
            daily: Some(Count::Number(7)),
            weekly: Some(Count::Number(4)),
            monthly: Some(Count::Number(12)),
            ..Self::default()
        }
    }

    /// True if no rule keeps anything; counts and lengths of zero are no rules.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && !self.goes_by_time()
    }

    /// True if there is a rule other than those on tags.
    pub(super) fn goes_by_time(&self) -> bool {
        let counts = [self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly];
        let spans = [
            self.within,
            self.within_hourly,
            self.within_daily,
            self.within_weekly,
            self.within_monthly,
            self.within_yearly,
        ];
        counts.into_iter().flatten().any(|count| !count.is_zero())
            || spans.into_iter().flatten().any(|span| !span.is_zero())
    }
}
