//! The restore of an application, in this order: keys, roles, databases, objects, files, then the
//! checks of the app file on the restored data.
//!
//! [`find`] finds the keys that the data needs, [`Found::prepare`] determines the steps, and
//! [`Prepared::plan`] examines everything that would be changed and returns the [`Plan`].
//! [`Prepared::restore`] carries it out after the user has confirmed. It can be repeated at any
//! time: what is already correct is kept.

mod across;
mod act;
mod agreed;
mod checks;
mod command;
mod database;
mod emit;
mod error;
mod files;
mod health;
mod keys;
mod lacking;
mod live;
mod objects;
mod part;
mod partial;
mod plan;
mod report;
mod step;
mod tree;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_connect::postgres::RestoreSelection;
use holdfast_engine::Observer;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

pub use emit::{EmitTo, emit_database};
pub use error::RestoreError;
pub use keys::{Era, KeysPlan, KeysWish, NeededKey, OnMachine};
pub use plan::{Effect, Plan, PlanItem};
pub use report::{RestoreReport, StepReport, StepState, Verified};

use crate::bucket::Access;
use crate::config::{AppFile, Check, CheckKind, Class, Globals, Source, SourceKind};
use crate::notify::HttpOptions;
use crate::run::ReadPassword;
use keys::Keys;
use part::Part;
use step::Step;
use tree::Origin;

/// The environment of a restore, supplied by the program.
pub struct RestoreContext<'a> {
    /// The repository of the data.
    pub data: &'a Repository,
    /// The repository of the keys, if the app file names one.
    pub keys: Option<&'a Repository>,
    /// ID of the restore: letters, digits and dashes.
    pub run: &'a str,
    /// Tells the time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Reads passwords.
    pub password: &'a ReadPassword<'a>,
    /// The password file of libpq.
    pub password_file: Option<PathBuf>,
    /// Settings from the environment for connections to buckets.
    pub buckets: Access,
    /// How to request the health URL and send notices.
    pub http: HttpOptions,
    /// A folder for temporary files.
    pub scratch: &'a Path,
    /// Set when the restore should stop.
    pub stop: Arc<AtomicBool>,
}

/// What the user requested.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Names of the sources to restore; empty for all.
    pub only: Vec<String>,
    /// Which database to restore alongside the application, if there are several.
    pub database: Option<String>,
    /// Which part of a database to restore alongside the application.
    pub selection: RestoreSelection,
    /// The name to restore the only database to, alongside the application.
    pub into: Option<String>,
    /// Number of connections that fill a database concurrently.
    pub jobs: Option<u32>,
    /// Databases that may be replaced although they hold tables.
    pub overwrite: Vec<String>,
    /// True to keep whatever exists, even if it differs, and restore only what is missing.
    pub only_missing: bool,
    /// True to make the restoring role own everything in databases.
    pub no_owner: bool,
    /// True to put everything in databases into the default tablespace.
    pub no_tablespaces: bool,
    /// Which keys to use.
    pub keys: KeysWish,
    /// True to continue without the right keys.
    pub any_keys: bool,
    /// True if the application is already stopped.
    pub already_stopped: bool,
    /// True to start the application even if the restore or a check failed.
    pub start_anyway: bool,
}

impl Wishes {
    /// True if a database, or a part of one, is restored alongside the application, which is left
    /// alone.
    fn is_beside(&self) -> bool {
        self.into.is_some() || self.selection != RestoreSelection::default()
    }

    /// The flags that request a restore alongside the application.
    fn beside(&self) -> String {
        let RestoreSelection { schema, table } = &self.selection;
        let all = [("--schema", schema), ("--table", table), ("--into", &self.into)];
        let given = all.iter().filter_map(|(flag, it)| Some(format!("{flag} {}", it.as_ref()?)));
        given.collect::<Vec<_>>().join(" ")
    }
}

/// A restore with all its steps determined.
pub struct Prepared<'a> {
    context: &'a RestoreContext<'a>,
    /// What the application consists of.
    app: &'a AppFile,
    /// The targets, and the commands around the restore: the same file, or another one.
    target: &'a AppFile,
    data: &'a SnapshotInfo,
    keys: &'a Keys,
    wishes: &'a Wishes,
    parts: Vec<Part<'a>>,
    steps: Vec<Step<'a>>,
    warnings: Vec<String>,
    /// What the snapshots lack of their sources.
    incomplete: Vec<String>,
}

impl RestoreContext<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// The parts and keys of a restore.
pub struct Found<'a> {
    context: &'a RestoreContext<'a>,
    app: &'a AppFile,
    target: Option<&'a AppFile>,
    data: &'a SnapshotInfo,
    wishes: &'a Wishes,
    parts: Vec<Part<'a>>,
    keys: Keys,
    warnings: Vec<String>,
}

/// Finds the parts and the keys of a restore of `data`. With `target`, the targets and the commands
/// around the restore are those of that file.
///
/// # Errors
/// [`RestoreError`]; nothing was changed.
pub fn find<'a>(
    app: &'a AppFile,
    target: Option<&'a AppFile>,
    data: &'a SnapshotInfo,
    wishes: &'a Wishes,
    context: &'a RestoreContext<'a>,
) -> Result<Found<'a>, RestoreError> {
    let (mut parts, mut warnings) = part::parts(app, target, &wishes.only)?;
    if wishes.is_beside() {
        partial::databases_only(&mut parts, &wishes.only)?;
    }
    if target.is_some() {
        live::refuse(&parts, app, Origin { repository: context.data, snapshot: data }, context)?;
    }
    // The data needs its keys, whether or not they are restored too.
    let (all, _) = part::parts(app, target, &[])?;
    let mut keys = keys::find(context, data, &all, &wishes.keys, wishes.any_keys)?;
    warnings.append(&mut keys.warnings);
    Ok(Found { context, app, target, data, wishes, parts, keys, warnings })
}

