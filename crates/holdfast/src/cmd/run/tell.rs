//! What is printed about a run.

use holdfast_app::notify::RunNotice;
use holdfast_app::run::SourceReport;
use holdfast_app::settings::{RepositorySettings, RepositoryUrl};

use super::Done;
use crate::context::Context;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::json::application::TypedMessage;
use crate::output::json::run::RunDocument;
use crate::output::{escape, text};

/// Where a repository is.
pub fn place(repository: &RepositorySettings) -> String {
    match &repository.url {
        RepositoryUrl::Local(folder) => escape::path(folder).into_owned(),
        RepositoryUrl::Elsewhere { text, .. } => escape::text(text).into_owned(),
    }
}

/// Prints what was done.
///
/// # Errors
/// The output cannot be written.
pub fn done(done: &Done, notice: &RunNotice, context: &Context) -> CommandResult {
    for warning in &done.report.warnings {
        context.output.caution(warning);
    }
    for source in &done.report.sources {
        for secret in &source.secrets {
            let name = &source.name;
            context.output.caution(&format!(
                "source {name} holds what looks like a secret: {secret}; move it to a source of \
                 class keys, or allow it in [secrets]"
            ));
        }
    }
    if context.output.style().json {
        let content = RunDocument::from(notice);
        let message = TypedMessage { message_type: "run_summary", content };
        return Ok(context.output.json(&message)?);
    }
    lines(done, notice).iter().try_for_each(|line| Ok(context.output.note(0, line)?))
}

fn lines(done: &Done, notice: &RunNotice) -> Vec<String> {
    let mut lines = Vec::new();
    for source in &notice.sources {
        let mut line = format!(
            "source {}: {}, {}",
            source.name,
            text::count(source.files, "entry", "entries"),
            text::size(source.total_bytes)
        );
        if source.errors > 0 {
            line += &format!(", {} could not be read", source.errors);
        }
        lines.push(line);
    }
    for check in &notice.checks {
        let word = if check.passed { "passed" } else { "FAILED" };
        lines.push(format!(
            "check \"{}\" {word}: {}",
            escape::text(&check.name),
            escape::text(&check.message)
        ));
    }
    lines.push(format!(
        "{} in all, {} added, {}",
        text::size(notice.total_bytes),
        text::size(notice.added_bytes),
        text::seconds(notice.duration_seconds)
    ));
    if let Some(info) = &done.report.keys {
        lines.push(format!("snapshot {} of the keys saved", info.id.short()));
    }
    if let Some(info) = &done.report.data {
        lines.push(format!("snapshot {} saved", info.id.short()));
    }
    if let Some(Ok(retention)) = &done.retention {
        let kept = text::count(retention.kept, "snapshot", "snapshots");
        if !retention.doubts.is_empty() {
            lines.push(format!("kept {kept}, removed none: {}", retention.doubts.join("; ")));
            return lines;
        }
        let mut line = match retention.removed {
            0 => format!("kept {kept}, removed none"),
            removed => format!("kept {kept}, removed {removed}"),
        };
        if let Some(pruned) = &retention.pruned {
            line += &format!("; {} freed", text::size(pruned.bytes_deleted));
        }
        lines.push(line);
    }
    lines
}

/// The result of the command.
///
/// # Errors
/// What prevented the snapshot, or what is wrong with it.
pub fn end(outcome: &CommandResult<Done>, failed_hooks: u32) -> CommandResult {
    let done = match outcome {
        Ok(done) => done,
        Err(error) => return Err(error.clone()),
    };
    if let Some(Err(error)) = &done.retention {
        let message =
            format!("the snapshot was saved, but old ones could not be removed: {}", error.message);
        return Err(CommandError { message, ..error.clone() });
    }
    let mut parts = Vec::new();
    if done.report.errors() > 0 {
        let count = text::count(done.report.errors(), "entry", "entries");
        parts.push(format!("{count} could not be read"));
    }
    let failed = done.report.checks.iter().filter(|check| !check.passed).count();
    if failed > 0 {
        parts.push(format!("{} failed", text::count(failed as u64, "check", "checks")));
    }
    let shrunk = done.report.sources.iter().filter_map(SourceReport::shrinking);
    let before = parts.len();
    parts.extend(shrunk);
    let is_shrunk = parts.len() > before;
    if failed_hooks > 0 {
        parts.push(format!("{} failed", text::count(u64::from(failed_hooks), "hook", "hooks")));
    }
    match parts.is_empty() {
        true => Ok(()),
        false => {
            let message = format!("the snapshot was saved, but {}", parts.join(", "));
            let error = CommandError::new(ExitKind::Partial, message);
            Err(match is_shrunk {
                true => {
                    error.hint("holdfast run --accept-shrunk, if the sources are that small now")
                }
                false => error,
            })
        }
    }
}
