//! Waiting until the application answers that it works.

use std::time::{Duration, Instant};

use super::RestoreContext;
use crate::config::WebUrl;
use crate::notify::{HttpClient, HttpOptions};

/// How often it is asked.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a wish to stop may go unnoticed.
const STOP_INTERVAL: Duration = Duration::from_millis(50);

/// What the health address said.
pub(super) enum Health {
    /// A status of 2xx.
    Works(u16),
    /// Nothing of the kind in time; the last answer.
    Silent(String),
    /// The user asked to stop.
    Interrupted,
}

/// Asks until the answer is a status of 2xx, or the time is over.
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
            Ok(status) => format!("it answered {status}"),
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
