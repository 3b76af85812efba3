//! Stopping and starting the application.

use std::time::Duration;

use crate::hooks::Ending;
use crate::kind::step::{
    Effect, Hold, NextStep, Planning, RestoreError, RestoreStep, StepOutcome, StepRole, StepWork,
    Verified,
};
use crate::settings::Argv;

/// Time limit for stopping or starting the application.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(600);

/// Exit codes of service managers such as systemctl for services not installed or not running.
const NOT_RUNNING: [i32; 2] = [5, 7];

/// Stops the application.
pub(super) struct StopStep<'a>(pub &'a Argv);

/// Starts it.
pub(super) struct StartStep<'a>(pub &'a Argv);

impl RestoreStep for StopStep<'_> {
    fn name(&self) -> String {
        "stop the application".to_owned()
    }

    fn role(&self) -> StepRole {
        StepRole::Other
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        planning.push(self.name(), Effect::Run, format!("runs {}", self.0.program()));
        Ok(())
    }

    /// If nothing of the application is left, it need not be stopped, and the command that stops it
    /// may itself still have to be restored.
    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        match run(work, "stop", self.0) {
            Err(RestoreError::Command { message, .. }) if !work.agreed.is_in_use() => {
                work.warn([format!(
                    "{message}; nothing of the application exists here, so the restore continued"
                )]);
                Ok(StepOutcome::new("nothing was stopped"))
            }
            outcome => outcome,
        }
    }
}

impl RestoreStep for StartStep<'_> {
    fn name(&self) -> String {
        "start the application".to_owned()
    }

    fn role(&self) -> StepRole {
        StepRole::Start
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        planning.push(self.name(), Effect::Run, format!("runs {}", self.0.program()));
        Ok(())
    }

    /// A failure to start the application does not fail the restore.
    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        match run(work, "start", self.0) {
            Err(RestoreError::Command { message, next }) => {
                work.next.push(next);
                work.hold = Some(Hold::NotRunning);
                let verified = Verified::new("start", false, message.clone());
                Ok(StepOutcome { message, verified: vec![verified] })
            }
            outcome => outcome,
        }
    }
}

fn run(work: &StepWork<'_>, name: &str, argv: &Argv) -> Result<StepOutcome, RestoreError> {
    // A stopped application is started again even if the user interrupts the restore.
    let despite_interrupt = name == "start";
    let report = work.hooks.command(name, argv, COMMAND_TIMEOUT, despite_interrupt);
    match report.ending {
        Ending::Succeeded => Ok(StepOutcome::new(format!("{} succeeded", report.program))),
        Ending::Interrupted => Err(RestoreError::Interrupted),
        Ending::Failed(code) if name == "stop" && NOT_RUNNING.contains(&code) => {
            let program = &report.program;
            Ok(StepOutcome::new(format!(
                "{program} ended with exit code {code}: the application is not running"
            )))
        }
        _ => {
            let said = String::from_utf8_lossy(&report.output);
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
            let next = match name {
                "stop" => NextStep::AlreadyStopped,
                _ => format!("correct {name} = [...] in [restore]").into(),
            };
            Err(RestoreError::Command { message: format!("{report}{last}"), next })
        }
    }
}
