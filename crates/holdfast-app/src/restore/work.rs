//! Carrying out a restore, step by step.

use std::path::PathBuf;

use holdfast_engine::Observer;

use super::across::Unfinished;
use super::agreed::Agreed;
use super::plan::Plan;
use super::report::{RestoreReport, StepReport, StepState, Verified};
use super::step::Step;
use super::{Prepared, RestoreError};
use crate::hooks::{Hooks, Outcome, Stage, StageError, State};

/// Why the application is not started.
const NOT_STARTED: &str = "the application was not started on partly restored data; \
                           --start-anyway starts it";
/// Why its health is not checked.
const NOT_RUNNING: &str = "the application could not be started";

/// The result of one step.
#[derive(Default)]
pub(super) struct Done {
    pub message: String,
    pub verified: Vec<Verified>,
}

impl Done {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), verified: Vec::new() }
    }
}

impl Prepared<'_> {
    /// Carries out `plan`, which must be the plan of this restore, confirmed by the user if it
    /// needs that. Every location is checked again; one that has changed since the plan was made is
    /// left alone.
    ///
    /// It always returns a report, which says what was done, what was not, and why.
    pub fn restore(
        &self,
        plan: &Plan,
        hooks: &Hooks<'_>,
        observer: &dyn Observer,
        on_step: &dyn Fn(&StepReport),
    ) -> RestoreReport {
        let mut report = self.empty_report();
        let mut work = Work {
            prepared: self,
            agreed: &plan.agreed,
            hooks,
            observer,
            on_step,
            report: &mut report,
            made: Vec::new(),
            unfinished: Vec::new(),
            is_touched: false,
            hold: None,
            fails_again: false,
        };
        let outcome = |result: &Result<Outcome, RestoreError>| match result {
            Ok(outcome) => outcome.clone(),
            Err(_) => Outcome { state: State::Failed, ..Outcome::default() },
        };
        let ended = hooks.around(Stage::Restore, || Ok(work.run()), outcome);
        if let Err(StageError::Hook(hook)) = ended {
            let error = RestoreError::refused(format!("{hook}, so nothing was restored"));
            report.fail(&error);
            report.steps = self.steps.iter().map(|step| not_done(step, "")).collect();
            report.steps.iter().for_each(on_step);
        }
        report.ended = (self.context.now)();
        report.duration_seconds =
            report.ended.duration_since(report.started).as_secs_f64().max(0.0);
        report
    }

    fn empty_report(&self) -> RestoreReport {
        let now = (self.context.now)();
        RestoreReport {
            app: self.target.app.name.to_string(),
            run: self.context.run.to_owned(),
            snapshot: self.data.id.to_hex(),
            snapshot_time: self.data.snapshot.time,
            keys_snapshot: self.keys.snapshot.as_ref().map(|info| info.id.to_hex()),
            state: State::Ok,
            started: now,
            ended: now,
            duration_seconds: 0.0,
            steps: Vec::new(),
            error: None,
            next: Vec::new(),
            warnings: self.warnings.clone(),
            incomplete: self.incomplete.clone(),
            interrupted: false,
        }
    }
}

fn not_done(step: &Step<'_>, message: &str) -> StepReport {
    StepReport {
        name: step.name(),
        state: StepState::NotDone,
        duration_seconds: 0.0,
        message: message.to_owned(),
        verified: Vec::new(),
    }
}

/// A restore in progress.
pub(super) struct Work<'a, 'p> {
    pub prepared: &'p Prepared<'p>,
    pub agreed: &'a Agreed,
    pub hooks: &'a Hooks<'a>,
    pub observer: &'a dyn Observer,
    on_step: &'a dyn Fn(&StepReport),
    pub report: &'a mut RestoreReport,
    /// Paths restored so far; everything below them was made by this restore.
    pub made: Vec<PathBuf>,
    /// Databases that are finished once all of them are restored.
    pub unfinished: Vec<Unfinished<'p>>,
    /// True once data of the application may have been changed.
    is_touched: bool,
    /// Why the application must not be started, if so.
    pub hold: Option<&'static str>,
    /// True if a failure will recur until its cause is fixed.
    fails_again: bool,
}

impl<'p> Work<'_, 'p> {
    /// Carries out the steps until one fails.
    fn run(&mut self) -> Outcome {
        let steps = &self.prepared.steps;
        for step in steps {
            match self.why_not(step) {
                Some(why) => self.tell(not_done(step, why)),
                None => {
                    let state = self.step(step);
                    if state == StepState::Wrong && matches!(step, Step::Start(_)) {
                        self.hold = Some(NOT_RUNNING);
                    }
                }
            }
        }
        self.tell_unfinished();
        if self.report.state == State::Failed {
            self.advise();
        } else if !self.report.incomplete.is_empty()
            || self.report.steps.iter().any(|step| step.state == StepState::Wrong)
        {
            self.report.state = State::Incomplete;
        }
        Outcome {
            state: self.report.state,
            snapshot: Some(self.report.snapshot.clone()),
            error: self.report.error.clone(),
        }
    }

    /// Why a step is not started; `None` if it is.
    fn why_not(&self, step: &Step<'_>) -> Option<&'static str> {
        let has_failed = self.report.state == State::Failed;
        let is_anyway = self.prepared.wishes.start_anyway;
        match step {
            // If no data was changed, the application can run as before.
            Step::Start(_) if has_failed && !self.is_touched => None,
            Step::Start(_) | Step::Health(..) if has_failed && !is_anyway => Some(NOT_STARTED),
            Step::Health(..) if self.hold == Some(NOT_RUNNING) => Some(NOT_RUNNING),
            Step::Start(_) | Step::Health(..) => self.hold.filter(|_| !is_anyway),
            _ => has_failed.then_some(""),
        }
    }

    fn step(&mut self, step: &'p Step<'p>) -> StepState {
        let began = (self.prepared.context.now)();
        let outcome = match self.prepared.context.is_stopped() && !matches!(step, Step::Start(_)) {
            true => Err(RestoreError::Interrupted),
            false => self.begin(step),
        };
        let took = (self.prepared.context.now)().duration_since(began).as_secs_f64().max(0.0);
        let (state, message, verified) = match outcome {
            Ok(done) => {
                let wrong = done.verified.iter().any(|it| !it.passed);
                let state = if wrong { StepState::Wrong } else { StepState::Done };
                (state, done.message, done.verified)
            }
            Err(error) => {
                self.report.fail(&error);
                self.fails_again |= error.fails_again();
                (StepState::Failed, error.to_string(), Vec::new())
            }
        };
        let name = step.name();
        self.tell(StepReport { name, state, duration_seconds: took, message, verified });
        state
    }

    /// Carries out a step, and records whether it may have changed something.
    fn begin(&mut self, step: &'p Step<'p>) -> Result<Done, RestoreError> {
        let made = self.made.len();
        let outcome = self.act(step);
        let is_left = matches!(outcome, Err(RestoreError::Changed { .. }));
        self.is_touched |= step.is_data() && !(is_left && made == self.made.len());
        outcome
    }

    fn tell(&mut self, step: StepReport) {
        (self.on_step)(&step);
        self.report.steps.push(step);
    }

    /// What to do after a failure.
    fn advise(&mut self) {
        let next = match (self.is_touched, self.fails_again) {
            (_, true) => {
                "fix the cause, then run the same command again; what was restored is kept"
            }
            (true, _) => "run the same command again; what was restored is recognized and kept",
            (false, _) => "run the same command again; nothing was changed",
        };
        self.report.next.push(next.to_owned());
    }
}
