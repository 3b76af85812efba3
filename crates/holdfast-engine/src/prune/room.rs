//! Pruning a full disk: unneeded packs are deleted first, and packs are rewritten in steps that fit
//! into the space freed by the previous one.

#[cfg(test)]
use super::PruneMutation;
use super::plan::PrunePlan;
use super::{MaxUnused, Prune, PruneOptions};
use crate::EngineError;
use crate::mark::LiveSet;

/// What is known about the room for rewritten packs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    /// Bytes that one step may rewrite; `None` while there was room for everything.
    step_bytes: Option<u64>,
}

impl Room {
    pub fn is_enough(self) -> bool {
        self.step_bytes.is_none()
    }
}

impl Prune<'_> {
    /// The options, without what this step has no room for and what earlier ones rewrote.
    pub(super) fn options_of_step(&self) -> PruneOptions {
        let wanted = self.options.max_repack_bytes;
        let wanted = wanted.map(|bytes| bytes.saturating_sub(self.report.bytes_moved));
        let max_repack_bytes = wanted.into_iter().chain(self.room.step_bytes).min();
        PruneOptions { max_repack_bytes, ..self.options }
    }

    /// What to delete after an attempt to rewrite packs ran out of space: unneeded packs, and what
    /// that attempt wrote.
    pub(super) fn plan_without_repacking(
        &mut self,
        live: &LiveSet,
    ) -> Result<PrunePlan, EngineError> {
        if self.room.is_enough() {
            self.note("the storage is full: deleting unneeded packs first");
        }
        self.report.out_of_space = true;
        // Index objects of packs that were written before the storage was full.
        self.refresh()?;
        let options = PruneOptions { max_unused: MaxUnused::Unlimited, ..self.options };
        let plan = self.plan(live, &options)?;
        self.report_plan(&plan);
        Ok(plan)
    }

    /// True if another step is worthwhile, after one that did or did not have room for what it
    /// wanted to write. Each step either frees something or is followed by a smaller one.
    pub(super) fn goes_on(&mut self, fits: bool, freed_bytes: u64) -> bool {
        if fits && self.room.is_enough() {
            return false;
        }
        #[cfg(test)]
        if self.mutation == PruneMutation::OneStep {
            return false;
        }
        // Some of the freed space is taken by records, index objects and the file system.
        let usable_bytes = freed_bytes / 4 * 3;
        self.room.step_bytes = Some(match (self.room.step_bytes, fits) {
            (None, _) => usable_bytes,
            (Some(step), true) => step.saturating_add(usable_bytes),
            (Some(step), false) => usable_bytes.min(step / 2),
        });
        if freed_bytes == 0 && !fits {
            self.note("there is no room to rewrite partly used packs; try again later");
        }
        freed_bytes > 0
    }
}
