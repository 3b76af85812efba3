//! Databases whose server restarts, or ends the session, while they are captured.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use holdfast_connect::postgres;
use holdfast_engine::backup::Capture;

use super::cuts::postgres_options;
use super::source::Made;
use super::{Asked, RunError, RunReport, Work, keys, preflight};
use crate::config::{Source, SourceKind};

/// Attempts of a source, and of a run, that lose a database server midway.
pub(super) const ATTEMPTS_MAX: usize = 3;

/// How long a restarted server may take to answer again.
const RESTART_TIMEOUT: Duration = Duration::from_secs(60);
/// Interval between two probes for that.
const RESTART_INTERVAL: Duration = Duration::from_millis(500);

impl Work<'_> {
    /// Captures a source, and again if it is a database whose cut was lost: as of another moment,
    /// for which its checks are evaluated again.
    pub(super) fn persistently<'a>(
        &'a self,
        capture: &mut Capture<'_>,
        source: &'a Source,
        mut made: Made<'a>,
        asked: &mut Asked<'_>,
        report: &mut RunReport,
    ) -> Result<u64, RunError> {
        let mut attempt = 1;
        loop {
            let error = match self.source_and_missing(capture, source, &made, asked, report) {
                Err(error) if !error.is_fenced() && attempt < ATTEMPTS_MAX => error,
                outcome => return outcome,
            };
            if !self.begin_source_again(source, asked, report)? {
                return Err(error);
            }
            made = Made::new(source, self.context, asked.cuts, asked.previous)?;
            attempt += 1;
            let name = source.name.as_str();
            report.warnings.push(format!("source {name:?} was captured again: {}", error.reason()));
        }
    }

    /// Opens another cut of a database whose cut was lost, and evaluates its checks again; false if
    /// it was not lost, or if the server does not answer.
    fn begin_source_again(
        &self,
        source: &Source,
        asked: &mut Asked<'_>,
        report: &RunReport,
    ) -> Result<bool, RunError> {
        let Asked { asking, questions, cuts, .. } = asked;
        if !cuts.has_lost(source) || !self.answers_again(Some(source)) {
            return Ok(false);
        }
        cuts.open_one(source, self.context)?;
        questions.ask_again(asking, cuts, &source.name)?;
        if let Some(snapshot) = &report.keys {
            keys::answer(self, snapshot, questions)?;
        }
        Ok(true)
    }

    /// True once a database, or everything, can be captured again. A server that restarts answers
    /// soon.
    pub(super) fn answers_again(&self, source: Option<&Source>) -> bool {
        let is_stopped = || self.context.stop.load(Ordering::SeqCst);
        let until = Instant::now() + RESTART_TIMEOUT;
        while !is_stopped() && Instant::now() < until {
            let answers = match source.map(|source| (source, &source.kind)) {
                Some((source, SourceKind::Postgres(settings))) => {
                    postgres_options(source, settings, self.context)
                        .is_ok_and(|options| postgres::preflight(&options).is_ok())
                }
                _ => preflight(self.file, self.context).is_ok(),
            };
            if answers {
                return true;
            }
            std::thread::sleep(RESTART_INTERVAL);
        }
        false
    }
}
