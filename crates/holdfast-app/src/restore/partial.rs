//! A restore of one database, or of a part of one.

use super::part::Part;
use super::step::Step;
use super::{Prepared, RestoreError};

/// Keeps only databases; it is an error if another kind of source was named.
pub(super) fn databases_only(
    parts: &mut Vec<Part<'_>>,
    only: &[String],
) -> Result<(), RestoreError> {
    let is_database = |part: &Part<'_>| part.to.kind.database().is_some();
    let other = parts.iter().find(|part| !only.is_empty() && !is_database(part));
    if let Some(other) = other {
        let (name, kind) = (other.name(), other.from.kind.word());
        let message = format!(
            "source {name:?} is of type {kind}, but --into, --schema and --table apply to \
             databases only"
        );
        return Err(
            RestoreError::refused(message).or("--only SOURCE with a source of type postgres")
        );
    }
    parts.retain(is_database);
    Ok(())
}

impl Prepared<'_> {
    /// Keeps only the requested database, if one was requested.
    pub(super) fn narrow(&mut self) -> Result<(), RestoreError> {
        let wishes = self.wishes;
        if !wishes.is_beside() {
            return Ok(());
        }
        let all: Vec<String> = self.databases().map(|it| it.from.clone()).collect();
        if let Some(wanted) = &wishes.database {
            if !all.contains(wanted) {
                let message = format!("the sources to restore have no database {wanted:?}");
                let error = RestoreError::refused(message);
                return Err(match all.is_empty() {
                    true => error,
                    false => error.or(format!("one of: {}", all.join(", "))),
                });
            }
            let of_wanted = self.databases().find(|it| it.from == *wanted);
            let source = of_wanted.map(|it| it.source.clone()).unwrap_or_default();
            self.steps.retain(|step| match step {
                Step::Database(database) => database.from == *wanted && database.source == source,
                Step::Globals(part, _) => part.name() == source,
                _ => true,
            });
        }
        let count = self.databases().count();
        if count != 1 {
            if count == 0 {
                let wish = wishes.beside();
                let message = format!("the sources to restore have no database for {wish}");
                return Err(RestoreError::refused(message));
            }
            let message =
                format!("the sources to restore have {count} databases, but exactly one is needed");
            let next = format!("--only SOURCE or --database NAME, one of: {}", all.join(", "));
            return Err(RestoreError::refused(message).or(next));
        }
        for step in &mut self.steps {
            if let Step::Database(database) = step {
                database.selection = wishes.selection.clone();
                if let Some(into) = &wishes.into {
                    database.to.clone_from(into);
                }
            }
        }
        Ok(())
    }

    fn databases(&self) -> impl Iterator<Item = &super::database::DatabaseMove<'_>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Database(database) => Some(&**database),
            _ => None,
        })
    }
}
