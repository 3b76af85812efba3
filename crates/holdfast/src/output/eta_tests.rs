//! Simulated runs: estimates are compared with the time that actually remained.

use super::*;

const SKIP_RATE: f64 = 4000.0;
const READ_RATE: f64 = 100.0;

/// Processes files, given as (MiB, unchanged), one after the other at the rates above, with samples
/// every 100 ms. Returns (seconds, estimate, truth) for each sample that has an estimate.
fn simulate(files: &[(f64, bool)], mut estimator: EtaEstimator) -> Vec<(f64, f64, f64)> {
    let cost =
        |&(size, unchanged): &(f64, bool)| size / if unchanged { SKIP_RATE } else { READ_RATE };
    let total: f64 = files.iter().map(|file| file.0).sum();
    let end: f64 = files.iter().map(cost).sum();
    let mut seen = Vec::new();
    for step in 1..=(end * 10.0) as u32 {
        let now = f64::from(step) / 10.0;
        let (mut left, mut skipped, mut read) = (now, 0.0, 0.0);
        for file in files {
            let part = (left / cost(file)).clamp(0.0, 1.0);
            *(if file.1 { &mut skipped } else { &mut read }) += file.0 * part;
            left -= cost(file);
        }
        estimator.update(RateSample {
            now: Duration::from_secs_f64(now),
            total_bytes: (total * MIB) as u64,
            skipped_bytes: (skipped * MIB) as u64,
            processed_bytes: (read * MIB) as u64,
            scan_finished: true,
        });
        if let Some(estimate) = estimator.remaining() {
            seen.push((now, estimate.as_secs_f64(), end - now));
        }
    }
    seen
}

/// Every estimate after `warm_up` seconds is within `tolerance` (a share) of the truth, or 1.5 s.
fn check(files: &[(f64, bool)], estimator: EtaEstimator, warm_up: f64, tolerance: f64) {
    let seen = simulate(files, estimator);
    assert!(!seen.is_empty());
    for (now, estimate, truth) in seen.into_iter().filter(|seen| seen.0 >= warm_up) {
        let allowed = (truth * tolerance).max(1.5);
        assert!((estimate - truth).abs() <= allowed, "at {now}: {estimate} instead of {truth}");
    }
}

#[test]
fn first_backup() {
    check(&[(3000.0, false)], EtaEstimator::new(), 0.3, 0.01);
}

#[test]
fn nothing_changed() {
    check(&[(40_000.0, true)], EtaEstimator::new(), 0.3, 0.01);
}

/// One file in fifty changed, evenly spread: the estimate is steady although the rate of bytes
/// keeps jumping by a factor of forty.
#[test]
fn few_changes_everywhere() {
    let files: Vec<_> = (0..2000).map(|index| (50.0, index % 50 != 25)).collect();
    check(&files, EtaEstimator::new(), 8.0, 0.25);
}

/// All changes come first. Knowing how much changed last time keeps the estimate close to the truth
/// where a single rate would predict a thousand seconds.
#[test]
fn changes_first_with_an_expectation() {
    let files = [(1000.0, false), (99_000.0, true)];
    let at_nine = |estimator: EtaEstimator| {
        simulate(&files, estimator).into_iter().find(|seen| seen.0 >= 9.0).unwrap()
    };
    let (_, blind, truth) = at_nine(EtaEstimator::new());
    let (_, expecting, _) = at_nine(EtaEstimator::expecting(0.01));
    assert!(blind > 900.0 && expecting < 100.0 && truth < 30.0, "{blind} {expecting} {truth}");
}

#[test]
fn a_stall_is_counted() {
    let mut estimator = EtaEstimator::new();
    let mut sample =
        RateSample { total_bytes: 200 << 20, scan_finished: true, ..RateSample::default() };
    for second in 1..=10 {
        sample.now = Duration::from_secs(second);
        sample.processed_bytes = if second == 10 { 100 << 20 } else { 0 };
        estimator.update(sample);
    }
    let remaining = estimator.remaining().unwrap().as_secs_f64();
    assert!((remaining - 10.0).abs() < 0.1, "{remaining}");
}

#[test]
fn unknown_before_the_scan_ends_and_before_anything_moved() {
    let mut estimator = EtaEstimator::new();
    assert_eq!(estimator.remaining(), None);
    let sample =
        RateSample { now: Duration::from_secs(1), total_bytes: 100, ..RateSample::default() };
    estimator.update(RateSample { processed_bytes: 50, ..sample });
    assert_eq!(estimator.remaining(), None);
    let mut fresh = EtaEstimator::new();
    fresh.update(RateSample { scan_finished: true, ..sample });
    assert_eq!(fresh.remaining(), None);
}

#[test]
fn zero_at_the_end() {
    let mut estimator = EtaEstimator::new();
    estimator.update(RateSample {
        total_bytes: 5,
        skipped_bytes: 5,
        scan_finished: true,
        ..RateSample::default()
    });
    assert_eq!(estimator.remaining(), Some(Duration::ZERO));
    estimator.update(RateSample {
        total_bytes: 5,
        skipped_bytes: 9,
        scan_finished: true,
        ..RateSample::default()
    });
    assert_eq!(estimator.remaining(), Some(Duration::ZERO));
}