impl<'a> Found<'a> {
    /// Determines the steps.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing was changed.
    pub fn prepare(&'a self) -> Result<Prepared<'a>, RestoreError> {
        let mut prepared = Prepared {
            context: self.context,
            app: self.app,
            target: self.target.unwrap_or(self.app),
            data: self.data,
            keys: &self.keys,
            wishes: self.wishes,
            parts: self.parts.clone(),
            steps: Vec::new(),
            warnings: self.warnings.clone(),
            incomplete: Vec::new(),
        };
        lacking::tell(&mut prepared);
        prepared.work_out()?;
        prepared.finish_across();
        Ok(prepared)
    }
}

impl<'a> Prepared<'a> {
    /// Examines the targets, and returns what would be done.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing was changed.
    pub fn plan(&self, observer: &dyn Observer) -> Result<Plan, RestoreError> {
        plan::plan(self, observer)
    }

    /// Keys come first, so that data is never there without them.
    fn work_out(&mut self) -> Result<(), RestoreError> {
        if self.wishes.is_beside() {
            for part in self.parts.clone() {
                self.add(&part)?;
            }
            return self.narrow();
        }
        let around = &self.target.restore;
        let stop = around.stop.as_ref().filter(|_| !self.wishes.already_stopped);
        self.steps.extend(stop.map(Step::Stop));
        let is_without = self.keys.snapshot.is_none() && self.keys.plan.is_some();
        self.steps.extend(is_without.then_some(Step::KeysHere));
        let parts = self.parts.clone();
        let of_class = |class: Class| parts.iter().filter(move |it| it.from.class == class);
        for part in of_class(Class::Keys) {
            self.add(part)?;
        }
        let is_database = |part: &&Part<'_>| {
            matches!(part.from.kind, SourceKind::Postgres(_) | SourceKind::Dump(_))
        };
        let is_bucket = |part: &&Part<'_>| matches!(part.from.kind, SourceKind::Bucket(_));
        for part in of_class(Class::Data).filter(is_database) {
            self.add(part)?;
        }
        for part in of_class(Class::Data).filter(is_bucket) {
            self.add(part)?;
        }
        for part in of_class(Class::Data).filter(|part| !is_database(part) && !is_bucket(part)) {
            self.add(part)?;
        }
        if self.checks().next().is_some() {
            self.steps.push(Step::Checks);
        }
        self.steps.extend(around.start.as_ref().map(Step::Start));
        let health = around.health.as_ref();
        self.steps.extend(health.map(|url| Step::Health(url, around.health_timeout)));
        self.narrow()
    }

    /// Adds the steps of one part.
    fn add(&mut self, part: &Part<'a>) -> Result<(), RestoreError> {
        let Some(origin) = self.origin(part.from) else { return Ok(()) };
        if part::record(&origin.snapshot.snapshot, part.from)?.is_none() {
            self.warnings.push(format!(
                "source {:?} is not restored: it is not in snapshot {}",
                part.name(),
                origin.snapshot.id.short()
            ));
            return Ok(());
        }
        match part.from.kind {
            SourceKind::Files(_) => self.steps.push(Step::Files(*part, origin)),
            SourceKind::Command(_) => self.steps.push(Step::Command(*part, origin)),
            SourceKind::Postgres(_) => {
                let script = database::globals_script(part, &self.origins())?;
                let is_wanted = match &part.to.kind {
                    SourceKind::Postgres(to) => to.globals != Globals::Nowhere,
                    _ => false,
                };
                let script = script.filter(|_| is_wanted);
                self.steps.extend(script.map(|script| Step::Globals(*part, script)));
                let moves = database::moves(part, origin, self.context)?;
                self.steps.extend(moves.into_iter().map(|it| Step::Database(Box::new(it))));
            }
            SourceKind::Dump(_) => {
                let moves = database::moves(part, origin, self.context)?;
                if moves.is_empty() {
                    self.steps.push(Step::Dump(*part, origin));
                }
                self.steps.extend(moves.into_iter().map(|it| Step::Database(Box::new(it))));
            }
            SourceKind::Bucket(_) => self.steps.push(Step::Objects(*part, origin)),
        }
        Ok(())
    }

    /// The snapshot that holds a source; `None` for keys that are not restored.
    fn origin(&self, source: &Source) -> Option<Origin<'a>> {
        let [data, keys] = self.both_origins();
        match source.class {
            Class::Data => data,
            Class::Keys => keys,
        }
    }

    fn both_origins(&self) -> [Option<Origin<'a>>; 2] {
        let keys = self.keys.snapshot.as_ref().zip(self.context.keys);
        [
            Some(Origin { repository: self.context.data, snapshot: self.data }),
            keys.map(|(snapshot, repository)| Origin { repository, snapshot }),
        ]
    }

    fn origins(&self) -> Vec<Origin<'a>> {
        self.both_origins().into_iter().flatten().collect()
    }

    /// The checks whose sources are all restored.
    fn checks(&self) -> impl Iterator<Item = &'a Check> {
        let app: &'a AppFile = self.app;
        let is_restored = |name: &str| self.parts.iter().any(|part| part.name() == name);
        app.checks.iter().filter(move |check| {
            let objects = match &check.kind {
                CheckKind::Objects { objects_in, .. } => is_restored(objects_in.as_str()),
                _ => true,
            };
            objects && is_restored(check.source.as_str())
        })
    }
}
