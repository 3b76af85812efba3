//! The plan of a restore, made before anything is changed.

use std::path::Path;

use holdfast_connect::postgres::DatabaseLeftovers;
use holdfast_connect::words::count;
use holdfast_engine::Observer;
use jiff::Timestamp;
use serde::Serialize;

use super::agreed::{Agreed, BucketEffect};
use super::command;
use super::database::{self, DatabaseEffect, Made};
use super::files::Move;
use super::keys::KeysPlan;
use super::objects::ObjectsMove;
use super::part::Part;
use super::step::Step;
use super::tree::Origin;
use super::{Prepared, RestoreError, Wishes};
use crate::config::{CommandRestore, FilesRestore, SourceKind};

/// What a restore will do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The application.
    pub app: String,
    /// The snapshot of the data.
    pub snapshot: String,
    /// Its time.
    pub time: Timestamp,
    /// The keys, if the data needs any.
    pub keys: Option<KeysPlan>,
    /// The steps, in order.
    pub items: Vec<PlanItem>,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
    /// What prevents the restore: one sentence each, with the flag that allows it.
    pub refusals: Vec<String>,
    /// What was found at the targets.
    #[serde(skip)]
    pub(super) agreed: Agreed,
    /// Roles that will be created before any database.
    #[serde(skip)]
    coming: Vec<String>,
}

/// One step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanItem {
    /// Its name, as in `database documenso`.
    pub name: String,
    /// What happens to it.
    pub effect: Effect,
    /// The effect in a sentence.
    pub detail: String,
}

/// What happens to existing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing exists; it is created.
    Make,
    /// What exists is already correct and is kept.
    Keep,
    /// Parts of what exists are added or overwritten.
    Change,
    /// What exists is replaced.
    Replace,
    /// A command runs.
    Run,
    /// Something is checked.
    Check,
    /// Nothing can be done.
    Skip,
}

impl Effect {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Keep => "keep",
            Self::Change => "change",
            Self::Replace => "REPLACE",
            Self::Run => "run",
            Self::Check => "check",
            Self::Skip => "skip",
        }
    }

    /// True if it changes existing data.
    pub fn touches(self) -> bool {
        matches!(self, Self::Change | Self::Replace | Self::Run)
    }
}

impl Plan {
    /// True if existing data is changed, so that the user must confirm it.
    pub fn needs_confirmation(&self) -> bool {
        self.items.iter().any(|item| item.effect.touches())
    }
}

/// Examines everything that a restore would change.
pub(super) fn plan(prepared: &Prepared<'_>, observer: &dyn Observer) -> Result<Plan, RestoreError> {
    let mut plan = Plan {
        app: prepared.app.app.name.to_string(),
        snapshot: prepared.data.id.to_hex(),
        time: prepared.data.snapshot.time,
        keys: prepared.keys.plan.clone(),
        items: Vec::new(),
        warnings: prepared.warnings.clone(),
        refusals: Vec::new(),
        agreed: Agreed::default(),
        coming: Vec::new(),
    };
    for step in &prepared.steps {
        if observer.is_interrupted() {
            return Err(RestoreError::Interrupted);
        }
        plan.step(prepared, step, observer)?;
    }
    Ok(plan)
}

impl Plan {
    fn step(
        &mut self,
        prepared: &Prepared<'_>,
        step: &Step<'_>,
        observer: &dyn Observer,
    ) -> Result<(), RestoreError> {
        match step {
            Step::Stop(argv) | Step::Start(argv) => {
                let detail = format!("runs {}", argv.program());
                self.push(step, Effect::Run, detail);
            }
            Step::KeysHere => {
                let detail = "kept, and compared with those that the data needs";
                self.push(step, Effect::Check, detail.to_owned());
            }
            Step::Globals(part, script) => {
                let report = database::roles(part, script, (prepared.context, prepared.wishes))?;
                let is_missing =
                    !(report.missing_roles.is_empty() && report.missing_tablespaces.is_empty());
                let effect = if is_missing { Effect::Make } else { Effect::Keep };
                self.push(step, effect, database::sentence_of_roles(&report));
                self.coming.extend(report.missing_roles.iter().cloned());
                self.warnings.extend(database::warnings_of_roles(&report));
            }
            Step::Database(database) => {
                let left = database.leftovers()?;
                let effect = database.effect(&left, prepared.wishes)?;
                self.leftovers(prepared, &database.to, &left);
                self.foreign(database, &effect);
                self.agreed.database(database, effect.clone());
                if !matches!(effect, DatabaseEffect::Keep | DatabaseEffect::Leave(_)) {
                    self.refusals.extend(database.obstacle(prepared.wishes, &self.coming)?);
                }
                self.database(prepared, step, database, effect);
            }
            Step::Files(part, origin) => self.files(prepared, step, part, *origin, observer)?,
            Step::Command(part, origin) => {
                self.command(prepared, step, part, *origin, observer)?;
            }
            Step::Across => self.across(step),
            Step::Dump(part, origin) => {
                self.push(step, Effect::Skip, database::why_not(part, *origin)?);
            }
            Step::Objects(part, origin) => {
                let wishes = prepared.wishes;
                let moved = ObjectsMove::new(part, *origin, prepared.context, wishes.only_missing)?;
                moved.map_or(Ok(()), |moved| self.objects(step, &moved, wishes, observer))?;
            }
            Step::Checks => {
                let checks = count(prepared.checks().count() as u64, "check", "checks");
                self.push(step, Effect::Check, format!("runs {checks} on the restored data"));
            }
            Step::Health(_, timeout) => {
                let detail = format!("waits up to {} seconds for a 2xx status", timeout.as_secs());
                self.push(step, Effect::Check, detail);
            }
        }
        Ok(())
    }

