//! Whether the owners of what is restored exist.

use std::collections::BTreeSet;

use super::super::error::{ErrorKind, PostgresError};
use super::super::session::Session;
use super::stored::Stored;

/// How many roles a message names.
const NAMED_MAX: usize = 5;

/// Refuses a restore that would stop at an owner who does not exist.
pub(super) fn check(session: &mut Session, stored: &Stored<'_>) -> Result<(), PostgresError> {
    let owners = stored.toc.entries.iter().filter_map(|entry| entry.owner.as_deref());
    let owners: BTreeSet<String> =
        owners.map(|owner| String::from_utf8_lossy(owner).into_owned()).collect();
    let known = session.rows("SELECT rolname FROM pg_roles")?;
    let known: BTreeSet<String> = known.into_iter().flatten().flatten().collect();
    let missing: Vec<&str> =
        owners.difference(&known).map(String::as_str).filter(|name| !name.is_empty()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named = missing.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = match missing.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!(
        "the server has no role {named}{more}, which owns what is restored: restore the roles \
         first (globals.sql), or restore without owners (--no-owner)"
    );
    Err(PostgresError::new(ErrorKind::Privilege, text))
}
