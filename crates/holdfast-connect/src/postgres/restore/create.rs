//! The database that a restore fills, from its creation to its final name.

use super::super::error::{ErrorKind, PostgresError};
use super::super::record::DatabaseRecord;
use super::super::session::{PostgresSession, identifier, literal};
use super::super::tool::Tools;
use super::DatabaseRestoreOptions;
use super::leftover::{application_name, comment, end_sessions};
use super::standing::{self, DatabaseHolding};

/// PostgreSQL truncates longer names.
const NAME_BYTES_MAX: usize = 63;
/// The first version with `LOCALE_PROVIDER`.
const WITH_PROVIDERS: u32 = 150_000;
/// The first version with `ICU_RULES`.
const WITH_ICU_RULES: u32 = 160_000;

/// True if the server has a database with this name.
pub(super) fn exists(session: &mut PostgresSession, name: &str) -> Result<bool, PostgresError> {
    let query = format!("SELECT 1 FROM pg_database WHERE datname = {}", literal(name));
    Ok(session.value(&query)?.is_some())
}

/// A new database that no one knows about yet.
pub(super) struct Fresh {
    pub name: String,
    run: String,
}

impl Fresh {
    /// Creates it, with the encoding and collation of the captured one.
    pub fn create(
        session: &mut PostgresSession,
        record: Option<&DatabaseRecord>,
        options: &DatabaseRestoreOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Self, PostgresError> {
        let fresh =
            Self { name: derived(&options.database, "hf", &options.run), run: options.run.clone() };
        // This distinguishes a running restore from one that was killed.
        let alive = application_name(&options.run);
        session.run(&format!("SET application_name = {}", literal(&alive)))?;
        let create = format!("CREATE DATABASE {} TEMPLATE template0", identifier(&fresh.name));
        let Some(record) = record else {
            session.run(&create)?;
            fresh.mark(session, &options.database)?;
            return Ok(fresh);
        };
        let encoding = format!(" ENCODING {}", literal(&record.encoding));
        let version = session.value("SELECT current_setting('server_version_num')")?;
        let version = version.and_then(|it| it.parse().ok()).unwrap_or(0);
        let locale = locale(record, version);
        let space = match options.keep_tablespaces {
            true => tablespace(session, record, warnings)?,
            false => String::new(),
        };
        if let Err(error) = session.run(&format!("{create}{encoding}{locale}{space}")) {
            if error.kind != ErrorKind::Statement {
                return Err(error);
            }
            // Another system may not know the locale. Sorting then differs, but the rows do not.
            session.run(&format!("{create}{encoding}{space}"))?;
            warnings.push(format!(
                "the database has this server's collation instead of {:?}, which was refused \
                 ({error})",
                record.collate
            ));
        }
        fresh.mark(session, &options.database)?;
        if options.keep_owners {
            let (name, owner) = (identifier(&fresh.name), identifier(&record.owner));
            if let Err(error) = session.run(&format!("ALTER DATABASE {name} OWNER TO {owner}")) {
                warnings.push(format!("the database has a different owner than before: {error}"));
            }
        }
        Ok(fresh)
    }

    /// Says in its comment what it is, for anyone who finds it after this process was killed.
    fn mark(&self, session: &mut PostgresSession, target: &str) -> Result<(), PostgresError> {
        let (name, text) = (identifier(&self.name), comment(&self.run, target));
        let marked = session.run(&format!("COMMENT ON DATABASE {name} IS {}", literal(&text)));
        marked.inspect_err(|_| self.remove(session))
    }

    /// Gives it the final name. A database that has the name is first renamed, and dropped last; if
    /// that fails, the restore still succeeds, and the returned sentence says what is left.
    ///
    /// With `only_empty` that database is checked once more after it can no longer be written to,
    /// and gets its name back if it is not empty.
    pub fn rename(
        &self,
        session: &mut PostgresSession,
        target: &str,
        is_there: bool,
        only_empty: Option<&Tools>,
    ) -> Result<Option<String>, PostgresError> {
        let to = identifier(target);
        let rename = format!("ALTER DATABASE {} RENAME TO {to}", identifier(&self.name));
        if !is_there {
            return session.run(&rename).map(|()| None).map_err(|error| self.left(&error));
        }
        let old_name = derived(target, "hf_old", &self.run);
        let aside = self.move_aside(session, target, &identifier(&old_name));
        aside.map_err(|error| self.left(&error))?;
        if let Some(tools) = only_empty
            && let Err(error) = still_empty(session, tools, target, &old_name)
        {
            put_back(session, target, &old_name)?;
            self.remove(session);
            return Err(error);
        }
        if let Err(error) = session.run(&rename) {
            put_back(session, target, &old_name)?;
            return Err(self.left(&error));
        }
        Ok(drop_database(session, &old_name))
    }

    /// Ends the sessions of a database, keeps new ones out, and renames it.
    fn move_aside(
        &self,
        session: &mut PostgresSession,
        target: &str,
        old: &str,
    ) -> Result<(), PostgresError> {
        let to = identifier(target);
        session.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS false"))?;
        let moved = end_sessions(session, target).and_then(|()| {
            // RENAME waits for the sessions to end.
            session.run(&format!("ALTER DATABASE {to} RENAME TO {old}"))
        });
        if moved.is_err() {
            session.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS true"))?;
        }
        moved
    }

    /// Drops it again, as far as possible.
    pub fn remove(&self, session: &mut PostgresSession) {
        // The error that led here is the one to report.
        let _ = session.run(&format!("DROP DATABASE IF EXISTS {}", identifier(&self.name)));
    }

    fn left(&self, error: &PostgresError) -> PostgresError {
        let text = format!(
            "the restored database could not be renamed and is now called {:?}: {error}",
            self.name
        );
        error.reworded(text)
    }
}

/// Gives the database that was there its name back.
fn put_back(
    session: &mut PostgresSession,
    target: &str,
    old_name: &str,
) -> Result<(), PostgresError> {
    let (to, old) = (identifier(target), identifier(old_name));
    session.run(&format!("ALTER DATABASE {old} RENAME TO {to}"))?;
    session.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS true"))
}

/// Refuses to replace a database that was empty but no longer is. Its sessions have ended, and
/// their uncommitted changes are undone; only this restore knows its current name.
fn still_empty(
    session: &mut PostgresSession,
    tools: &Tools,
    target: &str,
    old_name: &str,
) -> Result<(), PostgresError> {
    session.run(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", identifier(old_name)))?;
    match standing::held(&mut PostgresSession::open(tools, old_name)?)? {
        None => Ok(()),
        Some(holding) => Err(filled_meanwhile(target, &holding)),
    }
}

/// The error for a database that is no longer empty.
pub(super) fn filled_meanwhile(target: &str, holding: &DatabaseHolding) -> PostgresError {
    let text = format!(
        "database {target:?} was empty when the restore began and now has {holding}; it was left \
         unchanged"
    );
    PostgresError::new(ErrorKind::Changed, text)
}

/// Drops a database; if that fails, returns a sentence that says what is left and why.
pub(super) fn drop_database(session: &mut PostgresSession, name: &str) -> Option<String> {
    let dropped = session.run(&format!("DROP DATABASE IF EXISTS {}", identifier(name)));
    let error = dropped.err()?;
    Some(format!(
        "{name} is no longer needed but could not be removed: {error}; remove it by hand (if it \
         has a subscription: ALLOW_CONNECTIONS true, and SET (slot_name = NONE) first)"
    ))
}

/// A name derived from another one, no longer than PostgreSQL allows.
pub(super) fn derived(name: &str, what: &str, run: &str) -> String {
    let end = format!("_{what}_{run}");
    let room = NAME_BYTES_MAX.saturating_sub(end.len());
    format!("{}{end}", &name[..name.floor_char_boundary(room)])
}

/// The run that created a database for another name, as its own name shows; `None` if none did.
pub(super) fn run_of<'n>(name: &'n str, target: &str) -> Option<&'n str> {
    let (_, run) = name.rsplit_once("_hf_")?;
    let is_run = !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_run && derived(target, "hf", run) == name).then_some(run)
}

