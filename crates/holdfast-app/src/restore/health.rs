//! Waiting until the application reports that it works.

use std::time::{Duration, Instant};

use super::RestoreContext;
use crate::config::WebUrl;
use crate::notify::{HttpClient, HttpOptions};

/// Interval between requests.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// Time limit for one request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time until an interrupt is noticed.
const STOP_INTERVAL: Duration = Duration::from_millis(50);

/// The result of waiting.
pub(super) enum Health {
    /// A 2xx status.
    Works(u16),
    /// No 2xx status in time; the last answer.
    Silent(String),
    /// The user asked to stop.
    Interrupted,
}

/// Requests the URL until it returns a 2xx status or the time is up.
pub(super) fn wait(url: &WebUrl, timeout: Duration, context: &RestoreContext<'_>) -> Health {
    let options = HttpOptions { timeout: ANSWER_TIMEOUT.min(timeout), ..context.http.clone() };
    let client = match HttpClient::new(&options) {
        Ok(client) => client,
        Err(error) => return Health::Silent(error.to_string()),
    };
    let began = Instant::now();
    loop {
        let answer = match client.status(url) {
            Ok(status) if (200..300).contains(&status) => return Health::Works(status),
            Ok(status) => format!("it returned status {status}"),
            Err(reason) => reason,
        };
        let asked = Instant::now();
        while asked.elapsed() < ASK_INTERVAL {
            if context.is_stopped() {
                return Health::Interrupted;
            }
            if began.elapsed() >= timeout {
                return Health::Silent(answer);
            }
            std::thread::sleep(STOP_INTERVAL);
        }
    }
}
