//! How long data is kept, worked out by hand.

use jiff::civil::time;

use super::*;
use crate::retention::report::{
    DataHolder, GroupReport, Question, RemovalTime, Report, Rhythm, report,
};

const HOURLY: Rhythm = Rhythm::Hourly { minute: 0 };
const DAILY: Rhythm = Rhythm::Daily { at: time(2, 0, 0, 0) };

/// The report for a day; `rules` of `none` removes nothing.
fn ask(rules: &str, rhythm: Rhythm, now: &str, day: &str, snapshots: &[&str]) -> Report {
    let policy = policy(rules);
    let question = Question {
        policy: (rules != "none").then_some(&policy),
        group_by: GroupBy::default(),
        rhythm,
        zone: &TimeZone::UTC,
        now: moment(now),
        day: day.parse().unwrap(),
    };
    report(&question, snapshots.iter().map(|text| snapshot(text)).collect()).unwrap()
}

fn shown(end: RemovalTime) -> String {
    match end {
        RemovalTime::At(moment) => moment.strftime("%m-%d %H:%M").to_string(),
        RemovalTime::After(_) => "after".to_owned(),
        RemovalTime::Never(why) => format!("{why:?}"),
    }
}

/// A line for each existing snapshot: when it is removed, what keeps it now, and longest.
fn lines(group: &GroupReport) -> Vec<String> {
    let there = group.holdings.iter().filter(|it| !it.planned);
    let line = |it: &DataHolder| {
        let time = it.candidate.time.strftime("%m-%d %H:%M");
        let mark = if it.of_day { "*" } else { "" };
        let (now, longest) = (it.reasons.join("+"), it.last_reasons.join("+"));
        format!("{time}{mark} {}; {now}; {longest}", shown(it.end))
    };
    there.map(line).collect()
}

fn only(report: &Report) -> Vec<String> {
    let [group] = report.groups.as_slice() else { panic!("{report:?}") };
    lines(group)
}

fn last(holding: Option<&DataHolder>) -> String {
    holding.map_or("nothing".to_owned(), |it| {
        format!("{} {}", it.candidate.time.strftime("%m-%d %H:%M"), shown(it.end))
    })
}

#[test]
fn hours() {
    let snapshots = ["2026-11-21 10:00", "2026-11-21 11:00", "2026-11-21 12:00"];
    let report = ask("hourly=3", HOURLY, "2026-11-21 12:30", "2026-11-21", &snapshots);
    let kept = "hourly snapshot; hourly snapshot";
    assert_eq!(
        only(&report),
        [
            format!("11-21 12:00* 11-21 15:00; {kept}"),
            format!("11-21 11:00* 11-21 14:00; {kept}"),
            format!("11-21 10:00* 11-21 13:00; {kept}"),
        ]
    );
    // Data deleted just before midnight is in the run of 23:00.
    assert_eq!(last(report.last()), "11-21 23:00 11-22 02:00");
    let planned: Vec<_> = report.holdings().filter(|it| it.planned).collect();
    assert_eq!(planned.len(), 11);
    assert!(planned.iter().all(|it| it.of_day && it.reasons.is_empty()));
}

