//! Random groups and policies: the forecast against a plain simulation of the future, with the
//! reference in place of the rules.

use std::collections::BTreeMap;

use jiff::civil::time;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::reference::expected;
use super::*;
use crate::retention::report::{Question, RemovalTime, Rhythm, report};

const RUNS: usize = 130;
const RHYTHM: Rhythm = Rhythm::Daily { at: time(2, 0, 0, 0) };

/// When each removed snapshot was removed, over this many runs.
fn plain(
    policy: &Policy,
    snapshots: &[Candidate],
    zone: &TimeZone,
    now: Timestamp,
) -> (BTreeMap<ObjectId, Timestamp>, Timestamp) {
    let mut there = snapshots.to_vec();
    let (mut gone, mut moment) = (BTreeMap::new(), now);
    for number in 0..RUNS {
        moment = RHYTHM.next(moment, zone).unwrap();
        let id = ObjectId::of(&[b"run", number.to_string().as_bytes()].concat());
        let made = Candidate { id, time: moment, ..snapshot("2000-01-01 00:00") };
        there.push(made);
        let reasons = expected(policy, &there, zone, moment);
        there.retain(|it| !reasons[&it.id].is_empty());
        let went = reasons.iter().filter(|(_, reasons)| reasons.is_empty());
        gone.extend(went.map(|(id, _)| (*id, moment)));
    }
    (gone, moment)
}

fn snapshots() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0..60 * 24_i64, any::<u8>());
    vec(one, 1..15).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let candidates = numbered.map(|(number, (hours, dice))| Candidate {
            id: ObjectId::of(&[number as u8, dice]),
            time: moment("2026-11-21 12:00") - jiff::SignedDuration::from_hours(hours),
            tags: if dice % 16 == 3 { vec!["a".to_owned()] } else { Vec::new() },
            hold: dice % 16 == 0,
            partial: dice % 8 == 1,
            ..snapshot("2000-01-01 00:00")
        });
        // Runs continue from the newest one: without tags, so that what they make may be removed.
        let newest = snapshot("2026-11-21 12:00 id=7");
        candidates.chain([newest]).collect()
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let count = |max: u32| option::weighted(0.5, (1..=max).prop_map(Count::Number));
    let span = option::weighted(0.3, (1..12_u32).prop_map(|days| Span { days, ..Span::default() }));
    let tags = prop_oneof![3 => Just(Vec::new()), 1 => Just(vec![TagList(vec!["a".to_owned()])])];
    let rules = (count(6), count(6), count(5), count(3), span.clone(), span, tags);
    rules.prop_map(|(last, daily, weekly, monthly, within, within_weekly, tags)| Policy {
        last,
        daily,
        weekly,
        monthly,
        within,
        within_weekly,
        tags,
        ..Policy::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_forecast_comes_true(
        policy in policies(),
        snapshots in snapshots(),
        zone in prop::sample::select(vec!["UTC0", BERLIN, LORD_HOWE]),
        days_ago in 0..30_i64,
    ) {
        prop_assume!(!policy.is_empty());
        let (zone, now) = (super::zone(zone), moment("2026-11-21 12:30"));
        let today = zone.to_datetime(now).date();
        let day = today - jiff::SignedDuration::from_hours(24 * days_ago);
        let question = Question {
            policy: Some(&policy),
            group_by: GroupBy::default(),
            rhythm: RHYTHM,
            zone: &zone,
            now,
            day,
        };
        let report = report(&question, snapshots.clone()).unwrap();
        let (gone, until) = plain(&policy, &snapshots, &zone, now);
        let wanted = snapshots.iter().filter(|it| it.time < report.end).count();
        let there: Vec<_> = report.holdings().filter(|it| !it.planned).collect();
        prop_assert_eq!(there.len(), wanted);
        for holding in there {
            let is_as_told = match (gone.get(&holding.candidate.id), holding.end) {
                (Some(found), RemovalTime::At(told)) => *found == told,
                (Some(_), _) => false,
                (None, RemovalTime::At(told) | RemovalTime::After(told)) => told > until,
                (None, RemovalTime::Never(_)) => true,
            };
            prop_assert!(is_as_told, "{:?}\n{:?}", holding, gone.get(&holding.candidate.id));
        }
    }
}
