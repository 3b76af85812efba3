//! What killed restores left behind, and cleaning it up.
//!
//! A database that is being filled says in its comment which restore fills it and for which name. A
//! running restore has a session whose application name says the same, so that nothing of a live
//! one is touched. The comment is removed when everything is done, after the final name was given.

use std::collections::BTreeMap;

use super::super::error::PostgresError;
use super::super::options::PostgresServer;
use super::super::session::{PostgresSession, identifier, literal};
use super::administrator;
use super::create::{derived, drop_database, run_of};

/// What unfinished restores of one database left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseLeftovers {
    /// Databases that were being filled; they contain nothing that is not in the backup.
    pub unfinished: Vec<String>,
    /// Databases that are being filled by a running restore.
    pub busy: Vec<String>,
    /// Databases named like one that is being filled, whose creator is unknown.
    pub unknown: Vec<String>,
    /// The database itself, under its name while another was to take its place.
    pub aside: Option<String>,
    /// True if the database allows no connections, because it was to be replaced.
    pub is_shut: bool,
    /// True if the database was fully restored, but does not have its settings yet.
    pub is_unsettled: bool,
    /// The database that it replaced, which was to be removed.
    pub replaced: Option<String>,
}

impl DatabaseLeftovers {
    /// True if the database that was there before must first be put back.
    pub fn is_halfway(&self) -> bool {
        self.aside.is_some() || self.is_shut
    }
}

/// The name of the session of a running restore.
pub(super) fn application_name(run: &str) -> String {
    format!("holdfast restore {run}")
}

/// The comment of an unfinished database.
pub(super) fn comment(run: &str, target: &str) -> String {
    format!("holdfast restore {run} of {target} is not finished")
}

/// Looks for what restores of a database left.
///
/// # Errors
/// [`PostgresError`]: the server cannot be queried.
pub fn leftovers(
    server: &PostgresServer,
    database: &str,
) -> Result<DatabaseLeftovers, PostgresError> {
    find(&mut administrator(&server.resolve()?, database)?, database)
}

/// One database of the server.
struct ExistingDatabase {
    comment: Option<String>,
    lets_connect: bool,
}

fn find(admin: &mut PostgresSession, target: &str) -> Result<DatabaseLeftovers, PostgresError> {
    let rows = admin.rows(
        "SELECT datname, datallowconn, shobj_description(oid, 'pg_database') FROM pg_database",
    )?;
    let rows = rows.into_iter().filter_map(|row| {
        let mut columns = row.into_iter();
        let (name, connects) = (columns.next()??, columns.next()??);
        Some((name, ExistingDatabase { lets_connect: connects == "t", comment: columns.next()? }))
    });
    let all: BTreeMap<String, ExistingDatabase> = rows.collect();
    let query = "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE \
        'holdfast restore %'";
    let alive = admin.rows(query)?.into_iter().flatten().flatten().collect::<Vec<_>>();
    let is_alive = |run: &str| alive.contains(&application_name(run));
    let mut left = DatabaseLeftovers::default();
    for (name, found) in &all {
        let Some(run) = run_of(name, target) else { continue };
        if is_alive(run) {
            left.busy.push(name.clone());
            continue;
        }
        if found.comment.as_deref() != Some(&comment(run, target)) {
            left.unknown.push(name.clone());
            continue;
        }
        left.unfinished.push(name.clone());
        let old = derived(target, "hf_old", run);
        match all.get(target) {
            None if all.contains_key(&old) => left.aside = Some(old),
            Some(there) if !there.lets_connect => left.is_shut = true,
            _ => {}
        }
    }
    let of_target = all.get(target).and_then(|found| found.comment.as_deref());
    let run = of_target.and_then(|text| text.strip_prefix("holdfast restore ")?.split(' ').next());
    if let Some(run) = run.filter(|run| of_target == Some(&comment(run, target)) && !is_alive(run))
    {
        left.is_unsettled = true;
        left.replaced = Some(derived(target, "hf_old", run)).filter(|old| all.contains_key(old));
    }
    Ok(left)
}

/// Cleans up after restores of a database: the database that was there gets its name back, those
/// that were being filled are removed, and so is one that was already replaced. Returns what was
/// done, one sentence each.
///
/// # Errors
/// [`PostgresError`]: the server refuses part of it; what was done is kept.
pub fn tidy(server: &PostgresServer, database: &str) -> Result<Vec<String>, PostgresError> {
    let mut admin = administrator(&server.resolve()?, database)?;
    let left = find(&mut admin, database)?;
    let to = identifier(database);
    let mut notes = Vec::new();
    if let Some(old) = &left.aside {
        admin.run(&format!("ALTER DATABASE {} RENAME TO {to}", identifier(old)))?;
        notes.push(format!("{old} was renamed back to {database} after an interrupted restore"));
    }
    if left.is_halfway() {
        admin.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS true"))?;
    }
    for name in left.unfinished.iter().chain(&left.replaced) {
        // Tools of the restore may have outlived it.
        end_sessions(&mut admin, name)?;
        let removed = || format!("removed {name}, left over from an interrupted restore");
        notes.push(drop_database(&mut admin, name).unwrap_or_else(removed));
    }
    Ok(notes)
}

/// Ends the sessions of a database.
pub(super) fn end_sessions(
    admin: &mut PostgresSession,
    database: &str,
) -> Result<(), PostgresError> {
    let query = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}",
        literal(database)
    );
    admin.rows(&query).map(drop)
}
