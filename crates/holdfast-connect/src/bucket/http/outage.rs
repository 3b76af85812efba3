//! How long to wait for an unavailable server: all requests of a connection share one limit.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::bucket::{BucketError, OnWait, Retries};

/// Waits shorter than this are not reported.
const QUIET: Duration = Duration::from_secs(10);

/// Since when the server has been unavailable, if it is.
#[derive(Debug)]
pub struct Outage {
    retries: Retries,
    on_wait: Option<OnWait>,
    state: Mutex<OutageState>,
}

#[derive(Debug, Default)]
struct OutageState {
    since: Option<Instant>,
    is_told: bool,
}

impl Outage {
    /// A server that is available as far as is known.
    pub fn new(retries: Retries, on_wait: Option<OnWait>) -> Self {
        Self { retries, on_wait, state: Mutex::default() }
    }

    /// The server has responded.
    pub fn is_over(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = OutageState::default();
    }

    /// How long to wait before the next attempt; `None` if there is to be none. `error` is the last
    /// failure, `is_away` whether the server is unavailable rather than failing this one request,
    /// `asked` how long the server asks to be left alone.
    pub fn wait(
        &self,
        attempts: u32,
        error: &BucketError,
        is_away: bool,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        let left = if is_away { self.left() } else { Duration::ZERO };
        let is_enough = attempts >= self.retries.attempts;
        if is_enough && (left.is_zero() || attempts == u32::MAX) {
            return None;
        }
        self.tell(error, left);
        let wait = retry_after.unwrap_or_default().max(self.wait_after(attempts));
        // A server that asks for more time than the limit allows does not get it.
        Some(wait.min(left.max(self.retries.wait_max)))
    }

    /// What is left of the limit.
    fn left(&self) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *state.since.get_or_insert_with(Instant::now);
        self.retries.patience.saturating_sub(since.elapsed())
    }

    fn tell(&self, error: &BucketError, left: Duration) {
        let Some(OnWait(on_wait)) = &self.on_wait else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_long = state.since.is_some_and(|since| since.elapsed() >= QUIET);
        if is_long && !left.is_zero() && !std::mem::replace(&mut state.is_told, true) {
            on_wait(&error.to_string(), left);
        }
    }

    /// Half of the wait is random, so that many clients do not return at the same time.
    pub fn wait_after(&self, attempts: u32) -> Duration {
        let doubled =
            self.retries.first_wait.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        let wait = doubled.min(self.retries.wait_max);
        let mut random = [0; 2];
        // Without random numbers the wait is the longest possible.
        let share = match getrandom::fill(&mut random) {
            Ok(()) => f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX),
            Err(_) => 1.0,
        };
        wait.mul_f64(0.5 + share / 2.0)
    }

    /// Number of attempts that an interrupted transfer may take.
    pub fn attempts_max(&self) -> u32 {
        self.retries.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(attempts: u32, patience: u64) -> Outage {
        let retries = Retries {
            attempts,
            patience: Duration::from_secs(patience),
            first_wait: Duration::from_millis(1),
            wait_max: Duration::from_secs(20),
        };
        Outage::new(retries, None)
    }

    #[test]
    fn a_failing_request_is_retried_a_limited_number_of_times() {
        let outage = outage(3, 600);
        let wait = |attempts| outage.wait(attempts, &BucketError::Changed, false, None);
        assert!(wait(1).is_some() && wait(2).is_some() && wait(3).is_none());
    }

    #[test]
    fn a_server_that_is_away_is_waited_for_as_it_asks() {
        let patient = outage(3, 600);
        let retry_after = Some(Duration::from_secs(120));
        let wait = |attempts, retry_after| {
            patient.wait(attempts, &BucketError::Changed, true, retry_after)
        };
        assert_eq!(wait(1, retry_after), retry_after);
        assert_eq!(wait(50, retry_after), retry_after, "whatever the attempt");
        let whole_day = Some(Duration::from_secs(86_400));
        assert!(wait(50, whole_day).unwrap() <= Duration::from_secs(600), "not forever");
        assert!(wait(u32::MAX, None).is_none(), "what is final is final");
        let impatient = outage(3, 0);
        let wait = |attempts| impatient.wait(attempts, &BucketError::Changed, true, whole_day);
        assert_eq!(wait(1), Some(Duration::from_secs(20)));
        assert!(wait(3).is_none());
    }
}
