//! The restore of a dump that another program made: to a database, if the file names one.

use holdfast_connect::postgres::{DatabaseContent, RestoreSelection};

use super::DumpSettings;
use crate::connections::Connections;
use crate::kind::postgres::{DatabaseMove, DumpOrigin, SCRIPT, target_name, target_server};
use crate::kind::step::{
    NextStep, Origin, Planning, Remark, RestoreError, RestorePart, RestoreStep, StepOutcome,
    StepRole, StepWork,
};
use crate::kind::{DatabaseNames, Move, PostgresSettings};

/// What is to be restored of a dump: its database, or nothing.
pub(super) fn moves<'a>(
    dump: &'a DumpSettings,
    part: &RestorePart<'a>,
    origin: Origin<'a>,
    connections: &Connections<'_>,
) -> Result<Vec<Move<'a>>, RestoreError> {
    let databases = match dump.restore.as_deref() {
        Some(to) => databases(to, part, origin, connections)?,
        None => Vec::new(),
    };
    Ok(match databases.is_empty() {
        true => vec![Move::Step(Box::new(DumpStep { part: *part, origin }))],
        false => databases.into_iter().map(|it| Move::Database(Box::new(it))).collect(),
    })
}

/// The database of a dump: its name is only in the dump.
fn databases<'a>(
    to: &PostgresSettings,
    part: &RestorePart<'a>,
    origin: Origin<'a>,
    connections: &Connections<'_>,
) -> Result<Vec<DatabaseMove<'a>>, RestoreError> {
    let tree = origin.tree(part.name())?;
    let server = target_server(part, to, connections)?;
    let one = |tree, from: String, to, origin| DatabaseMove {
        source: part.name().to_owned(),
        tree,
        server: server.clone(),
        from,
        to,
        selection: RestoreSelection::default(),
        origin,
    };
    let mut moves = Vec::new();
    for folder in tree.folders(b"databases")? {
        let tree = tree.below(&[b"databases/", &folder[..]].concat())?;
        let Some(json) = tree.whole(b"content.json")? else { continue };
        let content: DatabaseContent = serde_json::from_slice(&json).map_err(|error| {
            let name = part.name();
            RestoreError::refused(format!("content.json of source {name:?}: {error}"))
                .or(NextStep::CheckRepository)
        })?;
        let from = content.database;
        let to = target_name(part, to, std::slice::from_ref(&from), &from)?;
        moves.push(one(tree, from, to, DumpOrigin::Archive));
    }
    // A script does not contain the name of its database.
    if tree.find(SCRIPT)?.is_some()
        && let DatabaseNames::Named(names) = &to.databases
        && let [only] = names.as_slice()
    {
        moves.push(one(tree, only.clone(), only.clone(), DumpOrigin::Script));
    }
    Ok(moves)
}

/// A dump that is not restored: it has no target, or is a script of several databases.
struct DumpStep<'a> {
    part: RestorePart<'a>,
    origin: Origin<'a>,
}

impl DumpStep<'_> {
    /// Why it is not restored, and how to print it.
    fn remark(&self) -> Result<Remark, RestoreError> {
        let tree = self.origin.tree(self.part.name())?;
        let (snapshot, source) = (self.origin.snapshot.id.short(), self.part.name().to_owned());
        Ok(match tree.find(b"cluster.sql")?.is_some() {
            true => Remark::with(
                "pg_dumpall scripts are not restored",
                NextStep::PrintFile {
                    snapshot,
                    source,
                    path: "/cluster.sql".to_owned(),
                    purpose: ", and psql runs everything in it",
                },
            ),
            false => Remark::with(
                "no target is set; add url to [source.restore]",
                NextStep::PrintArchive { snapshot, source },
            ),
        })
    }
}

impl RestoreStep for DumpStep<'_> {
    fn name(&self) -> String {
        format!("dump {}", self.part.name())
    }

    fn role(&self) -> StepRole {
        StepRole::Other
    }

    fn source(&self) -> Option<&str> {
        Some(self.part.name())
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        planning.skip(self.name(), self.remark()?);
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let Remark { message, next } = self.remark()?;
        let outcome = StepOutcome::new(message.clone());
        let message = format!("source {:?}: {message}", self.part.name());
        work.warnings.push(Remark { message, next });
        Ok(outcome)
    }
}
