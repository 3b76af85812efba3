//! The database that a restore fills, from its creation to its name.

use super::super::archive::Entry;
use super::super::error::{ErrorKind, PostgresError};
use super::super::record::DatabaseRecord;
use super::super::session::{Session, identifier, literal};
use super::RestoreOptions;
use super::stored::Stored;

/// PostgreSQL cuts longer names.
const NAME_BYTES_MAX: usize = 63;
/// The first version with `LOCALE_PROVIDER`.
const WITH_PROVIDERS: u32 = 150_000;

/// True if the server has a database of this name.
pub(super) fn exists(session: &mut Session, name: &str) -> Result<bool, PostgresError> {
    let query = format!("SELECT 1 FROM pg_database WHERE datname = {}", literal(name));
    Ok(session.value(&query)?.is_some())
}

/// A database that nobody knows yet.
pub(super) struct Fresh {
    pub name: String,
    run: String,
}

impl Fresh {
    /// Makes it, with the encoding and the collation that the captured one had.
    pub fn create(
        session: &mut Session,
        stored: &Stored<'_>,
        options: &RestoreOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Self, PostgresError> {
        let fresh =
            Self { name: derived(&options.database, "hf", &options.run), run: options.run.clone() };
        let create = format!("CREATE DATABASE {} TEMPLATE template0", identifier(&fresh.name));
        let Some(record) = &stored.content.record else {
            session.run(&create)?;
            return Ok(fresh);
        };
        let encoding = format!(" ENCODING {}", literal(&record.encoding));
        let version = session.value("SELECT current_setting('server_version_num')")?;
        let version = version.and_then(|it| it.parse().ok()).unwrap_or(0);
        let locale = locale(record, version);
        if let Err(error) = session.run(&format!("{create}{encoding}{locale}")) {
            if error.kind != ErrorKind::Statement {
                return Err(error);
            }
            // Another system may not know the locale. Sorting then differs, the rows do not.
            session.run(&format!("{create}{encoding}"))?;
            warnings.push(format!(
                "the database has the collation of this server and not {:?}, which was refused \
                 ({error})",
                record.collate
            ));
        }
        if options.keep_owners {
            let (name, owner) = (identifier(&fresh.name), identifier(&record.owner));
            if let Err(error) = session.run(&format!("ALTER DATABASE {name} OWNER TO {owner}")) {
                warnings.push(format!("the database has another owner than before: {error}"));
            }
        }
        Ok(fresh)
    }

    /// Gives it the wanted name. A database that has the name loses it first, and is removed last.
    pub fn rename(
        &mut self,
        session: &mut Session,
        target: &str,
        is_there: bool,
    ) -> Result<(), PostgresError> {
        let to = identifier(target);
        let rename = format!("ALTER DATABASE {} RENAME TO {to}", identifier(&self.name));
        if !is_there {
            return session.run(&rename).map_err(|error| self.left(&error));
        }
        let old = identifier(&derived(target, "hf_old", &self.run));
        let aside = self.move_aside(session, target, &old);
        aside.map_err(|error| self.left(&error))?;
        if let Err(error) = session.run(&rename) {
            // The one that was there gets its place back.
            session.run(&format!("ALTER DATABASE {old} RENAME TO {to}"))?;
            session.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS true"))?;
            return Err(self.left(&error));
        }
        session.run(&format!("DROP DATABASE {old}"))
    }

    /// Ends the sessions of a database, keeps new ones out, and gives it another name.
    fn move_aside(
        &self,
        session: &mut Session,
        target: &str,
        old: &str,
    ) -> Result<(), PostgresError> {
        let to = identifier(target);
        session.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS false"))?;
        let query = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}",
            literal(target)
        );
        let moved = session.rows(&query).and_then(|_| {
            // RENAME waits for the sessions to end.
            session.run(&format!("ALTER DATABASE {to} RENAME TO {old}"))
        });
        if moved.is_err() {
            session.run(&format!("ALTER DATABASE {to} ALLOW_CONNECTIONS true"))?;
        }
        moved
    }

    /// Removes it again, as well as that goes.
    pub fn remove(&self, session: &mut Session) {
        // The error that led here is the one to tell.
        let _ = session.run(&format!("DROP DATABASE IF EXISTS {}", identifier(&self.name)));
    }

    fn left(&self, error: &PostgresError) -> PostgresError {
        let text = format!(
            "the restored database could not get its name and is called {:?} now: {error}",
            self.name
        );
        PostgresError::new(error.kind, text)
    }
}

/// A name made of another one, no longer than PostgreSQL takes.
fn derived(name: &str, what: &str, run: &str) -> String {
    let end = format!("_{what}_{run}");
    let room = NAME_BYTES_MAX.saturating_sub(end.len());
    format!("{}{end}", &name[..name.floor_char_boundary(room)])
}

fn locale(record: &DatabaseRecord, server_version: u32) -> String {
    let DatabaseRecord { collate, ctype, .. } = record;
    let mut text = format!(" LC_COLLATE {} LC_CTYPE {}", literal(collate), literal(ctype));
    let locale = record.locale.as_deref().map(literal).unwrap_or_default();
    if server_version < WITH_PROVIDERS {
        return text;
    }
    text.push_str(&match record.locale_provider.as_deref() {
        Some("i") => format!(" LOCALE_PROVIDER icu ICU_LOCALE {locale}"),
        Some("b") => format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {locale}"),
        _ => " LOCALE_PROVIDER libc".to_owned(),
    });
    text
}

/// Brings back what belongs to the database as such: its settings, privileges and comment. The dump
/// has them as statements with the database's name in them.
pub(super) fn apply_settings(
    session: &mut Session,
    stored: &Stored<'_>,
    options: &RestoreOptions,
    warnings: &mut Vec<String>,
) {
    for entry in stored.toc.entries.iter().filter(|entry| is_of_database(entry)) {
        let definition = entry.definition.as_deref().unwrap_or_default();
        if options.database != stored.content.database {
            let kind = String::from_utf8_lossy(&entry.kind).to_lowercase();
            warnings.push(format!(
                "{kind} of the database were not applied, since it has another name: {}",
                String::from_utf8_lossy(definition).trim()
            ));
            continue;
        }
        if !options.keep_owners && *entry.kind == *b"ACL" {
            continue;
        }
        if let Err(error) = session.run(&String::from_utf8_lossy(definition)) {
            warnings.push(format!("settings of the database were not applied: {error}"));
        }
    }
}

fn is_of_database(entry: &Entry) -> bool {
    let is_named = entry.tag.as_deref().is_some_and(|tag| tag.starts_with(b"DATABASE "));
    match &*entry.kind {
        b"DATABASE PROPERTIES" => true,
        b"ACL" | b"COMMENT" | b"SECURITY LABEL" => is_named,
        _ => false,
    }
}
