//! What a run would do.

use holdfast_app::config::AppFile;
use holdfast_app::kind::Class;
use holdfast_app::run::{self, RunContext};

use super::tell::place;
use crate::application::LoadedApplication;
use crate::context::Context;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::escape;

/// Queries every server, and prints the steps of a run.
///
/// # Errors
/// What would prevent it.
pub fn show(
    application: &LoadedApplication<'_>,
    run_context: &RunContext<'_>,
    context: &Context,
) -> CommandResult {
    let file = &application.file;
    let ready = run::preflight(file, &run_context.scene)?;
    ready.warnings.iter().for_each(|warning| context.output.caution(warning));
    let mut lines = vec![format!("{}, from {}", file.app.name, escape::path(&application.path))];
    lines.extend(repositories(application)?);
    let found = |name: &str| {
        let mut found = ready.found.iter();
        found.find(|(it, _)| it == name).map(|(_, found)| found.as_str()).unwrap_or_default()
    };
    let mut step = 1;
    for (class, name) in order(file) {
        let kind = file.source(name).map(|source| source.kind.word()).unwrap_or_default();
        let what = match class {
            RunStep::Globals => "roles and tablespaces, to the keys".to_owned(),
            RunStep::Keys => format!("{kind}, to the keys: {}", found(name)),
            RunStep::Data => format!("{kind}: {}", found(name)),
        };
        lines.push(format!("{step:>3}. {name}: {}", escape::text(&what)));
        step += 1;
    }
    for check in &file.checks {
        lines.push(format!("{step:>3}. check: {}", escape::text(&check.name)));
        step += 1;
    }
    lines.push(format!("{step:>3}. save one snapshot of all sources"));
    if file.retention.is_some() {
        lines.push(format!("{:>3}. remove snapshots that no rule keeps", step + 1));
    }
    lines.push("nothing was changed".to_owned());
    lines.iter().try_for_each(|line| Ok::<_, CommandError>(context.output.line(line)?))
}

enum RunStep {
    Keys,
    Globals,
    Data,
}

/// The sources in the order in which they are captured.
fn order(file: &AppFile) -> Vec<(RunStep, &str)> {
    let keys = file.sources_of(Class::Keys).map(|source| (RunStep::Keys, source.name.as_str()));
    let globals = file.sources.iter().filter(|source| source.kind.has_globals_apart());
    let globals = globals.map(|source| (RunStep::Globals, source.name.as_str()));
    let data = file.sources_of(Class::Data).map(|source| (RunStep::Data, source.name.as_str()));
    keys.chain(globals).chain(data).collect()
}

fn repositories(application: &LoadedApplication<'_>) -> CommandResult<Vec<String>> {
    let mut lines = Vec::new();
    let both = [
        (Class::Data, "data", Some(&application.file.repository)),
        (Class::Keys, "keys", application.file.keys_repository.as_ref()),
    ];
    for (class, word, repository) in both {
        let Some(repository) = repository else { continue };
        let state = match application.is_there(class) {
            Ok(true) => "",
            Ok(false) => " (does not exist yet: --init-missing creates it)",
            Err(error) if error.exit == ExitKind::Usage => return Err(error),
            Err(_) => " (cannot be inspected)",
        };
        lines.push(format!("{word} go to {}{state}", place(repository)));
    }
    Ok(lines)
}
