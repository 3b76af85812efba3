//! What sessions of a restored database see: their search path, and the name of the database.

use super::super::error::PostgresError;
use super::super::session::{PostgresSession, identifier, literal};

/// Keeps settings that a database may have for all of its sessions from changing what is written to
/// it. Dumps are written and read with the default values of the rest.
pub(super) const UNDISTURBED: &str =
    "SET default_transaction_read_only = off; SET array_nulls = on; SET ROLE NONE";
/// The search path of an owner's sessions: of the role in this database, of the database, of the
/// role, or the server's.
const PATH: &str = "SELECT substr(setting, 13) FROM (\
    SELECT unnest(s.setconfig) AS setting, s.setrole, s.setdatabase \
    FROM pg_catalog.pg_db_role_setting s \
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database \
    WHERE datname = current_database()))) s \
    WHERE setting LIKE 'search\\_path=%' AND setrole IN (0, coalesce((SELECT oid \
    FROM pg_catalog.pg_roles WHERE rolname = OWNER), 0)) \
    ORDER BY setrole <> 0 AND setdatabase <> 0 DESC, setrole <> 0 DESC LIMIT 1";
/// The schemas of extensions.
const OF_EXTENSIONS: &str = "SELECT DISTINCT pg_catalog.quote_ident(n.nspname) \
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace \
    WHERE n.nspname <> 'pg_catalog' ORDER BY 1";
/// Materialized views that may show the name of the database, or the contents of another one: they
/// query it, or something known to contain it, call a function that may, read a foreign table or a
/// table with a foreign partition, or read another view that does.
const VIEWS: &str = "WITH RECURSIVE far AS (\
    SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relkind = 'f' \
    UNION SELECT i.inhparent FROM far f JOIN pg_catalog.pg_inherits i ON i.inhrelid = f.oid), \
    view AS (\
    SELECT c.oid, c.relkind, n.nspname, c.relname, r.oid AS rule \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid \
    WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384), \
    suspect AS (SELECT v.oid FROM view v \
    WHERE pg_catalog.pg_get_viewdef(v.oid) ~* 'TEXTS' \
    OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid \
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
    WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = v.rule \
    AND d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid >= 16384 \
    AND l.lanname NOT IN ('c', 'internal')) \
    OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN far f ON f.oid = d.refobjid \
    WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = v.rule \
    AND d.refclassid = 'pg_catalog.pg_class'::regclass) \
    UNION SELECT v.oid FROM suspect s JOIN pg_catalog.pg_depend d ON d.refobjid = s.oid \
    AND d.refclassid = 'pg_catalog.pg_class'::regclass \
    AND d.classid = 'pg_catalog.pg_rewrite'::regclass JOIN view v ON v.rule = d.objid) \
    SELECT DISTINCT v.nspname, v.relname FROM suspect s JOIN view v USING (oid) \
    WHERE v.relkind = 'm'";

/// What materialized views may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// The name of the database, or what another database has.
    NameOrOthers,
    /// What another database has.
    OtherDatabases,
}

impl Shows {
    /// What the text of such a view contains.
    fn texts(self) -> &'static str {
        match self {
            Self::NameOrOthers => {
                "current_database|current_catalog|information_schema|pg_database|pg_stat|datname\
                 |dblink"
            }
            Self::OtherDatabases => "dblink",
        }
    }
}

/// The first statements of each connection of `pg_restore`.
pub(super) fn beginning(path: &str) -> String {
    let path = literal(path);
    format!("SELECT pg_catalog.set_config('search_path', {path}, false);\n{UNDISTURBED};\n")
}

/// The search path of the owner's sessions, followed by the schemas of extensions.
pub(in crate::postgres) fn of_sessions(
    session: &mut PostgresSession,
    owner: Option<&str>,
) -> Result<String, PostgresError> {
    let owner = owner.unwrap_or_default();
    let set = session.value(&PATH.replace("OWNER", &literal(owner)))?;
    let path = match set {
        Some(path) => path,
        None => session
            .value("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'")?
            .unwrap_or_default(),
    };
    let path = path.replace("\"$user\"", &identifier(owner));
    let extensions = session.rows(OF_EXTENSIONS)?.into_iter().flatten().flatten();
    let all = Some(path).into_iter().chain(extensions).filter(|it| !it.is_empty());
    Ok(all.collect::<Vec<_>>().join(", "))
}

/// Schema and name of each materialized view that may show this.
pub(super) fn views(
    session: &mut PostgresSession,
    shows: Shows,
) -> Result<Vec<(String, String)>, PostgresError> {
    let query = VIEWS.replace("TEXTS", shows.texts());
    let rows = session.rows(&query)?.into_iter().filter_map(|row| {
        let mut columns = row.into_iter().flatten();
        columns.next().zip(columns.next())
    });
    Ok(rows.collect())
}
