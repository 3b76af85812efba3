//! Cases worked out by hand around the edges of the calendar.

use super::*;

const DAILY: &str = "daily snapshot";
const WEEKLY: &str = "weekly snapshot";
const MONTHLY: &str = "monthly snapshot";

#[test]
fn weeks_run_from_monday_to_sunday_across_the_year() {
    // Week 53 of 2020 ends on Sunday, 3 January 2021.
    check(
        "weekly=3",
        &[
            ("2021-01-04 00:00", WEEKLY),
            ("2021-01-03 23:59", WEEKLY),
            ("2021-01-01 00:00", ""),
            ("2020-12-28 00:00", ""),
            ("2020-12-27 23:59", WEEKLY),
            ("2020-12-20 23:59", ""),
        ],
    );
    // Week 1 of 2025 begins on Monday, 30 December 2024.
    check(
        "weekly=2 yearly=2",
        &[
            ("2025-01-05 12:00", "weekly snapshot; yearly snapshot"),
            ("2024-12-30 12:00", "yearly snapshot"),
            ("2024-12-29 12:00", WEEKLY),
            ("2024-01-01 12:00", ""),
        ],
    );
}

#[test]
fn months_end_when_they_end() {
    check(
        "monthly=4",
        &[
            ("2024-03-01 00:00", MONTHLY),
            ("2024-02-29 23:59", MONTHLY),
            ("2024-02-28 23:59", ""),
            ("2024-01-31 23:59", MONTHLY),
            ("2023-12-31 00:00", MONTHLY),
            ("2023-02-28 00:00", ""),
        ],
    );
}

#[test]
fn leap_days_are_days() {
    check(
        "daily=3",
        &[
            ("2024-03-01 00:00", DAILY),
            ("2024-02-29 00:00", DAILY),
            ("2024-02-28 23:59", DAILY),
            ("2024-02-28 00:00", ""),
        ],
    );
    // A year before 29 February is 1 March.
    check(
        "within=1y",
        &[
            ("2024-02-29 12:00", "within 1y"),
            ("2023-03-01 12:01", "within 1y"),
            ("2023-03-01 12:00", ""),
            ("2023-02-28 12:01", ""),
        ],
    );
}

#[test]
fn days_of_a_zone_when_clocks_go_forward() {
    // 29 March lasts 23 hours in Berlin, from 23:00 to 22:00 in UTC.
    let expected = [
        ("2026-03-29 22:30", DAILY),
        ("2026-03-29 21:30", DAILY),
        ("2026-03-28 23:30", ""),
        ("2026-03-28 22:30", DAILY),
        ("2026-03-27 22:30", ""),
    ];
    check_at(LATE, "daily=3", &zone(BERLIN), &expected);
    // One day before noon is noon, which was 23 hours ago.
    let expected = [
        ("2026-03-29 10:00", "within 1d"),
        ("2026-03-28 11:01", "within 1d"),
        ("2026-03-28 11:00", ""),
        ("2026-03-28 10:30", ""),
    ];
    check_at(LATE, "within=1d", &zone(BERLIN), &expected);
}

#[test]
fn hours_of_a_zone_when_clocks_go_back() {
    // From 00:00 to 02:00 in UTC clocks in Berlin show two o'clock twice: one hour to the rule.
    let expected = [
        ("2026-10-25 02:00", "hourly snapshot"),
        ("2026-10-25 01:20", "hourly snapshot"),
        ("2026-10-25 00:40", ""),
        ("2026-10-25 00:10", ""),
        ("2026-10-24 23:50", "hourly snapshot"),
        ("2026-10-24 23:40", ""),
        ("2026-10-24 22:40", ""),
    ];
    check_at(LATE, "hourly=3", &zone(BERLIN), &expected);
    // Hours of a duration are real ones: from the second 02:20 back to the first 02:20.
    let expected = [
        ("2026-10-25 01:20", "within 1h"),
        ("2026-10-25 00:21", "within 1h"),
        ("2026-10-25 00:20", ""),
    ];
    check_at(LATE, "within=1h", &zone(BERLIN), &expected);
}

#[test]
fn one_zone_judges_snapshots_of_all_zones() {
    // 23:30 on the 19th, 00:30 on the 20th and 01:00 on the 20th in UTC.
    let times = |utc, new_york| {
        [
            ("2026-11-20 06:45:00+05:45", "daily snapshot"),
            ("2026-11-20 01:30:00+01:00", utc),
            ("2026-11-19 18:30:00-05:00", new_york),
            ("2026-11-18 18:30:00-05:00", "daily snapshot"),
        ]
    };
    check("daily=3", &times("", DAILY));
    check_at(LATE, "daily=2", &zone(NEW_YORK), &times("", ""));
    check_at(LATE, "daily=2", &zone(KATHMANDU), &times("", ""));
}

#[test]
fn spans_go_back_over_the_calendar() {
    let cases = [
        ("1m", "2026-03-31 10:00", "2026-03-03 10:00"),
        ("1m", "2024-03-31 10:00", "2024-03-02 10:00"),
        ("1m7d", "2026-03-31 10:00", "2026-02-24 10:00"),
        ("1y", "2024-02-29 10:00", "2023-03-01 10:00"),
        ("4y", "2024-02-29 10:00", "2020-02-29 10:00"),
        ("2y5m7d3h", "2026-11-20 02:00", "2024-06-12 23:00"),
        ("11m", "2026-11-20 02:00", "2025-12-20 02:00"),
        ("400d", "2026-11-20 02:00", "2025-10-16 02:00"),
        ("0h", "2026-11-20 02:00", "2026-11-20 02:00"),
    ];
    for (span, from, to) in cases {
        let span: Span = span.parse().unwrap();
        assert_eq!(span.before(moment(from), &TimeZone::UTC), moment(to), "{span} before {from}");
    }
    let ever: Span = "4000000000y4000000000m4000000000d4000000000h".parse().unwrap();
    assert_eq!(ever.before(moment(LATE), &zone(BERLIN)), Timestamp::MIN);
    assert_eq!(ever.before(Timestamp::MAX, &zone(BERLIN)), Timestamp::MIN);
}