#[test]
fn days_and_weeks_and_months() {
    // 21 November 2026 is a Saturday.
    let snapshots = [
        "2026-10-31 02:00",
        "2026-11-15 02:00",
        "2026-11-19 02:00",
        "2026-11-20 02:00",
        "2026-11-21 02:00",
    ];
    let rules = "daily=2 weekly=2 monthly=2";
    let report = ask(rules, DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let expected = [
        // The Sunday after replaces it in its week and its month.
        "11-21 02:00* 11-23 02:00; daily snapshot+weekly snapshot+monthly snapshot; daily snapshot",
        "11-20 02:00 11-22 02:00; daily snapshot; daily snapshot",
        "11-19 02:00 11-22 02:00; ; ",
        // The week of the 23rd is the second one after its own.
        "11-15 02:00 11-23 02:00; weekly snapshot; weekly snapshot",
        "10-31 02:00 12-01 02:00; monthly snapshot; monthly snapshot",
    ];
    assert_eq!(only(&report), expected);
    assert_eq!(last(report.last()), "10-31 02:00 12-01 02:00");
}

#[test]
fn lengths_of_time() {
    let snapshots = ["2026-11-18 02:00", "2026-11-20 02:00", "2026-11-21 02:00"];
    let report = ask("within=3d", DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let expected = [
        "11-21 02:00* 11-24 02:00; within 3d; within 3d",
        "11-20 02:00 11-23 02:00; within 3d; within 3d",
        // Counted back from the newest one, it is not within three days even now.
        "11-18 02:00 11-22 02:00; ; ",
    ];
    assert_eq!(only(&report), expected);
}

#[test]
fn what_is_held_or_tagged_never_goes() {
    let snapshots = [
        "2026-11-10 02:00 hold",
        "2026-11-11 02:00 tags=release",
        "2026-11-20 02:00",
        "2026-11-21 02:00",
    ];
    let report = ask("last=2 tags=release", DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let expected = [
        "11-21 02:00* 11-23 02:00; last snapshot; last snapshot",
        "11-20 02:00 11-22 02:00; last snapshot; last snapshot",
        "11-11 02:00 Rule; has tags [release]; has tags [release]",
        "11-10 02:00 Held; held; held",
    ];
    assert_eq!(only(&report), expected);
    assert_eq!(last(report.last()), "11-11 02:00 Rule");
    assert_eq!(last(report.last_to_go()), "11-21 02:00 11-23 02:00");
}

#[test]
fn a_rule_without_an_end() {
    let snapshots = ["2025-12-31 02:00", "2026-11-21 02:00"];
    let rules = "daily=1 yearly=unlimited";
    let report = ask(rules, DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let expected = [
        // Each further run of the year replaces it.
        "11-21 02:00* 11-22 02:00; daily snapshot+yearly snapshot; daily snapshot+yearly snapshot",
        "12-31 02:00 Rule; yearly snapshot; yearly snapshot",
    ];
    assert_eq!(only(&report), expected);
}

#[test]
fn many_years_are_not_for_ever() {
    let snapshots = ["2025-12-31 02:00", "2026-11-21 02:00"];
    let report = ask("yearly=10", DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let RemovalTime::At(end) = report.groups[0].holdings[1].end else { panic!("{report:?}") };
    assert_eq!(end, moment("2035-01-01 02:00"));
}

#[test]
fn the_oldest_stays_while_there_is_room() {
    let snapshots = ["2026-11-21 09:00", "2026-11-21 09:30"];
    let report = ask("hourly=3", HOURLY, "2026-11-21 09:45", "2026-11-21", &snapshots);
    let expected = [
        "11-21 09:30* 11-21 12:00; hourly snapshot; hourly snapshot",
        "11-21 09:00* 11-21 11:00; oldest hourly snapshot; oldest hourly snapshot",
    ];
    assert_eq!(only(&report), expected);
}

#[test]
fn without_rules_nothing_goes() {
    let report = ask("none", DAILY, "2026-11-21 12:00", "2026-11-21", &["2026-11-21 02:00"]);
    assert_eq!(only(&report), ["11-21 02:00* NoRules; ; "]);
    assert_eq!(report.last_to_go(), None);
}

#[test]
fn a_group_to_which_nothing_is_added_stays() {
    let snapshots =
        ["2026-09-01 02:00 host=old", "2026-09-02 02:00 host=old", "2026-11-20 02:00 host=new"];
    let report = ask("last=1", DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let [new, old] = report.groups.as_slice() else { panic!("{report:?}") };
    assert!(new.goes_on && !old.goes_on);
    assert_eq!(lines(new), ["11-20 02:00 11-22 02:00; last snapshot; last snapshot"]);
    let expected =
        ["09-02 02:00 StandsStill; last snapshot; last snapshot", "09-01 02:00 11-22 02:00; ; "];
    assert_eq!(lines(old), expected);
    assert_eq!(last(report.last()), "09-02 02:00 StandsStill");
}

#[test]
fn a_day_in_the_past() {
    let snapshots = ["2026-11-18 02:00", "2026-11-19 02:00", "2026-11-20 02:00"];
    let report = ask("daily=5", DAILY, "2026-11-21 01:00", "2026-11-19", &snapshots);
    let expected = [
        "11-19 02:00* 11-24 02:00; daily snapshot; daily snapshot",
        "11-18 02:00 11-23 02:00; daily snapshot; daily snapshot",
    ];
    assert_eq!(only(&report), expected);
    assert_eq!(last(report.last()), "11-19 02:00 11-24 02:00");
}

#[test]
fn odd_snapshots_hold_data_too() {
    let snapshots = [
        "2026-11-20 02:00",
        // Of an interrupted run, and of a machine whose clock is wrong.
        "2026-11-21 02:00 partial",
        "2026-11-25 12:00",
    ];
    let report = ask("last=1", DAILY, "2026-11-21 12:00", "2026-11-21", &snapshots);
    let expected = [
        "11-25 12:00 11-26 02:00; dated in the future; dated in the future",
        "11-21 02:00* 11-22 02:00; unfinished, may be resumed; unfinished, may be resumed",
        "11-20 02:00 11-22 02:00; last snapshot; last snapshot",
    ];
    assert_eq!(only(&report), expected);
}

#[test]
fn nothing_is_there() {
    let report = ask("last=1", DAILY, "2026-11-21 12:00", "2026-11-21", &[]);
    assert_eq!((report.groups.len(), report.last()), (0, None));
}

#[test]
fn rules_that_keep_nothing_are_refused() {
    let policy = Policy::default();
    let question = Question {
        policy: Some(&policy),
        group_by: GroupBy::default(),
        rhythm: DAILY,
        zone: &TimeZone::UTC,
        now: moment("2026-11-21 12:00"),
        day: "2026-11-21".parse().unwrap(),
    };
    assert_eq!(report(&question, Vec::new()), Err(PolicyError::Empty));
}

#[test]
fn the_day_is_that_of_the_zone() {
    let zone = zone(BERLIN);
    let policy = policy("last=3");
    let question = Question {
        policy: Some(&policy),
        group_by: GroupBy::default(),
        rhythm: DAILY,
        zone: &zone,
        now: moment("2026-10-25 20:00"),
        day: "2026-10-25".parse().unwrap(),
    };
    let snapshots = ["2026-10-24 21:59", "2026-10-24 22:00"].map(snapshot).to_vec();
    let report = report(&question, snapshots).unwrap();
    // Clocks are set back: the day has 25 hours.
    assert_eq!(report.begin, moment("2026-10-24 22:00"));
    assert_eq!(report.end, moment("2026-10-25 23:00"));
    let of_day: Vec<_> = report.groups[0].holdings.iter().map(|it| it.of_day).collect();
    assert_eq!(of_day, [true, false]);
}

#[test]
fn moments_of_runs() {
    let next = |rhythm: Rhythm, zone: &TimeZone, after: &str| {
        rhythm.next(moment(after), zone).unwrap().strftime("%m-%d %H:%M").to_string()
    };
    let berlin = zone(BERLIN);
    let half_past_two = Rhythm::Daily { at: time(2, 30, 0, 0) };
    // 02:30 is 01:30 in UTC; that night clocks go from 02:00 to 03:00.
    assert_eq!(next(half_past_two, &berlin, "2026-03-28 02:00"), "03-29 01:30");
    assert_eq!(next(half_past_two, &berlin, "2026-03-29 02:00"), "03-30 00:30");
    // There are two of them when clocks are set back.
    assert_eq!(next(half_past_two, &berlin, "2026-10-24 12:00"), "10-25 00:30");
    assert_eq!(next(half_past_two, &berlin, "2026-10-25 00:30"), "10-26 01:30");
    for (minute, after, expected) in [
        (17, "2026-11-21 10:16", "11-21 10:17"),
        (17, "2026-11-21 10:17", "11-21 11:17"),
        (0, "2026-11-21 23:30", "11-22 00:00"),
    ] {
        assert_eq!(next(Rhythm::Hourly { minute }, &TimeZone::UTC, after), expected);
    }
    let minute = Rhythm::Hourly { minute: 15 };
    assert_eq!(next(minute, &zone(KATHMANDU), "2026-11-21 10:00"), "11-21 10:30");
    // Half an hour is lost: 01:45 is followed by 02:30 on the clock, and that by 03:15.
    assert_eq!(next(minute, &zone(LORD_HOWE), "2026-10-03 15:00"), "10-03 16:15");
}