    fn push(&mut self, step: &Step<'_>, effect: Effect, detail: String) {
        self.items.push(PlanItem { name: step.name(), effect, detail });
    }

    /// Only databases that are created or replaced are finished.
    fn across(&mut self, step: &Step<'_>) {
        let is_made =
            |it: &DatabaseEffect| !matches!(it, DatabaseEffect::Keep | DatabaseEffect::Leave(_));
        let has_made = self.agreed.effects().any(is_made);
        match has_made {
            true => {
                let detail =
                    "refreshes materialized views and retries objects that could not be created";
                self.push(step, Effect::Make, detail.to_owned());
            }
            false => self.push(step, Effect::Keep, "no database is created".to_owned()),
        }
    }

    /// Reports what interrupted restores have left of a database.
    fn leftovers(&mut self, prepared: &Prepared<'_>, name: &str, left: &DatabaseLeftovers) {
        if left.is_halfway() && !prepared.wishes.overwrite.iter().any(|it| it == name) {
            let back = left.aside.iter();
            let back = back.map(|old| format!("ALTER DATABASE \"{old}\" RENAME TO \"{name}\"; "));
            self.refusals.push(format!(
                "an interrupted restore was about to replace database {name:?}, which no one can \
                 use until that is completed or undone: --yes-overwrite {name} completes it, \
                 {}ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS true undoes it",
                back.collect::<String>()
            ));
        }
        for left in left.unfinished.iter().chain(&left.replaced) {
            self.warnings.push(format!(
                "database {left:?} is left over from an interrupted restore; it will be removed"
            ));
        }
        for unknown in &left.unknown {
            self.warnings.push(format!(
                "database {unknown:?} may be left over from a restore of {name:?} that was \
                 interrupted at its start; DROP DATABASE \"{unknown}\" removes it"
            ));
        }
        for busy in &left.busy {
            self.refusals.push(format!(
                "another restore of database {name:?} is filling {busy:?}; wait until it has \
                 finished"
            ));
        }
    }

    /// The SQL of a dump made by another program runs as it is, which the user must confirm.
    fn foreign(&mut self, database: &database::DatabaseMove<'_>, effect: &DatabaseEffect) {
        let is_filled = !matches!(effect, DatabaseEffect::Keep | DatabaseEffect::Leave(_));
        if database.origin != Made::Here && is_filled {
            let (name, effect) = (format!("statements of dump {}", database.source), Effect::Run);
            let detail = "runs the SQL in the dump as the restoring role".to_owned();
            self.items.push(PlanItem { name, effect, detail });
        }
    }

    fn database(
        &mut self,
        prepared: &Prepared<'_>,
        step: &Step<'_>,
        database: &database::DatabaseMove<'_>,
        effect: DatabaseEffect,
    ) {
        let name = &database.to;
        match effect {
            DatabaseEffect::Make => self.push(step, Effect::Make, "does not exist".into()),
            DatabaseEffect::Fill => {
                self.push(step, Effect::Replace, "exists and is empty".into());
            }
            DatabaseEffect::Keep => {
                let detail = "already matches the snapshot: rows, sequences, definitions";
                self.push(step, Effect::Keep, detail.into());
            }
            DatabaseEffect::Leave(holding) => {
                let detail = format!("already exists ({holding}); kept without comparing");
                self.push(step, Effect::Keep, detail);
            }
            DatabaseEffect::Refuse(holding) => {
                self.push(step, Effect::Skip, format!("already exists ({holding})"));
                self.refusals.push(format!(
                    "database {name:?} exists and holds {holding}, but a part of a database can \
                     only be restored to a new one; --into NAME gives it another name"
                ));
            }
            DatabaseEffect::Halfway => {
                let detail = "an interrupted restore was about to replace it; its content is put \
                              back, then compared";
                self.push(step, Effect::Replace, detail.into());
            }
            DatabaseEffect::Replace(holding) => {
                let detail = format!("exists ({holding}) and differs from the snapshot");
                self.push(step, Effect::Replace, detail);
                if !prepared.wishes.overwrite.contains(name) {
                    self.refusals.push(format!(
                        "database {name:?} exists, holds {holding} and differs from the \
                         snapshot; --yes-overwrite {name} replaces it"
                    ));
                }
            }
        }
    }

