//! Deleting what no snapshot needs, while backups run (`docs/format.md`, section 11).
//!
//! Whether it is worthwhile is estimated first ([`due`]). The steps, one file each: find out how
//! much of each pack is in use ([`census`]), choose ([`plan`]), move what is needed out of packs to
//! be deleted ([`repack`]), announce it in the generation chain, unless a backup must be waited for
//! ([`pins`]), and fence every writer's chain ([`condemn`]), look again and keep what a late
//! snapshot needs ([`rescue`]), decide ([`sweep`]), delete ([`delete`]). On a full disk this is
//! done in steps ([`room`]).
//!
//! Everything before the sweep record can be repeated or dropped, everything after it is only
//! repeated. So an interrupted prune loses nothing, and the next one continues from the records.

mod census;
mod condemn;
mod delete;
mod differences;
mod due;
mod options;
mod orphans;
mod pins;
mod plan;
mod repack;
mod rescue;
mod room;
mod sessions;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use holdfast_backend::BackendError;
use holdfast_repo::history::OpenCondemn;
use holdfast_repo::index::Missing;
use holdfast_repo::{RepoError, Repository, SnapshotInfo};

use crate::mark::{self, LiveSet};
use crate::{EngineError, EngineEvent, Observer};
pub use options::{Abandoned, MaxUnused, PruneOptions, PruneReport, Waiting};
use pins::Pin;
use repack::Targets;
use room::Room;

/// How often a prune starts again because another one was at work.
const ROUNDS_MAX: usize = 8;

/// Deliberate bugs: tests show that each is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PruneMutation {
    /// None.
    #[default]
    None,
    /// Writers' chains are not fenced.
    #[cfg(test)]
    NoFences,
    /// What is needed is not computed again after the fences.
    #[cfg(test)]
    LiveSetBeforeFences,
    /// Packs are deleted before the record exists.
    #[cfg(test)]
    DeleteBeforeSweep,
    /// A copy counts although its pack is deleted too.
    #[cfg(test)]
    CopiesInCondemnedPacksCount,
    /// Copies are assumed to exist without asking the storage.
    #[cfg(test)]
    CopiesAreBelieved,
    /// A pack is deleted if the index has nothing needed in it, without reading the pack.
    #[cfg(test)]
    IndexIsBelieved,
    /// The local cache is trusted as the index.
    #[cfg(test)]
    CacheIsBelieved,
    /// On a full disk there is only one step.
    #[cfg(test)]
    OneStep,
    /// Backups that had to start again are not waited for.
    #[cfg(test)]
    PinsAreIgnored,
    /// Backups that do not come back are waited for without end.
    #[cfg(test)]
    PinsAreNeverGivenUp,
    /// The record of a sweep does not name the index objects that it wrote.
    #[cfg(test)]
    NewIndexIsNotNamed,
    /// What is missing because of another prune is an error.
    #[cfg(test)]
    OthersAreErrors,
}

/// Deletes what no snapshot needs, as far as `options` ask for it.
///
/// # Errors
/// Anything in the repository that cannot be read ends it before anything is deleted.
/// [`EngineError::Interrupted`]: the next prune continues.
pub fn prune(
    repository: &Repository,
    options: &PruneOptions,
    observer: &dyn Observer,
) -> Result<PruneReport, EngineError> {
    run(repository, options, observer, PruneMutation::None)
}

pub(crate) fn run(
    repository: &Repository,
    options: &PruneOptions,
    observer: &dyn Observer,
    mutation: PruneMutation,
) -> Result<PruneReport, EngineError> {
    repository.reread_history()?;
    let mut prune = Prune {
        repository,
        options: *options,
        observer,
        report: PruneReport::default(),
        room: Room::default(),
        steps: repository.history().prune_steps(),
        pins_given_up: BTreeSet::new(),
        mutation,
    };
    let (mut overtaken, mut begins) = (0, true);
    while overtaken < ROUNDS_MAX {
        begins = match prune.turn(begins) {
            Ok(Round::Done) => return Ok(prune.report),
            Ok(Round::Step) => false,
            Ok(Round::Overtaken) => true,
            Err(error) if prune.was_overtaken(&error)? => true,
            Err(error) => return Err(error),
        };
        overtaken += usize::from(begins);
    }
    prune.note("other prunes kept interfering; run prune again when they are done");
    Ok(prune.report)
}

