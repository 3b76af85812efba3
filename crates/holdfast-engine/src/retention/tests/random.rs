//! Random groups and policies against the reference.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::reference::expected;
use super::*;

/// Near a clock change, a leap day, the end of a year or a month.
const ANCHORS: [&str; 5] = [
    "2026-03-29 01:00",
    "2026-10-25 01:00",
    "2024-02-29 12:00",
    "2020-12-31 23:30",
    "2026-11-20 14:00",
];

pub(super) fn times() -> impl Strategy<Value = Timestamp> {
    let minutes = prop_oneof![0..180_i64, 0..3 * 1440_i64, 0..60 * 1440_i64, 0..800 * 1440_i64];
    // Steps of ten minutes let snapshots have equal times.
    (0..ANCHORS.len(), minutes).prop_map(|(anchor, minutes)| {
        moment(ANCHORS[anchor]) + jiff::SignedDuration::from_mins(90 - minutes / 10 * 10)
    })
}

/// Captures of up to two sources, of which many lack something.
fn qualities() -> impl Strategy<Value = Quality> {
    let grades =
        prop_oneof![3 => Just(Grade::Complete), 1 => Just(Grade::Changed), 2 => Just(Grade::Holed)];
    let one = (grades, prop::bool::weighted(0.2), prop::bool::weighted(0.9));
    let checks = prop_oneof![1 => Just(None), 2 => Just(Some(true)), 2 => Just(Some(false))];
    ([(); 2].map(|()| one.clone()), checks).prop_map(|(sources, checks)| {
        let named = sources.into_iter().zip(["a", "b"]).filter(|((_, _, is_there), _)| *is_there);
        let source = |((grade, is_shrunk, _), name): ((Grade, bool, bool), &str)| SourceQuality {
            name: name.to_owned(),
            grade,
            is_shrunk,
        };
        Quality { sources: named.map(source).collect(), checks }
    })
}

pub(super) fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let tags = subsequence(vec!["a".to_owned(), "b".to_owned()], 0..=2);
    let one = (times(), tags, any::<u8>(), prop::bool::weighted(0.2), qualities());
    vec(one, 0..40).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let candidates =
            numbered.map(|(number, (time, tags, dice, second_host, quality))| Candidate {
                id: ObjectId::of(&[number as u8, dice]),
                time,
                sequence: u64::from(dice) / 8,
                host: if second_host { "two" } else { "one" }.to_owned(),
                paths: Vec::new(),
                tags,
                hold: dice % 16 == 0,
                partial: dice % 5 == 1,
                quality,
            });
        candidates.collect()
    })
}

/// The same snapshots in two orders.
fn candidates_twice() -> impl Strategy<Value = (Vec<Candidate>, Vec<Candidate>)> {
    candidates().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
}

fn counts() -> impl Strategy<Value = Option<Count>> {
    let number = (1..8_u32).prop_map(Count::Number);
    option::weighted(0.4, prop_oneof![4 => number, 1 => Just(Count::Unlimited)])
}

fn spans() -> impl Strategy<Value = Option<Span>> {
    let span =
        (0..2_u32, 0..14_u32, 0..40_u32, 0..30_u32).prop_map(|(years, months, days, hours)| Span {
            years,
            months,
            days,
            hours,
            ..Span::default()
        });
    let short = (0..4_u32, 1..40_u32, 0..90_u32).prop_map(|(days, hours, minutes)| Span {
        days,
        hours,
        minutes,
        ..Span::default()
    });
    let span = prop_oneof![span, short].prop_filter("zero is no rule", |span| !span.is_zero());
    option::weighted(0.3, span)
}

pub(super) fn policies() -> impl Strategy<Value = Policy> {
    let lists = [vec!["a".to_owned()], vec!["a".to_owned(), "b".to_owned()], vec![]].map(TagList);
    let counts = [(); 6].map(|()| counts());
    let spans = [(); 6].map(|()| spans());
    (counts, spans, subsequence(lists.to_vec(), 0..=1)).prop_map(|(counts, spans, tags)| {
        let [last, hourly, daily, weekly, monthly, yearly] = counts;
        let [within, within_hourly, within_daily, within_weekly, within_monthly, within_yearly] =
            spans;
        Policy {
            last,
            hourly,
            daily,
            weekly,
            monthly,
            yearly,
            within,
            within_hourly,
            within_daily,
            within_weekly,
            within_monthly,
            within_yearly,
            tags,
            allow_empty: false,
        }
    })
}

pub(super) fn zones() -> impl Strategy<Value = TimeZone> {
    let zones = ["UTC0", BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU];
    prop::sample::select(zones.to_vec()).prop_map(zone)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn equals_the_reference(
        policy in policies(),
        (candidates, shuffled) in candidates_twice(),
        zone in zones(),
        now in prop_oneof![3 => Just(moment(LATE)), 1 => times()],
    ) {
        prop_assume!(!policy.is_empty());
        let host = "host".parse().unwrap();
        let found = apply(&policy, candidates.clone(), host, &zone, now).unwrap();
        prop_assert_eq!(reasons(&found), expected(&policy, &candidates, &zone, now));
        prop_assert_eq!(&found, &apply(&policy, shuffled, host, &zone, now).unwrap());
        for group in found {
            let kept: Vec<_> = group.keep.into_iter().map(|kept| kept.candidate).collect();
            prop_assert!(kept.is_sorted_by(|one, other| one.newest_first(other).is_lt()));
            prop_assert!(group.remove.is_sorted_by(|one, other| one.newest_first(other).is_lt()));
        }
    }
}
