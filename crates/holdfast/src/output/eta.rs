//! Estimates the remaining time, even if most of the data is already stored.
//!
//! Skipping an unchanged file costs next to nothing; reading one takes time. A single rate would
//! predict seconds while unchanged files are skipped and hours while a changed one is read. So each
//! has its own cost per byte, found by least squares from measurements, and the share of the rest
//! that needs reading is taken to be the share so far.

use std::time::Duration;

/// Shortest interval that counts as a measurement, in seconds.
const SHORTEST_STRETCH: f64 = 0.25;
/// Age at which a measurement has lost about two thirds of its weight, in seconds.
const MEMORY: f64 = 30.0;
/// Share of the total after which the observed share outweighs the expected one.
const WEIGHT_OF_EXPECTATION: f64 = 0.2;
const MIB: f64 = 1_048_576.0;

/// The state at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateSample {
    /// Time since the start.
    pub now: Duration,
    /// Bytes found so far by the scan.
    pub total_bytes: u64,
    /// Bytes skipped because their file is unchanged.
    pub skipped_bytes: u64,
    /// Bytes that were read.
    pub processed_bytes: u64,
    /// True once `total_bytes` is final.
    pub scan_finished: bool,
}

/// Weighted sums for `time = skip_cost * skipped + read_cost * processed`, in seconds and MiB.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    skipped_skipped: f64,
    skipped_read: f64,
    read_read: f64,
    skipped_time: f64,
    read_time: f64,
}

/// Estimates the remaining time from a series of samples.
#[derive(Debug, Clone, Default)]
pub struct EtaEstimator {
    latest: RateSample,
    measured: RateSample,
    sums: Sums,
    expected_share: Option<f64>,
}

impl EtaEstimator {
    /// Nothing is known yet.
    pub fn new() -> EtaEstimator {
        EtaEstimator::default()
    }

    /// Expects that this share (0 to 1) of the bytes will have to be read, based on the previous
    /// backup. Its influence fades as work progresses.
    pub fn expecting(share: f64) -> EtaEstimator {
        EtaEstimator { expected_share: Some(share.clamp(0.0, 1.0)), ..EtaEstimator::default() }
    }

    /// Adds a sample. Samples must be in chronological order.
    pub fn update(&mut self, sample: RateSample) {
        self.latest = sample;
        let since = |now: u64, before: u64| now.saturating_sub(before) as f64 / MIB;
        let skipped = since(sample.skipped_bytes, self.measured.skipped_bytes);
        let read = since(sample.processed_bytes, self.measured.processed_bytes);
        let seconds = sample.now.saturating_sub(self.measured.now).as_secs_f64();
        // An interval without progress is part of the one that ends with progress.
        if seconds >= SHORTEST_STRETCH && skipped + read > 0.0 {
            self.sums.add(skipped, read, seconds);
            self.measured = sample;
        }
    }

    /// The remaining time; `None` while it cannot be estimated.
    pub fn remaining(&self) -> Option<Duration> {
        let RateSample { total_bytes, skipped_bytes, processed_bytes, .. } = self.latest;
        let rest = total_bytes.saturating_sub(skipped_bytes.saturating_add(processed_bytes));
        if !self.latest.scan_finished {
            return None;
        }
        if rest == 0 {
            return Some(Duration::ZERO);
        }
        let (skip_cost, read_cost) = self.sums.costs()?;
        let share = self.share_to_read();
        let seconds = rest as f64 / MIB * (share * read_cost + (1.0 - share) * skip_cost);
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The share of the rest that will have to be read, 0 to 1.
    fn share_to_read(&self) -> f64 {
        let read = self.latest.processed_bytes as f64;
        let done = read + self.latest.skipped_bytes as f64;
        let weight = self.latest.total_bytes as f64 * WEIGHT_OF_EXPECTATION;
        match self.expected_share {
            Some(expected) => (read + expected * weight) / (done + weight).max(1.0),
            None => read / done.max(1.0),
        }
    }
}

impl Sums {
    /// The variance of a measurement grows with its bytes, so its weight falls with them.
    fn add(&mut self, skipped: f64, read: f64, seconds: f64) {
        let fade = (-seconds / MEMORY).exp();
        let weight = 1.0 / (skipped + read);
        let sum = |old: f64, product: f64| old * fade + product * weight;
        self.skipped_skipped = sum(self.skipped_skipped, skipped * skipped);
        self.skipped_read = sum(self.skipped_read, skipped * read);
        self.read_read = sum(self.read_read, read * read);
        self.skipped_time = sum(self.skipped_time, skipped * seconds);
        self.read_time = sum(self.read_time, read * seconds);
    }

    /// Seconds per MiB of skipping and of reading; `None` before the first measurement.
    fn costs(&self) -> Option<(f64, f64)> {
        let squares = self.skipped_skipped + 2.0 * self.skipped_read + self.read_read;
        if squares <= 0.0 {
            return None;
        }
        let common = (self.skipped_time + self.read_time) / squares;
        if self.read_read <= 0.0 {
            return Some((common, common));
        }
        let only_reading = (0.0, self.read_time / self.read_read);
        let product = self.skipped_skipped * self.read_read;
        let determinant = product - self.skipped_read * self.skipped_read;
        // Always the same proportion: then the split does not matter.
        if determinant <= product * 1e-6 {
            return Some(only_reading);
        }
        let skip = self.skipped_time * self.read_read - self.read_time * self.skipped_read;
        let read = self.read_time * self.skipped_skipped - self.skipped_time * self.skipped_read;
        match (skip / determinant, read / determinant) {
            (skip, _) if skip < 0.0 => Some(only_reading),
            // Reading is never cheaper than skipping; only noise can make it look so.
            (skip, read) if read < skip => Some((common, common)),
            costs => Some(costs),
        }
    }
}

#[cfg(test)]
#[path = "eta_tests.rs"]
mod tests;
