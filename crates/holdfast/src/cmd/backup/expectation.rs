//! Estimates how much of a backup will have to be read, before any of it is known.

use holdfast_format::record::SnapshotSummary;
use holdfast_repo::SnapshotInfo;

/// The share of the bytes, 0 to 1, that will have to be read: all without a parent, else the same
/// share as for the parent. `None` if the parent was a first backup, which tells nothing.
pub fn share_to_read(parents: &[SnapshotInfo]) -> Option<f64> {
    match parents.first() {
        None => Some(1.0),
        Some(parent) if parent.snapshot.parent.is_none() => None,
        Some(parent) => Some(share_that_was_read(&parent.snapshot.summary)),
    }
}

fn share_that_was_read(summary: &SnapshotSummary) -> f64 {
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    // Data that was read but already stored is not among the bytes added, and large files hardly
    // show in the number of files: the larger of the two shares is closer.
    let files = share(summary.files_new + summary.files_changed, summary.total_files_processed);
    let bytes = share(summary.data_added, summary.total_bytes_processed);
    files.max(bytes).min(1.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::output::eta::{EtaEstimator, RateSample};

    const GIB: u64 = 1 << 30;

    /// A backup of 1,000 files and 100 GiB, with these numbers of new files and bytes.
    fn summary(files_changed: u64, data_added: u64) -> SnapshotSummary {
        SnapshotSummary {
            files_changed,
            data_added,
            total_files_processed: 1000,
            total_bytes_processed: 100 * GIB,
            ..SnapshotSummary::default()
        }
    }

    #[test]
    fn the_parent_says_how_much_is_read() {
        assert_eq!(share_to_read(&[]), Some(1.0));
        assert_eq!(share_that_was_read(&summary(5, 20 * GIB)), 0.2);
        assert_eq!(share_that_was_read(&summary(500, 20 * GIB)), 0.5);
        assert_eq!(share_that_was_read(&summary(5, 900 * GIB)), 1.0);
    }

    /// An hourly run: 99 GiB are unchanged, and the 1 GiB to read comes first. Ten seconds into
    /// that file's twenty, the estimate must not predict half an hour for the rest.
    #[test]
    fn what_is_unchanged_weighs_next_to_nothing() {
        let estimate = |mut estimator: EtaEstimator| {
            for second in 1..=10 {
                estimator.update(RateSample {
                    now: Duration::from_secs(second),
                    total_bytes: 100 * GIB,
                    skipped_bytes: 0,
                    processed_bytes: second * GIB / 20,
                    scan_finished: true,
                });
            }
            estimator.remaining().unwrap().as_secs()
        };
        let share = share_that_was_read(&summary(10, GIB));
        let (expecting, blind) =
            (estimate(EtaEstimator::expecting(share)), estimate(EtaEstimator::new()));
        assert!(expecting < 80 && blind > 1800, "{expecting} {blind}");
    }
}
