//! Durations as users write them, everywhere: `2y5m7d3h`, `90min`, `30s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A regular expression of its text.
pub const SPAN_PATTERN: &str = "^([0-9]+([ymdhs]|min))+$";

/// A duration of calendar years, months and days, and of hours, minutes and seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Calendar years.
    pub years: u32,
    /// Calendar months.
    pub months: u32,
    /// Calendar days.
    pub days: u32,
    /// Hours of 3600 seconds.
    pub hours: u32,
    /// Minutes.
    pub minutes: u32,
    /// Seconds.
    pub seconds: u32,
}

/// Text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Weeks, which restic does not know either.
    #[error("\"{text}\" uses weeks, which are not supported; use days instead: {days}d")]
    Weeks {
        /// The text.
        text: String,
        /// The same duration in days.
        days: u64,
    },
    /// A unit twice.
    #[error("\"{text}\" has the unit {unit} twice; write each unit at most once")]
    Twice {
        /// The text.
        text: String,
        /// The unit.
        unit: String,
    },
    /// Anything else.
    #[error(
        "\"{text}\" is not a duration; \
         write years, months, days, hours, minutes and seconds, such as 2y5m7d3h, 90min or 30s"
    )]
    Malformed {
        /// The text.
        text: String,
    },
}

impl Span {
    /// True if it is zero.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Its length, with years of 365 days; `None` with months, which differ in length, or if it is
    /// too long.
    pub fn length(&self) -> Option<Duration> {
        let days = u64::from(self.years) * 365 + u64::from(self.days);
        (self.months == 0).then(|| Duration::from_secs(days * 86_400 + self.clock_seconds()))
    }

    /// Seconds of its hours, minutes and seconds.
    pub(crate) fn clock_seconds(&self) -> u64 {
        u64::from(self.hours) * 3600 + u64::from(self.minutes) * 60 + u64::from(self.seconds)
    }

    /// The moment this long before `time`, or the earliest possible one.
    ///
    /// As in restic, a day that its month does not have overflows into the next month: one month
    /// before 31 March is 3 March, or 2 March in a leap year.
    pub fn before(&self, time: Timestamp, time_zone: &TimeZone) -> Timestamp {
        self.checked_before(time, time_zone).unwrap_or(Timestamp::MIN)
    }

    /// The moment this long before `time`, if it can be represented.
    pub(crate) fn checked_before(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut moment = time;
        // The calendar could not distinguish the hours that a clock shows twice.
        if (self.years, self.months, self.days) != (0, 0, 0) {
            let local = zone.to_datetime(time);
            let date = self.date_before(local.date())?;
            moment = zone.to_timestamp(date.to_datetime(local.time())).ok()?;
        }
        let clock = i64::try_from(self.clock_seconds()).ok()?;
        moment.checked_sub(SignedDuration::from_secs(clock)).ok()
    }

    fn date_before(&self, date: Date) -> Option<Date> {
        let months = i64::from(date.year()) * 12 + i64::from(date.month())
            - 1
            - i64::from(self.years) * 12
            - i64::from(self.months);
        let year = i16::try_from(months.div_euclid(12)).ok()?;
        let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
        let days = i64::from(date.day()) - 1 - i64::from(self.days);
        let days = jiff::Span::new().try_days(days).ok()?;
        Date::new(year, month, 1).ok()?.checked_add(days).ok()
    }

    fn unit(&mut self, unit: &str) -> Option<&mut u32> {
        match unit {
            "y" => Some(&mut self.years),
            "m" => Some(&mut self.months),
            "d" => Some(&mut self.days),
            "h" => Some(&mut self.hours),
            "min" => Some(&mut self.minutes),
            "s" => Some(&mut self.seconds),
            _ => None,
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let malformed = || SpanError::Malformed { text: text.to_owned() };
        let mut span = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        let mut rest = text.trim();
        while let Some(digits) = rest.find(|c: char| !c.is_ascii_digit()) {
            let number: u32 = rest[..digits].parse().map_err(|_| malformed())?;
            let after = &rest[digits..];
            let unit = &after[..after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len())];
            if unit == "w" {
                let days = u64::from(number) * 7;
                return Err(SpanError::Weeks { text: text.to_owned(), days });
            }
            *span.unit(unit).ok_or_else(malformed)? = number;
            if seen.contains(&unit) {
                return Err(SpanError::Twice { text: text.to_owned(), unit: unit.to_owned() });
            }
            seen.push(unit);
            rest = &after[unit.len()..];
        }
        if seen.is_empty() || !rest.is_empty() { Err(malformed()) } else { Ok(span) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0h");
        }
        let parts = [
            (self.years, "y"),
            (self.months, "m"),
            (self.days, "d"),
            (self.hours, "h"),
            (self.minutes, "min"),
            (self.seconds, "s"),
        ];
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number != 0) {
            write!(f, "{number}{unit}")?;
        }
        Ok(())
    }
}
