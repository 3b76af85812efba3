//! What is restored, and where to: pairs of sources, one from the app file, one from the file given
//! with `--to`.

use std::path::{Path, PathBuf};

use holdfast_format::record::{Snapshot, SourceRecord};

use super::RestoreError;
use crate::config::{AppFile, Databases, Files, Postgres, Source, SourceKind};

/// One source: as it was captured, and its target.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The source of the app file.
    pub from: &'a Source,
    /// Its target; the same unless another file gives the targets.
    pub to: &'a Source,
}

impl Part<'_> {
    /// Name of the source.
    pub fn name(&self) -> &str {
        self.from.name.as_str()
    }

    /// The target of a path of a source of files; `None` if it is below none of its paths.
    pub(super) fn destination(&self, path: &Path) -> Option<PathBuf> {
        let (from, to) = self.files()?;
        let pairs = from.paths.iter().zip(&to.paths);
        let found = pairs.filter_map(|(from, to)| Some((path.strip_prefix(from).ok()?, to)));
        let (rest, to) = found.min_by_key(|(rest, _)| rest.components().count())?;
        Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
    }

    /// Both sides of a source of files.
    pub(super) fn files(&self) -> Option<(&Files, &Files)> {
        match (&self.from.kind, &self.to.kind) {
            (SourceKind::Files(from), SourceKind::Files(to)) => Some((from, to)),
            _ => None,
        }
    }

    /// The target name of a database in the snapshot.
    pub(super) fn database(&self, captured: &[String], name: &str) -> Result<String, RestoreError> {
        let Some(to) = self.to.kind.database() else { return Ok(name.to_owned()) };
        let Databases::Named(to) = &to.databases else { return Ok(name.to_owned()) };
        let place = match &self.from.kind {
            SourceKind::Postgres(Postgres { databases: Databases::Named(from), .. })
                if from.len() == to.len() =>
            {
                from.iter().position(|it| it == name)
            }
            _ => None,
        };
        let found = place.and_then(|place| to.get(place));
        let found = found.or_else(|| to.iter().find(|it| *it == name));
        match (found, captured, to.as_slice()) {
            (Some(to), ..) => Ok(to.clone()),
            (None, [_], [only]) => Ok(only.clone()),
            _ => Err(RestoreError::refused(format!(
                "source {:?}: no target is set for database {name:?}",
                self.name()
            ))
            .or(
                "databases = [...] with the same number of names as in the app file, in the same \
                 order",
            )),
        }
    }
}

/// The requested parts of the app file in its order, and warnings about those without a target.
pub(super) fn parts<'a>(
    app: &'a AppFile,
    target: Option<&'a AppFile>,
    only: &[String],
) -> Result<(Vec<Part<'a>>, Vec<String>), RestoreError> {
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
                    warnings.push(format!(
                        "source {name:?} is not restored: the file given with --to has no source \
                         of this name"
                    ));
                    continue;
                }
            },
        };
        let part = Part { from, to };
        check(&part)?;
        if target.is_some() {
            refuse_live(&part, app)?;
        }
        parts.push(part);
    }
    Ok((parts, warnings))
}

/// Both sides must be of one kind, with the same number of paths.
fn check(part: &Part<'_>) -> Result<(), RestoreError> {
    let name = part.name();
    let (from, to) = (part.from.kind.word(), part.to.kind.word());
    if from != to {
        let message = format!("source {name:?} is of type {from}, but its target is of type {to}");
        return Err(RestoreError::refused(message).or(format!("type = \"{from}\"")));
    }
    if let Some((from, to)) = part.files()
        && from.paths.len() != to.paths.len()
    {
        let (from, to) = (from.paths.len(), to.paths.len());
        let message = format!("source {name:?} has {from} paths, but its target has {to}");
        let next = "give the same number of paths in the file given with --to, in the same order";
        return Err(RestoreError::refused(message).or(next));
    }
    Ok(())
}

/// A file given with `--to` must not name the application's own locations.
fn refuse_live(part: &Part<'_>, app: &AppFile) -> Result<(), RestoreError> {
    let touched = app.sources.iter().find_map(|live| match (&part.to.kind, &live.kind) {
        (SourceKind::Files(to), SourceKind::Files(live)) => overlapping(to, live),
        (to, live) if to.database().is_some() => same_database(to.database()?, live.database()?),
        (SourceKind::Bucket(to), SourceKind::Bucket(live)) => {
            let is_same = to.endpoint == live.endpoint
                && to.url.service == live.url.service
                && to.account == live.account
                && to.url.bucket == live.url.bucket;
            let (one, other) = (&to.url.prefix, &live.url.prefix);
            let overlaps = one.starts_with(other.as_str()) || other.starts_with(one.as_str());
            (is_same && overlaps).then(|| format!("bucket {}", live.url.bucket))
        }
        _ => None,
    });
    match touched {
        None => Ok(()),
        Some(what) => Err(RestoreError::refused(format!(
            "the file given with --to sends source {:?} to {what}, which is the application's own",
            part.name()
        ))
        .or("name another location in that file, or leave out --to to restore in place")),
    }
}

fn overlapping(to: &Files, live: &Files) -> Option<String> {
    let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    to.paths.iter().find_map(|to| {
        let to = real(to);
        let touches = |live: &&PathBuf| {
            let live = real(live);
            to.starts_with(&live) || live.starts_with(&to)
        };
        live.paths.iter().find(touches).map(|live| live.display().to_string())
    })
}

/// The same database, judging by the URLs alone; [`super::live`] queries the servers.
fn same_database(to: &Postgres, live: &Postgres) -> Option<String> {
    let is_one = to.exec == live.exec && to.url.address().shares_server(live.url.address());
    if !is_one {
        return None;
    }
    common_database(to, live)
}

/// What both have in common, assuming one server.
pub(super) fn common_database(to: &Postgres, live: &Postgres) -> Option<String> {
    let is_common = |name: &String| match &live.databases {
        Databases::All => true,
        Databases::Named(names) => names.contains(name),
    };
    match &to.databases {
        Databases::All => Some("all databases of the server".to_owned()),
        Databases::Named(names) => {
            names.iter().find(|name| is_common(name)).map(|name| format!("database {name}"))
        }
    }
}

/// The record of a source in a snapshot, if it has one of this kind.
pub(super) fn record<'s>(
    snapshot: &'s Snapshot,
    source: &Source,
) -> Result<Option<&'s SourceRecord>, RestoreError> {
    let found = snapshot.sources.iter().find(|it| it.name == source.name.as_str());
    match found {
        Some(record) if record.connector != source.kind.word() => {
            let message = format!(
                "source {:?} is of type {} in the snapshot, but of type {} in the app file",
                source.name.as_str(),
                record.connector,
                source.kind.word()
            );
            Err(RestoreError::refused(message).or("--config with the app file of that time"))
        }
        found => Ok(found),
    }
}
