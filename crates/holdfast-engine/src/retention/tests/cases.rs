//! Cases worked out by hand: counts, lengths, tags, holds, unfinished backups, wrong clocks.

use super::*;

/// Reason for the newest one, if no rule keeps it.
const COMPLETE: &str = "last complete snapshot";
const LAST: &str = "last snapshot";

#[test]
fn newest_ones_are_kept() {
    let three =
        |a, b, c| [("2026-11-20 03:00", a), ("2026-11-20 02:00", b), ("2026-11-20 01:00", c)];
    check("last=1", &three(LAST, "", ""));
    check("last=2", &three(LAST, LAST, ""));
    check("last=9", &three(LAST, LAST, LAST));
    check("last=unlimited", &three(LAST, LAST, LAST));
}

#[test]
fn only_periods_with_a_snapshot_count() {
    let days = [
        ("2026-11-20 18:00", "daily snapshot"),
        ("2026-11-20 08:00", ""),
        ("2026-11-18 18:00", "daily snapshot"),
        ("2026-11-10 09:00", "daily snapshot"),
        ("2026-11-01 09:00", ""),
    ];
    check("daily=3", &days);
    check("daily=3 weekly=0", &days);
}

#[test]
fn oldest_one_fills_a_rule_that_has_room() {
    let hours = |oldest| {
        [
            ("2026-11-20 11:20", "hourly snapshot"),
            ("2026-11-20 10:50", "hourly snapshot"),
            ("2026-11-20 10:10", ""),
            ("2026-11-20 10:05", oldest),
        ]
    };
    check("hourly=2", &hours(""));
    check("hourly=3", &hours("oldest hourly snapshot"));
    check("hourly=unlimited", &hours("oldest hourly snapshot"));
}

#[test]
fn rules_overlap() {
    check(
        "last=1 hourly=1 daily=2 weekly=2 monthly=2 yearly=3",
        &[
            (
                "2026-11-18 10:30",
                "last snapshot; hourly snapshot; daily snapshot; weekly snapshot; \
                 monthly snapshot; yearly snapshot",
            ),
            ("2026-11-18 10:00", ""),
            ("2026-11-17 10:00", "daily snapshot"),
            ("2026-11-15 10:00", "weekly snapshot"),
            ("2026-10-31 10:00", "monthly snapshot"),
            ("2025-12-31 10:00", "yearly snapshot"),
            ("2025-06-01 10:00", "oldest yearly snapshot"),
        ],
    );
}

#[test]
fn lengths_are_measured_from_the_newest_of_the_group() {
    check(
        "within=7d",
        &[
            ("2026-11-20 12:00", "within 7d"),
            ("2026-11-13 12:01", "within 7d"),
            ("2026-11-13 12:00", ""),
            ("2020-01-02 00:00 host=old", "within 7d"),
            ("2020-01-01 00:00 host=old", "within 7d"),
            ("2019-12-01 00:00 host=old", ""),
        ],
    );
}

#[test]
fn last_ones_of_periods_within_a_length() {
    let days = |oldest| {
        [
            ("2026-11-20 12:00", "daily within 2d3h"),
            ("2026-11-20 11:00", ""),
            ("2026-11-18 10:00", "daily within 2d3h"),
            ("2026-11-18 09:30", oldest),
        ]
    };
    check("within-daily=2d3h", &days("oldest daily within 2d3h"));
    let mut longer = days("").to_vec();
    longer.push(("2026-11-18 09:00", ""));
    check("within-daily=2d3h", &longer);
    check(
        "within=1h within-hourly=3h within-weekly=1y",
        &[
            ("2026-11-20 12:00", "within 1h; hourly within 3h; weekly within 1y"),
            ("2026-11-20 11:30", "within 1h; hourly within 3h"),
            ("2026-11-20 10:30", "hourly within 3h"),
            ("2026-11-20 10:20", ""),
            ("2026-11-20 09:00", ""),
            ("2026-11-01 09:00", "weekly within 1y"),
            ("2025-11-01 09:00", ""),
        ],
    );
}

