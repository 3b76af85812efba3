//! Databases whose server restarts, or ends the session, while they are captured.

use std::time::{Duration, Instant};

use super::source::SourceRun;
use super::{RunError, RunWork, keys, preflight};
use crate::kind::{AppSource, SourceCapture};

/// Attempts of a source, and of a run, that lose a database server midway.
pub(super) const ATTEMPTS_MAX: usize = 3;

/// How long a restarted server may take to answer again.
const RESTART_TIMEOUT: Duration = Duration::from_secs(60);
/// Interval between two probes for that.
const RESTART_INTERVAL: Duration = Duration::from_millis(500);

impl<'r> SourceRun<'r, '_, '_> {
    /// Captures the source, and again if it is a database whose cut was lost: as of another moment,
    /// for which its checks are evaluated again.
    pub(super) fn persistently(
        &mut self,
        mut ready: Box<dyn SourceCapture + 'r>,
    ) -> Result<u64, RunError> {
        let mut attempt = 1;
        loop {
            let error = match self.with_missing(&*ready) {
                Err(error) if !error.is_fenced() && attempt < ATTEMPTS_MAX => error,
                outcome => return outcome,
            };
            if !self.begin_again()? {
                return Err(error);
            }
            ready = self.ready()?;
            attempt += 1;
            let name = self.source.name.as_str();
            let warning = format!("source {name:?} was captured again: {}", error.reason());
            self.report.warnings.push(warning);
        }
    }

    /// Opens another cut of a database whose cut was lost, and evaluates its checks again; false if
    /// it was not lost, or if the server does not answer.
    fn begin_again(&mut self) -> Result<bool, RunError> {
        let (work, source) = (self.work, self.source);
        if !self.cuts.has_lost(source) || !work.answers_again(Some(source)) {
            return Ok(false);
        }
        self.cuts.open_one(source, &work.context.scene)?;
        let scene = work.cut_scene(self.cuts, self.time, self.memory);
        self.checks.ask_again(&work.file.checks, &scene, &source.name)?;
        if let Some(snapshot) = &self.report.keys {
            keys::answer(work, snapshot, self.checks)?;
        }
        Ok(true)
    }
}

impl RunWork<'_> {
    /// True once a database, or everything, can be captured again. A server that restarts answers
    /// soon.
    pub(super) fn answers_again(&self, source: Option<&AppSource>) -> bool {
        let scene = &self.context.scene;
        let until = Instant::now() + RESTART_TIMEOUT;
        while !scene.connections.is_stopped() && Instant::now() < until {
            let answers = match source {
                Some(source) => source.kind.probe(scene).is_ok(),
                None => preflight(self.file, scene).is_ok(),
            };
            if answers {
                return true;
            }
            std::thread::sleep(RESTART_INTERVAL);
        }
        false
    }
}