/// Result of a round.
enum Round {
    /// Nothing is left to do.
    Done,
    /// Space was freed on a full disk, so more can be done.
    Step,
    /// Another prune was at work at the same time, and everything must be examined again.
    Overtaken,
}

/// A prune in progress.
struct Prune<'a> {
    repository: &'a Repository,
    options: PruneOptions,
    observer: &'a dyn Observer,
    report: PruneReport,
    room: Room,
    /// Number of prune steps that this one knows of: those that it found, and its own.
    steps: u64,
    /// Pins that were waited for long enough.
    pins_given_up: BTreeSet<Pin>,
    mutation: PruneMutation,
}

impl Prune<'_> {
    /// A round; if it `begins`, unfinished work is completed first.
    fn turn(&mut self, begins: bool) -> Result<Round, EngineError> {
        if begins {
            self.resume()?;
        }
        self.round()
    }

    /// True if the reason may be that another prune took a step in the meantime.
    fn was_overtaken(&self, error: &EngineError) -> Result<bool, EngineError> {
        let may_be_outdated = match error {
            EngineError::Repo(error) => error.may_be_outdated(),
            EngineError::IndexGap { .. } => true,
            _ => false,
        };
        #[cfg(test)]
        if self.mutation == PruneMutation::OthersAreErrors {
            return Ok(false);
        }
        if !may_be_outdated {
            return Ok(false);
        }
        self.repository.refresh()?;
        Ok(self.repository.history().prune_steps() != self.steps)
    }

    /// Finishes what an earlier prune started.
    fn resume(&mut self) -> Result<(), EngineError> {
        self.steps = self.repository.history().prune_steps();
        self.refresh()?;
        self.steps = self.repository.history().prune_steps();
        if self.options.dry_run {
            return Ok(());
        }
        let condemn = self.repository.history().condemn().cloned();
        if let Some(condemn) = condemn {
            self.report.resumed = true;
            self.rebuild_index()?;
            self.finish(&condemn, &Targets::default(), None)?;
        }
        Ok(self.delete_leftovers()?)
    }

    /// Chooses packs and removes them.
    fn round(&mut self) -> Result<Round, EngineError> {
        if self.room.is_enough() && !self.is_due()? {
            return Ok(Round::Done);
        }
        if !self.options.dry_run && self.gives_way()? {
            return Ok(Round::Done);
        }
        self.rebuild_index()?;
        let steps = self.repository.history().prune_steps();
        let moment = self.moment();
        let live = self.live(None)?;
        let mut plan = self.plan(&live, &self.options_of_step())?;
        self.report_plan(&plan);
        if self.options.dry_run {
            return Ok(Round::Done);
        }
        let before_bytes = self.report.bytes_deleted;
        let (mut targets, mut fits) = (Targets::default(), true);
        if !plan.repack.is_empty() {
            self.check_interrupt()?;
            match self.repack(&plan, &live) {
                Err(error) if is_out_of_space(&error) => {
                    fits = false;
                    plan = self.plan_without_repacking(&live)?;
                }
                outcome => targets = outcome?,
            }
            self.report.packs_repacked += plan.repack.len() as u64;
        }
        if !plan.is_empty() {
            self.check_interrupt()?;
            let condemn = match self.condemn(&plan, &targets, steps) {
                Err(error) if is_full(&error) && plan.shorten() => {
                    fits = false;
                    self.condemn(&plan, &targets, steps)?
                }
                outcome => outcome?,
            };
            let Some(condemn) = condemn else { return Ok(Round::Overtaken) };
            self.report.packs_adopted += plan.orphans.len() as u64;
            self.steps += 1;
            self.finish(&condemn, &targets, Some(live))?;
        }
        let orphans: u64 = plan.orphans.iter().map(|orphan| orphan.bytes).sum();
        if self.goes_on(fits, self.report.bytes_deleted - before_bytes + orphans) {
            return Ok(Round::Step);
        }
        self.remember(moment)?;
        Ok(Round::Done)
    }

    /// From a condemnation to its end. `before` is what was needed before the fences.
    fn finish(
        &mut self,
        condemn: &OpenCondemn,
        targets: &Targets,
        before: Option<LiveSet>,
    ) -> Result<(), EngineError> {
        self.fence(condemn)?;
        self.check_interrupt()?;
        self.refresh()?;
        let live = self.live(before)?;
        let verdict = self.rescue(condemn, targets, &live)?;
        self.check_interrupt()?;
        #[cfg(test)]
        if self.mutation == PruneMutation::DeleteBeforeSweep {
            self.delete_packs(&verdict.swept)?;
        }
        if let Some(replaced) = self.sweep(condemn, &verdict)? {
            self.steps += 1;
            self.delete(&replaced, &verdict)?;
        }
        self.refresh()
    }

    /// Marks what all snapshots that are not forgotten need, in addition to what was marked
    /// `before`.
    ///
    /// After the fences, the snapshots before them would be enough: later ones have seen the
    /// condemnation. Marking all is simpler and only ever keeps more.
    fn live(&mut self, before: Option<LiveSet>) -> Result<LiveSet, EngineError> {
        let snapshots: Vec<SnapshotInfo> = self.repository.history().snapshots();
        let known = before.as_ref().map_or(0, LiveSet::nodes);
        let live = match before {
            #[cfg(test)]
            Some(before) if self.mutation == PruneMutation::LiveSetBeforeFences => before,
            Some(before) => mark::extend(self.repository, before, &snapshots, self.observer)?,
            None => mark::mark(self.repository, &snapshots, self.observer)?,
        };
        self.report.nodes_read += live.nodes() - known;
        Ok(live)
    }

    /// Rebuilds the index from the objects: nothing is deleted because of a cache.
    fn rebuild_index(&self) -> Result<(), EngineError> {
        #[cfg(test)]
        if self.mutation == PruneMutation::CacheIsBelieved {
            return Ok(());
        }
        self.refuse_gaps(&self.repository.rebuild_index()?)
    }

    /// Reads what is new, and refuses to continue if anything is missing.
    fn refresh(&self) -> Result<(), EngineError> {
        self.refuse_gaps(&self.repository.refresh()?)
    }

    fn refuse_gaps(&self, missing: &Missing) -> Result<(), EngineError> {
        if let Some(name) = missing.index_objects.first() {
            let (object, reason) = (name.clone(), "it is missing or cannot be read");
            return Err(EngineError::IndexGap { object, reason });
        }
        if let Some(name) = missing.packs.first() {
            let (object, reason) = (name.clone(), "its directory cannot be read");
            return Err(EngineError::IndexGap { object, reason });
        }
        match self.repository.history().damaged().next() {
            Some(record) => Err(RepoError::damaged(&record.object, &record.reason).into()),
            None => Ok(()),
        }
    }

    fn check_interrupt(&self) -> Result<(), EngineError> {
        if self.observer.is_interrupted() { Err(EngineError::Interrupted) } else { Ok(()) }
    }

    fn note(&self, message: &str) {
        self.observer.event(EngineEvent::Note { message });
    }
}

fn is_out_of_space(error: &EngineError) -> bool {
    matches!(error, EngineError::Repo(error) if is_full(error))
}

fn is_full(error: &RepoError) -> bool {
    matches!(error, RepoError::Backend(BackendError::NoSpace { .. }))
}
