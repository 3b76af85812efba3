//! What is said of a restore: the plan, each step, the report.

use std::time::Duration;

use holdfast_app::hooks::{HookReport, State};
use holdfast_app::restore::{KeysPlan, OnMachine, Plan, RestoreReport, StepReport};
use serde::Serialize;

use crate::context::Context;
use crate::environment;
use crate::exit::CommandResult;
use crate::output::{escape, text};

/// A message with `--json`, and what the webhook hears.
#[derive(Serialize)]
pub struct Message<'a, T> {
    /// What it is.
    pub message_type: &'static str,
    /// The rest of it.
    #[serde(flatten)]
    pub report: &'a T,
}

/// Says what would be done.
///
/// # Errors
/// The output cannot be written.
pub fn plan(plan: &Plan, context: &Context) -> CommandResult {
    let output = &context.output;
    plan.warnings.iter().for_each(|warning| output.caution(warning));
    if output.style().json {
        return Ok(output.json(&Message { message_type: "plan", report: plan })?);
    }
    let time = text::time(plan.time, &environment::time_zone());
    output.note(0, &format!("{}: snapshot {} of {time}", plan.app, short(&plan.snapshot)))?;
    for line in plan.keys.iter().flat_map(keys) {
        output.note(0, &line)?;
    }
    for item in &plan.items {
        let (name, detail) = (escape::text(&item.name), escape::text(&item.detail));
        output.note(0, &format!("  {:<8} {name}: {detail}", item.effect.word()))?;
    }
    Ok(())
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
        _ => "keys: none are restored".to_owned(),
    });
    if let Some(era) = &plan.era {
        lines.push(format!(
            "  the data need the keys of era {} of {}, in use from {} to {}",
            era.number,
            era.of,
            text::time(era.first, &zone),
            text::time(era.last, &zone)
        ));
    }
    for key in &plan.needed {
        let state = match &key.on_machine {
            OnMachine::Same => "this machine has it".to_owned(),
            OnMachine::Other => "this machine has ANOTHER one".to_owned(),
            OnMachine::Absent => "this machine has none".to_owned(),
            OnMachine::Unreadable(why) => format!("what this machine has cannot be read: {why}"),
            OnMachine::Unknown => "nothing says where it goes".to_owned(),
        };
        let (path, source) = (escape::text(&key.path), &key.source);
        lines.push(format!("  key {path} of {source}: {}", escape::text(&state)));
    }
    lines
}

/// Says how a step ended.
pub fn step(step: &StepReport, context: &Context) {
    let output = &context.output;
    // Whoever closed standard output ends the command at its end, not here.
    let _closed = match output.style().json {
        true => output.json(&Message { message_type: "step", report: step }),
        false => {
            let (name, message) = (escape::text(&step.name), escape::text(&step.message));
            let colon = if message.is_empty() { "" } else { ": " };
            let took = seconds(step.duration_seconds);
            output.note(0, &format!("{:<8} {name}{colon}{message} ({took})", step.state.word()))
        }
    };
}

fn seconds(seconds: f64) -> String {
    text::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Says what became of a hook: only if it failed, or if much is to be said.
pub fn hook(report: &HookReport, context: &Context) {
    if report.is_failure() {
        context.output.caution(&report.to_string());
    }
    if report.is_failure() || context.output.style().verbosity >= 1 {
        let output = String::from_utf8_lossy(&report.output);
        output.lines().for_each(|line| context.output.warn(&format!("  {line}")));
    }
}

/// Says what was verified, and how long all of it took. So many of the warnings were `told` with
/// the plan.
///
/// # Errors
/// The output cannot be written.
pub fn report(report: &RestoreReport, told: usize, context: &Context) -> CommandResult {
    let output = &context.output;
    if output.style().json {
        return Ok(output.json(&Message { message_type: "summary", report })?);
    }
    report.warnings.iter().skip(told).for_each(|warning| output.caution(warning));
    let (count, wrong) = report.verified();
    for verified in report.steps.iter().flat_map(|step| &step.verified) {
        let word = if verified.passed { "right" } else { "WRONG" };
        let (name, message) = (escape::text(&verified.name), escape::text(&verified.message));
        output.note(0, &format!("verified {word}: {name}: {message}"))?;
    }
    let time = text::time(report.snapshot_time, &environment::time_zone());
    let word = match report.state {
        State::Failed => "stopped restoring",
        State::Ok | State::Incomplete => "restored",
    };
    let took = seconds(report.duration_seconds);
    let id = short(&report.snapshot);
    let end = format!("{word} {} to snapshot {id} of {time} in {took}", report.app);
    Ok(output.note(0, &format!("{end}; verified {count}, {wrong} wrong"))?)
}
