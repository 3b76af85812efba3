//! Tests of retention; snapshots and rules are written as text.

mod calendar;
mod cases;
mod parse;
mod protect;
mod random;
mod reference;
mod report;
mod report_random;
mod simulation;

use std::collections::BTreeMap;

use holdfast_format::ObjectId;
use holdfast_format::record::Text;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::*;
use crate::completeness::{Grade, Quality, SourceQuality};

/// Later than all snapshots of cases that do not give a time.
const LATE: &str = "2100-01-01 00:00";

/// Time zone rules that work everywhere, so that tests need no time zone database.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
const KATHMANDU: &str = "<+0545>-5:45";

/// A moment in UTC, or one with an offset.
fn moment(text: &str) -> Timestamp {
    if let Ok(moment) = text.parse() {
        return moment;
    }
    let civil: DateTime = text.parse().unwrap();
    TimeZone::UTC.to_timestamp(civil).unwrap()
}

/// A snapshot such as `2026-11-20 14:00 host=a tags=x,y paths=/a,/b id=01 hold partial`, with
/// `sources=a,b~,c!,d-` (complete, changed, holed, shrunk) and `checks=passed` or `checks=failed`.
fn snapshot(text: &str) -> Candidate {
    let words: Vec<_> = text.split(' ').collect();
    let list = |name: &str| -> Vec<String> {
        let value = words.iter().find_map(|word| word.strip_prefix(name));
        value.map(|value| value.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let mut id = ObjectId::of(text.as_bytes());
    if let Some(number) = list("id=").first() {
        id = ObjectId::from_bytes([number.parse().unwrap(); 32]);
    }
    Candidate {
        id,
        time: moment(&words[..2].join(" ")),
        sequence: 0,
        host: list("host=").concat(),
        paths: list("paths=").iter().map(|path| Text::from(path.as_str())).collect(),
        tags: list("tags="),
        hold: words.contains(&"hold"),
        partial: words.contains(&"partial"),
        quality: Quality {
            sources: list("sources=").iter().map(|text| source(text)).collect(),
            checks: list("checks=").first().map(|word| word == "passed"),
        },
    }
}

/// The quality of the capture of a source, such as `a`, `b~`, `c!` or `d-`.
fn source(text: &str) -> SourceQuality {
    let name = text.trim_end_matches(['~', '!', '-']);
    let grade = match (text.contains('!'), text.contains('~')) {
        (true, _) => Grade::Holed,
        (false, true) => Grade::Changed,
        (false, false) => Grade::Complete,
    };
    SourceQuality { name: name.to_owned(), grade, is_shrunk: text.contains('-') }
}

/// A policy such as `daily=7 within=2d tags=a,b`.
fn policy(text: &str) -> Policy {
    let mut policy = Policy::default();
    for (name, value) in text.split(' ').filter_map(|word| word.split_once('=')) {
        let count = || Some(value.parse().unwrap());
        let span = || Some(value.parse().unwrap());
        match name {
            "last" => policy.last = count(),
            "hourly" => policy.hourly = count(),
            "daily" => policy.daily = count(),
            "weekly" => policy.weekly = count(),
            "monthly" => policy.monthly = count(),
            "yearly" => policy.yearly = count(),
            "within" => policy.within = span(),
            "within-hourly" => policy.within_hourly = span(),
            "within-daily" => policy.within_daily = span(),
            "within-weekly" => policy.within_weekly = span(),
            "within-monthly" => policy.within_monthly = span(),
            "within-yearly" => policy.within_yearly = span(),
            "tags" => policy.tags.push(value.parse().unwrap()),
            _ => panic!("no rule is called {name}"),
        }
    }
    policy
}

fn zone(rules: &str) -> TimeZone {
    TimeZone::posix(rules).unwrap()
}

/// The reasons to keep each snapshot; empty for those that are removed.
fn reasons(outcomes: &[GroupOutcome]) -> BTreeMap<ObjectId, Vec<String>> {
    let kept = outcomes.iter().flat_map(|outcome| &outcome.keep);
    let kept = kept.map(|kept| (kept.candidate.id, kept.reasons.clone()));
    let removed = outcomes.iter().flat_map(|outcome| &outcome.remove);
    kept.chain(removed.map(|candidate| (candidate.id, Vec::new()))).collect()
}

/// Checks the reasons for which each snapshot is kept; those without any must be removed.
#[track_caller]
fn check_at(now: &str, rules: &str, time_zone: &TimeZone, expected: &[(&str, &str)]) {
    let snapshots: Vec<_> = expected.iter().map(|(text, _)| snapshot(text)).collect();
    let mut reversed = snapshots.clone();
    reversed.reverse();
    let policy = policy(rules);
    for snapshots in [snapshots, reversed] {
        let group_by = GroupBy::default();
        let found = apply(&policy, snapshots, group_by, time_zone, moment(now)).unwrap();
        let found = reasons(&found);
        let lines = expected.iter().map(|(text, _)| (*text, found[&snapshot(text).id].join("; ")));
        let lines: Vec<_> = lines.collect();
        let expected: Vec<_> = expected.iter().map(|(text, r)| (*text, (*r).to_owned())).collect();
        assert_eq!(lines, expected, "{rules}");
    }
}

/// The same in UTC with no snapshot in the future.
#[track_caller]
fn check(rules: &str, expected: &[(&str, &str)]) {
    check_at(LATE, rules, &TimeZone::UTC, expected);
}