    fn files(
        &mut self,
        prepared: &Prepared<'_>,
        step: &Step<'_>,
        part: &Part<'_>,
        origin: Origin<'_>,
        observer: &dyn Observer,
    ) -> Result<(), RestoreError> {
        let Some((from, to)) = part.files() else { return Ok(()) };
        let tree = origin.tree(part.name())?;
        for (from, path) in from.paths.iter().zip(&to.paths) {
            let moved = prepared.file_move(&tree, from, path, to.restore);
            match moved.lacking()? {
                None => self.path(step, &moved, observer)?,
                Some(lacking) => self.push(step, Effect::Skip, lacking),
            }
        }
        Ok(())
    }

    fn objects(
        &mut self,
        step: &Step<'_>,
        moved: &ObjectsMove<'_>,
        wishes: &Wishes,
        observer: &dyn Observer,
    ) -> Result<(), RestoreError> {
        let place = moved.place();
        let is_there = moved.is_there()?;
        if let Some(configuration) = moved.configuration() {
            let (effect, detail) = match (is_there, configuration.unlike()) {
                (false, unlike) => (Effect::Make, format!("sets {}", unlike.join(", "))),
                (true, unlike) if unlike.is_empty() => (Effect::Keep, "nothing to set".into()),
                (true, unlike) => (Effect::Change, format!("sets {}", unlike.join(", "))),
            };
            self.items.push(PlanItem { name: format!("configuration of {place}"), effect, detail });
        }
        if moved.loses_locks() {
            self.warnings.push(format!(
                "locked objects of {place} are restored without their locks; locks = true in \
                 [source.restore] restores the locks"
            ));
        }
        let (effect, detail) = match is_there {
            false => {
                self.agreed.bucket(place.clone(), BucketEffect::Make);
                let count = moved.count(observer)?;
                (Effect::Make, format!("{place} does not exist; objects: {count}"))
            }
            true => {
                let report = moved.restore(true, observer)?;
                let (written, all) = (report.files_restored, report.total_files);
                let what = if wishes.only_missing { "missing" } else { "missing or different" };
                let agreed = if written == 0 { BucketEffect::Keep } else { BucketEffect::Change };
                self.agreed.bucket(place.clone(), agreed);
                match written {
                    0 => {
                        let all = count(all, "object", "objects");
                        (Effect::Keep, format!("{place} already has them all: {all}"))
                    }
                    _ => (Effect::Change, format!("{place}: {written} of {all} are {what}")),
                }
            }
        };
        self.push(step, effect, detail);
        Ok(())
    }

    fn path(
        &mut self,
        step: &Step<'_>,
        moved: &Move<'_>,
        observer: &dyn Observer,
    ) -> Result<(), RestoreError> {
        let report = moved.restore(true, observer)?;
        let (path, files, written) =
            (moved.to.display(), report.total_files, report.files_restored);
        let is_there = moved.to.symlink_metadata().is_ok();
        match is_there {
            true => self.agreed.present(moved.to),
            false => self.agreed.absent(moved.to),
        }
        let (effect, detail) = match (is_there, written) {
            (false, _) => (Effect::Make, format!("{path} does not exist; files: {files}")),
            (true, 0) if moved.only_missing => {
                let files = count(files, "file", "files");
                (
                    Effect::Keep,
                    format!("{path} already has them all: {files}; kept without comparing"),
                )
            }
            // Contents, owners and modes are compared by the restore itself, not here.
            (true, 0) => {
                let detail = format!(
                    "{path} looks unchanged by size and time; contents are compared, and \
                     differences overwritten"
                );
                (Effect::Change, detail)
            }
            (true, _) => {
                let what = if moved.only_missing { "are missing" } else { "are missing or differ" };
                let files = count(files, "file", "files");
                let detail = format!("{path} exists; {written} of {files} {what}");
                (Effect::Change, detail)
            }
        };
        self.push(step, effect, detail);
        Ok(())
    }

    fn command(
        &mut self,
        prepared: &Prepared<'_>,
        step: &Step<'_>,
        part: &Part<'_>,
        origin: Origin<'_>,
        observer: &dyn Observer,
    ) -> Result<(), RestoreError> {
        let SourceKind::Command(output) = &part.to.kind else { return Ok(()) };
        match &output.restore {
            Some(CommandRestore::Command(argv)) if prepared.wishes.only_missing => {
                self.push(step, Effect::Skip, command::not_asked(argv));
                Ok(())
            }
            Some(CommandRestore::Command(argv)) => {
                let detail = format!("passes it to {} on standard input", argv.program());
                self.push(step, Effect::Run, detail);
                Ok(())
            }
            Some(CommandRestore::File(to)) => {
                let tree = origin.tree(part.name())?;
                let from = command::path(part);
                let rules = FilesRestore::default();
                self.path(step, &prepared.file_move(&tree, Path::new(&from), to, rules), observer)
            }
            None => {
                let detail = format!(
                    "no target is set: add file or command to [source.restore], or run holdfast \
                     dump {} --source {} {}",
                    origin.snapshot.id.short(),
                    part.name(),
                    command::path(part)
                );
                self.push(step, Effect::Skip, detail);
                Ok(())
            }
        }
    }
}
