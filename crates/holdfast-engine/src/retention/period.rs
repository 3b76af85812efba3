//! Periods of the calendar.

use jiff::civil::{DateTime, Time};

/// The period of which a rule keeps one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetentionPeriod {
    /// No period: each snapshot is its own.
    Each,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl RetentionPeriod {
    /// A value shared by all moments of one period; `None` if each snapshot is its own.
    pub(super) fn of(self, moment: DateTime) -> Option<DateTime> {
        let date = moment.date();
        let first_day = match self {
            Self::Each => return None,
            Self::Hour => return Some(date.at(moment.hour(), 0, 0, 0)),
            Self::Day => date,
            // Saturates in the first week of the calendar, still distinct from all others.
            Self::Week => {
                let since_monday = i64::from(date.weekday().to_monday_zero_offset());
                date.saturating_sub(jiff::Span::new().days(since_monday))
            }
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        };
        Some(first_day.to_datetime(Time::midnight()))
    }

    /// How reasons describe one of its snapshots.
    pub(super) fn adjective(self) -> &'static str {
        match self {
            Self::Each => "last",
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Year => "yearly",
        }
    }
}