fn locale(record: &DatabaseRecord, server_version: u32) -> String {
    let DatabaseRecord { collate, ctype, .. } = record;
    let mut text = format!(" LC_COLLATE {} LC_CTYPE {}", literal(collate), literal(ctype));
    let locale = record.locale.as_deref().map(literal).unwrap_or_default();
    if server_version < WITH_PROVIDERS {
        return text;
    }
    let rules = record.icu_rules.as_deref().filter(|_| server_version >= WITH_ICU_RULES);
    let rules = rules.map(|rules| format!(" ICU_RULES {}", literal(rules))).unwrap_or_default();
    text.push_str(&match record.locale_provider.as_deref() {
        Some("i") => format!(" LOCALE_PROVIDER icu ICU_LOCALE {locale}{rules}"),
        Some("b") => format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {locale}"),
        _ => " LOCALE_PROVIDER libc".to_owned(),
    });
    text
}

/// The tablespace clause for the database, if the server has its tablespace.
fn tablespace(
    session: &mut PostgresSession,
    record: &DatabaseRecord,
    warnings: &mut Vec<String>,
) -> Result<String, PostgresError> {
    let Some(name) = &record.tablespace else { return Ok(String::new()) };
    let query = format!("SELECT 1 FROM pg_tablespace WHERE spcname = {}", literal(name));
    if session.value(&query)?.is_some() {
        return Ok(format!(" TABLESPACE {}", identifier(name)));
    }
    warnings.push(format!(
        "the database is in the default tablespace, because this server has no tablespace {name:?}"
    ));
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::{derived, run_of};

    #[test]
    fn only_names_that_a_restore_gives_are_taken_for_its_own() {
        let long = "a".repeat(60);
        for target in ["app", "app_hf_1", long.as_str()] {
            let name = derived(target, "hf", "0123456789ab");
            assert_eq!(run_of(&name, target), Some("0123456789ab"));
            assert_eq!(run_of(&name, "other"), None);
        }
        for name in ["app", "app_hf_", "app_hf_a-b", "app_hf_old_012", "my_app_hf_012"] {
            assert_eq!(run_of(name, "app"), None, "{name}");
        }
    }
}
