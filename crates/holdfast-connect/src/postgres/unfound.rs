//! Objects that a restore may be unable to create, because a function in them refers to something
//! without its schema, and that schema is not on the search path of the database.
//!
//! Such objects were created under a search path that was set for a single session. The text of the
//! function is searched for names, not parsed, so this is only a suspicion.

use super::error::PostgresError;
use super::restore::of_sessions;
use super::session::{PostgresSession, literal};

/// The role whose search path counts.
const OWNER: &str = "SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database \
    WHERE datname = pg_catalog.current_database()";
/// What a restore evaluates (indexes, CHECK constraints, generated columns, materialized views),
/// with the functions that it calls and that depend on the search path, and the names in the text
/// of these functions that the search path does not resolve.
const UNFOUND: &str = "WITH used AS (\
    SELECT DISTINCT d.classid, d.objid, d.objsubid, p.oid, p.prosrc \
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p \
    ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid \
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
    WHERE p.oid >= 16384 AND l.lanname IN ('sql', 'plpgsql') \
    AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NULL \
    AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) c WHERE c LIKE 'search\\_path=%') \
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = p.oid \
    AND e.classid = 'pg_catalog.pg_proc'::regclass AND e.deptype = 'e') \
    AND CASE d.classid \
    WHEN 'pg_catalog.pg_constraint'::regclass THEN true \
    WHEN 'pg_catalog.pg_class'::regclass THEN EXISTS (SELECT FROM pg_catalog.pg_class c \
    WHERE c.oid = d.objid AND c.relkind IN ('i', 'I')) \
    WHEN 'pg_catalog.pg_rewrite'::regclass THEN EXISTS (SELECT FROM pg_catalog.pg_rewrite r \
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid AND c.relkind = 'm') \
    WHEN 'pg_catalog.pg_attrdef'::regclass THEN EXISTS (SELECT FROM pg_catalog.pg_attrdef f \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum \
    WHERE f.oid = d.objid AND a.attgenerated <> '') ELSE false END), \
    named AS (\
    SELECT c.relname AS name, c.relnamespace AS schema, \
    pg_catalog.to_regclass(pg_catalog.quote_ident(c.relname)) IS NOT NULL AS is_found \
    FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
    UNION SELECT p.proname, p.pronamespace, EXISTS (SELECT FROM pg_catalog.pg_proc o \
    WHERE o.proname = p.proname AND pg_catalog.pg_function_is_visible(o.oid)) \
    FROM pg_catalog.pg_proc p) \
    SELECT DISTINCT pg_catalog.pg_describe_object(u.classid, u.objid, u.objsubid), \
    u.oid::pg_catalog.regprocedure::text, n.name, s.nspname \
    FROM used u, named n JOIN pg_catalog.pg_namespace s ON s.oid = n.schema \
    WHERE NOT n.is_found AND s.nspname !~ '^pg_' AND s.nspname <> 'information_schema' \
    AND pg_catalog.strpos(u.prosrc, n.name) > 0 \
    AND u.prosrc ~ ('(^|[^.[:alnum:]_\"$])\"?' \
    || pg_catalog.regexp_replace(n.name, '([^[:alnum:]_])', '\\\\\\1', 'g') \
    || '\"?($|[^.[:alnum:]_\"$])') ORDER BY 1, 3 LIMIT 20";

/// The objects in the database of a session, one sentence each.
pub(super) fn warnings(
    session: &mut PostgresSession,
    database: &str,
) -> Result<Vec<String>, PostgresError> {
    let owner = session.value(OWNER)?;
    let path = of_sessions(session, owner.as_deref())?;
    let set = format!("SELECT pg_catalog.set_config('search_path', {}, false)", literal(&path));
    session.rows(&set)?;
    let rows = session.rows(UNFOUND)?.into_iter().filter_map(|row| {
        let mut columns = row.into_iter().flatten();
        let (object, function) = (columns.next()?, columns.next()?);
        let (name, schema) = (columns.next()?, columns.next()?);
        Some(format!(
            "{object} in database {database:?} may not be restorable: function {function} refers \
             to {name:?} without its schema {schema:?}, which is not on the search path of the \
             database; to fix it: ALTER FUNCTION {function} SET search_path = {schema}"
        ))
    });
    Ok(rows.collect())
}
