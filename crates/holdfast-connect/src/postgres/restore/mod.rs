//! Restoring a captured database: into a new database, or in place of an existing one.
//!
//! The data goes into a fresh database under a temporary name. Only when every table there holds
//! what was captured does it get its final name; a database that had the name before is removed
//! last.

mod create;
mod emit;
mod extension;
mod failures;
mod fill;
mod globals;
mod leftover;
mod objects;
mod older;
mod path;
mod roles;
mod script;
mod settings;
mod spaces;
mod standing;
mod stored;
mod verify;
mod version;

pub use emit::{EmitForm, emit, emit_stream};
pub use fill::Unmade;
pub use globals::{GlobalsReport, globals, restore_globals};
pub use leftover::{DatabaseLeftovers, leftovers, tidy};
pub(super) use path::of_sessions;
pub use script::{ScriptReport, restore_script};
pub use standing::{DatabaseHolding, DatabaseState, holds, standing};
pub use stored::StoredDatabase;
pub use verify::{TableOutcome, TableReport};

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::archive::DataSelection;
use super::error::{ErrorKind, PostgresError};
use super::options::PostgresServer;
use super::session::PostgresSession;
use super::tool::Tools;
use create::Fresh;
use failures::Failures;
use fill::Fill;
use stored::ReadDatabase;
use version::Filler;

/// Where to restore a database, and how.
#[derive(Debug, Clone)]
pub struct DatabaseRestoreOptions {
    /// The server.
    pub server: PostgresServer,
    /// Name of the database.
    pub database: String,
    /// What of it to restore.
    pub selection: RestoreSelection,
    /// The name again, if an existing database with it may be replaced.
    pub overwrite: Option<String>,
    /// True to replace it only while it is empty.
    pub only_empty: bool,
    /// Restores over this many connections at once, from files in this folder, which take as much
    /// space as the dump. Without it, the dump is streamed over one connection and takes none.
    pub jobs: Option<(u32, PathBuf)>,
    /// False to give everything to the restoring role if the owners do not exist.
    pub keep_owners: bool,
    /// False to put everything into the default tablespace.
    pub keep_tablespaces: bool,
    /// True if other databases are restored too, which this one may read: [`settle`] finishes the
    /// database, once all of them are restored.
    pub has_peers: bool,
    /// Identifies this run: part of the name of the fresh database. Letters and digits.
    pub run: String,
}

impl DatabaseRestoreOptions {
    /// Everything, into a new database.
    pub fn new(
        server: PostgresServer,
        database: impl Into<String>,
        run: impl Into<String>,
    ) -> Self {
        Self {
            server,
            database: database.into(),
            selection: RestoreSelection::default(),
            overwrite: None,
            only_empty: false,
            jobs: None,
            keep_owners: true,
            keep_tablespaces: true,
            has_peers: false,
            run: run.into(),
        }
    }
}

/// What of a database to restore; everything by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreSelection {
    /// Only this schema.
    pub schema: Option<String>,
    /// Only tables with this name.
    pub table: Option<String>,
}

