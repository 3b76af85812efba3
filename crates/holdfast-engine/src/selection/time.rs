//! Times as people write them: `2026-11-20 14:00`, `3h ago`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::retention::Span;

/// Text that is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTimeError {
    /// Ambiguous between months and minutes.
    #[error(
        "\"{text}\" could mean months or minutes; \
         write hours or days, such as \"3h ago\", or a date"
    )]
    Months {
        /// The text.
        text: String,
    },
    /// Anything else.
    #[error(
        "\"{text}\" is not a time; write 2026-11-20, \"2026-11-20 14:00\", \
         2026-11-20T14:00:00Z, now, yesterday or \"3h ago\""
    )]
    Malformed {
        /// The text.
        text: String,
    },
}

/// The moment that the text means.
///
/// A date is its first moment in the time zone, `yesterday` the same time of day one day ago. A
/// time that clocks skip is read as if they had not been set forward yet; of a time that they show
/// twice the first is meant.
///
/// # Errors
/// [`ParseTimeError`] if it means none.
pub fn parse_time(
    text: &str,
    now: Timestamp,
    time_zone: &TimeZone,
) -> Result<Timestamp, ParseTimeError> {
    let malformed = || ParseTimeError::Malformed { text: text.to_owned() };
    let trimmed = text.trim();
    let moment = match trimmed {
        "now" => Some(now),
        "yesterday" => Span { days: 1, ..Span::default() }.checked_before(now, time_zone),
        _ => match trimmed.strip_suffix(" ago") {
            Some(length) => {
                let span: Span = length.parse().map_err(|_| malformed())?;
                if span.months != 0 {
                    return Err(ParseTimeError::Months { text: text.to_owned() });
                }
                span.checked_before(now, time_zone)
            }
            None => written_out(trimmed, time_zone),
        },
    };
    moment.ok_or_else(malformed)
}

fn written_out(text: &str, time_zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
        return Some(date.to_zoned(time_zone.clone()).ok()?.timestamp());
    }
    // Formats are spelled out, because jiff's parser would ignore a time zone in the text.
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats.iter().find_map(|format| DateTime::strptime(format, text).ok())?;
    time_zone.to_timestamp(local).ok()
}
