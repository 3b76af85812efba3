//! What is restored, and where to: pairs of sources, one from the app file, one from the file of
//! targets.

use super::{NextStep, Origin, Remark, RestoreError, RestorePart};
use crate::config::AppFile;
use crate::connections::Connections;

/// The requested parts of the app file in its order, and remarks on those without a target.
pub(super) fn parts<'a>(
    app: &'a AppFile,
    target: Option<&'a AppFile>,
    only: &[String],
) -> Result<(Vec<RestorePart<'a>>, Vec<Remark>), RestoreError> {
    if let Some(unknown) = only.iter().find(|name| app.source(name).is_none()) {
        let names: Vec<&str> = app.sources.iter().map(|source| source.name.as_str()).collect();
        let message = format!("the app file has no source called {unknown:?}");
        return Err(RestoreError::refused(message).or(format!("one of: {}", names.join(", "))));
    }
    let (mut parts, mut warnings) = (Vec::new(), Vec::new());
    for from in &app.sources {
        let name = from.name.as_str();
        if !only.is_empty() && !only.iter().any(|it| it == name) {
            continue;
        }
        let to = match target {
            None => from,
            Some(target) => match target.source(name) {
                Some(to) => to,
                None => {
                    let message = format!(
                        "source {name:?} is not restored: the file of targets has no source of \
                         this name"
                    );
                    warnings.push(message.into());
                    continue;
                }
            },
        };
        let part = RestorePart { from, to };
        check(&part)?;
        if target.is_some() {
            refuse_overlap(&part, app)?;
        }
        parts.push(part);
    }
    Ok((parts, warnings))
}

/// Both sides must be of one kind, and fit.
fn check(part: &RestorePart<'_>) -> Result<(), RestoreError> {
    let (from, to) = (part.from.kind.word(), part.to.kind.word());
    if from != to {
        let name = part.name();
        let message = format!("source {name:?} is of type {from}, but its target is of type {to}");
        return Err(RestoreError::refused(message).or(format!("type = \"{from}\"")));
    }
    part.to.kind.check_target(part)
}

/// The file of targets must not name the application's own locations.
fn refuse_overlap(part: &RestorePart<'_>, app: &AppFile) -> Result<(), RestoreError> {
    match app.sources.iter().find_map(|live| part.to.kind.overlap(&live.kind)) {
        None => Ok(()),
        Some(what) => Err(RestoreError::refused(format!(
            "the file of targets sends source {:?} to {what}, which is the application's own",
            part.name()
        ))
        .or(NextStep::OtherTarget("another location"))),
    }
}

/// Refuses parts whose target is the application's own under another address.
pub(super) fn refuse_live(
    parts: &[RestorePart<'_>],
    app: &AppFile,
    origin: Origin<'_>,
    connections: &Connections<'_>,
) -> Result<(), RestoreError> {
    for part in parts {
        for live in &app.sources {
            part.to.kind.refuse_live(part, live, origin, connections)?;
        }
    }
    Ok(())
}
