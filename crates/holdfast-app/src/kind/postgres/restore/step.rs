//! The restore of a database, one of several that may read each other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use holdfast_connect::postgres::{DatabaseLeftovers, DatabaseRestoreOptions};

use super::across::{AcrossStep, Unfinished, unmade};
use super::database::{DatabaseEffect, DatabaseMove, DumpOrigin, sentence};
use super::roles::RolesStep;
use crate::kind::Move;
use crate::kind::step::{
    Effect, NextStep, Planning, Remark, RestoreError, RestoreStep, StepOutcome, StepRole, StepWork,
    Verified,
};

/// Letters and digits of the restore's ID in the names of databases being filled.
const RUN_LETTERS_MAX: usize = 12;

/// What the steps of all databases share.
#[derive(Default)]
pub(super) struct Peers<'a> {
    /// True if several databases are restored, which may read each other.
    pub has_peers: bool,
    /// Roles that will be created before any database.
    coming_roles: RefCell<Vec<String>>,
    /// True if the plan creates, fills or replaces a database.
    fills_any: Cell<bool>,
    /// Databases that have their rows, and are finished once all databases have theirs.
    unfinished: RefCell<Vec<Unfinished<'a>>>,
}

impl<'a> Peers<'a> {
    pub fn will_create(&self, roles: &[String]) {
        self.coming_roles.borrow_mut().extend_from_slice(roles);
    }

    pub fn fills_any(&self) -> bool {
        self.fills_any.get()
    }

    pub fn take_unfinished(&self) -> Vec<Unfinished<'a>> {
        self.unfinished.take()
    }
}

/// True for a database whose restore can be compared, and finished after the others.
fn is_captured(moved: &Move<'_>) -> bool {
    match moved {
        Move::Database(database) => database.origin != DumpOrigin::Script,
        Move::Roles(_) | Move::Step(_) => false,
    }
}

/// The steps that restore these, in their order. If there are several databases, a step that
/// finishes them follows the last one.
pub fn into_steps<'a>(moves: Vec<Move<'a>>) -> Vec<Box<dyn RestoreStep + 'a>> {
    let last = moves.iter().rposition(is_captured);
    let has_peers = moves.iter().filter(|it| is_captured(it)).count() > 1;
    let peers = Rc::new(Peers { has_peers, ..Peers::default() });
    let mut databases = Vec::new();
    let mut steps: Vec<Box<dyn RestoreStep + 'a>> = Vec::new();
    let mut roles: Vec<(usize, RolesStep<'a>)> = Vec::new();
    for (place, moved) in moves.into_iter().enumerate() {
        match moved {
            Move::Step(step) => steps.push(step),
            Move::Roles(moved) => {
                let peers = Rc::clone(&peers);
                roles.push((steps.len(), RolesStep { roles: moved, databases: Vec::new(), peers }));
            }
            Move::Database(database) => {
                let database = Rc::new(*database);
                databases.push(Rc::clone(&database));
                steps.push(Box::new(DatabaseStep {
                    database,
                    peers: Rc::clone(&peers),
                    agreed: RefCell::default(),
                }));
                if has_peers && last == Some(place) {
                    steps.push(Box::new(AcrossStep { peers: Rc::clone(&peers) }));
                }
            }
        }
    }
    // Backwards, so that the places stay right.
    for (place, mut step) in roles.into_iter().rev() {
        let of_source = databases.iter().filter(|it| it.source == step.roles.source);
        step.databases = of_source.cloned().collect();
        steps.insert(place, Box::new(step));
    }
    steps
}

/// The restore of one database.
struct DatabaseStep<'a> {
    database: Rc<DatabaseMove<'a>>,
    peers: Rc<Peers<'a>>,
    /// What the plan found.
    agreed: RefCell<Option<DatabaseEffect>>,
}

