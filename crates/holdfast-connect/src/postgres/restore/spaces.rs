//! Tablespaces that a server does not have.

use std::collections::BTreeSet;

use super::super::error::PostgresError;
use super::super::session::PostgresSession;
use super::DatabaseRestoreOptions;
use super::stored::ReadDatabase;

/// The tablespaces of tables and indexes that the server does not have, or that are not to be used.
/// Their contents go into the default one.
pub(super) fn lacking(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    options: &DatabaseRestoreOptions,
) -> Result<BTreeSet<Vec<u8>>, PostgresError> {
    let used = stored.toc.entries.iter().filter_map(|entry| entry.tablespace.as_deref());
    let mut used: BTreeSet<Vec<u8>> =
        used.filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
    if options.keep_tablespaces && !used.is_empty() {
        let known = session.rows("SELECT spcname FROM pg_catalog.pg_tablespace")?;
        for name in known.into_iter().flatten().flatten() {
            used.remove(name.as_bytes());
        }
    }
    Ok(used)
}

/// What happens to them, one sentence each, unless this was requested.
pub(super) fn warnings(
    lacking: &BTreeSet<Vec<u8>>,
    options: &DatabaseRestoreOptions,
) -> impl Iterator<Item = String> {
    lacking.iter().filter(|_| options.keep_tablespaces).map(|name| {
        let name = String::from_utf8_lossy(name);
        format!(
            "the tables and indexes of tablespace {name:?} are in the default one, because this \
             server has no tablespace with that name"
        )
    })
}
