//! What a restore will do, told before anything is touched.

use std::path::Path;

use holdfast_connect::postgres::Leftovers;
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
    /// The keys, if the data need any.
    pub keys: Option<KeysPlan>,
    /// What will be done, in order.
    pub items: Vec<PlanItem>,
    /// What deserves a look, one sentence each.
    pub warnings: Vec<String>,
    /// What stands in the way: one sentence each, with the flag that allows it.
    pub refusals: Vec<String>,
    /// What was found where things go.
    #[serde(skip)]
    pub(super) agreed: Agreed,
    /// Roles that will be made before any database is.
    #[serde(skip)]
    coming: Vec<String>,
}

/// One thing that will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanItem {
    /// What it is, as in `database documenso`.
    pub name: String,
    /// What happens.
    pub effect: Effect,
    /// The same in a sentence.
    pub detail: String,
}

/// What happens to what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing stands there; it is made.
    Make,
    /// What stands there is right already and stays.
    Keep,
    /// Parts of what stands there are made or overwritten.
    Change,
    /// What stands there is replaced.
    Replace,
    /// A command runs.
    Run,
    /// Something is looked at.
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

    /// True if it touches what exists.
    pub fn touches(self) -> bool {
        matches!(self, Self::Change | Self::Replace | Self::Run)
    }
}

impl Plan {
    /// True if something that exists is touched, so that somebody must confirm it.
    pub fn needs_confirmation(&self) -> bool {
        self.items.iter().any(|item| item.effect.touches())
    }
}

/// Looks at everything that a restore would touch.
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
                let detail = "they stay, and are compared with those that the data need";
                self.push(step, Effect::Check, detail.to_owned());
            }
            Step::Globals(part, script) => {
                let report = database::roles(part, script, prepared.context)?;
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
                self.push(step, Effect::Check, format!("asks {checks} of what was restored"));
            }
            Step::Health(_, timeout) => {
                let detail = format!("waits up to {} seconds for it", timeout.as_secs());
                self.push(step, Effect::Check, detail);
            }
        }
        Ok(())
    }

    fn push(&mut self, step: &Step<'_>, effect: Effect, detail: String) {
        self.items.push(PlanItem { name: step.name(), effect, detail });
    }

    /// What restores that were killed have left of a database.
    fn leftovers(&mut self, prepared: &Prepared<'_>, name: &str, left: &Leftovers) {
        if left.is_halfway() && !prepared.wishes.overwrite.iter().any(|it| it == name) {
            let back = left.aside.iter();
            let back = back.map(|old| format!("ALTER DATABASE \"{old}\" RENAME TO \"{name}\"; "));
            self.refusals.push(format!(
                "a restore that was killed was about to replace database {name:?}, which nobody \
                 can use until that is done or undone: --yes-overwrite {name} does it, {}ALTER \
                 DATABASE \"{name}\" ALLOW_CONNECTIONS true undoes it",
                back.collect::<String>()
            ));
        }
        for left in left.unfinished.iter().chain(&left.replaced) {
            self.warnings
                .push(format!("database {left:?} was left by a restore that was killed; it goes"));
        }
        for unknown in &left.unknown {
            self.warnings.push(format!(
                "database {unknown:?} may be left by a restore of {name:?} that was killed at its \
                 start; DROP DATABASE \"{unknown}\" removes it"
            ));
        }
        for busy in &left.busy {
            self.refusals.push(format!(
                "another restore of database {name:?} is filling {busy:?}; begin when it has ended"
            ));
        }
    }

    /// The SQL of a dump is the choice of its author.
    fn foreign(&mut self, database: &database::DatabaseMove<'_>, effect: &DatabaseEffect) {
        let is_filled = !matches!(effect, DatabaseEffect::Keep | DatabaseEffect::Leave(_));
        if database.origin != Made::Here && is_filled {
            let (name, effect) = (format!("statements of dump {}", database.source), Effect::Run);
            let detail = "runs the SQL in the dump as the role that restores".to_owned();
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
            DatabaseEffect::Make => self.push(step, Effect::Make, "it does not exist".into()),
            DatabaseEffect::Fill => {
                self.push(step, Effect::Replace, "it exists with nothing in it".into());
            }
            DatabaseEffect::Keep => {
                let detail = "it is as it was captured already: rows, sequences, definitions";
                self.push(step, Effect::Keep, detail.into());
            }
            DatabaseEffect::Leave(holding) => {
                let detail = format!("it exists with {holding} and stays, whatever they are");
                self.push(step, Effect::Keep, detail);
            }
            DatabaseEffect::Refuse(holding) => {
                self.push(step, Effect::Skip, format!("it exists with {holding}"));
                self.refusals.push(format!(
                    "database {name:?} exists and holds {holding}, and a part of a database goes \
                     to a new one; --into NAME gives it another name"
                ));
            }
            DatabaseEffect::Halfway => {
                let detail = "a restore that was killed was about to replace it; it gets back what \
                              it had, and is then compared";
                self.push(step, Effect::Replace, detail.into());
            }
            DatabaseEffect::Replace(holding) => {
                let detail = format!("it exists with {holding}, and is not as in the snapshot");
                self.push(step, Effect::Replace, detail);
                if !prepared.wishes.overwrite.contains(name) {
                    self.refusals.push(format!(
                        "database {name:?} exists and holds {holding}, and is not what was \
                         captured; --yes-overwrite {name} replaces it"
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
                (false, unlike) => (Effect::Make, format!("it gets {}", unlike.join(", "))),
                (true, unlike) if unlike.is_empty() => {
                    (Effect::Keep, "nothing is to be set".into())
                }
                (true, unlike) => (Effect::Change, format!("sets {}", unlike.join(", "))),
            };
            self.items.push(PlanItem { name: format!("configuration of {place}"), effect, detail });
        }
        if moved.loses_locks() {
            self.warnings.push(format!(
                "objects of {place} that were locked come back without their locks; locks = true \
                 in [source.restore] gives them back"
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
                        (Effect::Keep, format!("{place} has them all: {all}"))
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
                (Effect::Keep, format!("{path} has them all, whatever they are: {files}"))
            }
            // Contents, owners and modes are looked at when they are restored, not here.
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
                let detail = format!("gives it to {}", argv.program());
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
                    "nothing says what takes it: [source.restore] does; holdfast dump {} --source \
                     {} {} prints it",
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
