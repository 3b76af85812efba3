//! What restores that were killed have left, and putting it in order.
//!
//! A database that is being filled says in its comment which restore fills it and for which name. A
//! restore that runs has a session whose application name says the same, so that nothing of a
//! living one is touched. The comment goes when all is done, after the name was given.

use std::collections::BTreeMap;

use super::super::error::PostgresError;
use super::super::options::Server;
use super::super::session::{Session, identifier, literal};
use super::administrator;
use super::create::{derived, drop_database, run_of};

/// What restores of one database that did not come to their end have left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Databases that were being filled; nothing is in them that is not in the backup.
    pub unfinished: Vec<String>,
    /// Databases that are being filled by a restore that runs.
    pub busy: Vec<String>,
    /// Databases with the name of one that is being filled, of which nobody knows who made them.
    pub unknown: Vec<String>,
    /// The database itself, under the name that it had while another was to take its place.
    pub aside: Option<String>,
    /// True if the database lets nobody connect, because it was to be replaced.
    pub is_shut: bool,
    /// True if the database was restored whole, but has not got its settings yet.
    pub is_unsettled: bool,
    /// What it replaced, which was to be removed.
    pub replaced: Option<String>,
}

impl Leftovers {
    /// True if the database that was there before has to come back first.
    pub fn is_halfway(&self) -> bool {
        self.aside.is_some() || self.is_shut
    }
}

/// The name of the session of a restore that runs.
pub(super) fn application_name(run: &str) -> String {
    format!("holdfast restore {run}")
}

/// The comment of a database that is not finished.
pub(super) fn comment(run: &str, target: &str) -> String {
    format!("holdfast restore {run} of {target} is not finished")
}

/// Looks for what restores of a database have left.
///
/// # Errors
/// [`PostgresError`]: the server cannot be asked.
pub fn leftovers(server: &Server, database: &str) -> Result<Leftovers, PostgresError> {
    find(&mut administrator(&server.resolve()?, database)?, database)
}

/// One database of the server.
struct Found {
    comment: Option<String>,
    lets_connect: bool,
}

fn find(admin: &mut Session, target: &str) -> Result<Leftovers, PostgresError> {
    let rows = admin.rows(
        "SELECT datname, datallowconn, shobj_description(oid, 'pg_database') FROM pg_database",
    )?;
    let rows = rows.into_iter().filter_map(|row| {
        let mut columns = row.into_iter();
        let (name, connects) = (columns.next()??, columns.next()??);
        Some((name, Found { lets_connect: connects == "t", comment: columns.next()? }))
    });
    let all: BTreeMap<String, Found> = rows.collect();
    let query = "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE \
        'holdfast restore %'";
    let alive = admin.rows(query)?.into_iter().flatten().flatten().collect::<Vec<_>>();
    let is_alive = |run: &str| alive.contains(&application_name(run));
    let mut left = Leftovers::default();
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

/// Puts in order what restores of a database have left: the database that was there gets its name
/// back, those that were being filled are removed, and so is one that was replaced already. What
/// was done, one sentence each.
///
/// # Errors
/// [`PostgresError`]: the server refuses something of it; what was done stays done.
pub fn tidy(server: &Server, database: &str) -> Result<Vec<String>, PostgresError> {
    let mut admin = administrator(&server.resolve()?, database)?;
    let left = find(&mut admin, database)?;
    let to = identifier(database);
    let mut told = Vec::new();
    if let Some(old) = &left.aside {
        admin.run(&format!("ALTER DATABASE {} RENAME TO {to}", identifier(old)))?;
        told.push(format!("{old} is {database} again, as before a restore that was killed"));
    }
    if left.is_halfway() {
        admin.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS true"))?;
    }
    for name in left.unfinished.iter().chain(&left.replaced) {
        // Tools of the restore may have outlived it.
        end_sessions(&mut admin, name)?;
        let removed = || format!("{name}, which a restore that was killed had left, is removed");
        told.push(drop_database(&mut admin, name).unwrap_or_else(removed));
    }
    Ok(told)
}

/// Ends the sessions of a database.
pub(super) fn end_sessions(admin: &mut Session, database: &str) -> Result<(), PostgresError> {
    let query = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}",
        literal(database)
    );
    admin.rows(&query).map(drop)
}
