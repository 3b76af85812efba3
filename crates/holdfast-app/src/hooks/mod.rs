//! Commands around runs, sources and restores.
//!
//! [`Hooks::around`] is the only way to run them, so the order is always the same: those before;
//! the work; those after success or after failure; finally those that run in either case. If a hook
//! before the work fails, the work is not started. Any other failure is reported and counted.
//!
//! The environment of a hook has `HOLDFAST_APP`, `HOLDFAST_RUN_ID`, `HOLDFAST_HOOK` (such as
//! `before-run`), `HOLDFAST_STATE` (`starting`, `ok`, `incomplete`, `failed`) and, if known,
//! `HOLDFAST_SOURCE`, `HOLDFAST_SNAPSHOT` and `HOLDFAST_ERROR`, but no secrets.

mod process;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

pub use process::Ending;

use crate::config::{Around, Hook, HookMoment};
use crate::settings::{AppName, Argv, SourceName};

/// Variables set only if they have a value.
const OPTIONAL_VARIABLES: [&str; 3] = ["HOLDFAST_SOURCE", "HOLDFAST_SNAPSHOT", "HOLDFAST_ERROR"];

/// What hooks run around.
#[derive(Debug, Clone, Copy)]
pub enum Stage<'a> {
    /// A whole run.
    Run,
    /// The capture of a source.
    Source(&'a SourceName),
    /// A restore.
    Restore,
}

/// How the work ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkOutcome {
    /// How.
    pub state: EndState,
    /// The snapshot that was made or restored.
    pub snapshot: Option<String>,
    /// What went wrong, in one sentence.
    pub error: Option<String>,
}

/// How the work ended, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndState {
    /// It succeeded.
    #[default]
    Ok,
    /// It was done, except for some entries, or with failed checks.
    Incomplete,
    /// It was not done.
    Failed,
}

/// A hook that has ended.
#[derive(Debug, Clone)]
pub struct HookReport {
    /// Its moment and what it ran around, as in `before-run`.
    pub name: String,
    /// The source it ran around.
    pub source: Option<SourceName>,
    /// The program; its arguments may hold secrets.
    pub program: String,
    /// How it ended.
    pub ending: Ending,
    /// How long it took.
    pub duration: Duration,
    /// The end of what it printed, at most 64 KiB.
    pub output: Vec<u8>,
    /// How much it printed.
    pub output_bytes: u64,
}

impl HookReport {
    /// True unless it succeeded.
    pub fn is_failure(&self) -> bool {
        self.ending != Ending::Succeeded
    }
}

impl fmt::Display for HookReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the hook {} ({})", self.name, self.program)?;
        match &self.ending {
            Ending::Succeeded => f.write_str(" succeeded"),
            Ending::Failed(code) => write!(f, " ended with exit code {code}"),
            Ending::Killed(signal) => write!(f, " was killed by signal {signal}"),
            Ending::TimedOut => write!(
                f,
                " did not finish within {} seconds and was terminated; set a longer timeout",
                self.duration.as_secs()
            ),
            Ending::Interrupted => f.write_str(" was interrupted"),
            Ending::NotStarted(reason) => write!(f, " could not be started: {reason}"),
        }
    }
}

/// Why the work did not succeed.
#[derive(Debug)]
pub enum StageError<E> {
    /// A hook before the work failed, so the work was not started.
    Hook(Box<HookReport>),
    /// The work itself failed.
    Work(E),
}

/// The hooks of a run, and where they report.
pub struct Hooks<'a> {
    hooks: &'a [Hook],
    app: &'a AppName,
    run_id: &'a str,
    is_interrupted: &'a dyn Fn() -> bool,
    observer: &'a dyn Fn(&HookReport),
    failures: Cell<u32>,
}

impl<'a> Hooks<'a> {
    /// The hooks of a run of `app`. `observer` is called with each one that has ended.
    /// `is_interrupted` ends hooks before and after the work, but not those after a failure or the
    /// final ones, which clean up.
    pub fn new(
        hooks: &'a [Hook],
        app: &'a AppName,
        run_id: &'a str,
        is_interrupted: &'a dyn Fn() -> bool,
        observer: &'a dyn Fn(&HookReport),
    ) -> Self {
        Self { hooks, app, run_id, is_interrupted, observer, failures: Cell::new(0) }
    }

    /// Number of hooks that have failed so far.
    pub fn failures(&self) -> u32 {
        self.failures.get()
    }

