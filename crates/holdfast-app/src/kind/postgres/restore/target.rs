//! Which databases a source has in a snapshot, and where each is restored to.

use holdfast_connect::postgres::{DatabaseRecord, PostgresServer, RestoreSelection, ServerRecord};

use super::{DatabaseMove, DumpOrigin};
use crate::connections::Connections;
use crate::kind::step::{NextStep, Origin, RestoreError, RestorePart};
use crate::kind::{DatabaseNames, PostgresSettings, SourceKind};

/// The server that a source is restored to.
pub fn server(
    part: &RestorePart<'_>,
    to: &PostgresSettings,
    connections: &Connections<'_>,
) -> Result<PostgresServer, RestoreError> {
    to.server(connections)
        .map_err(|why| RestoreError::refused(format!("source {:?}: {why}", part.name())))
}

/// The databases of a source of type `postgres` in the snapshot, each with its target.
pub fn moves<'a>(
    part: &RestorePart<'_>,
    to: &PostgresSettings,
    origin: Origin<'a>,
    connections: &Connections<'_>,
) -> Result<Vec<DatabaseMove<'a>>, RestoreError> {
    let tree = origin.tree(part.name())?;
    let damaged = |why: String| {
        let name = part.name();
        RestoreError::refused(format!("postgres.json of source {name:?} cannot be used: {why}"))
            .or(NextStep::CheckRepository)
    };
    let json = tree.whole(b"postgres.json")?.ok_or_else(|| damaged("it is missing".into()))?;
    let record: ServerRecord =
        serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    let names: Vec<String> = record.databases.iter().map(|it| it.name.clone()).collect();
    let server = server(part, to, connections)?;
    let one = |it: DatabaseRecord| {
        Ok(DatabaseMove {
            source: part.name().to_owned(),
            tree: tree.below(format!("databases/{}", it.folder).as_bytes())?,
            server: server.clone(),
            to: target_name(part, to, &names, &it.name)?,
            from: it.name,
            selection: RestoreSelection::default(),
            origin: DumpOrigin::Own,
        })
    };
    record.databases.into_iter().map(one).collect()
}

/// The target name of a database, one of those `captured`.
pub fn target_name(
    part: &RestorePart<'_>,
    to: &PostgresSettings,
    captured: &[String],
    name: &str,
) -> Result<String, RestoreError> {
    let DatabaseNames::Named(to) = &to.databases else { return Ok(name.to_owned()) };
    let place = match &part.from.kind {
        SourceKind::Postgres(PostgresSettings {
            databases: DatabaseNames::Named(from), ..
        }) if from.len() == to.len() => from.iter().position(|it| it == name),
        _ => None,
    };
    let found = place.and_then(|place| to.get(place));
    let found = found.or_else(|| to.iter().find(|it| *it == name));
    match (found, captured, to.as_slice()) {
        (Some(to), ..) => Ok(to.clone()),
        (None, [_], [only]) => Ok(only.clone()),
        _ => Err(RestoreError::refused(format!(
            "source {:?}: no target is set for database {name:?}",
            part.name()
        ))
        .or(
            "databases = [...] with the same number of names as in the app file, in the same order",
        )),
    }
}
