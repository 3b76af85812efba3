//! Tests of forget and amend, on a repository in memory.

use std::sync::Arc;

use holdfast_backend::{Backend, MemoryBackend};
use holdfast_format::BlobId;
use holdfast_format::ObjectId;
use holdfast_format::record::{Snapshot, SourceRecord, WriterBody};
use holdfast_format::slot::KdfCost;
use holdfast_repo::{OpenOptions, RepoError, Repository};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::retention::{Count, GroupBy, Policy};
use crate::selection::SnapshotFilter;

fn repository() -> Repository {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let (secret, _) = Secret::generate_key().unwrap();
    let created = Timestamp::UNIX_EPOCH;
    let [label, host, user] = ["l", "h", "u"].map(str::to_owned);
    let label = SlotLabel { label, host, user, created };
    Repository::init(&*backend, &secret, KdfCost::MIN, &label, |_| {}).unwrap();
    Repository::open(backend, &secret, &OpenOptions::default()).unwrap()
}

fn snapshot(host: &str, hour: i64) -> Snapshot {
    let tree = BlobId::from_bytes([0; 32]);
    Snapshot {
        tags: vec!["one".to_owned()],
        sources: vec![SourceRecord::new("x", "files", tree)],
        ..Snapshot::begun(Timestamp::from_second(hour * 3600).unwrap(), host, Vec::new())
    }
}

fn add(repository: &Repository, host: &str, hour: i64) -> ObjectId {
    let writer = repository.writer(host).unwrap();
    let body = WriterBody::Snapshot(Box::new(snapshot(host, hour)));
    repository.append_to(writer, &body).unwrap();
    let snapshots = repository.history().snapshots();
    snapshots
        .iter()
        .find(|info| {
            info.snapshot.host == host
                && info.sequence + 1 == repository.history().next_slot(&writer)
        })
        .unwrap()
        .id
}

fn ids(repository: &Repository) -> Vec<ObjectId> {
    repository.history().snapshots().iter().map(|info| info.id).collect()
}

#[test]
fn forgets_once() {
    let repository = repository();
    let [one, two] = [1, 2].map(|hour| add(&repository, "a", hour));
    assert_eq!(forget(&repository, &[one, one]).unwrap(), [one]);
    assert_eq!(forget(&repository, &[one]).unwrap(), []);
    assert_eq!(ids(&repository), [two]);
    let unknown = ObjectId::of(b"x");
    let outcome = forget(&repository, &[two, unknown]);
    let is_unknown = matches!(
        outcome,
        Err(ForgetError::Engine(EngineError::Repo(RepoError::NoSnapshot { id }))) if id == unknown
    );
    assert!(is_unknown);
    assert_eq!(ids(&repository), [two]);
}

#[test]
fn a_hold_is_respected_until_it_is_lifted() {
    let repository = repository();
    let [one, two] = [1, 2].map(|hour| add(&repository, "a", hour));
    let hold = |hold| TagChange { hold: Some(hold), ..TagChange::default() };
    assert!(amend(&repository, one, &hold(true)).unwrap());
    assert!(!amend(&repository, one, &hold(true)).unwrap());
    let error = forget(&repository, &[two, one]).unwrap_err();
    assert!(error.to_string().contains(&format!("snapshot {} is held", one.short())), "{error}");
    assert_eq!(ids(&repository).len(), 2);
    assert!(amend(&repository, one, &hold(false)).unwrap());
    forget(&repository, &[two, one]).unwrap();
    assert!(ids(&repository).is_empty());
    assert!(amend(&repository, one, &hold(true)).is_err());
}

#[test]
fn tags_change() {
    let repository = repository();
    let id = add(&repository, "a", 1);
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let check = |change: TagChange, wanted: &[&str]| {
        amend(&repository, id, &change).unwrap();
        assert_eq!(repository.history().snapshots()[0].snapshot.tags, wanted);
    };
    check(TagChange { add: words(&["two", "one"]), ..TagChange::default() }, &["one", "two"]);
    check(TagChange { remove: words(&["one"]), ..TagChange::default() }, &["two"]);
    check(TagChange { set: Some(words(&["x", "y", "x"])), ..TagChange::default() }, &["x", "y"]);
    check(TagChange { set: Some(Vec::new()), ..TagChange::default() }, &[]);
}

#[test]
fn a_plan_does_not_empty_a_group_unless_it_may() {
    let repository = repository();
    for hour in 0..5 {
        add(&repository, "a", hour);
        add(&repository, "b", hour);
    }
    let snapshots = repository.history().snapshots();
    let filter = SnapshotFilter::default();
    let plan = |policy: &Policy, allow_remove_all| {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let group_by = GroupBy::default();
        let zone = &TimeZone::UTC;
        plan_forget(
            &snapshots,
            &ForgetPlan { policy, group_by, filter: &filter, zone, now, allow_remove_all },
        )
    };
    let two = Policy { last: Some(Count::Number(2)), ..Policy::default() };
    let outcomes = plan(&two, false).unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.remove.len()).collect::<Vec<_>>(), [3, 3]);
    let none = Policy { allow_empty: true, ..Policy::default() };
    let error = plan(&none, false).unwrap_err();
    assert!(error.to_string().contains("host a"), "{error}");
    assert!(plan(&none, true).unwrap().iter().all(|outcome| outcome.keep.is_empty()));
    assert!(matches!(plan(&Policy::default(), true), Err(ForgetError::Policy(_))));
}

#[test]
fn dates_that_contradict_the_chain_are_told() {
    let repository = repository();
    // The fifth may have run concurrently with the fourth.
    let hours = [100, 200, 150, 300, 299, 5000];
    let [_, second, back_dated, _, _, future] = hours.map(|hour| add(&repository, "a", hour));
    // In another chain, so it is no evidence.
    add(&repository, "b", 120);
    let now = Timestamp::from_second(4000 * 3600).unwrap();
    let told = |keep: u32| {
        let snapshots = repository.history().snapshots();
        let policy = Policy { last: Some(Count::Number(keep)), ..Policy::default() };
        let plan = ForgetPlan {
            policy: &policy,
            group_by: GroupBy { host: false, paths: false, tags: false },
            filter: &SnapshotFilter::default(),
            zone: &TimeZone::UTC,
            now,
            allow_remove_all: false,
        };
        doubts(&plan_forget(&snapshots, &plan).unwrap(), &snapshots, now)
    };
    let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
    let of_the_future = Doubt::Future { snapshot: future, time: at(5000) };
    let out_of_order = Doubt::BackDated {
        snapshot: back_dated,
        time: at(150),
        after: second,
        after_time: at(200),
    };
    assert_eq!(told(4), [of_the_future, out_of_order]);
    assert_eq!(told(3), [of_the_future], "forgotten ones raise no doubt");
    assert_eq!(told(9), [of_the_future], "nothing is forgotten, so nothing was displaced");
}