#[test]
fn tags_are_and_inside_and_or_across() {
    check(
        "tags=a,b tags=c",
        &[
            ("2026-11-20 12:00 tags=a", COMPLETE),
            ("2026-11-19 12:00 tags=b,x,a", "has tags [a, b]"),
            ("2026-11-18 12:00 tags=c,a,b", "has tags [a, b]; has tags [c]"),
            ("2026-11-17 12:00", ""),
        ],
    );
    check("tags=", &[("2026-11-20 12:00 tags=a", COMPLETE), ("2026-11-17 12:00", "has tags []")]);
}

#[test]
fn kept_and_held_snapshots_still_count() {
    check(
        "last=2 tags=a",
        &[
            ("2026-11-20 12:00 tags=a", "has tags [a]; last snapshot"),
            ("2026-11-19 12:00 hold", "held; last snapshot"),
            ("2026-11-18 12:00", ""),
            ("2026-11-17 12:00 hold", "held"),
        ],
    );
}

#[test]
fn unfinished_ones_stay_until_a_finished_one_follows() {
    check(
        "last=2",
        &[
            ("2026-11-20 15:00 partial", "unfinished, may be resumed"),
            ("2026-11-20 14:00 partial tags=a", "unfinished, may be resumed"),
            ("2026-11-20 12:00", LAST),
            ("2026-11-20 12:00 partial", ""),
            ("2026-11-20 11:00 partial", ""),
            ("2026-11-20 10:00 partial hold", "held"),
            ("2026-11-20 09:00", LAST),
            ("2026-11-20 08:00", ""),
            ("2026-11-20 12:00 partial host=other", "unfinished, may be resumed"),
        ],
    );
    check("tags=a", &[("2026-11-20 12:00", COMPLETE), ("2026-11-20 11:00 partial tags=a", "")]);
}

#[test]
fn snapshots_of_one_moment_are_ordered_by_id() {
    let same = |one, two, three| {
        [
            ("2026-11-20 12:00 id=1", one),
            ("2026-11-20 12:00 id=2", two),
            ("2026-11-20 12:00 id=3", three),
        ]
    };
    check("last=2", &same(LAST, LAST, ""));
    check("hourly=1", &same("hourly snapshot", "", ""));
    check("hourly=2", &same("hourly snapshot", "", "oldest hourly snapshot"));
}

#[test]
fn snapshots_of_the_future_push_nothing_out() {
    const FUTURE: &str = "dated in the future";
    let now = "2026-11-20 12:30";
    let snapshots = |present, older| {
        [
            ("2036-11-20 12:00", FUTURE),
            ("2026-11-20 12:40", FUTURE),
            ("2026-11-20 12:30", present),
            ("2026-11-20 12:10", older),
            ("2026-11-10 12:00", ""),
        ]
    };
    check_at(now, "last=1", &TimeZone::UTC, &snapshots(LAST, ""));
    check_at(now, "hourly=1", &TimeZone::UTC, &snapshots("hourly snapshot", ""));
    check_at(now, "within=1d", &TimeZone::UTC, &snapshots("within 1d", "within 1d"));
    check_at(now, "within-daily=1d", &TimeZone::UTC, &snapshots("daily within 1d", ""));
    let unfinished = "unfinished, may be resumed";
    check_at(
        now,
        "last=1 tags=a",
        &TimeZone::UTC,
        &[
            ("2026-11-20 12:40 tags=a", "has tags [a]; dated in the future"),
            ("2026-11-20 12:35 hold", "held; dated in the future"),
            ("2026-11-20 12:33 partial", unfinished),
            ("2026-11-20 12:20 partial", unfinished),
        ],
    );
    // No rule goes by time here, so that the clock does not matter.
    check_at(now, "tags=a", &TimeZone::UTC, &[("2026-11-20 12:40", COMPLETE)]);
}

#[test]
fn a_clock_ten_years_back_removes_nothing() {
    let times = ["2026-11-20 12:00", "2026-11-20 11:00", "2026-11-19 12:00"];
    let snapshots: Vec<_> = times.iter().map(|text| snapshot(text)).collect();
    let now = moment("2016-11-20 12:00");
    let policy = Policy::default_keep();
    let found = apply(&policy, snapshots, GroupBy::default(), &TimeZone::UTC, now).unwrap();
    assert!(found.iter().all(|outcome| outcome.remove.is_empty()));
}
