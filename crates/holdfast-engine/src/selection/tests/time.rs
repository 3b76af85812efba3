//! Times as people write them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::selection::*;

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
/// Clocks go forward at midnight.
const HAVANA: &str = "CST5CDT,M3.2.0/0,M11.1.0/1";

fn parse(text: &str, now: &str, zone: &str) -> Result<Timestamp, ParseTimeError> {
    parse_time(text, now.parse().unwrap(), &TimeZone::posix(zone).unwrap())
}

#[test]
fn times() {
    // 15:30 in Berlin.
    let now = "2026-11-20T14:30:10.5Z";
    for (text, expected) in [
        ("now", now),
        (" now ", now),
        ("2026-11-20T14:00:00Z", "2026-11-20T14:00:00Z"),
        ("2026-11-20T14:00:00.25-05:00", "2026-11-20T19:00:00.25Z"),
        ("2026-11-20 14:00:00+01:00", "2026-11-20T13:00:00Z"),
        ("2026-11-20", "2026-11-19T23:00:00Z"),
        ("2024-02-29", "2024-02-28T23:00:00Z"),
        ("2026-06-20 14:00", "2026-06-20T12:00:00Z"),
        ("2026-11-20 14:00", "2026-11-20T13:00:00Z"),
        ("2026-11-20 14:00:05", "2026-11-20T13:00:05Z"),
        ("2026-11-20T14:00", "2026-11-20T13:00:00Z"),
        ("2026-11-20T14:00:05", "2026-11-20T13:00:05Z"),
        ("3h ago", "2026-11-20T11:30:10.5Z"),
        ("2d ago", "2026-11-18T14:30:10.5Z"),
        ("1d12h ago", "2026-11-19T02:30:10.5Z"),
        ("1y ago", "2025-11-20T14:30:10.5Z"),
        ("yesterday", "2026-11-19T14:30:10.5Z"),
    ] {
        assert_eq!(parse(text, now, BERLIN), Ok(expected.parse().unwrap()), "{text}");
    }
}

#[test]
fn changes_of_clocks() {
    let now = "2026-03-29T10:00:00Z";
    for (text, now, zone, expected) in [
        // Noon of the day before was 23 hours ago, but an hour is an hour.
        ("yesterday", now, BERLIN, "2026-03-28T11:00:00Z"),
        ("1d ago", now, BERLIN, "2026-03-28T11:00:00Z"),
        ("24h ago", now, BERLIN, "2026-03-28T10:00:00Z"),
        // Clocks skip from 02:00 to 03:00.
        ("2026-03-29 02:30", now, BERLIN, "2026-03-29T01:30:00Z"),
        // Clocks show this twice.
        ("2026-10-25 02:30", now, BERLIN, "2026-10-25T00:30:00Z"),
        // This day has no midnight.
        ("2026-03-08", now, HAVANA, "2026-03-08T05:00:00Z"),
    ] {
        assert_eq!(parse(text, now, zone), Ok(expected.parse().unwrap()), "{text}");
    }
}

#[test]
fn texts_that_are_no_time() {
    let now = "2026-11-20T14:30:10Z";
    for text in [
        "",
        "today",
        "tomorrow",
        "Now",
        "2026",
        "2026-11",
        "20-11-2026",
        "2026-02-29",
        "2026-13-01",
        "2026-11-20 25:00",
        "2026-11-20 14",
        "2026-11-20 14:00 x",
        "2026-11-20 14:00:61",
        "2026-11-20T14:00[Europe/Berlin]",
        "14:00",
        "3h",
        "ago",
        " ago",
        "-3h ago",
        "1w ago",
        "99999y ago",
        "1763647200",
    ] {
        let error = parse(text, now, BERLIN).unwrap_err().to_string();
        let advice = "is not a time; write 2026-11-20, \"2026-11-20 14:00\", \
                      2026-11-20T14:00:00Z, now, yesterday or \"3h ago\"";
        assert_eq!(error, format!("\"{text}\" {advice}"));
    }
    assert_eq!(
        parse("30m ago", now, BERLIN).unwrap_err().to_string(),
        "\"30m ago\" could mean months or minutes; \
         write hours or days, such as \"3h ago\", or a date"
    );
}
