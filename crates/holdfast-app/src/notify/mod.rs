//! Notices of a run: to a monitor, a webhook and Prometheus.
//!
//! No notice affects how a run ends. An unreachable monitor costs seconds and one line of output.

mod address;
mod healthchecks;
mod http;
mod notice;
mod prometheus;
#[cfg(test)]
mod tests;
mod webhook;

pub use healthchecks::Monitor;
pub use http::{HttpClient, HttpOptions, NoticeError};
pub use notice::{CheckNotice, RunNotice, SourceNotice};
pub use prometheus::{render, write_textfile};
pub use webhook::post;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Notify;
use crate::hooks::EndState;
use http::NoticeError as Error;

/// All notices that an app file requests.
pub struct Notices<'a> {
    rules: &'a Notify,
    http: Option<HttpClient>,
    monitor: Option<Monitor>,
    trouble: Vec<Error>,
}

impl<'a> Notices<'a> {
    /// Prepares the notices, and reports the start of a run to the monitor. `run_id` marks the
    /// notices of one run.
    pub fn begin(rules: &'a Notify, options: &HttpOptions, run_id: &str) -> Self {
        let mut notices = Self { rules, http: None, monitor: None, trouble: Vec::new() };
        if rules.healthchecks.is_none() && rules.webhook.is_none() {
            return notices;
        }
        notices.http = notices.note(HttpClient::new(options));
        if let (Some(http), Some(healthchecks)) = (&notices.http, &rules.healthchecks) {
            let monitor = Monitor::new(http, healthchecks, run_id);
            let started = monitor.map(|mut monitor| {
                let started = monitor.start();
                (monitor, started)
            });
            if let Some((monitor, started)) = notices.note(started) {
                notices.monitor = Some(monitor);
                notices.note(started);
            }
        }
        notices
    }

    /// Sends all notices of the end of the run; the webhook gets `document`. Returns those that
    /// failed, to be printed.
    #[must_use]
    pub fn end(mut self, notice: &RunNotice, document: &impl Serialize) -> Vec<NoticeError> {
        if let Some(monitor) = self.monitor.take() {
            self.note(monitor.exit(notice.exit_code, &notice.text()));
        }
        if let (Some(http), Some(webhook)) = (self.http.take(), &self.rules.webhook) {
            let is_fine = notice.state == EndState::Ok && notice.exit_code == 0;
            self.note(post(&http, webhook, is_fine, document));
        }
        if let Some(prometheus) = &self.rules.prometheus {
            self.note(write_textfile(&prometheus.textfile, notice));
        }
        self.trouble
    }

    fn note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.trouble.push(error)).ok()
    }
}

/// Seconds between two moments; 0 if the clock was set back.
fn seconds_between(begin: Timestamp, end: Timestamp) -> f64 {
    end.duration_since(begin).as_secs_f64().max(0.0)
}