    /// Does the work with the hooks around it; `outcome` turns its result into what hooks are told.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn around<T, E>(
        &self,
        stage: Stage<'_>,
        work: impl FnOnce() -> Result<T, E>,
        outcome: impl FnOnce(&Result<T, E>) -> WorkOutcome,
    ) -> Result<T, StageError<E>> {
        let mut ending = AtTheEnd { hooks: self, stage, outcome: WorkOutcome::unknown() };
        if let Err(report) = self.before(stage) {
            ending.outcome.error = Some(report.to_string());
            return Err(StageError::Hook(report));
        }
        let result = work();
        ending.outcome = outcome(&result);
        result.map_err(StageError::Work)
    }

    fn before(&self, stage: Stage<'_>) -> Result<(), Box<HookReport>> {
        for hook in self.at(stage, HookMoment::Before) {
            let report = self.run(hook, stage, "starting", &WorkOutcome::default());
            if report.is_failure() {
                return Err(Box::new(report));
            }
        }
        Ok(())
    }

    fn after(&self, stage: Stage<'_>, outcome: &WorkOutcome) {
        let moment = match outcome.state {
            EndState::Ok | EndState::Incomplete => HookMoment::After,
            EndState::Failed => HookMoment::Failed,
        };
        for moment in [moment, HookMoment::Finally] {
            for hook in self.at(stage, moment) {
                self.run(hook, stage, outcome.state.word(), outcome);
            }
        }
    }

    fn at<'s>(&'s self, stage: Stage<'s>, moment: HookMoment) -> impl Iterator<Item = &'a Hook> {
        let around = match stage {
            Stage::Run => Around::Run,
            Stage::Source(_) => Around::Source,
            Stage::Restore => Around::Restore,
        };
        let is_meant = move |hook: &&Hook| {
            let source = hook.source.as_ref().is_none_or(|name| stage.source() == Some(name));
            hook.moment == moment && hook.around == around && source
        };
        self.hooks.iter().filter(is_meant)
    }

    /// Runs a command that is not a hook, such as the one that stops the application, with the same
    /// environment and reports, but not counted as a hook; `name` is its name in reports. With
    /// `cleans_up` it is not interrupted.
    pub fn command(
        &self,
        name: &str,
        argv: &Argv,
        timeout: Duration,
        cleans_up: bool,
    ) -> HookReport {
        let state = WorkOutcome::default();
        let call = HookCall { name, argv, timeout, source: None, cleans_up };
        self.call(&call, "starting", &state)
    }

    fn run(&self, hook: &Hook, stage: Stage<'_>, state: &str, outcome: &WorkOutcome) -> HookReport {
        let name = format!("{}-{}", hook.moment.word(), hook.around.word());
        let call = HookCall {
            name: &name,
            argv: &hook.command,
            timeout: hook.timeout,
            source: stage.source(),
            cleans_up: matches!(hook.moment, HookMoment::Failed | HookMoment::Finally),
        };
        let report = self.call(&call, state, outcome);
        if report.is_failure() {
            self.failures.set(self.failures.get() + 1);
        }
        report
    }

    fn call(&self, call: &HookCall<'_>, state: &str, outcome: &WorkOutcome) -> HookReport {
        let optional =
            [call.source.map(ToString::to_string), outcome.snapshot.clone(), outcome.error.clone()];
        let optional = OPTIONAL_VARIABLES.into_iter().zip(optional);
        let mut set = vec![
            ("HOLDFAST_APP", self.app.to_string()),
            ("HOLDFAST_RUN_ID", self.run_id.to_owned()),
            ("HOLDFAST_HOOK", call.name.to_owned()),
            ("HOLDFAST_STATE", state.to_owned()),
        ];
        // A variable cannot contain a zero byte.
        let value = |text: String| text.replace('\0', " ");
        set.extend(optional.filter_map(|(name, text)| Some((name, value(text?)))));
        let never = || false;
        let is_interrupted = if call.cleans_up { &never } else { self.is_interrupted };
        let began = Instant::now();
        let ended =
            process::run(call.argv, &set, &OPTIONAL_VARIABLES, call.timeout, is_interrupted);
        let report = HookReport {
            name: call.name.to_owned(),
            source: call.source.cloned(),
            program: call.argv.program().to_owned(),
            ending: ended.ending,
            duration: began.elapsed(),
            output: ended.output,
            output_bytes: ended.output_bytes,
        };
        (self.observer)(&report);
        report
    }
}

/// A command to run.
struct HookCall<'a> {
    name: &'a str,
    argv: &'a Argv,
    timeout: Duration,
    source: Option<&'a SourceName>,
    /// True if it must not be interrupted.
    cleans_up: bool,
}

impl Stage<'_> {
    fn source(&self) -> Option<&SourceName> {
        match self {
            Stage::Source(name) => Some(name),
            Stage::Run | Stage::Restore => None,
        }
    }
}

impl EndState {
    /// The word for it in `HOLDFAST_STATE`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }
}

impl WorkOutcome {
    /// The outcome for work that ended without a result, as in a panic.
    fn unknown() -> Self {
        let error = Some("it ended without a result".to_owned());
        Self { state: EndState::Failed, snapshot: None, error }
    }
}

/// Runs the hooks after the work, however the work ends.
struct AtTheEnd<'h, 'a, 's> {
    hooks: &'h Hooks<'a>,
    stage: Stage<'s>,
    outcome: WorkOutcome,
}

impl Drop for AtTheEnd<'_, '_, '_> {
    fn drop(&mut self) {
        self.hooks.after(self.stage, &self.outcome);
    }
}
