//! How far ahead to look: what rules still keep after that, they keep forever.

use super::Rhythm;
use crate::retention::count::Count;
use crate::retention::policy::Policy;
use crate::retention::span::Span;

const HOUR: u64 = 1;
const SECONDS_PER_HOUR: u64 = 3600;
/// With clocks set back.
const DAY: u64 = 25;
const WEEK: u64 = 7 * 24 + 1;
const MONTH: u64 = 31 * 24 + 1;
const YEAR: u64 = 366 * 24;
/// Incomplete periods at both ends.
const PARTS: u64 = 2;

/// Hours after which each rule with an end has released the present snapshots, if runs continue.
pub(super) fn hours(policy: &Policy, rhythm: Rhythm) -> u64 {
    let run = rhythm.hours_max();
    let counts = [
        (policy.last, run),
        (policy.hourly, HOUR.max(run)),
        (policy.daily, DAY.max(run)),
        (policy.weekly, WEEK),
        (policy.monthly, MONTH),
        (policy.yearly, YEAR),
    ];
    let spans = [
        (policy.within, run),
        (policy.within_hourly, HOUR),
        (policy.within_daily, DAY),
        (policy.within_weekly, WEEK),
        (policy.within_monthly, MONTH),
        (policy.within_yearly, YEAR),
    ];
    let of_counts = counts.into_iter().filter_map(|(count, period)| {
        // A snapshot kept by a rule without an end shows once its period is over.
        let number = match count? {
            Count::Number(number) => u64::from(number),
            Count::Unlimited => 0,
        };
        Some((number + PARTS).saturating_mul(period))
    });
    let of_spans = spans.into_iter().filter_map(|(span, period)| {
        let span = span?;
        Some(length(span).saturating_add(PARTS * period))
    });
    of_counts.chain(of_spans).max().unwrap_or(0).saturating_add(2 * DAY)
}

fn length(span: Span) -> u64 {
    let parts = [(span.years, YEAR), (span.months, MONTH), (span.days, DAY)];
    let days: u64 =
        parts.into_iter().map(|(number, unit)| u64::from(number).saturating_mul(unit)).sum();
    days.saturating_add(span.clock_seconds().div_ceil(SECONDS_PER_HOUR))
}
