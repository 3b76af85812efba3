//! When runs happen.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// When runs happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// In each hour, at this minute.
    Hourly {
        /// 0 to 59.
        minute: i8,
    },
    /// On each day, at this time.
    Daily {
        /// Hours and minutes.
        at: Time,
    },
}

impl Rhythm {
    /// The first run after a moment; `None` at the end of the calendar.
    ///
    /// A time skipped because clocks are set forward is shifted by the same amount; of a time that
    /// occurs twice the first is meant.
    pub fn next(self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Hourly { minute } => next_minute(minute, after, zone),
            Self::Daily { at } => {
                let mut day = zone.to_datetime(after).date();
                loop {
                    let moment = zone.to_timestamp(day.to_datetime(at)).ok()?;
                    if moment > after {
                        return Some(moment);
                    }
                    day = day.tomorrow().ok()?;
                }
            }
        }
    }

    /// Longest time between two runs, in hours, including clocks being set back in between.
    pub(super) fn hours_max(self) -> u64 {
        match self {
            Self::Hourly { .. } => 2,
            Self::Daily { .. } => 26,
        }
    }

    /// How much older than that of another group the newest snapshot of a group must be for the
    /// group to count as no longer backed up.
    pub(super) fn standstill(self) -> SignedDuration {
        super::hours(24 + 3 * self.hours_max())
    }
}

fn next_minute(minute: i8, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let seconds = after.as_second().div_euclid(60).checked_add(1)?.checked_mul(60)?;
    let mut moment = Timestamp::from_second(seconds).ok()?;
    loop {
        // Clocks may be adjusted by half an hour in between, and then the remaining time counts.
        let left = (minute - zone.to_datetime(moment).minute()).rem_euclid(60);
        if left == 0 {
            return Some(moment);
        }
        moment = moment.checked_add(SignedDuration::from_mins(i64::from(left))).ok()?;
    }
}
