//! Carrying out a restore, step by step.

use holdfast_engine::Observer;

use super::plan::RestorePlan;
use super::report::{RestoreAppReport, StepReport, StepState};
use super::{Hold, PreparedRestore, RestoreError};
use crate::hooks::{EndState, Hooks, Stage, StageError, WorkOutcome};
use crate::kind::step::{RestoreStep, StepOutcome, StepRole, StepWork};

impl PreparedRestore<'_> {
    /// Carries out `plan`, which must be the plan of this restore, confirmed by the user if it
    /// needs that. Every location is checked again; one that has changed since the plan was made is
    /// left alone.
    ///
    /// It always returns a report, which says what was done, what was not, and why.
    pub fn restore(
        &self,
        plan: &RestorePlan,
        hooks: &Hooks<'_>,
        observer: &dyn Observer,
        on_step: &dyn Fn(&StepReport),
    ) -> RestoreAppReport {
        let mut report = self.empty_report();
        let step_work = StepWork {
            scene: &self.scene,
            agreed: &plan.agreed,
            hooks,
            observer,
            restored_paths: Vec::new(),
            warnings: self.warnings.clone(),
            incomplete: self.incomplete.clone(),
            next: Vec::new(),
            hold: None,
        };
        let mut work = RestoreWork {
            prepared: self,
            step_work,
            on_step,
            report: &mut report,
            is_touched: false,
            fails_again: false,
        };
        let outcome = |result: &Result<WorkOutcome, RestoreError>| match result {
            Ok(outcome) => outcome.clone(),
            Err(_) => WorkOutcome { state: EndState::Failed, ..WorkOutcome::default() },
        };
        let ended = hooks.around(Stage::Restore, || Ok(work.run()), outcome);
        if let Err(StageError::Hook(hook)) = ended {
            let error = RestoreError::refused(format!("{hook}, so nothing was restored"));
            report.fail(&error);
            report.steps = self.steps.iter().map(|step| not_done(&**step, None)).collect();
            report.steps.iter().for_each(on_step);
        }
        report.ended = (self.scene.context.now)();
        report.duration_seconds =
            report.ended.duration_since(report.started).as_secs_f64().max(0.0);
        report
    }

    fn empty_report(&self) -> RestoreAppReport {
        let now = (self.scene.context.now)();
        RestoreAppReport {
            app: self.target.app.name.to_string(),
            run: self.scene.context.run.to_owned(),
            snapshot: self.scene.data.id.to_hex(),
            snapshot_time: self.scene.data.snapshot.time,
            keys_snapshot: self.scene.keys.map(|info| info.id.to_hex()),
            state: EndState::Ok,
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

fn not_done(step: &dyn RestoreStep, hold: Option<Hold>) -> StepReport {
    StepReport {
        name: step.name(),
        state: StepState::NotDone,
        duration_seconds: 0.0,
        message: hold.map(Hold::sentence).unwrap_or_default().to_owned(),
        next: hold.and_then(Hold::next),
        verified: Vec::new(),
    }
}

/// A restore in progress.
struct RestoreWork<'a, 'p> {
    prepared: &'p PreparedRestore<'p>,
    step_work: StepWork<'a>,
    on_step: &'a dyn Fn(&StepReport),
    report: &'a mut RestoreAppReport,
    /// True once data of the application may have been changed.
    is_touched: bool,
    /// True if a failure will recur until its cause is fixed.
    fails_again: bool,
}

impl RestoreWork<'_, '_> {
    /// Carries out the steps until one fails.
    fn run(&mut self) -> WorkOutcome {
        let steps = &self.prepared.steps;
        for step in steps {
            match self.why_not(&**step) {
                Some(hold) => self.tell(not_done(&**step, hold)),
                None => self.step(&**step),
            }
        }
        steps.iter().for_each(|step| step.abandon(&mut self.step_work));
        if self.report.state == EndState::Failed {
            self.advise();
        } else if !self.step_work.incomplete.is_empty()
            || self.report.steps.iter().any(|step| step.state == StepState::Wrong)
        {
            self.report.state = EndState::Incomplete;
        }
        self.report.warnings = std::mem::take(&mut self.step_work.warnings);
        self.report.incomplete = std::mem::take(&mut self.step_work.incomplete);
        let next = std::mem::take(&mut self.step_work.next);
        self.report.next.splice(..0, next);
        WorkOutcome {
            state: self.report.state,
            snapshot: Some(self.report.snapshot.clone()),
            error: self.report.error.clone(),
        }
    }

    /// Why a step is not started; `None` if it is.
    fn why_not(&self, step: &dyn RestoreStep) -> Option<Option<Hold>> {
        let has_failed = self.report.state == EndState::Failed;
        let is_anyway = self.step_work.request().start_anyway;
        let hold = self.step_work.hold;
        match step.role() {
            // If no data was changed, the application can run as before.
            StepRole::Start if has_failed && !self.is_touched => None,
            StepRole::Start | StepRole::Health if has_failed && !is_anyway => {
                Some(Some(Hold::PartlyRestored))
            }
            StepRole::Health if hold == Some(Hold::NotRunning) => Some(hold),
            StepRole::Start | StepRole::Health => hold.filter(|_| !is_anyway).map(Some),
            StepRole::Data | StepRole::Other => has_failed.then_some(None),
        }
    }

    fn step(&mut self, step: &dyn RestoreStep) {
        let now = self.prepared.scene.context.now;
        let began = now();
        let outcome = self.begin(step);
        let took = now().duration_since(began).as_secs_f64().max(0.0);
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
        let next = None;
        self.tell(StepReport { name, state, duration_seconds: took, message, next, verified });
    }

    /// Carries out a step, and records whether it may have changed something.
    fn begin(&mut self, step: &dyn RestoreStep) -> Result<StepOutcome, RestoreError> {
        let is_stopped = self.prepared.scene.context.connections.is_stopped();
        if is_stopped && step.role() != StepRole::Start {
            return Err(RestoreError::Interrupted);
        }
        let restored = self.step_work.restored_paths.len();
        let outcome = step.act(&mut self.step_work);
        let is_left = matches!(outcome, Err(RestoreError::Changed { .. }));
        let is_untouched = is_left && restored == self.step_work.restored_paths.len();
        self.is_touched |= step.role() == StepRole::Data && !is_untouched;
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
        self.report.next.push(next.into());
    }
}
