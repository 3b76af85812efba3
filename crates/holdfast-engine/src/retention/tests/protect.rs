//! What no rule removes, case by case, and for random snapshots and rules as invariants.

use proptest::prelude::*;

use super::random::{candidates, policies, times, zones};
use super::*;

const LAST: &str = "last snapshot";

#[test]
fn an_incomplete_snapshot_does_not_push_out_the_last_complete_one() {
    check(
        "last=1",
        &[
            ("2026-11-20 12:00 sources=docs!", LAST),
            ("2026-11-20 11:00 sources=docs", "last complete snapshot"),
            ("2026-11-20 10:00 sources=docs", ""),
        ],
    );
    // Nor do many, over all periods of all rules.
    check(
        "hourly=1 daily=2",
        &[
            ("2026-11-20 12:00 sources=docs!", "hourly snapshot; daily snapshot"),
            ("2026-11-20 11:00 sources=docs!", ""),
            ("2026-11-19 12:00 sources=docs!", "daily snapshot"),
            ("2026-11-18 12:00 sources=docs!", ""),
            ("2026-11-01 12:00 sources=docs", "last complete snapshot"),
        ],
    );
}

#[test]
fn each_source_is_looked_at_alone() {
    check(
        "last=1",
        &[
            ("2026-11-20 12:00 sources=docs!,rows!", LAST),
            (
                "2026-11-20 11:00 sources=docs,rows~",
                "last complete capture of docs; last capture of rows with nothing missing",
            ),
            ("2026-11-20 10:00 sources=docs!,rows", "last complete capture of rows"),
            ("2026-11-20 09:00 sources=docs,rows", "last complete snapshot"),
            ("2026-11-20 08:00 sources=docs,rows", ""),
        ],
    );
}

#[test]
fn a_source_that_shrank_does_not_push_out_what_it_was() {
    check(
        "last=1",
        &[
            ("2026-11-20 12:00 sources=docs-", LAST),
            ("2026-11-20 11:00 sources=docs-!", ""),
            ("2026-11-20 10:00 sources=docs!", "last full-size capture"),
            ("2026-11-20 09:00 sources=docs", "last complete snapshot"),
        ],
    );
}

#[test]
fn failed_checks_do_not_push_out_the_last_that_passed() {
    check(
        "last=1",
        &[
            ("2026-11-20 12:00 sources=docs checks=failed", LAST),
            ("2026-11-20 11:00 sources=docs! checks=passed", "last whose checks passed"),
            ("2026-11-20 10:00 sources=docs checks=passed", "last complete snapshot"),
            ("2026-11-20 09:00 sources=docs checks=passed", ""),
        ],
    );
}

#[test]
fn what_is_not_captured_any_more_is_not_protected() {
    check(
        "last=1",
        &[("2026-11-20 12:00 sources=docs", LAST), ("2026-11-20 11:00 sources=docs,rows", "")],
    );
}

#[test]
fn unfinished_snapshots_and_other_paths_do_not_stand_in() {
    check(
        "last=1",
        &[
            ("2026-11-20 12:00 paths=/a sources=files! host=a", LAST),
            ("2026-11-20 11:30 paths=/a sources=files host=a partial", ""),
            ("2026-11-20 11:00 paths=/a sources=files host=a", "last complete snapshot"),
            ("2026-11-20 11:20 paths=/b sources=files host=a", LAST),
            ("2026-11-20 11:10 paths=/a sources=files host=b", LAST),
        ],
    );
}

#[test]
fn a_date_in_the_future_does_not_stand_in() {
    check_at(
        "2026-11-20 12:30",
        "last=1",
        &TimeZone::UTC,
        &[
            ("2027-11-20 12:00 sources=docs", "dated in the future"),
            ("2026-11-20 12:00 sources=docs!", LAST),
            ("2026-11-20 11:00 sources=docs", "last complete snapshot"),
        ],
    );
}

#[test]
fn rules_that_keep_nothing_are_still_refused() {
    let snapshots = ["2026-11-20 12:00 sources=a", "2026-11-20 11:00 sources=a"].map(snapshot);
    let outcomes = apply(
        &policy("tags=b"),
        snapshots.into(),
        GroupBy::default(),
        &TimeZone::UTC,
        moment(LATE),
    );
    let [outcome] = &outcomes.unwrap()[..] else { panic!("one group") };
    assert_eq!((outcome.keep.len(), outcome.remove.len()), (1, 1));
    assert!(outcome.removes_everything(), "only the protection keeps the newest");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Independently: remove what the rules remove, and check that everything that must remain
    /// does.
    #[test]
    fn the_last_good_snapshots_are_never_removed(
        policy in policies(),
        candidates in candidates(),
        zone in zones(),
        now in prop_oneof![3 => Just(moment(LATE)), 1 => times()],
        group_by in prop::sample::select(vec!["", "host", "host,tags"]),
    ) {
        prop_assume!(!policy.is_empty());
        let group_by: GroupBy = group_by.parse().unwrap();
        let outcomes = apply(&policy, candidates.clone(), group_by, &zone, now).unwrap();
        let left = outcomes.iter().flat_map(|outcome| &outcome.keep).map(|kept| kept.candidate.id);
        let left: Vec<ObjectId> = left.collect();
        for host in ["one", "two"] {
            let is_past = |it: &&Candidate| !it.partial && it.host == host && it.time <= now;
            let mut series: Vec<&Candidate> = candidates.iter().filter(is_past).collect();
            series.sort_by(|one, other| one.newest_first(other));
            let Some(newest) = series.first() else { continue };
            let stays = |what: &str, is_good: &dyn Fn(&Candidate) -> bool| {
                let last = series.iter().find(|it| is_good(it));
                let is_left = last.is_none_or(|it| left.contains(&it.id));
                prop_assert!(is_left, "{what}: {last:?} was removed by {policy:?}");
                Ok(())
            };
            let source = |it: &Candidate, name: &str| {
                it.quality.sources.iter().find(|source| source.name == name).cloned()
            };
            for name in newest.quality.sources.iter().map(|it| it.name.clone()) {
                stays("complete", &|it| source(it, &name)
                    .is_some_and(|it| it.grade == Grade::Complete && !it.is_shrunk))?;
                stays("nothing missing", &|it| source(it, &name)
                    .is_some_and(|it| it.grade != Grade::Holed && !it.is_shrunk))?;
                stays("full size", &|it| source(it, &name).is_some_and(|it| !it.is_shrunk))?;
            }
            if newest.quality.checks.is_some() {
                stays("checks", &|it| it.quality.checks == Some(true))?;
            }
            let names: Vec<String> =
                newest.quality.sources.iter().map(|it| it.name.clone()).collect();
            stays("sound", &|it| it.quality.is_sound()
                && names.iter().all(|name| source(it, name).is_some()))?;
        }
    }
}
