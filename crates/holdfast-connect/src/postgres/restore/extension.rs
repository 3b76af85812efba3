//! Tables of extensions, of which a dump contains only the rows that the extension does not provide
//! itself.

use std::collections::{BTreeMap, HashMap};

use super::super::archive::TocEntry;
use super::super::error::PostgresError;
use super::super::session::PostgresSession;

/// Tables whose rows `pg_dump` selects by a condition from the script of the extension.
const TABLES: &str = "SELECT n.nspname, c.relname, e.extname, e.extversion, e.extcondition[i] \
    FROM pg_catalog.pg_extension e \
    CROSS JOIN LATERAL pg_catalog.generate_subscripts(e.extconfig, 1) i \
    JOIN pg_catalog.pg_class c ON c.oid = e.extconfig[i] \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE e.extcondition[i] <> ''";

/// The tables of a database whose rows are dumped only in part.
#[derive(Default)]
pub(super) struct Filtered(HashMap<(Vec<u8>, Vec<u8>), ExtensionRows>);

/// The rows of a table that a dump contains.
pub(super) struct ExtensionRows {
    /// `WHERE` and what follows.
    pub condition: String,
    extension: String,
    version: String,
}

impl Filtered {
    /// Queries the database of a session.
    pub fn ask(session: &mut PostgresSession) -> Result<Self, PostgresError> {
        let rows = session.rows(TABLES)?.into_iter().filter_map(|row| {
            let mut columns = row.into_iter().flatten();
            let table = (columns.next()?.into_bytes(), columns.next()?.into_bytes());
            let (extension, version) = (columns.next()?, columns.next()?);
            Some((table, ExtensionRows { condition: columns.next()?, extension, version }))
        });
        Ok(Self(rows.collect()))
    }

    /// Which rows of an entry's table a dump contains; `None` for all of them.
    pub fn of(&self, entry: &TocEntry) -> Option<&ExtensionRows> {
        let name = (entry.namespace.as_deref()?.to_vec(), entry.tag.as_deref()?.to_vec());
        self.0.get(&name)
    }
}

impl ExtensionRows {
    /// Why the rows may differ from those of a dump: another version of the extension may provide,
    /// and so dump, different rows.
    pub fn other_version(&self, captured: Option<&BTreeMap<String, String>>) -> Option<String> {
        let Self { extension, version, .. } = self;
        let before = captured.and_then(|it| it.get(extension));
        let other = match before {
            Some(before) if before == version => return None,
            Some(before) => format!("was {before} when it was captured"),
            None => "had an unknown version when it was captured".to_owned(),
        };
        Some(format!("it belongs to extension {extension}, which is {version} here and {other}"))
    }
}
