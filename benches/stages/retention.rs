//! The default policy on 10,000 snapshots.

use criterion::{BatchSize, Criterion, Throughput};
use holdfast_benches::snapshots;
use holdfast_engine::retention::{self, GroupBy, Policy};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const SNAPSHOTS: u64 = 10_000;
/// A rule for summer time, so that no time zone database is needed.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

pub fn apply(criterion: &mut Criterion) {
    let now: Timestamp = "2026-11-20T14:30:00Z".parse().unwrap();
    let (zone, policy) = (TimeZone::posix(BERLIN).unwrap(), Policy::default_keep());
    let candidates = snapshots(SNAPSHOTS, now);
    let mut group = criterion.benchmark_group("retention");
    group.throughput(Throughput::Elements(SNAPSHOTS));
    group.bench_function("default policy", |bencher| {
        bencher.iter_batched(
            || candidates.clone(),
            |candidates| {
                retention::apply(&policy, candidates, GroupBy::default(), &zone, now).unwrap()
            },
            BatchSize::LargeInput,
        );
    });
}
