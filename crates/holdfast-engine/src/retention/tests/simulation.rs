//! 400 days of hourly backups under the default policy.

use super::*;

const DAYS: i64 = 400;

/// What must be left on 20 November 2026 at 14:30, a Friday: hours, days, weeks, months.
fn expected() -> Vec<Timestamp> {
    let mut times = Vec::new();
    times.extend((0..=14).map(|hour| format!("2026-11-20 {hour:02}:30")));
    times.extend((15..=23).map(|hour| format!("2026-11-19 {hour:02}:30")));
    times.extend((14..=18).map(|day| format!("2026-11-{day} 23:30")));
    times.extend(["2026-11-08 23:30", "2026-11-01 23:30"].map(str::to_owned));
    let month_ends = [
        "2026-10-31",
        "2026-09-30",
        "2026-08-31",
        "2026-07-31",
        "2026-06-30",
        "2026-05-31",
        "2026-04-30",
        "2026-03-31",
        "2026-02-28",
        "2026-01-31",
        "2025-12-31",
    ];
    times.extend(month_ends.map(|day| format!("{day} 23:30")));
    let mut times: Vec<_> = times.iter().map(|text| moment(text)).collect();
    times.sort();
    times
}

fn hourly_snapshots() -> impl Iterator<Item = Candidate> {
    let end = moment("2026-11-20 14:30");
    (0..=24 * DAYS).rev().map(move |hours| {
        let time = end - jiff::SignedDuration::from_hours(hours);
        Candidate { id: ObjectId::of(&hours.to_le_bytes()), time, ..snapshot("2000-01-01 00:00") }
    })
}

fn kept(snapshots: Vec<Candidate>, now: Timestamp) -> Vec<Candidate> {
    let policy = Policy::default_keep();
    let groups = apply(&policy, snapshots, GroupBy::default(), &TimeZone::UTC, now).unwrap();
    groups.into_iter().flat_map(|group| group.keep).map(|kept| kept.candidate).collect()
}

fn times(snapshots: &[Candidate]) -> Vec<Timestamp> {
    let mut times: Vec<_> = snapshots.iter().map(|snapshot| snapshot.time).collect();
    times.sort();
    times
}

#[test]
fn one_forget_after_400_days() {
    let kept = kept(hourly_snapshots().collect(), moment("2026-11-20 14:31"));
    assert_eq!(times(&kept), expected());
    assert_eq!(kept.len(), 24 + 5 + 2 + 11);
}

#[test]
fn a_forget_after_each_of_9601_backups() {
    let mut repository = Vec::new();
    for snapshot in hourly_snapshots() {
        let now = snapshot.time;
        repository.push(snapshot);
        repository = kept(repository, now);
        assert!(repository.len() <= 24 + 7 + 4 + 12);
    }
    assert_eq!(times(&repository), expected());
}
