//! Whether a server has what a restore needs, and the role may use it.

use std::collections::BTreeSet;

use super::super::archive::{TocEntry, TocSection};
use super::super::error::{ErrorKind, PostgresError};
use super::super::session::PostgresSession;
use super::super::sql::{roles_named, statements};
use super::stored::ReadDatabase;

/// How many names a message lists.
const NAMED_MAX: usize = 5;
/// Roles, and whether the restoring role may give objects to them.
const ROLES: &str = "SELECT rolname, pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles";
/// The restoring role, whether it may create databases, and whether it sees all rows.
const MAKER: &str = "SELECT rolname, rolsuper OR rolcreatedb, rolsuper OR rolbypassrls \
    FROM pg_roles WHERE rolname = current_user";
/// In the definition of a table whose policies also apply to its owner.
const FORCED: &[u8] = b" FORCE ROW LEVEL SECURITY;";

/// Refuses a restore that would fail for lack of a role, an owner or an extension. Roles in
/// `coming` will exist by then.
pub(super) fn check(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    keep_owners: bool,
    coming: &[String],
) -> Result<(), PostgresError> {
    let maker = session.rows(MAKER)?.into_iter().next().unwrap_or_default();
    let mut maker = maker.into_iter().map(Option::unwrap_or_default);
    let (role, may_make) = (maker.next().unwrap_or_default(), maker.next());
    if may_make.as_deref() == Some("f") {
        let text = format!(
            "role {role} may not create databases, which a restore needs: run ALTER ROLE \
             \"{role}\" CREATEDB; as a superuser"
        );
        return Err(PostgresError::new(ErrorKind::Privilege, text));
    }
    if maker.next().as_deref() == Some("f") && stored.toc.entries.iter().any(is_forced) {
        let text = format!(
            "role {role} does not see all rows of tables with FORCE ROW LEVEL SECURITY, so they \
             could not be compared: run ALTER ROLE \"{role}\" BYPASSRLS; as a superuser"
        );
        return Err(PostgresError::new(ErrorKind::Privilege, text));
    }
    let (mut known, mut beyond) = (BTreeSet::new(), BTreeSet::new());
    for row in session.rows(ROLES)? {
        let mut columns = row.into_iter().flatten();
        let (Some(name), Some(may_give)) = (columns.next(), columns.next()) else { continue };
        if may_give == "f" {
            beyond.insert(name.clone());
        }
        known.insert(name);
    }
    known.extend(coming.iter().cloned());
    let (owners, named) = used(stored, keep_owners);
    missing(&owners - &known, "owns restored objects")?;
    missing(&named - &known, "is named in privileges or policies")?;
    if let Some(owner) = made_for(stored, keep_owners).intersection(&beyond).next() {
        let text = format!(
            "role {role} may not give objects to {owner}, who owned them in the backup: run GRANT \
             \"{owner}\" TO \"{role}\"; as a superuser, or restore without owners"
        );
        return Err(PostgresError::new(ErrorKind::Owners, text));
    }
    extensions(session, stored)
}

/// True for a table whose policies also apply to its owner.
fn is_forced(entry: &TocEntry) -> bool {
    let definition = entry.definition.as_deref().unwrap_or_default();
    *entry.kind == *b"TABLE" && definition.windows(FORCED.len()).any(|part| part == FORCED)
}

/// Owners, and other roles that must exist.
fn used(stored: &ReadDatabase<'_>, keep_owners: bool) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let (mut owners, mut named) = (BTreeSet::new(), BTreeSet::new());
    for entry in &stored.toc.entries {
        owners.extend(entry.owner.as_deref().filter(|_| keep_owners).map(text));
        let is_privilege = keep_owners && matches!(&*entry.kind, b"ACL" | b"DEFAULT ACL");
        // A policy without the roles that it applies to protects nothing.
        if is_privilege || *entry.kind == *b"POLICY" {
            let all = statements(entry.definition.as_deref().unwrap_or_default());
            let roles = all.unwrap_or_default();
            named.extend(roles.iter().flat_map(|it| roles_named(it)).map(|it| text(&it)));
        }
    }
    owners.remove("");
    (owners, named)
}

/// Owners of what is created in the database. The owner of the database itself, and those of
/// objects that the server provides, are set only if the role may.
fn made_for(stored: &ReadDatabase<'_>, keep_owners: bool) -> BTreeSet<String> {
    let is_made = |entry: &&TocEntry| {
        keep_owners && entry.section == TocSection::PreData && *entry.kind != *b"DATABASE"
    };
    let owners = stored.toc.entries.iter().filter(is_made).filter_map(|it| it.owner.as_deref());
    let owners = owners.map(|owner| String::from_utf8_lossy(owner).into_owned());
    owners.filter(|owner| !owner.starts_with("pg_")).collect()
}

fn missing(roles: BTreeSet<String>, why: &str) -> Result<(), PostgresError> {
    if roles.is_empty() {
        return Ok(());
    }
    let text = format!(
        "the server has no role {}, which {why}: restore the roles first (globals.sql), create \
         them, or restore without owners and privileges",
        listed(&roles)
    );
    Err(PostgresError::new(ErrorKind::Owners, text))
}

/// Refuses a restore to a server that lacks an extension of the database.
fn extensions(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
) -> Result<(), PostgresError> {
    let of_kind = |entry: &&TocEntry| *entry.kind == *b"EXTENSION";
    let used = stored.toc.entries.iter().filter(of_kind).filter_map(|it| it.tag.as_deref());
    let mut used: BTreeSet<String> =
        used.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    if used.is_empty() {
        return Ok(());
    }
    for name in session.rows("SELECT name FROM pg_available_extensions")?.into_iter().flatten() {
        used.remove(&name.unwrap_or_default());
    }
    if used.is_empty() {
        return Ok(());
    }
    let text = format!(
        "the server lacks extension {}, which database {:?} uses: install it on the server first",
        listed(&used),
        stored.content.database
    );
    Err(PostgresError::new(ErrorKind::Options, text))
}

/// The first names of a list, and how many more there are.
fn listed(names: &BTreeSet<String>) -> String {
    let named = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