impl RestoreSelection {
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseRestoreReport {
    /// The database.
    pub database: String,
    /// Tables and large objects, compared with what was captured.
    pub tables: Vec<TableReport>,
    /// Objects that could not be created. No captured rows are among them, except those of
    /// extensions that the server does not create in this database.
    pub unmade: Vec<Unmade>,
    /// What differs from before, one sentence each.
    pub warnings: Vec<String>,
}

/// Restores a database, compares every table with what was captured, and gives it its name.
///
/// # Errors
/// [`ErrorKind::Exists`] if the database exists and is not named as one to overwrite;
/// [`ErrorKind::Changed`] if it may only be replaced while it is empty, and is not; it is then
/// unchanged; [`ErrorKind::Differs`] if a table is not what was captured: the existing database is
/// then untouched, and the new one is kept under the name in the message.
pub fn restore(
    stored: &dyn StoredDatabase,
    options: &DatabaseRestoreOptions,
) -> Result<DatabaseRestoreReport, PostgresError> {
    let tools = options.server.resolve()?;
    if options.jobs.is_some() && !tools.exec.is_empty() {
        let text = "several jobs need files that pg_restore can see: leave out jobs, or exec";
        return Err(PostgresError::new(ErrorKind::Options, text));
    }
    let stored = ReadDatabase::read(stored)?;
    let wanted = stored.wanted(&options.selection)?;
    let (mut admin, is_there) = destination(&tools, options)?;
    roles::check(&mut admin, &stored, options.keep_owners, &[])?;
    let mut warnings = Vec::new();
    let older = older::server(&mut admin, &stored)?;
    let filler = Filler::find(&tools, &mut admin, &stored)?;
    warnings.extend(older.iter().map(older::Older::warning));
    let lacking_spaces = spaces::lacking(&mut admin, &stored, options)?;
    warnings.extend(spaces::warnings(&lacking_spaces, options));
    let fill =
        Fill { tools: &tools, stored: &stored, wanted: &wanted, options, filler, lacking_spaces };
    let record = stored.content.record.as_ref();
    let fresh = Fresh::create(&mut admin, record, options, &mut warnings)?;
    let filled = settings::begin(&mut admin, (&stored, options), (&tools, &fresh.name))
        .and_then(|()| fill.all(&fresh.name));
    let compared = filled.and_then(|failures| {
        let compared = finish(&fill, &fresh.name, &fill.pending(&failures), &mut warnings)?;
        Ok((failures, compared))
    });
    let (failures, (mut tables, sequences)) = match compared {
        Ok(compared) => compared,
        Err(error) => {
            // No one has seen it yet.
            fresh.remove(&mut admin);
            return Err(match older {
                Some(older) => older.explain(&error),
                None => error,
            });
        }
    };
    verify::judge(&tables, &sequences, &fresh.name)?;
    let only_empty = options.only_empty.then_some(&tools);
    warnings.extend(fresh.rename(&mut admin, &options.database, is_there, only_empty)?);
    let views = match options.has_peers {
        true => BTreeSet::new(),
        false => fill.views_of_others(&options.database)?,
    };
    let unmade = named(&fill, failures, &views, &mut tables)?;
    settings::apply(&mut admin, &stored, options, &mut warnings);
    Ok(DatabaseRestoreReport { database: options.database.clone(), tables, unmade, warnings })
}

/// Makes sure that the server has the roles and extensions that a restore needs, without changing
/// anything. Roles in `coming` are created before it.
///
/// # Errors
/// [`PostgresError`]: what is missing, and what to do about it.
pub fn check(
    stored: &dyn StoredDatabase,
    options: &DatabaseRestoreOptions,
    coming: &[String],
) -> Result<(), PostgresError> {
    let mut admin = administrator(&options.server.resolve()?, &options.database)?;
    refuse_standby(&mut admin)?;
    roles::check(&mut admin, &ReadDatabase::read(stored)?, options.keep_owners, coming)
}

/// Does what depends on the name of the database, refreshes `views`, and compares rows that had to
/// wait for that.
fn named(
    fill: &Fill<'_>,
    failures: Failures,
    views: &BTreeSet<i32>,
    tables: &mut Vec<TableReport>,
) -> Result<Vec<Unmade>, PostgresError> {
    let database = &fill.options.database;
    let waited = fill.pending(&failures);
    let failures = fill.named(database, failures, views)?;
    let mut unmade = fill.unmade(&failures);
    let came: BTreeSet<i32> = &waited - &fill.pending(&failures);
    if !came.is_empty() {
        let mut session = fill::open(fill.tools, database)?;
        let sequences =
            verify::sequences(&mut session, fill.stored, fill.wanted, &|it| came.contains(&it))?;
        let compared = verify::compare(&mut session, fill.stored, &DataSelection::Only(came))?;
        unmade.extend(verify::differing(&compared, &sequences).map(|label| Unmade {
            label,
            reason: "it does not hold what was captured".to_owned(),
            number: None,
        }));
        tables.extend(compared);
    }
    Ok(unmade)
}

/// Finishes a database that was filled and named, by a restore that was killed or by one of several
/// databases: its settings, what depends on its name, what other databases show in it, and what
/// was `unmade` until now. With peers the database stays unfinished, so that this can be repeated.
///
/// # Errors
/// [`PostgresError`]: the server or the backup cannot be read.
pub fn settle(
    stored: &dyn StoredDatabase,
    options: &DatabaseRestoreOptions,
    unmade: Vec<Unmade>,
) -> Result<DatabaseRestoreReport, PostgresError> {
    let tools = options.server.resolve()?;
    let mut admin = administrator(&tools, &options.database)?;
    let (stored, mut warnings) = (ReadDatabase::read(stored)?, Vec::new());
    let filler = Filler::find(&tools, &mut admin, &stored)?;
    let lacking_spaces = spaces::lacking(&mut admin, &stored, options)?;
    let (wanted, mut tables) = (DataSelection::All, Vec::new());
    let fill =
        Fill { tools: &tools, stored: &stored, wanted: &wanted, options, filler, lacking_spaces };
    let (failed, lost): (Vec<_>, Vec<_>) = unmade.into_iter().partition(|it| it.number.is_some());
    let failures = failed.into_iter().filter_map(|it| Some((it.number?, it.reason))).collect();
    let views = fill.views_of_others(&options.database)?;
    let mut unmade = named(&fill, failures, &views, &mut tables)?;
    unmade.extend(lost);
    settings::apply(&mut admin, &stored, options, &mut warnings);
    Ok(DatabaseRestoreReport { database: options.database.clone(), tables, unmade, warnings })
}

/// True if a database has materialized views that were filled and may show what another database
/// has.
///
/// # Errors
/// [`PostgresError`]: the database cannot be read.
pub fn reads_others(options: &DatabaseRestoreOptions) -> Result<bool, PostgresError> {
    let mut session = fill::open(&options.server.resolve()?, &options.database)?;
    Ok(!path::views(&mut session, path::Shows::OtherDatabases)?.is_empty())
}

/// A session with a different database than the one to be restored, and whether that one exists; if
/// so, it may be replaced.
fn destination(
    tools: &Tools,
    options: &DatabaseRestoreOptions,
) -> Result<(PostgresSession, bool), PostgresError> {
    let mut admin = administrator(tools, &options.database)?;
    refuse_standby(&mut admin)?;
    let is_there = create::exists(&mut admin, &options.database)?;
    if is_there && options.overwrite.as_deref() != Some(options.database.as_str()) {
        let text = format!(
            "database {:?} already exists: restore under another name, or allow it to be replaced",
            options.database
        );
        return Err(PostgresError::new(ErrorKind::Exists, text));
    }
    if is_there
        && options.only_empty
        && let Some(holding) =
            standing::held(&mut PostgresSession::open(tools, &options.database)?)?
    {
        return Err(create::filled_meanwhile(&options.database, &holding));
    }
    Ok((admin, is_there))
}

/// A standby can only be read.
fn refuse_standby(admin: &mut PostgresSession) -> Result<(), PostgresError> {
    match admin.value("SELECT pg_is_in_recovery()")?.as_deref() {
        Some("t") => {
            let text = "the server is a standby, which cannot be restored to: use the primary, or \
                        promote it";
            Err(PostgresError::new(ErrorKind::Privilege, text))
        }
        _ => Ok(()),
    }
}

/// A session with a different database than the one to be restored.
pub(super) fn administrator(tools: &Tools, target: &str) -> Result<PostgresSession, PostgresError> {
    let known = tools.address.database().into_iter().chain(["postgres", "template1"]);
    let mut outcome = None;
    // A session cannot rename its own database.
    for name in known.filter(|name| *name != target) {
        match PostgresSession::open(tools, name) {
            // It may also allow no connections, because a killed restore disabled them.
            Err(error) if matches!(error.kind, ErrorKind::NoDatabase | ErrorKind::Statement) => {
                outcome = Some(Err(error));
            }
            opened => {
                let mut session = opened?;
                session.allow_long(tools)?;
                return Ok(session);
            }
        }
    }
    outcome.unwrap_or_else(|| {
        Err(PostgresError::new(ErrorKind::NoDatabase, "there is no database to connect to"))
    })
}

/// Gathers statistics, without which queries are slow, and compares: tables, and the sequences
/// that are not where they were; but not those whose rows wait.
fn finish(
    fill: &Fill<'_>,
    database: &str,
    waiting: &BTreeSet<i32>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<TableReport>, Vec<String>), PostgresError> {
    let mut session = fill::open(fill.tools, database)?;
    session.allow_any()?;
    match session.run("ANALYZE") {
        // A partition may be a foreign table whose server does not answer.
        Err(error) if error.kind == ErrorKind::Statement => warnings.push(format!(
            "statistics of some tables are missing, so queries may be slow until ANALYZE is run: \
             {error}"
        )),
        analyzed => analyzed?,
    }
    let is_there = |number: i32| !waiting.contains(&number);
    let sequences = verify::sequences(&mut session, fill.stored, fill.wanted, &is_there)?;
    let wanted = fill.stored.without(fill.wanted, waiting);
    Ok((verify::compare(&mut session, fill.stored, &wanted)?, sequences))
}
