//! What is printed about a restore: the plan, each step, the report.

use holdfast_app::hooks::EndState;
use holdfast_app::restore::{
    Effect, KeyOnMachine, KeysPlan, Remark, RestoreAppReport, RestorePlan, StepReport, StepState,
};

use crate::context::Context;
use crate::environment;
use crate::exit::CommandResult;
use crate::output::json::application::TypedMessage;
use crate::output::json::restore_app::{PlanDocument, RestoreDocument, StepDocument};
use crate::output::{escape, next, text};

/// Prints the plan.
///
/// # Errors
/// The output cannot be written.
pub fn plan(plan: &RestorePlan, context: &Context) -> CommandResult {
    let output = &context.output;
    plan.warnings.iter().for_each(|warning| output.caution(&next::remark(warning)));
    if output.style().json {
        let content = PlanDocument::from(plan);
        return Ok(output.json(&TypedMessage { message_type: "plan", content })?);
    }
    let time = text::time(plan.time, &environment::time_zone());
    output.note(0, &format!("{}: snapshot {} of {time}", plan.app, short(&plan.snapshot)))?;
    for line in plan.keys.iter().flat_map(keys) {
        output.note(0, &line)?;
    }
    for item in &plan.items {
        let detail = next::sentence(&item.detail, item.next.as_ref());
        let (name, detail) = (escape::text(&item.name), escape::text(&detail));
        output.note(0, &format!("  {:<8} {name}: {detail}", effect(item.effect)))?;
    }
    Ok(())
}

/// The word for an effect.
fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Make => "make",
        Effect::Keep => "keep",
        Effect::Change => "change",
        Effect::Replace => "REPLACE",
        Effect::Run => "run",
        Effect::Check => "check",
        Effect::Skip => "skip",
    }
}

/// The word for how a step ended.
fn state(state: StepState) -> &'static str {
    match state {
        StepState::Done => "done",
        StepState::Wrong => "WRONG",
        StepState::Failed => "FAILED",
        StepState::NotDone => "not done",
    }
}

/// The first digits of an id.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

fn keys(plan: &KeysPlan) -> Vec<String> {
    let zone = environment::time_zone();
    let mut lines = Vec::new();
    lines.push(match (&plan.snapshot, plan.time) {
        (Some(id), Some(time)) => {
            format!("keys: snapshot {} of {}", short(id), text::time(time, &zone))
        }
        _ => "keys: none to restore".to_owned(),
    });
    if let Some(era) = &plan.era {
        lines.push(format!(
            "  the data needs the keys of era {} of {}, in use from {} to {}",
            era.number,
            era.of,
            text::time(era.first, &zone),
            text::time(era.last, &zone)
        ));
    }
    for key in &plan.needed {
        let state = match &key.on_machine {
            KeyOnMachine::Same => "present on this machine".to_owned(),
            KeyOnMachine::Other => "this machine has a DIFFERENT one".to_owned(),
            KeyOnMachine::Absent => "missing on this machine".to_owned(),
            KeyOnMachine::Unreadable(why) => format!("cannot be read on this machine: {why}"),
            KeyOnMachine::Unknown => "no restore target is set".to_owned(),
        };
        let (path, source) = (escape::text(&key.path), &key.source);
        lines.push(format!("  key {path} of {source}: {}", escape::text(&state)));
    }
    lines
}

/// Prints the result of a step.
pub fn step(step: &StepReport, context: &Context) {
    let output = &context.output;
    // A closed standard output is reported when the command ends, not here.
    let _closed = match output.style().json {
        true => {
            let content = StepDocument::from(step);
            output.json(&TypedMessage { message_type: "step", content })
        }
        false => {
            let message = next::sentence(&step.message, step.next.as_ref());
            let (name, message) = (escape::text(&step.name), escape::text(&message));
            let colon = if message.is_empty() { "" } else { ": " };
            let took = text::seconds(step.duration_seconds);
            output.note(0, &format!("{:<8} {name}{colon}{message} ({took})", state(step.state)))
        }
    };
}

/// Prints what was verified, and how long everything took. Warnings that were already `told` with
/// the plan are not repeated.
///
/// # Errors
/// The output cannot be written.
pub fn report(report: &RestoreAppReport, told: &[Remark], context: &Context) -> CommandResult {
    let output = &context.output;
    if output.style().json {
        let content = RestoreDocument::from(report);
        return Ok(output.json(&TypedMessage { message_type: "summary", content })?);
    }
    let new = report.warnings.iter().filter(|warning| !told.contains(warning));
    new.for_each(|warning| output.caution(&next::remark(warning)));
    let (count, wrong) = report.verified();
    for verified in report.steps.iter().flat_map(|step| &step.verified) {
        let word = if verified.passed { "verified" } else { "verification FAILED" };
        let (name, message) = (escape::text(&verified.name), escape::text(&verified.message));
        output.note(0, &format!("{word}: {name}: {message}"))?;
    }
    let time = text::time(report.snapshot_time, &environment::time_zone());
    let word = match report.state {
        EndState::Failed => "stopped restoring",
        EndState::Ok | EndState::Incomplete => "restored",
    };
    let took = text::seconds(report.duration_seconds);
    let id = short(&report.snapshot);
    let end = format!("{word} {} to snapshot {id} of {time} in {took}", report.app);
    Ok(output.note(0, &format!("{end}; {count} verified, {wrong} failed"))?)
}
