//! A restore of one database, or of a part of one, alongside the application.

use holdfast_connect::postgres::RestoreSelection;

use super::{NextStep, RestoreError, RestorePart, RestoreRequest};
use crate::kind::{DatabaseMove, Move};

/// Keeps only databases; it is an error if another kind of source was named.
pub(super) fn databases_only(
    parts: &mut Vec<RestorePart<'_>>,
    only: &[String],
) -> Result<(), RestoreError> {
    let is_database = |part: &RestorePart<'_>| part.to.kind.database().is_some();
    let other = parts.iter().find(|part| !only.is_empty() && !is_database(part));
    if let Some(other) = other {
        let (name, kind) = (other.name(), other.from.kind.word());
        let message = format!(
            "source {name:?} is of type {kind}, but only databases are restored in part or under \
             another name"
        );
        return Err(RestoreError::refused(message).or(NextStep::ChooseDatabaseSource));
    }
    parts.retain(is_database);
    Ok(())
}

/// Keeps only the requested database.
pub(super) fn narrow(
    moves: &mut Vec<Move<'_>>,
    request: &RestoreRequest,
) -> Result<(), RestoreError> {
    let all: Vec<String> = databases(moves).map(|it| it.from.clone()).collect();
    if let Some(wanted) = &request.database {
        let found = databases(moves).find(|it| it.from == *wanted);
        let Some(source) = found.map(|it| it.source.clone()) else {
            let message = format!("the sources to restore have no database {wanted:?}");
            let error = RestoreError::refused(message);
            return Err(match all.is_empty() {
                true => error,
                false => error.or(format!("one of: {}", all.join(", "))),
            });
        };
        moves.retain(|moved| match moved {
            Move::Database(database) => database.from == *wanted && database.source == source,
            Move::Roles(roles) => roles.source == source,
            Move::Step(_) => true,
        });
    }
    let count = databases(moves).count();
    if count == 0 {
        let message = format!("the sources to restore have no database {}", purpose(request));
        return Err(RestoreError::refused(message).or(NextStep::ChooseDatabaseSource));
    }
    if count > 1 {
        let message =
            format!("the sources to restore have {count} databases, but exactly one is needed");
        return Err(RestoreError::refused(message).or(NextStep::ChooseDatabase(all)));
    }
    for moved in moves {
        if let Move::Database(database) = moved {
            database.selection = request.selection.clone();
            if let Some(into) = &request.into {
                database.to.clone_from(into);
            }
        }
    }
    Ok(())
}

fn databases<'m, 'a>(moves: &'m [Move<'a>]) -> impl Iterator<Item = &'m DatabaseMove<'a>> {
    moves.iter().filter_map(|moved| match moved {
        Move::Database(database) => Some(&**database),
        Move::Roles(_) | Move::Step(_) => None,
    })
}

/// What a database is needed for.
fn purpose(request: &RestoreRequest) -> String {
    let RestoreSelection { schema, table } = &request.selection;
    let parts = [("with schema", schema), ("with table", table), ("to restore as", &request.into)];
    let named =
        parts.iter().filter_map(|(word, name)| Some(format!("{word} {:?}", name.as_ref()?)));
    named.collect::<Vec<_>>().join(", ")
}
