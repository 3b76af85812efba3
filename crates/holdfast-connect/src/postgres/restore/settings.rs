//! Properties of the database itself: its settings, privileges and comment.
//!
//! The dump has them as statements with the database's name in them, written by the author of the
//! dump. Only those are run that pg_dump writes about this database, with the name that it has
//! here. Settings already apply while it is filled: they may decide what a view shows, and how
//! money is written.

use super::super::archive::TocEntry;
use super::super::error::{ErrorKind, PostgresError};
use super::super::session::{PostgresSession, identifier};
use super::super::sql::{about_database, is_setting_of_database, statements};
use super::super::tool::Tools;
use super::DatabaseRestoreOptions;
use super::stored::ReadDatabase;

/// How much of a statement a message shows, in letters.
const SHOWN_MAX: usize = 100;

/// Restores them. This finishes the database, unless it may read others that are still to come.
pub(super) fn apply(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    options: &DatabaseRestoreOptions,
    warnings: &mut Vec<String>,
) {
    let is_whole = options.selection.is_everything();
    let all = || stored.toc.entries.iter().filter(|entry| is_whole && is_of_database(entry));
    let is_comment = |entry: &&TocEntry| *entry.kind == *b"COMMENT";
    for entry in all().filter(|entry| !is_comment(entry)) {
        apply_entry(session, stored, options, entry, warnings);
    }
    if options.has_peers {
        return;
    }
    finish(session, &options.database, warnings);
    for entry in all().filter(is_comment) {
        apply_entry(session, stored, options, entry, warnings);
    }
}

/// Takes away the mark of a database that is being filled: it is finished.
pub(super) fn finish(session: &mut PostgresSession, database: &str, warnings: &mut Vec<String>) {
    let unmark = format!("COMMENT ON DATABASE {} IS NULL", identifier(database));
    if let Err(error) = session.run(&unmark) {
        warnings.push(format!("could not reset the database comment: {error}"));
    }
}

/// Gives a database that is about to be filled its settings, as far as it accepts them; the others
/// are reported when it is finished.
///
/// # Errors
/// [`PostgresError`]: the server refuses to undo settings with which no one can connect.
pub(super) fn begin(
    session: &mut PostgresSession,
    (stored, options): (&ReadDatabase<'_>, &DatabaseRestoreOptions),
    (tools, fresh): (&Tools, &str),
) -> Result<(), PostgresError> {
    if !options.selection.is_everything() {
        return Ok(());
    }
    let of = stored.content.database.as_bytes();
    for entry in stored.toc.entries.iter().filter(|entry| is_of_database(entry)) {
        let all = statements(entry.definition.as_deref().unwrap_or_default());
        let all = all.unwrap_or_default();
        for statement in all.iter().filter(|it| is_setting_of_database(it, of)) {
            if let Some(statement) = about_database(statement, of, fresh.as_bytes()) {
                // One that is refused here is refused and reported again at the end.
                let _ = session.run(&String::from_utf8_lossy(&statement));
            }
        }
    }
    match PostgresSession::open(tools, fresh) {
        // A library that a setting loads may not be installed.
        Err(error) if error.kind == ErrorKind::Statement => {
            session.run(&format!("ALTER DATABASE {} RESET ALL", identifier(fresh)))
        }
        opened => opened.map(drop),
    }
}

/// Runs the statements of one entry.
fn apply_entry(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    options: &DatabaseRestoreOptions,
    entry: &TocEntry,
    warnings: &mut Vec<String>,
) {
    if !options.keep_owners && *entry.kind == *b"ACL" {
        return;
    }
    let definition = entry.definition.as_deref().unwrap_or_default();
    let name = (stored.content.database.as_bytes(), options.database.as_bytes());
    if let Err(error) = run(session, definition, name) {
        warnings.push(format!("settings of the database were not applied: {error}"));
    }
    // Privileges may have been granted on behalf of another role.
    if *entry.kind == *b"ACL"
        && let Err(error) = session.run("RESET SESSION AUTHORIZATION")
    {
        warnings.push(format!("could not switch back to the restoring role: {error}"));
    }
}

/// Runs the statements about the database `captured` for the database `here`; if one is not
/// acceptable, none is run.
fn run(
    session: &mut PostgresSession,
    definition: &[u8],
    (captured, here): (&[u8], &[u8]),
) -> Result<(), PostgresError> {
    let refused = |why: String| PostgresError::new(ErrorKind::Statement, why);
    let all = statements(definition).map_err(|error| refused(error.to_string()))?;
    let mut taken = Vec::new();
    for statement in &all {
        taken.push(about_database(statement, captured, here).ok_or_else(|| {
            let shown: String =
                String::from_utf8_lossy(statement).chars().take(SHOWN_MAX).collect();
            refused(format!(
                "the dump has a statement that pg_dump does not write about a database: {shown:?}"
            ))
        })?);
    }
    session.run("SET standard_conforming_strings = on")?;
    for statement in &taken {
        session.run(&String::from_utf8_lossy(statement))?;
    }
    Ok(())
}

/// True if an entry is about the database itself.
pub(super) fn is_of_database(entry: &TocEntry) -> bool {
    let is_named = entry.tag.as_deref().is_some_and(|tag| tag.starts_with(b"DATABASE "));
    match &*entry.kind {
        b"DATABASE PROPERTIES" => true,
        b"ACL" | b"COMMENT" | b"SECURITY LABEL" => is_named,
        _ => false,
    }
}