impl DatabaseStep<'_> {
    /// Reports what interrupted restores have left of the database.
    fn plan_leftovers(&self, left: &DatabaseLeftovers, planning: &mut Planning<'_>) {
        let name = &self.database.to;
        if left.is_halfway() && !planning.request().overwrite.contains(name) {
            let back = left.aside.iter();
            let back = back.map(|old| format!("ALTER DATABASE \"{old}\" RENAME TO \"{name}\"; "));
            let message = format!(
                "an interrupted restore was about to replace database {name:?}, which no one can \
                 use until that is completed or undone; {}ALTER DATABASE \"{name}\" \
                 ALLOW_CONNECTIONS true undoes it",
                back.collect::<String>()
            );
            let next = NextStep::CompleteReplacement(name.clone());
            planning.refusals.push(Remark::with(message, next));
        }
        for left in left.unfinished.iter().chain(&left.replaced) {
            planning.warn(format!(
                "database {left:?} is left over from an interrupted restore; it will be removed"
            ));
        }
        for unknown in &left.unknown {
            planning.warn(format!(
                "database {unknown:?} may be left over from a restore of {name:?} that was \
                 interrupted at its start; DROP DATABASE \"{unknown}\" removes it"
            ));
        }
        for busy in &left.busy {
            let message = format!(
                "another restore of database {name:?} is filling {busy:?}; wait until it has \
                 finished"
            );
            planning.refusals.push(message.into());
        }
    }

    /// The SQL of a dump made by another program runs as it is, which the user must confirm.
    fn plan_statements(&self, effect: &DatabaseEffect, planning: &mut Planning<'_>) {
        if self.database.origin != DumpOrigin::Own && effect.fills() {
            let name = format!("statements of dump {}", self.database.source);
            let detail = "runs the SQL in the dump as the restoring role";
            planning.push(name, Effect::Run, detail);
        }
    }

    fn plan_effect(&self, effect: DatabaseEffect, planning: &mut Planning<'_>) {
        let (step, name) = (self.name(), &self.database.to);
        match effect {
            DatabaseEffect::Make => planning.push(step, Effect::Make, "does not exist"),
            DatabaseEffect::Fill => planning.push(step, Effect::Replace, "exists and is empty"),
            DatabaseEffect::Keep => {
                let detail = "already matches the snapshot: rows, sequences, definitions";
                planning.push(step, Effect::Keep, detail);
            }
            DatabaseEffect::Leave(holding) => {
                let detail = format!("already exists ({holding}); kept without comparing");
                planning.push(step, Effect::Keep, detail);
            }
            DatabaseEffect::Refuse(holding) => {
                planning.push(step, Effect::Skip, format!("already exists ({holding})"));
                let message = format!(
                    "database {name:?} exists and holds {holding}, but a part of a database can \
                     only be restored to a new one"
                );
                planning.refusals.push(Remark::with(message, NextStep::OtherName));
            }
            DatabaseEffect::Halfway => {
                let detail = "an interrupted restore was about to replace it; its content is put \
                              back, then compared";
                planning.push(step, Effect::Replace, detail);
            }
            DatabaseEffect::Replace(holding) => {
                let detail = format!("exists ({holding}) and differs from the snapshot");
                planning.push(step, Effect::Replace, detail);
                if !planning.request().overwrite.contains(name) {
                    let message = format!(
                        "database {name:?} exists, holds {holding} and differs from the snapshot"
                    );
                    let next = NextStep::ReplaceDatabase(name.clone());
                    planning.refusals.push(Remark::with(message, next));
                }
            }
        }
    }

    fn options(&self, work: &StepWork<'_>) -> DatabaseRestoreOptions {
        let (context, request) = (work.scene.context, work.request());
        let letters = context.run.chars().filter(char::is_ascii_alphanumeric);
        let run: String = letters.take(RUN_LETTERS_MAX).collect();
        let database = &self.database;
        let mut options = DatabaseRestoreOptions::new(database.server.clone(), &database.to, run);
        options.keep_owners = !request.no_owner;
        options.keep_tablespaces = !request.no_tablespaces;
        options.has_peers = self.peers.has_peers;
        options.jobs = request.jobs.map(|jobs| (jobs, context.scratch.to_owned()));
        options
    }
}

impl RestoreStep for DatabaseStep<'_> {
    fn name(&self) -> String {
        format!("database {}", self.database.to)
    }

    fn role(&self) -> StepRole {
        StepRole::Data
    }

    fn source(&self) -> Option<&str> {
        Some(&self.database.source)
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let left = self.database.leftovers()?;
        let effect = self.database.effect(&left, planning.request())?;
        self.plan_leftovers(&left, planning);
        self.plan_statements(&effect, planning);
        if effect.is_in_use() {
            planning.agreed.use_found();
        }
        self.agreed.replace(Some(effect.clone()));
        if effect.fills() {
            self.peers.fills_any.set(true);
            let coming = self.peers.coming_roles.borrow();
            let obstacle = self.database.obstacle(planning.request(), &coming)?;
            planning.refusals.extend(obstacle);
        }
        self.plan_effect(effect, planning);
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let (database, request) = (&self.database, work.request());
        if request.only_missing
            && let DatabaseEffect::Leave(holding) =
                database.effect(&database.leftovers()?, request)?
        {
            let message = format!("already exists ({holding}); kept without comparing");
            return Ok(StepOutcome::new(message));
        }
        let may_replace = request.overwrite.contains(&database.to);
        let options = self.options(work);
        let agreed = self.agreed.borrow();
        let outcome = database.restore(agreed.as_ref(), may_replace, options.clone())?;
        work.warn(outcome.warnings);
        if let Some(sentence) = outcome.script {
            return Ok(StepOutcome::new(sentence));
        }
        let sentence = sentence(&outcome.tables);
        let name = format!("content of database {}", database.to);
        let mut verified = vec![Verified::new(name, true, sentence.clone())];
        match outcome.is_unfinished {
            true => {
                let unfinished = Unfinished::new(Rc::clone(database), options, outcome.unmade);
                self.peers.unfinished.borrow_mut().push(unfinished);
            }
            false => verified.extend(unmade(database, outcome.unmade)),
        }
        Ok(StepOutcome { message: sentence, verified })
    }
}
