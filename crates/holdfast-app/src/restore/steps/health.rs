//! Waiting until the application reports that it works.

use std::time::{Duration, Instant};

use crate::kind::step::{
    Effect, Planning, RestoreContext, RestoreError, RestoreStep, StepOutcome, StepRole, StepWork,
    Verified,
};
use crate::notify::{HttpClient, HttpOptions};
use crate::settings::WebUrl;

/// Interval between requests.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// Time limit for one request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time until an interrupt is noticed.
const STOP_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until the application works.
pub(super) struct HealthStep<'a> {
    pub url: &'a WebUrl,
    pub timeout: Duration,
}

impl RestoreStep for HealthStep<'_> {
    fn name(&self) -> String {
        "health".to_owned()
    }

    fn role(&self) -> StepRole {
        StepRole::Health
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let seconds = self.timeout.as_secs();
        let detail = format!("waits up to {seconds} seconds for a 2xx status");
        planning.push(self.name(), Effect::Check, detail);
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let (is_right, message, found) = match wait(self.url, self.timeout, work.scene.context) {
            Health::Interrupted => return Err(RestoreError::Interrupted),
            Health::Works(status) => {
                (true, "the application answers".to_owned(), format!("it returned status {status}"))
            }
            Health::Silent(last) => {
                let seconds = self.timeout.as_secs();
                let message = format!(
                    "the application did not return a 2xx status within {seconds} seconds: {last}"
                );
                let next = "check the logs of the application, or set a longer health-timeout in \
                            [restore]";
                work.next.push(next.into());
                (false, message.clone(), message)
            }
        };
        Ok(StepOutcome { message, verified: vec![Verified::new("health", is_right, found)] })
    }
}

/// The result of waiting.
enum Health {
    /// A 2xx status.
    Works(u16),
    /// No 2xx status in time; the last answer.
    Silent(String),
    /// The user asked to stop.
    Interrupted,
}

/// Requests the URL until it returns a 2xx status or the time is up.
fn wait(url: &WebUrl, timeout: Duration, context: &RestoreContext<'_>) -> Health {
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
            if context.connections.is_stopped() {
                return Health::Interrupted;
            }
            if began.elapsed() >= timeout {
                return Health::Silent(answer);
            }
            std::thread::sleep(STOP_INTERVAL);
        }
    }
}
